"""Simple things to experiment on: floors, rods, curls, single teeth."""

from __future__ import annotations

import numpy as np

from hairsim.groom.groom import Groom
from hairsim.head.head import DistanceField, Head, Scalp
from hairsim.tools.tool import Tool, ToolPath

NOWHERE = np.zeros((1, 3), np.float32)


def floor(height: float = -0.55) -> Head:
    """Return a level floor at `height` [m] as a head."""
    spacing, origin, shape = 0.01, (-0.3, -0.3, -0.6), (61, 61, 81)
    z = origin[2] + spacing * np.arange(shape[2]) - height
    values = np.broadcast_to(z, shape).astype(np.float32).copy()
    return Head(DistanceField(values, origin, spacing), Scalp(NOWHERE, NOWHERE), "floor", (0.0, 0.0, -0.5))


def groom(strands: np.ndarray, name: str) -> Groom:
    """Return strands [S, V, 3] [m] as single hairs."""
    return Groom(strands.astype(np.float32), np.ones(len(strands), np.float32), name, "test")


def clamped_rods(
    vertices: int, length: float, direction: tuple[float, float, float], count: int = 1
) -> Groom:
    """Return straight rods 5 cm apart in y whose free length starts mid-way on the held edge."""
    edge = length / (vertices - 1.5)
    along = np.arange(vertices)[:, None] * edge * np.asarray(direction)
    start = np.stack([np.zeros(count), 0.05 * np.arange(count), np.zeros(count)], axis=-1)
    return groom(start[:, None] + along, "rods")


def bundle(
    vertices: int,
    length: float,
    direction: tuple[float, float, float],
    *,
    rows: int,
    columns: int,
    apart: float,
) -> Groom:
    """Return straight rods side by side, `rows` along x and `columns` along y, `apart` [m]."""
    edge = length / (vertices - 1.5)
    along = np.arange(vertices)[:, None] * edge * np.asarray(direction)
    x, y = np.meshgrid(apart * np.arange(rows), apart * (np.arange(columns) - 0.5 * (columns - 1)))
    start = np.stack([x.ravel(), y.ravel(), np.zeros(rows * columns)], axis=-1)
    return groom(start[:, None] + along, "a bundle of rods")


def curl(turns: float, vertices: int, radius: float, pitch: float) -> Groom:
    """Return one helix that hangs from its root."""
    turn = np.linspace(0.0, 2.0 * np.pi * turns, vertices)
    points = [radius * np.cos(turn), radius * np.sin(turn), -pitch * turn / (2.0 * np.pi)]
    return groom(np.stack(points, axis=-1)[None], "curl")


def over_tooth(reach: float, rise: float, tail: float, edge: float) -> np.ndarray:
    """Return one hair [V, 3] [m] that rises from its root, goes over a tooth along y at the origin and hangs.

    Args:
        reach: distance of the hair from the tooth's axis [m].
        rise: of the root below the axis; tail: hanging length on the other side; edge: of the strand [m].
    """
    arc = np.pi * reach
    s = edge * np.arange(int((rise + arc + tail) / edge))
    angle = np.clip((s - rise) / reach, 0.0, np.pi)
    beyond = np.clip(s - rise - arc, 0.0, None)
    z = np.minimum(s, rise) - rise + reach * np.sin(angle) - beyond
    return np.stack([-reach * np.cos(angle), np.zeros_like(s), z], axis=-1)


def rod_tool(radius: float, half_width: float = 0.05) -> Tool:
    """Return a single tooth along the tool's y axis."""
    return Tool(
        "tooth",
        np.array([[0.0, -half_width, 0.0]], np.float32),
        np.array([[0.0, half_width, 0.0]], np.float32),
        np.array([radius], np.float32),
    )


def straight_path(start: np.ndarray, end: np.ndarray, seconds: float) -> ToolPath:
    """Return a path along a line at constant speed, the tool's axes those of the head frame."""
    times = np.linspace(0.0, seconds, 50)
    share = (times / seconds)[:, None]
    quaternions = np.tile([0.0, 0.0, 0.0, 1.0], (50, 1))
    return ToolPath(times, start * (1.0 - share) + end * share, quaternions, (0, 49))
