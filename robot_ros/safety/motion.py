"""Motion: is the comb too fast or where it must not be, do the joints follow, is the head where it was?"""

from __future__ import annotations

import math
from collections.abc import Sequence

from hairsim.head.keep_out import Zone
from robot_ros.safety.limits import SafetyLimits
from robot_ros.safety.samples import (
    HeadSample,
    JointRange,
    JointSample,
    SetPoint,
    ToolSample,
    Vector,
    finite,
    minus,
    norm,
)
from robot_ros.safety.verdict import Finding, Level
from robot_ros.safety.zones import intrusions

WORKSPACE = 0.80
"""The comb never leaves this distance from the head's origin [m]: farther, something is very wrong."""

OVERSPEED = 1.25
"""Speed over its limit slows down; by this factor over, it stops."""


class MotionWatch:
    """Watches joints, comb and head."""

    def __init__(self, limits: SafetyLimits, joints: Sequence[JointRange], zones: Sequence[Zone]) -> None:
        self._limits, self._joints, self._zones = limits, tuple(joints), tuple(zones)
        self.measured: JointSample | None = None
        self.tool: ToolSample | None = None
        self.head: HeadSample | None = None
        self.retreating = False
        self._set_point: SetPoint | None = None
        self._head_changed = -math.inf
        self._head_at_plan: HeadSample | None = None
        self._broken: dict[str, Finding] = {}
        self._fastest: Finding | None = None

    def begin_stroke(self) -> None:
        """Remember where the head is: the plan was made for this pose."""
        self._head_at_plan = self.head

    def end_stroke(self) -> None:
        """Forget the plan's head pose."""
        self._head_at_plan = None

    def hold(self) -> None:
        """Drop the set-point: it is taken from the measured joints when motion starts again."""
        self._set_point = None

    def feed_joints(self, sample: JointSample) -> None:
        """Take measured joints; older ones than known are ignored."""
        count = len(self._joints)
        if len(sample.positions) != count or len(sample.velocities) != count:
            self._broken["joints"] = Finding(
                "joint state size", Level.STOP, float(len(sample.positions)), float(count), "joints"
            )
        elif not finite(sample.stamp, *sample.positions, *sample.velocities):
            self._broken["joints"] = Finding("joint state is no number", Level.STOP, math.nan, 0.0, "rad")
        elif self.measured is None or sample.stamp > self.measured.stamp:
            self._broken.pop("joints", None)
            self.measured = sample

    def feed_tool(self, sample: ToolSample) -> None:
        """Take the comb's pose; the fastest since the last check counts."""
        flat = (c for point in sample.points for c in point)
        if not finite(sample.stamp, *sample.position, *sample.velocity, *sample.outward, sample.skin, *flat):
            self._broken["tool"] = Finding("comb pose is no number", Level.STOP, math.nan, 0.0, "m")
        elif self.tool is None or sample.stamp > self.tool.stamp:
            self._broken.pop("tool", None)
            self.tool = sample
            finding = self._speed(sample)
            if finding is not None and (self._fastest is None or finding.level > self._fastest.level):
                self._fastest = finding

    def feed_head(self, sample: HeadSample) -> None:
        """Take a measured head pose."""
        length = math.sqrt(sum(c * c for c in sample.quaternion))
        if not finite(sample.stamp, *sample.position, *sample.quaternion) or abs(length - 1.0) > 0.01:
            self._broken["head"] = Finding("head pose is no pose", Level.STOP, length, 1.0, "")
        elif self.head is None or sample.stamp > self.head.stamp:
            self._broken.pop("head", None)
            if self.head is None or sample[1:] != self.head[1:]:
                self._head_changed = sample.stamp
            self.head = sample

    def refuse_head(self, why: str) -> None:
        """Take word that the newest head pose cannot be used."""
        self._broken["head"] = Finding("head pose refused", Level.STOP, math.nan, math.nan, "", why)

    def feed_set_point(self, sample: SetPoint) -> None:
        """Take what the controller was told for about now."""
        if len(sample.positions) != len(self._joints) or not finite(sample.stamp, *sample.positions):
            self._broken["set-point"] = Finding("set-point is no posture", Level.STOP, math.nan, 0.0, "rad")
        else:
            self._broken.pop("set-point", None)
            self._set_point = sample

    def findings(self, now: float, *, moving: bool) -> list[Finding]:
        """Return what is wrong now.

        Args:
            now: ROS time [s].
            moving: whether a stroke is under way; the head is then compared with the plan's.
        """
        limits = self._limits
        found = list(self._broken.values())
        if self.measured is None or self.tool is None:
            found.append(Finding("no joint state yet", Level.STOP, math.inf, limits.joint_age, "s"))
        else:
            oldest = min(self.measured.stamp, self.tool.stamp)
            newest = max(self.measured.stamp, self.tool.stamp)
            found += _aged("age of joint states", now, oldest, newest, limits.joint_age)
            found += self._joint_findings(self.measured)
            found += self._tool_findings(self.tool)
        if self.head is None:
            found.append(Finding("no head pose yet", Level.STOP, math.inf, limits.head_age, "s"))
        else:
            found += self._head_findings(now, self.head, moving)
        return found

    def _joint_findings(self, sample: JointSample) -> list[Finding]:
        limits, found = self._limits, []
        for joint, q in zip(self._joints, sample.positions, strict=True):
            room = min(q - joint.lower, joint.upper - q)
            if room < limits.joint_margin:
                found.append(
                    Finding(
                        "room to the joint's end", Level.STOP, room, limits.joint_margin, "rad", joint.name
                    )
                )
        if self._set_point is not None:
            errors = [abs(a - b) for a, b in zip(sample.positions, self._set_point.positions, strict=True)]
            worst = max(errors)
            name = self._joints[errors.index(worst)].name
            if worst > limits.tracking_hard:
                found.append(Finding("tracking error", Level.STOP, worst, limits.tracking_hard, "rad", name))
            elif worst > limits.tracking_soft:
                found.append(Finding("tracking error", Level.SLOW, worst, limits.tracking_soft, "rad", name))
        return found

    def _tool_findings(self, tool: ToolSample) -> list[Finding]:
        found = intrusions(self._zones, (tool.position, *tool.points))
        away = norm(tool.position)
        if away > WORKSPACE:
            found.append(Finding("distance of the comb from the head", Level.STOP, away, WORKSPACE, "m"))
        if self._fastest is not None:
            found.append(self._fastest)
        self._fastest = None
        return found

    def _speed(self, tool: ToolSample) -> Finding | None:
        near = tool.skin < self._limits.near_head
        limit = self._limits.speed_near if near else self._limits.speed_free
        if self.retreating:
            limit = min(limit, self._limits.retreat_speed)
        speed = norm(tool.velocity)
        if speed <= limit:
            return None
        level = Level.STOP if speed > OVERSPEED * limit else Level.SLOW
        return Finding("speed of the comb", level, speed, limit, "m/s", "near the head" if near else "")

    def _head_findings(self, now: float, head: HeadSample, moving: bool) -> list[Finding]:
        limits = self._limits
        found = _aged("age of the head pose", now, head.stamp, head.stamp, limits.head_age)
        # Judged by the time, not by the next pose: it is known as soon as a change is overdue. Where no pose
        # came since, the camera has stopped rather than frozen, and the age says so.
        still = now - self._head_changed
        if head.stamp > self._head_changed and still > limits.head_frozen:
            found.append(Finding("frozen camera (head pose)", Level.STOP, still, limits.head_frozen, "s"))
        if moving and self._head_at_plan is not None:
            shift = norm(minus(head.position, self._head_at_plan.position))
            turn = _angle(head.quaternion, self._head_at_plan.quaternion)
            if shift > limits.head_shift:
                found.append(Finding("head moved", Level.STOP, shift, limits.head_shift, "m"))
            if turn > limits.head_turn:
                found.append(Finding("head turned", Level.STOP, turn, limits.head_turn, "rad"))
        return found


def _aged(rule: str, now: float, oldest: float, newest: float, limit: float) -> list[Finding]:
    """Return a finding when data are too old, or from the future by as much."""
    age = now - oldest
    if age > limit:
        return [Finding(rule, Level.STOP, age, limit, "s")]
    if now - newest < -limit:
        return [Finding(rule, Level.STOP, now - newest, limit, "s", "the future")]
    return []


def _angle(first: tuple[float, ...], second: tuple[float, ...]) -> float:
    """Return the angle between two unit quaternions [rad]; a quaternion and its negative are one turn."""
    along = abs(sum(a * b for a, b in zip(first, second, strict=True)))
    return 2.0 * math.acos(min(1.0, along))


__all__ = ["OVERSPEED", "WORKSPACE", "MotionWatch", "Vector"]
