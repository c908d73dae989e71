"""The virtual robot without ROS: controller, joints, comb, hair, sensors and faults, stepped at 250 Hz."""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass

import numpy as np

from hairsim.cameras.camera import Frame
from hairsim.physics.config import PhysicsConfig
from robot_ros.arms.cell import Cell
from robot_ros.frames import inverse
from robot_ros.virtual.arm import VirtualJoints
from robot_ros.virtual.controller import Result, TrajectoryController
from robot_ros.virtual.faults import JOINT_DELAY, FaultState
from robot_ros.virtual.hair import CombStep, Felt, HairConfig, Look, make_cameras, make_physics
from robot_ros.worker import Worker

TICK = 0.004
"""Time between two readings of joints and force [s]."""

START = 10.0
"""ROS time at which the virtual robot wakes up [s]; a stamp of zero means something else to many."""

HEAD_RATE = 25.0
"""Measured head poses per second of ROS time, however seldom the cameras look: the supervisor stops for a
pose older than half a second, and a lost message must not make it that old."""

HEAD_TICKS = round(1.0 / (HEAD_RATE * TICK))
"""Ticks between two of them."""

FORCE_FILTER = 0.010
"""Time constant of the force sensor's low pass [s]: what a wrist sensor's firmware does."""

FORCE_NOISE, TORQUE_NOISE = 0.03, 0.003
"""Of one reading [N, N m], one standard deviation."""

HEAD_NOISE, HEAD_TURN_NOISE = 0.0005, 0.001
"""Of one measured head pose [m, rad]."""


@dataclass(frozen=True)
class Reading:
    """What the robot's sensors say at one tick; None where they say nothing.

    Attributes:
        now: ROS time [s].
        joints: stamp [s], positions and velocities [J] [rad, rad/s].
        wrench: stamp [s] and force and torque on the comb [6] [N, N m], comb axes.
        head: pose [4, 4] of the head in the base frame, at HEAD_RATE.
        frames: what the cameras saw, and when [s].
        strands: the guide strands [S, V, 3] behind those pictures, head frame; nobody's eyes see them.
        result: how the controller's goal ended, if it did.
        comb: true pose [4, 4] of the comb in the base frame.
    """

    now: float
    joints: tuple[float, np.ndarray, np.ndarray] | None
    wrench: tuple[float, np.ndarray] | None
    head: np.ndarray | None
    frames: tuple[float, list[Frame]] | None
    strands: np.ndarray | None
    result: Result | None
    comb: np.ndarray


class VirtualRobot:
    """Arm, controller and a head of hair in front of three cameras."""

    def __init__(self, cell: Cell, hair: HairConfig, *, camera_rate: float, seed: int = 0) -> None:
        """Start the processes of hair and cameras; `await_ready` waits for them."""
        self.cell = cell
        self.fault = FaultState()
        start = np.array(cell.arm.ready)
        self.controller = TrajectoryController(cell.arm.joints, start)
        self.joints = VirtualJoints(start)
        self.now = START
        self._physics = Worker(make_physics, hair, name="hair")
        self._cameras = Worker(make_cameras, hair, name="cameras")
        self._hair_step = PhysicsConfig().time_step
        self._hair_steps = 0
        self._camera_ticks = max(1, round(1.0 / (camera_rate * TICK)))
        self._ticks = self._looks = 0
        self._force = np.zeros(3)
        self._filtered = np.zeros(3)
        self._chance = np.random.default_rng([seed, 77])
        self._comb = self._comb_in_head()
        self._late_joints: deque[tuple[float, np.ndarray, np.ndarray]] = deque()
        self._wants_look = False
        self._look_at: float | None = None
        self._strands: np.ndarray | None = None
        self._last_head: np.ndarray | None = None
        self._last_frames: list[Frame] | None = None

    def await_ready(self) -> None:
        """Wait until the hair hangs still."""
        self._physics.await_ready(600.0)
        self._cameras.await_ready(600.0)

    def close(self) -> None:
        """End the processes."""
        self._physics.close()
        self._cameras.close()

    def begin_fault(self, name: str) -> None:
        """Begin a fault of faults.FAULTS, or end it with an empty name."""
        self.fault = FaultState(name, self.now)

    def tick(self, *, look: bool) -> Reading:
        """Let 4 ms pass; `look` says whether anybody wants pictures."""
        self._ticks += 1
        self.now = START + self._ticks * TICK
        result = self.controller.update(self.now, self.joints.positions)
        self._move()
        before, self._comb = self._comb, self._comb_in_head()
        self._comb_hair(before, self._comb)
        shoot = self._ticks % self._camera_ticks == 0
        frames = self._frames(shoot and look)
        return Reading(
            self.now,
            self._joint_reading(),
            self._force_reading(before),
            self._head_reading() if self._ticks % HEAD_TICKS == 0 else None,
            frames,
            None if frames is None else self._strands,
            result,
            self.cell.calibration.head_to_base @ self._shift() @ self._comb,
        )

    def _move(self) -> None:
        """Let the joints follow the controller's set-point."""
        point = self.controller.set_point
        speed = np.zeros_like(point.positions) if point.velocities is None else point.velocities
        before = self.joints.positions
        self.joints.step(point.positions, speed, TICK)
        self.fault.hold(self.joints, before)

    def _shift(self) -> np.ndarray:
        """Return the true head frame in the calibrated head frame, [4, 4]."""
        shift = np.eye(4)
        shift[:3, 3] = self._shift_vector()
        return shift

    def _shift_vector(self) -> np.ndarray:
        turn = self.cell.calibration.head_to_base[:3, :3]
        return turn.T @ np.array([0.0, self.fault.head_shift(self.now), 0.0])

    def _comb_in_head(self) -> np.ndarray:
        return inverse(self._shift()) @ self.cell.tool_pose(self.joints.positions)

    def _comb_hair(self, before: np.ndarray, after: np.ndarray) -> None:
        """Step the hair as far as time has come; its answer may take until the next of its steps."""
        while START + (self._hair_steps + 1) * self._hair_step <= self.now + 1e-9:
            self._hair_steps += 1
            when = START + self._hair_steps * self._hair_step
            share = 1.0 - (self.now - when) / TICK
            pose = after.copy()
            pose[:3, 3] = before[:3, 3] + share * (after[:3, 3] - before[:3, 3])
            self._collect()
            self._physics.ask(CombStep(pose, look=self._wants_look))
            if self._wants_look:
                self._wants_look, self._look_at = False, when

    def _collect(self) -> None:
        """Take every answer of the hair that is due; strands go on to the cameras."""
        while self._physics.waiting:
            felt: Felt = self._physics.answer()
            self._force = felt.force
            if felt.strands is not None:
                self._looks += 1
                self._strands = felt.strands
                self._cameras.ask(Look(felt.strands, self._looks, self._shift_vector()))

    def _frames(self, shoot: bool) -> tuple[float, list[Frame]] | None:
        """Return the pictures that are done; ask for new ones. ROS time waits for them: none is dropped."""
        done = None
        if self._look_at is not None and (shoot or self._cameras.has_answer()):
            self._collect()
            done = (self._look_at, self._cameras.answer())
            self._look_at = None
        self._wants_look = self._wants_look or shoot
        if done is None or self.fault.is_on("camera_stopped"):
            return None
        if self.fault.is_on("camera_frozen") and self._last_frames is not None:
            return done[0], self._last_frames
        self._last_frames = done[1]
        return done

    def _joint_reading(self) -> tuple[float, np.ndarray, np.ndarray] | None:
        reading = (self.now, self.joints.positions.copy(), self.joints.velocities.copy())
        if self.fault.is_on("joints_stopped"):
            return None
        if self.fault.is_on("joints_late"):
            self._late_joints.append(reading)
            due = self._late_joints[0][0] <= self.now - JOINT_DELAY + 1e-9
            return self._late_joints.popleft() if due else None
        self._late_joints.clear()
        return reading

    def _force_reading(self, before: np.ndarray) -> tuple[float, np.ndarray] | None:
        velocity = (self._comb[:3, 3] - before[:3, 3]) / TICK
        true = self._force + self.fault.snag_force(self._comb[:3, 3], velocity)
        self._filtered += (true - self._filtered) * TICK / (FORCE_FILTER + TICK)
        wrench = np.concatenate([self._comb[:3, :3].T @ self._filtered, np.zeros(3)])
        wrench[:3] += FORCE_NOISE * self._chance.standard_normal(3)
        wrench[3:] += TORQUE_NOISE * self._chance.standard_normal(3)
        return self.fault.reading(self.now, wrench)

    def _head_reading(self) -> np.ndarray | None:
        if self.fault.is_on("camera_stopped"):
            return None
        if self.fault.is_on("camera_frozen") and self._last_head is not None:
            return self._last_head
        head = self.cell.calibration.head_to_base @ self._shift()
        head[:3, 3] += HEAD_NOISE * self._chance.standard_normal(3)
        x, y, z = HEAD_TURN_NOISE * self._chance.standard_normal(3)
        turn = np.array([[1.0, -z, y], [z, 1.0, -x], [-y, x, 1.0]])
        u, _, v = np.linalg.svd(head[:3, :3] @ turn)
        head[:3, :3] = u @ v
        self._last_head = head
        return head
