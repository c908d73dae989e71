"""What can go wrong with the virtual robot, on request: to prove what the supervisor does about it.

A fault begins when the parameter `fault` of the virtual robot names it, and ends when it is empty. What a
real robot would measure is spoilt here, never what the supervisor does with it.
"""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass, field

import numpy as np

from robot_ros.virtual.arm import VirtualJoints

FAULTS = {
    "force_stopped": "the force sensor sends nothing",
    "force_frozen": "it repeats its last reading with fresh stamps",
    "force_late": "its readings come 30 ms late, stamped when they were taken",
    "force_spike": "one reading of 30 N more",
    "force_sign": "its sign is wrong, while hair drags at the comb with 1.5 N",
    "snag": "the comb is caught: a spring of 300 N/m against its travel",
    "joints_stopped": "no joint states",
    "joints_late": "joint states come 80 ms late",
    "joint_blocked": "the second joint does not move",
    "arm_held": "no joint moves: the arm's own safety holds it, while its controller goes on",
    "camera_stopped": "no images and no head pose",
    "camera_frozen": "images and head pose repeat with fresh stamps",
    "head_moved": "the head moves by 15 mm, at 0.1 m/s",
    "e_stop": "the e-stop is pressed",
    "e_stop_silent": "its contact says nothing",
    "controller_silent": "the controller's heartbeat stops",
}
"""Name of every fault and what happens."""

SPIKE = 30.0
SNAG_STIFFNESS = 300.0
DRAG = 1.5
FORCE_DELAY, JOINT_DELAY = 0.030, 0.080
HEAD_SHIFT, HEAD_SPEED = 0.015, 0.10
HELD_JOINTS = {"joint_blocked": slice(1, 2), "arm_held": slice(None)}
"""Joints that do not move, by the fault's name."""


@dataclass
class FaultState:
    """The fault under way, and what it remembers.

    Attributes:
        name: one of FAULTS, or empty.
        since: ROS time at which it began [s].
    """

    name: str = ""
    since: float = 0.0
    _caught: tuple[np.ndarray, np.ndarray] | None = None
    _spiked: bool = False
    _frozen_force: np.ndarray | None = None
    _late: deque[tuple[float, np.ndarray]] = field(default_factory=deque)

    def is_on(self, *names: str) -> bool:
        """Say whether one of these faults is under way."""
        return self.name in names

    def snag_force(self, position: np.ndarray, velocity: np.ndarray) -> np.ndarray:
        """Return the extra force on the comb [3] [N] at its position [m] and velocity [m/s]."""
        speed = float(np.linalg.norm(velocity))
        if self.name == "force_sign" and speed > 0.005:
            return -DRAG * velocity / speed
        if self.name != "snag":
            return np.zeros(3)
        if self._caught is None:
            if speed < 1e-3:
                return np.zeros(3)
            self._caught = (position.copy(), velocity / speed)
        where, along = self._caught
        return -SNAG_STIFFNESS * max(0.0, float((position - where) @ along)) * along

    def hold(self, joints: VirtualJoints, before: np.ndarray) -> None:
        """Put joints that the fault holds back to where they were `before` the tick, [J] [rad]."""
        held = HELD_JOINTS.get(self.name)
        if held is not None:
            joints.positions[held] = before[held]
            joints.velocities[held] = 0.0

    def head_shift(self, now: float) -> float:
        """Return how far the head has moved along +y of the base [m]."""
        return min(HEAD_SHIFT, HEAD_SPEED * (now - self.since)) if self.name == "head_moved" else 0.0

    def reading(self, now: float, wrench: np.ndarray) -> tuple[float, np.ndarray] | None:
        """Return stamp and value [6] that the force sensor sends for a true wrench [6], or None."""
        if self.name == "force_stopped":
            return None
        if self.name == "force_frozen":
            self._frozen_force = wrench if self._frozen_force is None else self._frozen_force
            return now, self._frozen_force
        if self.name == "force_late":
            self._late.append((now, wrench))
            return self._late.popleft() if self._late[0][0] <= now - FORCE_DELAY else None
        if self.name == "force_sign":
            return now, -wrench
        if self.name == "force_spike" and not self._spiked:
            self._spiked = True
            return now, wrench + np.array([0.0, 0.0, SPIKE, 0.0, 0.0, 0.0])
        return now, wrench
