"""Force: is the sensor alive, is it plausible, and is the comb pulling or pressing too hard?

All limits are on magnitudes. A sensor whose sign is wrong would turn a press into a pull; it is found out by
work: hair and skin only ever take work from the comb, so work that flows the other way means a wrong sign.
"""

from __future__ import annotations

import math
from collections import deque

from robot_ros.safety.limits import SafetyLimits
from robot_ros.safety.samples import ForceSample, Vector, dot, finite, minus, norm
from robot_ros.safety.verdict import Finding, Level

RATE_WINDOW = 0.020
"""Force rates are taken over this time [s]: a single sample's noise is no snag."""

_ZERO: Vector = (0.0, 0.0, 0.0)


class ForceWatch:
    """Watches the stream of force readings."""

    def __init__(self, limits: SafetyLimits) -> None:
        self._limits = limits
        self._bias: Vector = _ZERO
        self._recent: deque[ForceSample] = deque()
        self._last: ForceSample | None = None
        self._changed = -math.inf
        self._axis_changed = [-math.inf] * 6
        self._invalid: Finding | None = None
        self._rate = 0.0
        self._largest = 0.0
        self.work = 0.0
        self.returned_work = 0.0

    @property
    def force(self) -> Vector | None:
        """The newest force without its tare [N]; None before the first."""
        return None if self._last is None else minus(self._last.force, self._bias)

    @property
    def magnitude(self) -> float:
        """Size of the newest force [N]."""
        return 0.0 if self.force is None else norm(self.force)

    def begin_stroke(self) -> None:
        """Start counting work anew."""
        self.work = self.returned_work = 0.0

    def tare(self) -> Finding | None:
        """Take the newest reading as zero; refuse when it is too large to be a comb's weight."""
        if self._last is None or norm(self._last.force) > self._limits.tare_hard:
            measured = math.nan if self._last is None else norm(self._last.force)
            return Finding("tare", Level.STOP, measured, self._limits.tare_hard, "N")
        self._bias = self._last.force
        return None

    def feed(self, sample: ForceSample, comb_velocity: Vector, seconds_moved: float) -> None:
        """Take a reading.

        Args:
            sample: the reading; one that is not newer than the last is ignored, so that age tells.
            comb_velocity: of the comb in the head frame, for work [m/s].
            seconds_moved: longest time that this reading may stand for in the work [s].
        """
        last = self._last
        if last is not None and sample.stamp <= last.stamp:
            return
        if not finite(sample.stamp, *sample.force, *sample.torque):
            self._invalid = Finding("force reading is no number", Level.STOP, math.nan, 0.0, "N")
            return
        self._invalid = None
        now, before = _own(sample), () if last is None else _own(last)
        for axis in range(6):
            if last is None or now[axis] != before[axis]:
                self._axis_changed[axis] = sample.stamp
                self._changed = sample.stamp
        if last is not None:
            power = dot(minus(sample.force, self._bias), comb_velocity)
            seconds = min(sample.stamp - last.stamp, seconds_moved)
            self.work += max(0.0, -power) * seconds
            self.returned_work += max(0.0, power) * seconds
        self._last = sample
        self._recent.append(sample)
        while self._recent[0].stamp < sample.stamp - RATE_WINDOW:
            self._recent.popleft()
        oldest = self._recent[0]
        # Divided by the whole window even when it is not full: the first readings prove no rate.
        self._rate = max(
            self._rate, norm(minus(sample.force, oldest.force)) / RATE_WINDOW if oldest is not sample else 0.0
        )
        self._largest = max(self._largest, norm(minus(sample.force, self._bias)))

    def findings(
        self, now: float, outward: Vector | None, *, touching_allowed: float | None
    ) -> list[Finding]:
        """Return what is wrong now; the largest force and rate since the last call count.

        Args:
            now: ROS time [s].
            outward: the skin's normal under the comb; None counts all force as pull.
            touching_allowed: while backing off, the force above which to stop instead of the limits [N].
        """
        limits, found = self._limits, []
        if self._last is None:
            return [Finding("no force reading yet", Level.STOP, math.inf, limits.force_age, "s")]
        if self._invalid is not None:
            found.append(self._invalid)
        age = now - self._last.stamp
        if age > limits.force_age or age < -limits.force_age:
            found.append(Finding("age of force data", Level.STOP, age, limits.force_age, "s"))
        still = self._last.stamp - self._changed
        if still > limits.force_frozen:
            found.append(Finding("frozen force sensor", Level.STOP, still, limits.force_frozen, "s"))
        else:
            for name, since in zip(("fx", "fy", "fz", "tx", "ty", "tz"), self._axis_changed, strict=True):
                still = self._last.stamp - since
                if still > limits.force_axis_frozen:
                    found.append(
                        Finding("frozen force axis", Level.STOP, still, limits.force_axis_frozen, "s", name)
                    )
        found += self._too_strong(outward, touching_allowed)
        self._rate = self._largest = 0.0
        return found

    def _too_strong(self, outward: Vector | None, touching_allowed: float | None) -> list[Finding]:
        """Return findings on size, rate and work."""
        limits, found = self._limits, []
        assert self._last is not None
        force = minus(self._last.force, self._bias)
        torque = norm(self._last.torque)
        if torque > limits.torque_hard:
            found.append(Finding("torque", Level.STOP, torque, limits.torque_hard, "N m"))
        if touching_allowed is not None:
            if self._largest > touching_allowed:
                found.append(
                    Finding("force while backing off", Level.STOP, self._largest, touching_allowed, "N")
                )
            return found
        # The skin pushes a pressing comb outward: that part is press, all the rest is pull.
        press = 0.0 if outward is None else max(0.0, dot(force, outward))
        pull = math.sqrt(max(0.0, dot(force, force) - press**2))
        found += _soft_hard("pull", pull, limits.pull_soft, limits.pull_hard, "N")
        found += _soft_hard("press", press, limits.press_soft, limits.press_hard, "N")
        if not found and self._largest > limits.press_hard:
            # Between two checks the force went up and down again.
            found.append(Finding("force peak", Level.STOP, self._largest, limits.press_hard, "N"))
        found += _soft_hard("force rate", self._rate, limits.force_rate_soft, limits.force_rate_hard, "N/s")
        if self.work > limits.work_hard:
            found.append(Finding("work of the stroke", Level.STOP, self.work, limits.work_hard, "J"))
        if self.returned_work > limits.returned_work_hard:
            found.append(
                Finding(
                    "work of the hair on the comb",
                    Level.STOP,
                    self.returned_work,
                    limits.returned_work_hard,
                    "J",
                    "force sensor (wrong sign?)",
                )
            )
        return found


def _own(sample: ForceSample) -> tuple[float, ...]:
    """Return the sensor's own six numbers."""
    return (*sample.force, *sample.torque) if sample.raw is None else sample.raw


def _soft_hard(rule: str, measured: float, soft: float, hard: float, unit: str) -> list[Finding]:
    """Return the finding of a value with a soft and a hard limit, if any."""
    if measured > hard:
        return [Finding(rule, Level.STOP, measured, hard, unit)]
    if measured > soft:
        return [Finding(rule, Level.SLOW, measured, soft, unit)]
    return []
