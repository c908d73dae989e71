"""Where a comb's capsules are at every step, as the contact kernels read it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import warp as wp
from scipy.spatial.transform import Rotation

from hairsim.errors import CombwiseError
from hairsim.physics.arrays import CombMotion
from hairsim.tools.stroke_path import poses_at
from hairsim.tools.tool import Tool, ToolPath

AWAY = 100.0
"""Coordinates of a comb that is not there [m]."""


def comb_motion(
    paths: Sequence[ToolPath | None], tools: Sequence[Tool], steps: int, time_step: float, device: str
) -> Any:
    """Return the `CombMotion` of each world's tool along its path; where there is none, far away."""
    times = (np.arange(steps) + 1) * time_step
    moved: list[np.ndarray | None] = []
    for path, tool in zip(paths, tools, strict=True):
        if path is None or path.times[-1] < time_step:
            moved.append(None)
            continue
        there = times[times <= path.times[-1]]
        moved.append(capsules_at(tool, *poses_at(path, there)))
    return motion_of(moved, tools, steps, device)


def capsules_at(tool: Tool, position: np.ndarray, quaternion: np.ndarray) -> np.ndarray:
    """Return the ends [2, T, C, 3] of the tool's capsules at poses [T, 3], [T, 4]."""
    rotation = Rotation.from_quat(quaternion).as_matrix()
    ends = np.stack([tool.start, tool.end])
    return np.einsum("tij,ecj->etci", rotation, ends) + position[:, None]


def motion_of(moved: Sequence[np.ndarray | None], tools: Sequence[Tool], steps: int, device: str) -> Any:
    """Return the `CombMotion` of tools whose capsules are at given places first and then away.

    Args:
        moved: per world the ends [2, T, C, 3] of its tool's capsules [m], for at most `steps` steps; None is
            away.
        tools: one per world.
        steps: T of the motion.
        device: Warp device.
    """
    worlds, capsules = len(tools), max(len(tool.radius) for tool in tools)
    start = np.full((steps, worlds, capsules, 3), AWAY, np.float32)
    end = np.full_like(start, AWAY + 0.1)
    centre = np.full((steps, worlds, 3), AWAY + 0.05, np.float32)
    radius = np.zeros((worlds, capsules), np.float32)
    for world, (ends, tool) in enumerate(zip(moved, tools, strict=True)):
        count = len(tool.radius)
        radius[world, :count] = tool.radius
        if ends is None or not ends.shape[1]:
            continue
        there = ends.shape[1]
        start[:there, world, :count], end[:there, world, :count] = ends
        corners = np.concatenate([ends[0], ends[1]], axis=1)
        centre[:there, world] = 0.5 * (corners.min(axis=1) + corners.max(axis=1))
    motion = CombMotion()
    motion.start = wp.array(start, dtype=wp.vec3, device=device)
    motion.end = wp.array(end, dtype=wp.vec3, device=device)
    motion.radius = wp.array(radius, dtype=float, device=device)
    motion.count = wp.array([len(tool.radius) for tool in tools], dtype=int, device=device)
    motion.centre = wp.array(centre, dtype=wp.vec3, device=device)
    motion.reach = wp.array([_reach(tool) for tool in tools], dtype=float, device=device)
    return motion


def _reach(tool: Tool) -> float:
    """Return the radius [m] of a sphere around all capsules of a tool."""
    size = np.concatenate([tool.start, tool.end])
    middle = 0.5 * (size.min(axis=0) + size.max(axis=0))
    return float(np.linalg.norm(size - middle, axis=-1).max() + tool.radius.max() + 0.02)


def tool_per_world(tools: Tool | Sequence[Tool], worlds: int) -> tuple[Tool, ...]:
    """Return the tool of every world, given one for all or one each.

    Raises:
        CombwiseError: another number of tools than of worlds.
    """
    each = (tools,) * worlds if isinstance(tools, Tool) else tuple(tools)
    if len(each) != worlds:
        raise CombwiseError(f"{len(each)} tools for {worlds} worlds; expected one, or one per world")
    return each
