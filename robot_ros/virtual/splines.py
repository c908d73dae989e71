"""Splines between trajectory points, as ros2_controllers' joint_trajectory_controller draws them.

Between two points the polynomial has the degree that their data allow: positions alone give a straight line,
velocities a cubic, accelerations as well a quintic.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True)
class Point:
    """A trajectory point: seconds from the start, and [J] positions, velocities, accelerations or None."""

    time: float
    positions: np.ndarray
    velocities: np.ndarray | None = None
    accelerations: np.ndarray | None = None


def between(first: Point, second: Point, time: float) -> Point:
    """Return the state at a time from `first` to `second`, clamped to them."""
    length = second.time - first.time
    if length <= 0.0 or time >= second.time:
        return _complete(second, time)
    t = max(time - first.time, 0.0)
    rows = [first.positions, second.positions]
    if first.velocities is None or second.velocities is None:
        slope = (rows[1] - rows[0]) / length
        return Point(time, rows[0] + slope * t, slope, np.zeros_like(slope))
    ends = [(first.positions, first.velocities), (second.positions, second.velocities)]
    if first.accelerations is not None and second.accelerations is not None:
        ends = [(*ends[0], first.accelerations), (*ends[1], second.accelerations)]
    return _polynomial(_coefficients(ends, length), t, time)


def _coefficients(ends: list[tuple[np.ndarray, ...]], length: float) -> np.ndarray:
    """Return [degree + 1, J] rising powers of the Hermite polynomial between two ends."""
    order = len(ends[0])
    count = 2 * order
    rows, values = [], []
    for end, time in zip(ends, (0.0, length), strict=True):
        for derivative in range(order):
            row = np.zeros(count)
            for power in range(derivative, count):
                factor = np.prod(np.arange(power - derivative + 1, power + 1)) if derivative else 1.0
                row[power] = factor * time ** (power - derivative)
            rows.append(row)
            values.append(end[derivative])
    return np.linalg.solve(np.array(rows), np.array(values))


def _polynomial(coefficients: np.ndarray, t: float, time: float) -> Point:
    powers = np.arange(len(coefficients))
    value = (t**powers) @ coefficients
    first = (powers[1:] * t ** powers[:-1]) @ coefficients[1:]
    second = (powers[2:] * powers[1:-1] * t ** powers[:-2]) @ coefficients[2:]
    return Point(time, value, first, second)


def _complete(point: Point, time: float) -> Point:
    """Return a point at rest: what a trajectory means after its end."""
    nothing = np.zeros_like(point.positions)
    return Point(time, point.positions, nothing, nothing)
