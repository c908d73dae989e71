"""A healthy robot on the bench: feeds a supervisor what all sensors and processes would, faults included."""

from __future__ import annotations

import random
from collections.abc import Callable
from dataclasses import dataclass, field

from robot_ros.safety.limits import FAST_BEATS, SLOW_BEATS, SafetyLimits
from robot_ros.safety.samples import ForceSample, HeadSample, JointRange, JointSample, SetPoint, ToolSample
from robot_ros.safety.supervisor import Supervisor
from robot_ros.safety.verdict import Mode, Verdict

JOINTS = tuple(JointRange(f"joint{n}", -3.0, 3.0) for n in range(6))
TICK = 0.004
CHECK_TICKS = 2
OUTWARD = (0.0, 1.0, 0.0)


@dataclass
class Truth:
    """What is really so; a test changes it over time."""

    force: tuple[float, float, float] = (0.0, 0.0, 0.0)
    velocity: tuple[float, float, float] = (0.0, 0.0, -0.08)
    position: tuple[float, float, float] = (-0.05, 0.09, 0.05)
    skin: float = 0.01
    joints: tuple[float, ...] = (0.0,) * 6
    set_point: tuple[float, ...] | None = (0.0,) * 6
    head: tuple[float, float, float] = (0.5, 0.0, 0.3)
    quaternion: tuple[float, float, float, float] = (0.0, 0.0, 0.0, 1.0)
    torque: tuple[float, float, float] = (0.0, 0.0, 0.0)
    stop_pressed: bool = False
    silent: set[str] = field(default_factory=set)
    """Streams and processes that say nothing: force, joints, tool, head, e-stop, or a process' name."""
    frozen: set[str] = field(default_factory=set)
    """Streams that repeat their last value with fresh stamps."""
    late: dict[str, float] = field(default_factory=dict)
    """Streams whose stamps lie so many seconds back."""


class Bench:
    """Steps time at 250 Hz; the supervisor is asked every second tick."""

    def __init__(
        self, *, limits: SafetyLimits | None = None, real_robot: bool = False, seed: int = 0
    ) -> None:
        self.supervisor = Supervisor(JOINTS, limits=limits, real_robot=real_robot)
        self.truth = Truth()
        self.now = 100.0
        self.wall = 5000.0
        self.verdict: Verdict | None = None
        self._chance = random.Random(seed)
        self._tick = 0
        self._last_force = self._last_torque = (0.0, 0.0, 0.0)
        self._last_head = self.truth.head

    def run(self, seconds: float, change: Callable[[float, Truth], None] | None = None) -> Verdict:
        """Let time pass; `change` is called each tick with the seconds since the start of this run."""
        for tick in range(round(seconds / TICK)):
            self.now += TICK
            self.wall += TICK
            if change is not None:
                change((tick + 1) * TICK, self.truth)
            self._feed()
            self._tick += 1
            if self._tick % CHECK_TICKS == 0:
                self.verdict = self.supervisor.check(self.now, self.wall)
        assert self.verdict is not None
        return self.verdict

    def until_stopped(self, seconds: float, change: Callable[[float, Truth], None] | None = None) -> float:
        """Return the seconds until set-points were held; infinite if they never were."""
        start = self.now
        step = CHECK_TICKS * TICK
        for _ in range(round(seconds / step)):
            after = self.now - start
            verdict = self.run(step, None if change is None else lambda t, x, a=after, c=change: c(a + t, x))
            if not verdict.may_move:
                return self.now - start
        return float("inf")

    def ready(self) -> Bench:
        """Bring everything up and start a stroke."""
        self.run(0.2)
        assert self.supervisor.mode is Mode.READY, self.verdict
        assert self.supervisor.begin_stroke(self.now - 1.0, self.now) == ""
        return self

    def rules(self) -> set[str]:
        """Return the rules of all interventions so far, with their subjects where they have one."""
        found = [i.finding for i in self.supervisor.interventions]
        return {f.rule for f in found}

    def _noisy(self, vector: tuple[float, float, float], size: float) -> tuple[float, float, float]:
        return tuple(v + self._chance.gauss(0.0, size) for v in vector)  # type: ignore[return-value]

    def _feed(self) -> None:
        truth, supervisor = self.truth, self.supervisor
        if "force" not in truth.silent:
            if "force" not in truth.frozen:
                self._last_force = self._noisy(truth.force, 0.03)
                self._last_torque = self._noisy(truth.torque, 0.003)
            stamp = self.now - truth.late.get("force", 0.0)
            supervisor.feed_force(ForceSample(stamp, self._last_force, self._last_torque))
        if "joints" not in truth.silent:
            stamp = self.now - truth.late.get("joints", 0.0)
            supervisor.feed_joints(JointSample(stamp, truth.joints, (0.0,) * 6))
        if "tool" not in truth.silent:
            stamp = self.now - truth.late.get("tool", 0.0)
            supervisor.feed_tool(
                ToolSample(stamp, truth.position, truth.velocity, (truth.position,), OUTWARD, truth.skin)
            )
        if truth.set_point is not None:
            supervisor.feed_set_point(SetPoint(self.now, truth.set_point))
        if "head" not in truth.silent and self._tick % 25 == 0:
            if "head" not in truth.frozen:
                self._last_head = self._noisy(truth.head, 0.0005)
            stamp = self.now - truth.late.get("head", 0.0)
            supervisor.feed_head(HeadSample(stamp, self._last_head, truth.quaternion))
        if "e-stop" not in truth.silent:
            supervisor.feed_emergency_stop(truth.stop_pressed, self.wall)
        for name in FAST_BEATS:
            if name not in truth.silent:
                supervisor.heartbeat(name, self.wall)
        for name in SLOW_BEATS:
            if name not in truth.silent and self._tick % 50 == 0:
                supervisor.heartbeat(name, self.wall)
