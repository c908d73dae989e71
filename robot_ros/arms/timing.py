"""From a smooth way through joint space to a timed one: jerk-limited, at rest at both ends.

The way is q(s), s in metres of comb travel. One number, s, is moved by ruckig from 0 to its end under limits
on its speed v, acceleration a and jerk j that are chosen so that every joint keeps its own limits,

    |q' v| <= speed,   |q'' v^2| + |q' a| <= acceleration,   |q''' v^3| + 3 |q'' v a| + |q' j| <= jerk,

everywhere on the way. So the comb's path in space is kept exactly while its timing is free. (ruckig's own
waypoints would be sent to a server on the network to be solved; they are not used.)
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from ruckig import InputParameter, Result, Ruckig, Trajectory
from scipy.interpolate import BSpline, make_interp_spline, make_smoothing_spline

SAMPLES = 200
"""Where limits are asked along a way."""


@dataclass(frozen=True)
class JointLimits:
    """Largest joint speed [rad/s], acceleration [rad/s^2] and jerk [rad/s^3], each [J]."""

    speed: np.ndarray
    acceleration: np.ndarray
    jerk: np.ndarray

    def scaled(self, share: float) -> JointLimits:
        """Return the limits times a share: plans keep a margin for what interpolation adds."""
        return JointLimits(share * self.speed, share * self.acceleration, share * self.jerk)


@dataclass(frozen=True)
class Pace:
    """Limits of the travelled distance s: speed [m/s], acceleration [m/s^2], jerk [m/s^3]."""

    speed: float
    acceleration: float
    jerk: float


@dataclass(frozen=True)
class Bottleneck:
    """The joint that forces a way to be slow.

    Attributes:
        joint: its index.
        quantity: "speed", "acceleration" or "jerk".
        excess: by how much it would break the limit at the wished pace.
    """

    joint: int
    quantity: str
    excess: float


@dataclass(frozen=True)
class TimedWay:
    """Samples of a timed way: times [T] [s], joint positions, velocities, accelerations [T, J]."""

    times: np.ndarray
    positions: np.ndarray
    velocities: np.ndarray
    accelerations: np.ndarray


def smooth_way(distance: np.ndarray, angles: np.ndarray, ripple: float) -> BSpline:
    """Return q(s), a cubic smoothing spline through joint angles, exact at both ends.

    It minimises the squared misses plus the squared curvature, weighted so that ripples shorter than `ripple`
    fade and longer ones stay.

    Args:
        distance: [T] travelled distance, rising from 0 [m].
        angles: [T, J] [rad].
        ripple: wavelength [m].
    """
    if len(distance) < 5:
        return make_interp_spline(distance, angles, k=1 if len(distance) < 4 else 3)
    weights = np.ones(len(distance))
    weights[[0, -1]] = 1e4
    penalty = (ripple / (2.0 * np.pi)) ** 4 * len(distance) / distance[-1]
    way = make_smoothing_spline(distance, angles, weights, lam=penalty)
    # What the ends still miss is taken out by a straight line, which bends nothing.
    miss = angles[[0, -1]] - way(distance[[0, -1]])
    knots = np.array(way.t)
    where = np.array([knots[n + 1 : n + 4].mean() for n in range(len(way.c))]) / distance[-1]
    return BSpline(knots, way.c + miss[0] + where[:, None] * (miss[1] - miss[0]), 3)


def straight_way(start: np.ndarray, end: np.ndarray, length: float) -> BSpline:
    """Return q(s) along the straight line between two postures [J], called `length` metres long."""
    return make_interp_spline(np.array([0.0, length]), np.stack([start, end]), k=1)


def fitting_pace(way: BSpline, limits: JointLimits, wish: Pace, slowest: float) -> Pace | Bottleneck:
    """Return the pace, at most the wished one, at which all joints keep their limits.

    Args:
        way: q(s).
        limits: of the joints.
        wish: the pace wanted.
        slowest: speed below which to give up [m/s].
    """
    s = np.linspace(0.0, way.t[-1], SAMPLES)
    first, second, third = (np.abs(_derivative(way, s, order)) for order in (1, 2, 3))
    pace, bottleneck = wish, None
    while pace.speed >= slowest:
        v = pace.speed
        bottleneck = _broken(first * v - limits.speed, "speed")
        if bottleneck is None:
            # A third of what the joints have is kept for speeding up and braking.
            bottleneck = _broken(second * v**2 - 0.67 * limits.acceleration, "acceleration")
        if bottleneck is None:
            room = (limits.acceleration - second * v**2) / np.maximum(first, 1e-9)
            a = min(pace.acceleration, float(room.min()))
            used = third * v**3 + 3.0 * second * v * a
            bottleneck = _broken(used - 0.67 * limits.jerk, "jerk")
            if bottleneck is None:
                room = (limits.jerk - used) / np.maximum(first, 1e-9)
                return Pace(v, a, min(pace.jerk, float(room.min())))
        pace = Pace(0.85 * v, 0.85 * pace.acceleration, pace.jerk)
    assert bottleneck is not None
    return bottleneck


def timed(way: BSpline, pace: Pace, step: float) -> TimedWay:
    """Travel a way from rest to rest; samples are at most `step` apart [s]."""
    law = _rest_to_rest(float(way.t[-1]), pace)
    count = max(2, int(np.ceil(law.duration / step)) + 1)
    times = np.linspace(0.0, law.duration, count)
    s, v, a = (np.array(row)[:, 0, None] for row in zip(*(law.at_time(t) for t in times), strict=True))
    at = np.clip(s[:, 0], 0.0, way.t[-1])
    first, second = _derivative(way, at, 1), _derivative(way, at, 2)
    return TimedWay(times, way(at), first * v, second * v**2 + first * a)


def _rest_to_rest(length: float, pace: Pace) -> Any:
    """Return ruckig's trajectory of s from 0 to `length`."""
    wish = InputParameter(1)
    wish.current_position, wish.target_position = [0.0], [length]
    wish.max_velocity, wish.max_acceleration = [pace.speed], [pace.acceleration]
    wish.max_jerk = [pace.jerk]
    law = Trajectory(1)
    result = Ruckig(1).calculate(wish, law)
    assert result in (Result.Working, Result.Finished), f"ruckig: {result} for {length} m at {pace}"
    return law


def _derivative(way: BSpline, s: np.ndarray, order: int) -> np.ndarray:
    """Return the derivative [len(s), J] of a way, zero beyond its degree."""
    if order > way.k:
        return np.zeros((len(s), way.c.shape[1]))
    return way.derivative(order)(s)


def _broken(excess: np.ndarray, quantity: str) -> Bottleneck | None:
    """Return the worst joint of an excess [samples, J] over its limit, or None."""
    worst = excess.max(axis=0)
    joint = int(worst.argmax())
    return Bottleneck(joint, quantity, float(worst[joint])) if worst[joint] > 0.0 else None
