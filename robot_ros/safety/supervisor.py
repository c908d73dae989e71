"""The supervisor's judgement: one state machine over everything that is measured.

                   all data there, e-stop proven
        STARTING -------------------------------> READY <----- calm -----+
                                                   |  ^                  |
                                                   |  +--- reset() ---+  |
                             soft limit: slow down |                  |  |
                                                   v                  |  |
                                                 SLOWED --------------|--+
              hard limit from any mode             |                  |
                                                   v                  |
                      RETREATING <-- retreat() -- STOPPED ------------+
                           |    (after a snag)       ^
                           +---- done or worse ------+
                                                             e-stop from any mode: EMERGENCY,
                                                             released: STOPPED

Nothing switches a rule off. STOPPED and EMERGENCY are left only by `reset`, which is refused while any reason
to stop is still there, and which hands back the measured joints: set-points start from them.

Two clocks: measurements are judged in ROS time, silence of processes on the wall clock, so that a paused
simulation is no fault and a dead process always is.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

from hairsim.errors import CombwiseError
from hairsim.head.keep_out import Zone, adult_zones
from robot_ros.safety.force import ForceWatch
from robot_ros.safety.limits import FAST_BEATS, SLOW_BEATS, SafetyLimits
from robot_ros.safety.motion import MotionWatch
from robot_ros.safety.samples import ForceSample, HeadSample, JointRange, JointSample, SetPoint, ToolSample
from robot_ros.safety.verdict import Finding, Intervention, Level, Mode, Verdict

SNAG_RULES = frozenset({"pull", "press", "force rate", "force peak", "work of the stroke"})
"""Reasons after which the arm may back off by itself: the comb is caught, everything else is in order."""

RETREAT_EXTRA = 1.0
"""While backing off, force may exceed that of the snag by this before it stops again [N]."""


class Supervisor:
    """Fed with measurements, asked at 100 Hz or more what the robot may do."""

    def __init__(
        self,
        joints: Sequence[JointRange],
        *,
        limits: SafetyLimits | None = None,
        zones: Sequence[Zone] | None = None,
        real_robot: bool = True,
    ) -> None:
        """Start in mode STARTING.

        Args:
            joints: the arm's joints and their ends.
            limits: default SafetyLimits().
            zones: where the comb must not be; default those of an adult head.
            real_robot: the e-stop must be pressed and released once before anything moves.
        """
        if not joints:
            raise CombwiseError("safety supervisor of no joints; expected the arm's joints and their ends")
        self.limits = limits or SafetyLimits()
        self._force = ForceWatch(self.limits)
        self._motion = MotionWatch(self.limits, joints, adult_zones() if zones is None else zones)
        self._beats = dict.fromkeys((*FAST_BEATS, *SLOW_BEATS), -math.inf)
        self._stop_proven = not real_robot
        self._stop_pressed = False
        self._stop_heard = -math.inf
        self.mode = Mode.STARTING
        self._plan_stamp: float | None = None
        self._calm_since: float | None = None
        self._reasons: frozenset[str] = frozenset()
        self._retreat: tuple[float, float] | None = None
        self._clock = -math.inf
        self.interventions: list[Intervention] = []
        self._told = 0

    # ---- measurements ----

    def feed_emergency_stop(self, pressed: bool, wall: float) -> None:
        """Take the state of the e-stop's contact [s, wall clock]; a press latches even between two checks."""
        if pressed and self.mode is not Mode.EMERGENCY:
            self._stop_proven = True
            self._to(Mode.EMERGENCY, self._clock, Finding("e-stop", Level.EMERGENCY, 1.0, 0.0, ""))
        self._stop_pressed = pressed
        self._stop_heard = max(self._stop_heard, wall)

    def feed_force(self, sample: ForceSample) -> None:
        """Take a force reading in head axes."""
        tool = self._motion.tool
        self._force.feed(sample, (0.0, 0.0, 0.0) if tool is None else tool.velocity, self.limits.joint_age)

    def feed_joints(self, sample: JointSample) -> None:
        """Take measured joints."""
        self._motion.feed_joints(sample)

    def feed_tool(self, sample: ToolSample) -> None:
        """Take the comb's pose from measured joints."""
        self._motion.feed_tool(sample)

    def feed_head(self, sample: HeadSample) -> None:
        """Take a measured head pose."""
        self._motion.feed_head(sample)

    def refuse_head(self, why: str) -> None:
        """Take word that the newest head pose cannot be used, and why; the next one that can ends it."""
        self._motion.refuse_head(why)

    def feed_set_point(self, sample: SetPoint) -> None:
        """Take what the controller was told for about now."""
        self._motion.feed_set_point(sample)

    def heartbeat(self, name: str, wall: float) -> None:
        """Take a sign of life [s, wall clock]."""
        if name not in self._beats:
            raise CombwiseError(f"heartbeat of '{name}'; expected one of {', '.join(self._beats)}")
        self._beats[name] = max(self._beats[name], wall)

    # ---- requests ----

    def begin_stroke(self, plan_stamp: float, now: float) -> str:
        """Ask to start a stroke whose plan saw the head at `plan_stamp` [s, ROS time]; '' or why not."""
        if self.mode is not Mode.READY:
            return f"the supervisor is in mode {self.mode.name.lower()}; expected ready"
        age = now - plan_stamp
        if not 0.0 <= age <= self.limits.plan_age:
            return f"the plan is {age:.1f} s old; expected 0 .. {self.limits.plan_age:g} s"
        self._plan_stamp = plan_stamp
        self._force.begin_stroke()
        self._motion.begin_stroke()
        return ""

    def end_stroke(self) -> None:
        """Say that the stroke is over and the arm is at rest."""
        self._plan_stamp = None
        self._motion.end_stroke()
        self._motion.hold()

    def tare(self) -> str:
        """Take the newest force as zero; only at rest and away from the head. '' or why not."""
        tool = self._motion.tool
        if self._plan_stamp is not None or self.mode is not Mode.READY:
            return "force can be tared only when ready and between strokes"
        if tool is None or tool.skin < 0.05:
            return "force can be tared only with the comb at least 0.05 m from the head"
        found = self._force.tare()
        return "" if found is None else found.sentence()

    def retreat(self, now: float) -> str:
        """Ask to back off after a snag; '' or why not. The stroke is over either way."""
        if self.mode is not Mode.STOPPED:
            return f"the supervisor is in mode {self.mode.name.lower()}; expected stopped"
        if not self._reasons or not self._reasons <= SNAG_RULES:
            return (
                f"stopped by {', '.join(sorted(self._reasons)) or 'nothing known'}; backing off is for snags"
            )
        self._retreat = (now, self._force.magnitude + RETREAT_EXTRA)
        self._motion.hold()
        self._motion.retreating = True
        self.mode = Mode.RETREATING
        return ""

    def retreat_done(self) -> None:
        """Say that backing off is over; what is left is a reset."""
        if self.mode is Mode.RETREATING:
            self._retreat = None
            self._motion.retreating = False
            self.mode = Mode.STOPPED

    def reset(self, now: float, wall: float) -> tuple[str, tuple[float, ...]]:
        """Ask to go on after a stop.

        Returns:
            ('', measured joints from which set-points must start), or (why not, ()).
        """
        if self._stop_pressed:
            return "the e-stop is pressed; release it first", ()
        if self.mode not in (Mode.STOPPED, Mode.EMERGENCY):
            return f"nothing to reset in mode {self.mode.name.lower()}", ()
        self.end_stroke()
        self._force.begin_stroke()
        still = [f for f in self._findings(now, wall) if f.level >= Level.STOP]
        if still:
            return "still there: " + "; ".join(f.sentence() for f in still), ()
        measured = self._motion.measured
        assert measured is not None, "without joint states there is a finding"
        self._retreat, self._calm_since, self._reasons = None, None, frozenset()
        self.mode = Mode.READY
        return "", measured.positions

    # ---- judgement ----

    def check(self, now: float, wall: float) -> Verdict:
        """Judge everything known at ROS time `now` and wall time `wall` [s]."""
        findings = self._findings(now, wall)
        worst = max((f.level for f in findings), default=Level.OK)
        if self.mode is Mode.EMERGENCY:
            if not self._stop_pressed:
                self.mode = Mode.STOPPED
                self._reasons = frozenset({"e-stop"})
        elif self.mode is Mode.STARTING:
            if worst < Level.STOP and self._stop_proven and not self._stop_pressed:
                self.mode = Mode.READY
        elif worst >= Level.STOP:
            stopping = [f for f in findings if f.level >= Level.STOP]
            if self.mode is Mode.STOPPED:
                self._reasons |= {f.rule for f in stopping}
            else:
                self._to(Mode.STOPPED, now, *stopping)
        elif self.mode is Mode.READY and worst is Level.SLOW:
            self._to(Mode.SLOWED, now, *(f for f in findings if f.level is Level.SLOW))
            self._calm_since = None
        elif self.mode is Mode.SLOWED:
            self._maybe_calm(now, worst)
        self._clock = max(self._clock, now)
        # A press of the e-stop between two checks belongs to this one.
        fresh, self._told = tuple(self.interventions[self._told :]), len(self.interventions)
        return Verdict(self.mode, self._share(), tuple(findings), fresh)

    def _findings(self, now: float, wall: float) -> list[Finding]:
        """Return everything that is wrong, the clock itself first."""
        found: list[Finding] = []
        if not math.isfinite(now) or now < self._clock - 1e-6:
            found.append(Finding("ROS time ran backwards", Level.STOP, now, self._clock, "s"))
        tool = self._motion.tool
        allowed = None if self._retreat is None else self._retreat[1]
        found += self._force.findings(now, None if tool is None else tool.outward, touching_allowed=allowed)
        found += self._motion.findings(now, moving=self._plan_stamp is not None)
        if self._plan_stamp is not None and now - self._plan_stamp > self.limits.plan_age:
            found.append(
                Finding("age of the plan", Level.STOP, now - self._plan_stamp, self.limits.plan_age, "s")
            )
        if self._retreat is not None and now - self._retreat[0] > self.limits.retreat_time:
            found.append(
                Finding(
                    "time of backing off", Level.STOP, now - self._retreat[0], self.limits.retreat_time, "s"
                )
            )
        for name, last in self._beats.items():
            limit = self.limits.fast_beat if name in FAST_BEATS else self.limits.slow_beat
            if wall - last > limit:
                found.append(Finding("silence", Level.STOP, wall - last, limit, "s", name))
        if wall - self._stop_heard > self.limits.stop_signal_age:
            found.append(
                Finding(
                    "silence", Level.STOP, wall - self._stop_heard, self.limits.stop_signal_age, "s", "e-stop"
                )
            )
        return found

    def _maybe_calm(self, now: float, worst: Level) -> None:
        """Give full speed back after a while without soft findings."""
        if worst >= Level.SLOW:
            self._calm_since = None
        elif self._calm_since is None:
            self._calm_since = now
        elif now - self._calm_since >= self.limits.calm:
            self.mode = Mode.READY

    def _to(self, mode: Mode, now: float, *findings: Finding) -> None:
        """Change the mode and record why."""
        self.mode = mode
        if mode in (Mode.STOPPED, Mode.EMERGENCY):
            self._reasons = frozenset(f.rule for f in findings)
            self._retreat = None
            self._motion.retreating = False
            self._motion.hold()
        self.interventions += [Intervention(now, finding) for finding in findings]

    def _share(self) -> float:
        """Return the share of the plan's speed that the mode allows."""
        if self.mode is Mode.READY or self.mode is Mode.RETREATING:
            return 1.0
        return self.limits.slow_share if self.mode is Mode.SLOWED else 0.0
