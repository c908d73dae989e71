"""Inverse kinematics along a path of comb poses: joint angles for every waypoint, or why there are none.

Each pose is a small quadratic programme (pink over pinocchio): the comb's pose first, staying near a posture
second, joint limits always. The first pose is solved from many starts, because an arm reaches a pose in
several ways and only some of them last to the end of the path; the rest follow from waypoint to waypoint.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pinocchio as pin
from pink import Configuration, solve_ik
from pink.exceptions import PinkError
from pink.limits import ConfigurationLimit
from pink.tasks import FrameTask, PostureTask

from robot_ros.arms.cell import TOOL_FRAME, Cell
from robot_ros.arms.refusal import Refusal
from robot_ros.frames import pose_error

HALF_TURN = np.diag([-1.0, -1.0, 1.0, 1.0])
"""About the comb's +z: the row of teeth falls on itself, so both poses comb alike."""


@dataclass(frozen=True)
class FollowConfig:
    """How to search.

    Attributes:
        starts: postures from which the first pose is solved.
        ways: most ways to reach the first pose that are followed to the end.
        steps: most programmes a pose.
        near: position error at which a pose counts as reached [m].
        aligned: angle error at which a pose counts as reached [rad].
        largest_turn: most that a joint may turn from waypoint to waypoint [rad].
        seed: of the starts: the same stroke gives the same motion.
    """

    starts: int = 24
    ways: int = 6
    steps: int = 20
    near: float = 1e-4
    aligned: float = 1e-3
    largest_turn: float = 0.35
    seed: int = 0


@dataclass(frozen=True)
class Waypoints:
    """Comb poses that the arm must pass.

    Attributes:
        poses: [T, 4, 4] in the head frame.
        sections: [T] name of the section that each belongs to.
    """

    poses: np.ndarray
    sections: Sequence[str]


def follow(
    cell: Cell, waypoints: Waypoints, config: FollowConfig | None = None
) -> tuple[np.ndarray, Waypoints] | Refusal:
    """Return joint angles [T, J] [rad] that pass all waypoints free of collision, and the poses they pass.

    The poses are the given ones, or all of them half a turn about the comb's own axis. Where no way lasts to
    the end, the refusal is that of the way that got furthest.
    """
    config = config or FollowConfig()
    solver = PoseSolver(cell, config)
    furthest: Refusal | None = None
    for flip in (np.eye(4), HALF_TURN):
        turned = Waypoints(waypoints.poses @ flip, waypoints.sections)
        ways, refusal = _ways_to_start(cell, solver, turned, config)
        for start in ways:
            found = _along(cell, solver, turned, start, config)
            if not isinstance(found, Refusal):
                return found, turned
            refusal = found if refusal is None or found.waypoint >= refusal.waypoint else refusal
        if refusal is not None and (furthest is None or refusal.waypoint > furthest.waypoint):
            furthest = refusal
    assert furthest is not None
    return furthest


def _ways_to_start(
    cell: Cell, solver: PoseSolver, waypoints: Waypoints, config: FollowConfig
) -> tuple[list[np.ndarray], Refusal | None]:
    """Return distinct free ways to reach the first pose, nearest to the ready posture first.

    The refusal is of the best failed attempt, for when no way is left.
    """
    rng = np.random.default_rng(config.seed)
    ready = np.array(cell.arm.ready)
    low, high = np.maximum(cell.lower, ready - np.pi), np.minimum(cell.upper, ready + np.pi)
    found: list[np.ndarray] = []
    best: tuple[float, Refusal] | None = None
    for number in range(config.starts):
        seed = ready if number == 0 else rng.uniform(low, high)
        q, position, angle = solver.reach(waypoints.poses[0], seed, seed)
        if position > config.near or angle > config.aligned:
            off = position + 0.05 * angle
            if best is None or off < best[0]:
                best = (off, _unreached(cell, waypoints, 0, q, position, angle))
            continue
        if all(np.max(np.abs(q - other)) > 0.1 for other in found):
            contact = cell.contact(q)
            if contact is None:
                found.append(q)
            elif best is None or best[1].kind != "collision":
                best = (0.0, _touching(waypoints, 0, contact.first, contact.second, contact.missing))
    found.sort(key=lambda q: float(np.sum((q - ready) ** 2)))
    return found[: config.ways], None if best is None else best[1]


def _along(
    cell: Cell, solver: PoseSolver, waypoints: Waypoints, start: np.ndarray, config: FollowConfig
) -> np.ndarray | Refusal:
    """Follow one way from the first waypoint; return angles [T, J] or what stopped it."""
    angles = [start]
    for number in range(1, len(waypoints.poses)):
        q, position, angle = solver.reach(waypoints.poses[number], angles[-1], start)
        if position > config.near or angle > config.aligned:
            return _unreached(cell, waypoints, number, q, position, angle)
        turn = np.abs(q - angles[-1])
        if turn.max() > config.largest_turn:
            joint = cell.arm.joints[int(turn.argmax())]
            return Refusal(
                "jump", waypoints.sections[number], number, len(waypoints.poses), joint,
                float(turn.max()) - config.largest_turn, "rad",
                f"{joint} would turn {turn.max():.2f} rad between two waypoints; at most "
                f"{config.largest_turn:.2f} rad are allowed",
            )  # fmt: skip
        contact = cell.contact(q)
        if contact is not None:
            return _touching(waypoints, number, contact.first, contact.second, contact.missing)
        angles.append(q)
    return np.array(angles)


def _unreached(
    cell: Cell, waypoints: Waypoints, number: int, q: np.ndarray, position: float, angle: float
) -> Refusal:
    """Say which end stop, or plain distance, keeps the arm from a pose."""
    off = f"the comb stays {1000 * position:.1f} mm and {np.degrees(angle):.1f} degrees off"
    room = np.minimum(q - cell.lower, cell.upper - q)
    joint = int(room.argmin())
    where = (waypoints.sections[number], number, len(waypoints.poses))
    if room[joint] < 0.02:
        end = cell.lower[joint] if q[joint] - cell.lower[joint] < 0.02 else cell.upper[joint]
        name = cell.arm.joints[joint]
        detail = f"{name} stands at its end of {end:.3f} rad and {off}"
        return Refusal("joint limit", *where, name, 1000.0 * position, "mm", detail)
    return Refusal("reach", *where, TOOL_FRAME, 1000.0 * position, "mm", f"out of reach, {off}")


def _touching(waypoints: Waypoints, number: int, first: str, second: str, missing: float) -> Refusal:
    return Refusal(
        "collision", waypoints.sections[number], number, len(waypoints.poses), f"{first} and {second}",
        1000.0 * missing, "mm", f"{first} and {second} come {1000 * missing:.1f} mm too near each other",
    )  # fmt: skip


class PoseSolver:
    """Solves one pose after another with pink."""

    def __init__(self, cell: Cell, config: FollowConfig) -> None:
        self._cell, self._config = cell, config
        self._configuration = Configuration(cell.model, cell.model.createData(), np.array(cell.arm.ready))
        self._pose = FrameTask(TOOL_FRAME, position_cost=1.0, orientation_cost=0.3, lm_damping=1e-4)
        self._posture = PostureTask(cost=1e-3)
        self._limits = [ConfigurationLimit(cell.model, 0.9)]
        self._head_to_base = cell.calibration.head_to_base

    def reach(
        self, pose: np.ndarray, start: np.ndarray, posture: np.ndarray
    ) -> tuple[np.ndarray, float, float]:
        """Return angles [J], and position [m] and angle [rad] errors that are left.

        Args:
            pose: [4, 4] of the comb in the head frame.
            start: [J] where to begin.
            posture: [J] which angles to prefer where the pose leaves a choice.
        """
        target = self._head_to_base @ pose
        self._pose.set_target(pin.SE3(target))
        self._posture.set_target(posture)
        q = np.clip(start, self._cell.lower, self._cell.upper)
        position = angle = np.inf
        for _ in range(self._config.steps):
            self._configuration.update(q)
            now = self._configuration.get_transform_frame_to_world(TOOL_FRAME).homogeneous
            before = position + 0.05 * angle
            position, angle = pose_error(now, target)
            reached = position <= 0.1 * self._config.near and angle <= 0.1 * self._config.aligned
            if reached or (position < 1e-3 and position + 0.05 * angle > 0.999 * before):
                break
            try:
                velocity = solve_ik(
                    self._configuration, [self._pose, self._posture], 1.0, solver="daqp",
                    damping=1e-9, limits=self._limits, safety_break=False,
                )  # fmt: skip
            except PinkError:
                break
            step = np.clip(velocity, -0.5, 0.5)
            q = np.clip(q + step, self._cell.lower, self._cell.upper)
        return q, position, angle
