"""FollowJointTrajectory, served: by the supervisor to executors, and by the virtual controller.

The owner of the motion gets a `Run` for each goal, keeps it, and finishes it; from any thread.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from control_msgs.action import FollowJointTrajectory
from rclpy.action.server import ActionServer
from rclpy.node import Node
from trajectory_msgs.msg import JointTrajectory, JointTrajectoryPoint

from hairsim.errors import CombwiseError
from robot_ros.nodes.convert import seconds, to_duration
from robot_ros.nodes.deferred import DeferredGoal, State, serve_deferred
from robot_ros.virtual.splines import Point


@dataclass(frozen=True)
class Outcome:
    """How a motion ended: error_code of FollowJointTrajectory, a sentence, and whether by a cancel."""

    code: int
    text: str
    cancelled: bool = False


class Run:
    """One goal that is being followed."""

    def __init__(self, goal: DeferredGoal) -> None:
        self._deferred = goal

    @property
    def goal(self) -> Any:
        """The FollowJointTrajectory goal."""
        return self._deferred.request

    def finish(self, outcome: Outcome) -> None:
        """Say how it ended; the first word counts."""
        good = outcome.code == FollowJointTrajectory.Result.SUCCESSFUL
        state = State.CANCELLED if outcome.cancelled else State.SUCCEEDED if good else State.ABORTED
        result = FollowJointTrajectory.Result(error_code=outcome.code, error_string=outcome.text)
        self._deferred.finish(state, result)

    def feedback(self, joints: tuple[str, ...], tau: float, desired: np.ndarray, actual: np.ndarray) -> None:
        """Tell the client where the motion is: trajectory time `tau` [s], joints [J] [rad]."""
        message = FollowJointTrajectory.Feedback(joint_names=list(joints))
        message.desired.positions, message.actual.positions = desired.tolist(), actual.tolist()
        message.error.positions = (desired - actual).tolist()
        message.desired.time_from_start = message.actual.time_from_start = to_duration(tau)
        self._deferred.feedback(message)


def serve_motions(
    node: Node, name: str, *, begin: Callable[[Run], Outcome | None], cancel: Callable[[], None]
) -> ActionServer:
    """Serve FollowJointTrajectory.

    Args:
        node: whose.
        name: of the action.
        begin: takes a goal's run on, or returns why not.
        cancel: asks for the motion under way to end; its run is finished by whoever took it.
    """

    def accepted(goal: DeferredGoal) -> None:
        run = Run(goal)
        refusal = begin(run)
        if refusal is not None:
            run.finish(refusal)

    return serve_deferred(node, FollowJointTrajectory, name, accepted, cancel)


def read_points(trajectory: Any) -> list[Point]:
    """Return a trajectory message's points, joints in the message's order.

    Raises:
        CombwiseError: a point with another number of values than there are joints.
    """
    points, count = [], len(trajectory.joint_names)
    for number, point in enumerate(trajectory.points):
        rows = [np.array(row) for row in (point.positions, point.velocities, point.accelerations)]
        if len(rows[0]) != count or any(len(row) not in (0, count) for row in rows[1:]):
            raise CombwiseError(
                f"trajectory point {number} has {len(rows[0])} positions, {len(rows[1])} velocities and "
                f"{len(rows[2])} accelerations; expected {count} positions, and as many or none of the others"
            )
        extra = [row if len(row) else None for row in rows[1:]]
        points.append(Point(seconds(point.time_from_start), rows[0], *extra))
    return points


def write_trajectory(
    joints: tuple[str, ...], times: np.ndarray, positions: np.ndarray, velocities: np.ndarray
) -> JointTrajectory:
    """Return a trajectory message of times [N] from its start [s], positions and velocities [N, J]."""
    message = JointTrajectory(joint_names=list(joints))
    message.points = [
        JointTrajectoryPoint(positions=q.tolist(), velocities=v.tolist(), time_from_start=to_duration(t))
        for t, q, v in zip(times.tolist(), positions, velocities, strict=True)
    ]
    return message
