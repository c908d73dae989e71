"""Coily hair: turns too tight for a guide's vertices, wound about the children.

A rod needs eight vertices a turn, so that guides of 20 vertices cannot hold a turn of 2 cm. A coily groom's
guides carry the shape of the lock, and its hairs wind about them: where the lock goes, its coils go.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache

import numpy as np

from hairsim.errors import CombwiseError

POINTS_PER_TURN = 8
MOST_POINTS = 256
"""Points of a child at most; longer hair has fewer a turn."""


@dataclass(frozen=True)
class Coil:
    """How the hairs of a groom wind about their locks.

    Attributes:
        radius: of the helix [m].
        turn: length of hair in one turn [m], more than 2 pi radius.
        frizz: 0..1, how much the hairs of one lock differ in radius, turn and phase, and stray from it.
        onset: length of lock over which the coil develops from the root [m].
    """

    radius: float
    turn: float
    frizz: float = 0.3
    onset: float = 0.012

    def __post_init__(self) -> None:
        if not (0.0 < self.radius < 0.02 and 1.02 * 2.0 * np.pi * self.radius < self.turn < 0.2):
            raise CombwiseError(
                f"a coil of radius {self.radius} m and {self.turn} m of hair a turn cannot be wound; "
                "expected a radius of up to 0.02 m and a turn of more than 2 pi radius"
            )
        if not (0.0 <= self.frizz <= 1.0 and self.onset > 0.0):
            raise CombwiseError(
                f"coil frizz is {self.frizz} and onset {self.onset} m; expected 0 .. 1 and more than 0"
            )

    @property
    def pitch(self) -> float:
        """Advance of one turn along the lock [m]."""
        return float(np.sqrt(self.turn**2 - (2.0 * np.pi * self.radius) ** 2))

    @property
    def shrinkage(self) -> float:
        """Length of the lock over that of its hairs, stretched out."""
        return self.pitch / self.turn


@dataclass(frozen=True)
class Winding:
    """The coils of N children, relative to their centre lines.

    Attributes:
        points: of every child once wound, M.
        radius: [N] float32 [m].
        turns: [N] float32, over the whole length at rest; a coil stays on its hair when the lock bends.
        phase: [N] float32 [rad].
        onset: [N] float32, part of the length over which the coil develops.
        normal: [N, 3] float32, from which the angle is counted at the root; across the root's rest heading.
        stray: [N, 3] float32 [m], how far a frizzy hair has left its lock at the tip.
    """

    points: int
    radius: np.ndarray
    turns: np.ndarray
    phase: np.ndarray
    onset: np.ndarray
    normal: np.ndarray
    stray: np.ndarray

    def wound(self, line: np.ndarray) -> np.ndarray:
        """Return hairs [N, M, 3] float32 [m] wound about centre lines [N, V, 3] in any pose.

        The frame is carried along the line without twist, from the root, which the follicle holds.
        """
        place, slope = _spline(line.shape[1], self.points)
        tangent = _unit(np.gradient(line, axis=1))
        centre, heading = place @ line, _unit(slope @ line)
        first = _unit(place @ _carried(self.normal, tangent))
        first = _unit(first - np.sum(first * heading, axis=-1, keepdims=True) * heading)
        second = np.cross(heading, first)
        along = np.linspace(0.0, 1.0, self.points, dtype=np.float32)
        ramp = np.clip(along / self.onset[:, None], 0.0, 1.0)
        radius = self.radius[:, None] * ramp * ramp * (3.0 - 2.0 * ramp)
        angle = np.float32(2.0 * np.pi) * self.turns[:, None] * along + self.phase[:, None]
        stray = (along * along)[None, :, None] * self.stray[:, None]
        wound = centre + stray
        wound += (radius * np.cos(angle))[..., None] * first
        wound += (radius * np.sin(angle))[..., None] * second
        return wound.astype(np.float32)


def wind(coil: Coil, line: np.ndarray, lock: np.ndarray, rng: np.random.Generator) -> Winding:
    """Draw the coils of children about their centre lines at rest.

    Args:
        coil: of the groom.
        line: [N, V, 3] [m], children before they are wound, at rest.
        lock: [N] int, which guide each follows most; one lock's hairs coil together.
        rng: draws what is irregular.
    """
    count = len(line)
    length = np.linalg.norm(np.diff(line.astype(np.float64), axis=1), axis=-1).sum(axis=1)
    locks = int(lock.max()) + 1

    def varied(of_lock: float, own: float) -> np.ndarray:
        spread = of_lock * rng.standard_normal(locks)[lock] + own * coil.frizz * rng.standard_normal(count)
        return np.clip(1.0 + spread, 0.5, 1.6)

    pitch = coil.pitch * varied(0.10, 0.12)
    phase = 2.0 * np.pi * rng.random(locks)[lock] + coil.frizz * rng.standard_normal(count)
    side = np.where(rng.random(locks) < 0.5, -1.0, 1.0)[lock]  # locks wind either way
    turns = length / pitch
    points = int(np.clip(np.ceil(POINTS_PER_TURN * np.quantile(turns, 0.95)) + 1, line.shape[1], MOST_POINTS))
    heading = _unit(line[:, 1] - line[:, 0])
    normal = rng.standard_normal((locks, 3))[lock]
    normal = normal - np.sum(normal * heading, axis=1, keepdims=True) * heading
    stray = rng.standard_normal((count, 3)) * (1.5 * coil.frizz * coil.radius)
    return Winding(
        points=points,
        radius=(coil.radius * varied(0.10, 0.35)).astype(np.float32),
        turns=(side * turns).astype(np.float32),
        phase=phase.astype(np.float32),
        onset=np.clip(coil.onset / np.maximum(length, 1e-6), 1e-3, 1.0).astype(np.float32),
        normal=_unit(normal).astype(np.float32),
        stray=stray.astype(np.float32),
    )


def _carried(normal: np.ndarray, tangent: np.ndarray) -> np.ndarray:
    """Carry normals [N, 3] along lines of tangents [N, V, 3] without twist, [N, V, 3]: parallel transport
    [Bergou2008], each rotation from one tangent to the next as two mirrors.
    """
    frames = np.empty_like(tangent)
    frames[:, 0] = _across(normal, tangent[:, 0])
    for vertex in range(1, tangent.shape[1]):
        before, after = tangent[:, vertex - 1], tangent[:, vertex]
        between = _unit(before + after)
        carried = frames[:, vertex - 1]
        carried = carried - 2.0 * np.sum(carried * between, axis=1, keepdims=True) * between
        carried = carried - 2.0 * np.sum(carried * after, axis=1, keepdims=True) * after
        frames[:, vertex] = _across(carried, after)
    return frames


def _across(vector: np.ndarray, axis: np.ndarray) -> np.ndarray:
    return _unit(vector - np.sum(vector * axis, axis=-1, keepdims=True) * axis)


@cache
def _spline(vertices: int, points: int) -> tuple[np.ndarray, np.ndarray]:
    """Return weights [M, V] float32 of a Catmull-Rom curve [CatmullRom1974] at even points, and its slope."""
    at = np.linspace(0.0, vertices - 1.0, points)
    edge = np.minimum(at.astype(int), vertices - 2)
    t = at - edge
    place = 0.5 * np.stack(
        [-t + 2 * t**2 - t**3, 2 - 5 * t**2 + 3 * t**3, t + 4 * t**2 - 3 * t**3, t**3 - t**2]
    )
    slope = 0.5 * np.stack(
        [-1 + 4 * t - 3 * t**2, -10 * t + 9 * t**2, 1 + 8 * t - 9 * t**2, 3 * t**2 - 2 * t]
    )
    extended = np.zeros((vertices + 2, vertices))  # one vertex more at each end, in line with the last edge
    extended[1:-1] = np.eye(vertices)
    extended[0, :2], extended[-1, -2:] = (2.0, -1.0), (-1.0, 2.0)
    rows = extended[edge[:, None] + np.arange(4)]
    found = [np.einsum("km,mkv->mv", weights, rows).astype(np.float32) for weights in (place, slope)]
    for array in found:
        array.flags.writeable = False
    return found[0], found[1]


def _unit(vector: np.ndarray) -> np.ndarray:
    return vector / np.maximum(np.linalg.norm(vector, axis=-1, keepdims=True), 1e-12)
