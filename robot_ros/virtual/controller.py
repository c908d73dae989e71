"""What ros2_controllers' joint_trajectory_controller does, without ROS.

A goal is checked, replaces the one under way, and is followed by splines from where the set-point is. Every
update compares the measured joints with the set-point: outside the path tolerance the goal is aborted, at the
end the goal tolerance must be met in time, and after a cancel or an abort the arm brakes and holds. The
result says what was violated, by which joint and by how much.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from enum import IntEnum

import numpy as np

from robot_ros.virtual.splines import Point, between


class ResultCode(IntEnum):
    """The error codes of control_msgs/FollowJointTrajectory."""

    SUCCESSFUL = 0
    INVALID_GOAL = -1
    INVALID_JOINTS = -2
    OLD_HEADER_TIMESTAMP = -3
    PATH_TOLERANCE_VIOLATED = -4
    GOAL_TOLERANCE_VIOLATED = -5


@dataclass(frozen=True)
class Result:
    """How a goal ended: the code, and for people what was violated and by how much."""

    code: ResultCode
    text: str


@dataclass(frozen=True)
class ControllerConfig:
    """Defaults that a goal may override.

    Attributes:
        path_tolerance: largest position error on the way [rad]; 0 does not check.
        goal_tolerance: largest position error at the end [rad]; 0 does not check.
        goal_time: how late the goal tolerance may be met [s].
        braking: deceleration of a hold [rad/s^2].
    """

    path_tolerance: float = 0.10
    goal_tolerance: float = 0.02
    goal_time: float = 0.5
    braking: float = 6.0


@dataclass(frozen=True)
class Goal:
    """A trajectory to follow.

    Attributes:
        joints: names, in any order.
        points: with times from the goal's start.
        start: ROS time at which it starts [s]; 0 means now.
        path_tolerance, goal_tolerance: by joint name [rad]; 0 means the default, negative means unlimited.
        goal_time: how late the end may be [s]; 0 means the default.
    """

    joints: Sequence[str]
    points: Sequence[Point]
    start: float = 0.0
    path_tolerance: dict[str, float] = field(default_factory=dict)
    goal_tolerance: dict[str, float] = field(default_factory=dict)
    goal_time: float = 0.0


class TrajectoryController:
    """Follows one goal at a time."""

    def __init__(
        self, joints: Sequence[str], positions: np.ndarray, config: ControllerConfig | None = None
    ) -> None:
        """Hold `positions` [J] [rad] until the first goal."""
        self.joints = tuple(joints)
        self.config = config or ControllerConfig()
        self._points = [Point(0.0, np.array(positions, np.float64))]
        self._start = 0.0
        self._goal: Goal | None = None
        self._path = self._end = np.zeros(len(self.joints))
        self.set_point = between(self._points[0], self._points[0], 0.0)

    @property
    def active(self) -> bool:
        """Whether a goal is under way."""
        return self._goal is not None

    def accept(self, goal: Goal, now: float) -> Result | None:
        """Follow a goal from ROS time `now` [s] on instead of the one under way; return why not, or None."""
        refusal = self._refusal(goal, now)
        if refusal is not None:
            return refusal
        order = [list(goal.joints).index(name) for name in self.joints]
        start = goal.start if goal.start > 0.0 else now
        points = [_reordered(point, order) for point in goal.points]
        # From wherever the set-point is now; a point at or before now is replaced by it.
        current = self.set_point
        here = Point(now - start, current.positions, current.velocities, current.accelerations)
        self._points = [here, *(p for p in points if p.time > here.time)]
        self._start, self._goal = start, goal
        default = self.config
        self._path = _tolerances(self.joints, goal.path_tolerance, default.path_tolerance)
        self._end = _tolerances(self.joints, goal.goal_tolerance, default.goal_tolerance)
        return None

    def cancel(self, now: float) -> None:
        """Give the goal up, brake and hold."""
        self._brake(now)

    def update(self, now: float, measured: np.ndarray) -> Result | None:
        """Move the set-point to ROS time `now` [s], judge the measured joints [J]; return a goal's result."""
        time = now - self._start
        self.set_point = self._sample(time)
        if self._goal is None:
            return None
        error = np.abs(measured - self.set_point.positions)
        late = time - self._points[-1].time
        if late < 0.0:
            broken = self._violated("path", error, self._path, ResultCode.PATH_TOLERANCE_VIOLATED)
            if broken is not None:
                self._brake(now)
            return broken
        broken = self._violated("goal", error, self._end, ResultCode.GOAL_TOLERANCE_VIOLATED)
        if broken is None:
            self._goal = None
            return Result(ResultCode.SUCCESSFUL, "goal reached")
        allowed = self._goal.goal_time or self.config.goal_time
        if late <= allowed:
            return None
        self._brake(now)
        return Result(
            broken.code, f"{broken.text}, {late:.3f} s after the end of the trajectory, limit {allowed:.3f} s"
        )

    def _sample(self, time: float) -> Point:
        times = [point.time for point in self._points]
        after = int(np.searchsorted(times, time, side="right"))
        if after == 0 or after == len(times):
            edge = self._points[min(after, len(times) - 1)]
            return between(edge, edge, time)
        return between(self._points[after - 1], self._points[after], time)

    def _brake(self, now: float) -> None:
        """Come to rest from the set-point with constant deceleration, all joints together, and hold there."""
        self._goal = None
        current = self.set_point
        speed = np.zeros_like(current.positions) if current.velocities is None else current.velocities
        seconds = max(float(np.abs(speed).max()) / self.config.braking, 1e-3)
        # With half the distance of undiminished speed the cubic between the ends is a parabola: even braking.
        rest = current.positions + 0.5 * seconds * speed
        self._start = now
        self._points = [Point(0.0, current.positions, speed), Point(seconds, rest, np.zeros_like(speed))]

    def _refusal(self, goal: Goal, now: float) -> Result | None:
        if sorted(goal.joints) != sorted(self.joints):
            text = f"joints {sorted(goal.joints)}; expected {sorted(self.joints)}"
            return Result(ResultCode.INVALID_JOINTS, text)
        if not goal.points:
            return Result(ResultCode.INVALID_GOAL, "a trajectory without points")
        before = -1e-12
        for number, point in enumerate(goal.points):
            rows = [
                row for row in (point.positions, point.velocities, point.accelerations) if row is not None
            ]
            if any(np.shape(row) != (len(self.joints),) or not np.isfinite(row).all() for row in rows):
                text = f"point {number}: expected {len(self.joints)} finite values of each kind"
                return Result(ResultCode.INVALID_GOAL, text)
            if not np.isfinite(point.time) or point.time <= before:
                text = f"point {number}: time {point.time:.6g} s after {before:.6g} s; expected rising times"
                return Result(ResultCode.INVALID_GOAL, text)
            before = point.time
        last = goal.points[-1].velocities
        if last is not None and np.abs(last).max() > 1e-9:
            text = f"the last point has a speed of {np.abs(last).max():.3g} rad/s; expected rest"
            return Result(ResultCode.INVALID_GOAL, text)
        if goal.start > 0.0 and goal.start + goal.points[-1].time < now:
            text = f"it ended {now - goal.start - goal.points[-1].time:.3f} s before now"
            return Result(ResultCode.OLD_HEADER_TIMESTAMP, text)
        return None

    def _violated(
        self, which: str, error: np.ndarray, tolerance: np.ndarray, code: ResultCode
    ) -> Result | None:
        over = np.where(tolerance > 0.0, error - tolerance, -np.inf)
        worst = int(over.argmax())
        if over[worst] <= 0.0:
            return None
        return Result(
            code,
            f"{which} tolerance of {self.joints[worst]} violated: error {error[worst]:.4f} rad, "
            f"tolerance {tolerance[worst]:.4f} rad, {over[worst]:.4f} rad too much",
        )


def _tolerances(joints: Sequence[str], asked: dict[str, float], default: float) -> np.ndarray:
    """Return tolerances [J]; 0 is not checked. In a goal 0 means the default and negative means unlimited."""
    values = [asked.get(name, 0.0) for name in joints]
    return np.array([default if value == 0.0 else max(value, 0.0) for value in values])


def _reordered(point: Point, order: list[int]) -> Point:
    return Point(
        point.time,
        np.asarray(point.positions, np.float64)[order],
        None if point.velocities is None else np.asarray(point.velocities, np.float64)[order],
        None if point.accelerations is None else np.asarray(point.accelerations, np.float64)[order],
    )
