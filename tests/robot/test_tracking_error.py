"""An arm that does not follow is stopped for that, by the whole chain from gate to joints, without ROS."""

from __future__ import annotations

import numpy as np
import pytest

from robot_ros.safety.gate import CombAt, Gate
from robot_ros.safety.governor import Piece
from robot_ros.safety.verdict import Level, Mode
from robot_ros.virtual.arm import VirtualJoints
from robot_ros.virtual.controller import Goal, TrajectoryController
from robot_ros.virtual.faults import FaultState
from robot_ros.virtual.splines import Point
from tests.robot.bench import CHECK_TICKS, JOINTS, TICK, Bench, Truth

NAMES = tuple(joint.name for joint in JOINTS)
FAR_FROM_SKIN = CombAt(skin=lambda _: 0.2, speed=lambda _, __: 0.05)


class Chain:
    """Gate, controller and joints of a virtual arm, with a bench's supervisor over them."""

    def __init__(self) -> None:
        self.bench = Bench().ready()
        self.bench.supervisor.end_stroke()
        self.bench.truth.set_point = None  # the gate tells it
        self.fault = FaultState()
        self.gate = Gate(self.bench.supervisor, FAR_FROM_SKIN)
        self.controller = TrajectoryController(NAMES, np.zeros(6))
        self.joints = VirtualJoints(np.zeros(6))
        times = np.linspace(0.0, 6.0, 301)
        phase = 2.0 * np.pi * times / times[-1]
        reach = np.array([0.6, -0.4, 0.2, 0.1, -0.1, 0.05])
        positions = 0.5 * (1.0 - np.cos(0.5 * phase))[:, None] * reach
        velocities = np.gradient(positions, times, axis=0)
        velocities[0] = velocities[-1] = 0.0
        now = self.bench.now
        assert not self.gate.begin(
            times, positions, velocities, measured=np.zeros(6), plan_stamp=now, now=now
        )

    def run(self, seconds: float) -> None:
        """Let time pass."""
        for _ in range(round(seconds / (CHECK_TICKS * TICK))):
            verdict = self.bench.run(CHECK_TICKS * TICK, self._tick)
            step = self.gate.step(verdict, self.joints.positions, self.bench.now)
            if step.piece is not None:
                self.tell(step.piece)

    def tell(self, piece: Piece) -> None:
        """Hand a piece to the controller."""
        rows = zip(piece.times, piece.positions, piece.velocities, strict=True)
        points = [Point(float(t), q, v) for t, q, v in rows]
        unlimited = dict.fromkeys(NAMES, -1.0)
        goal = Goal(NAMES, points, self.bench.now, path_tolerance=unlimited, goal_tolerance=unlimited)
        assert self.controller.accept(goal, self.bench.now) is None

    def _tick(self, _: float, truth: Truth) -> None:
        self.controller.update(self.bench.now, self.joints.positions)
        point, before = self.controller.set_point, self.joints.positions
        assert point.velocities is not None
        self.joints.step(point.positions, point.velocities, TICK)
        self.fault.hold(self.joints, before)
        truth.joints = tuple(self.joints.positions.tolist())
        self.gate.advance(self.bench.now)


def test_an_arm_that_follows_is_never_stopped_for_its_lag() -> None:
    chain = Chain()
    chain.run(8.0)
    assert not chain.gate.active
    assert chain.bench.supervisor.interventions == []
    np.testing.assert_allclose(chain.joints.positions[:2], [0.6, -0.4], atol=1e-3)


@pytest.mark.parametrize("fault", ["arm_held", "joint_blocked"])
def test_an_arm_that_does_not_follow_is_slowed_then_stopped_for_its_tracking_error(fault: str) -> None:
    chain = Chain()
    chain.run(2.5)
    chain.fault = FaultState(fault, chain.bench.now)
    held = chain.joints.positions[1]
    chain.run(2.0)
    found = [i.finding for i in chain.bench.supervisor.interventions]
    assert [(f.rule, f.level) for f in found] == [
        ("tracking error", Level.SLOW),
        ("tracking error", Level.STOP),
    ]
    limits = chain.bench.supervisor.limits
    assert found[1].measured == pytest.approx(limits.tracking_hard, abs=0.3 * 2 * CHECK_TICKS * TICK)
    assert chain.bench.supervisor.mode is Mode.STOPPED
    assert chain.joints.positions[1] == held


def test_an_arm_that_is_let_go_after_the_stop_does_not_leap() -> None:
    """Set-points went to where the joints are measured, and start from there after the reset."""
    chain = Chain()
    chain.run(2.5)
    chain.fault = FaultState("arm_held", chain.bench.now)
    chain.run(3.0)
    rest = chain.joints.positions.copy()
    chain.fault = FaultState()
    why, measured = chain.bench.supervisor.reset(chain.bench.now, chain.bench.wall)
    assert why == ""
    chain.tell(chain.gate.seed(np.array(measured)))
    chain.run(1.0)
    np.testing.assert_allclose(chain.joints.positions, rest, atol=1e-3)
    assert chain.bench.supervisor.mode is Mode.READY
