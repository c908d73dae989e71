"""What the supervisor is told: timestamped measurements, as plain numbers."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import NamedTuple

Vector = tuple[float, float, float]


class ForceSample(NamedTuple):
    """Force and torque on the comb by the hair and head, head axes [N, N m], ROS time [s].

    `raw` are the sensor's own six numbers: in head axes a dead one's would change as the comb turns.
    """

    stamp: float
    force: Vector
    torque: Vector
    raw: tuple[float, ...] | None = None


class JointSample(NamedTuple):
    """Measured joint positions [rad] and speeds [rad/s], ROS time [s]."""

    stamp: float
    positions: tuple[float, ...]
    velocities: tuple[float, ...]


class ToolSample(NamedTuple):
    """Where the comb is, by kinematics from measured joints, head frame, ROS time [s].

    `points` are what keep-out zones ask: both ends of every tooth and the handle [m]. `outward` is the skin's
    unit normal under the comb, `skin` its distance from the skin [m].
    """

    stamp: float
    position: Vector
    velocity: Vector
    points: tuple[Vector, ...]
    outward: Vector
    skin: float


class HeadSample(NamedTuple):
    """Measured head pose: position [m] and quaternion (x, y, z, w) in the base frame, ROS time [s]."""

    stamp: float
    position: Vector
    quaternion: tuple[float, float, float, float]


class SetPoint(NamedTuple):
    """Where the controller was told to be at a time: joint positions [rad], ROS time [s]."""

    stamp: float
    positions: tuple[float, ...]


@dataclass(frozen=True)
class JointRange:
    """A joint's name and its ends [rad]."""

    name: str
    lower: float
    upper: float


def finite(*values: float) -> bool:
    """Say whether all values are numbers: NaN and infinity are never good news here."""
    return all(math.isfinite(value) for value in values)


def norm(vector: Vector) -> float:
    """Return the length of a vector."""
    return math.sqrt(dot(vector, vector))


def dot(first: Vector, second: Vector) -> float:
    """Return the dot product."""
    return first[0] * second[0] + first[1] * second[1] + first[2] * second[2]


def minus(first: Vector, second: Vector) -> Vector:
    """Return the difference of two vectors."""
    return (first[0] - second[0], first[1] - second[1], first[2] - second[2])
