"""Every limit of the safety supervisor: its safe default, and the bounds that no parameter can leave.

Numbers are starting values for wigs (docs/safety.md says where each comes from). A bound is part of the code
on purpose: a launch file, a parameter service or a typing error can make the robot more careful, never less
than the bound allows.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, field, fields
from typing import Any

from hairsim.errors import CombwiseError

_KEYS = ("low", "high", "unit", "what")


def _limit(default: float, low: float, high: float, unit: str, what: str) -> Any:
    """Declare a limit: its default and the least and largest value that may be set."""
    return field(default=default, metadata={"low": low, "high": high, "unit": unit, "what": what})


@dataclass(frozen=True)
class SafetyLimits:
    """What the supervisor allows. `describe` lists meaning, unit and bounds of every field."""

    force_age: float = _limit(0.020, 0.002, 0.050, "s", "oldest force reading that still counts")
    force_frozen: float = _limit(0.020, 0.005, 0.100, "s", "longest time without any change of the force")
    force_axis_frozen: float = _limit(0.30, 0.05, 1.0, "s", "longest time without change of one force axis")
    pull_soft: float = _limit(2.0, 0.1, 5.0, "N", "pull at which to slow down")
    pull_hard: float = _limit(5.0, 0.2, 10.0, "N", "pull at which to stop")
    press_soft: float = _limit(5.0, 0.1, 10.0, "N", "press toward the head at which to slow down")
    press_hard: float = _limit(10.0, 0.2, 15.0, "N", "press toward the head at which to stop")
    torque_hard: float = _limit(1.5, 0.05, 3.0, "N m", "torque at the sensor at which to stop")
    force_rate_soft: float = _limit(60.0, 5.0, 200.0, "N/s", "change of force at which to slow down")
    force_rate_hard: float = _limit(150.0, 10.0, 300.0, "N/s", "change of force at which to stop")
    work_hard: float = _limit(0.6, 0.01, 2.0, "J", "work of the comb on the hair in one stroke")
    returned_work_hard: float = _limit(
        0.05, 0.005, 0.2, "J", "work of the hair on the comb: more means that the sensor's sign is wrong"
    )
    near_head: float = _limit(0.15, 0.10, 0.50, "m", "distance from the skin that counts as near the head")
    speed_near: float = _limit(0.10, 0.005, 0.25, "m/s", "speed of the comb near the head")
    speed_free: float = _limit(0.30, 0.01, 0.50, "m/s", "speed of the comb elsewhere")
    head_shift: float = _limit(0.010, 0.001, 0.020, "m", "movement of the head since the plan was made")
    head_turn: float = _limit(0.087, 0.01, 0.175, "rad", "turn of the head since the plan was made")
    head_age: float = _limit(0.50, 0.05, 1.0, "s", "oldest head pose that still counts")
    head_frozen: float = _limit(1.0, 0.2, 2.0, "s", "longest time without any change of the head pose")
    joint_age: float = _limit(0.050, 0.005, 0.100, "s", "oldest joint state that still counts")
    joint_margin: float = _limit(0.02, 0.0, 0.5, "rad", "distance from a joint's end at which to stop")
    tracking_soft: float = _limit(0.03, 0.001, 0.10, "rad", "tracking error at which to slow down")
    tracking_hard: float = _limit(0.08, 0.002, 0.20, "rad", "tracking error at which to stop")
    plan_age: float = _limit(120.0, 1.0, 600.0, "s", "age of a plan at which its stroke may not go on")
    fast_beat: float = _limit(0.050, 0.010, 0.100, "s", "silence of what can move the arm")
    slow_beat: float = _limit(1.0, 0.2, 2.0, "s", "silence of what cannot move the arm")
    stop_signal_age: float = _limit(0.5, 0.05, 1.0, "s", "silence of the e-stop's contact")
    horizon: float = _limit(0.20, 0.02, 0.20, "s", "how far ahead the controller is told what to do")
    slow_share: float = _limit(0.3, 0.05, 0.8, "", "speed after a soft limit, as a share of the plan's")
    calm: float = _limit(0.5, 0.1, 5.0, "s", "time below all soft limits before full speed returns")
    retreat_speed: float = _limit(0.05, 0.005, 0.10, "m/s", "speed of backing off after a snag")
    retreat_time: float = _limit(6.0, 0.5, 10.0, "s", "longest time to back off")
    tare_hard: float = _limit(3.0, 0.0, 5.0, "N", "largest force that may be tared away")

    def __post_init__(self) -> None:
        for item in fields(self):
            value, low, high = getattr(self, item.name), item.metadata["low"], item.metadata["high"]
            number = isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value)
            if not number or not low <= value <= high:
                raise CombwiseError(
                    f"safety limit {item.name} is {value}; expected {low:g} .. {high:g} "
                    f"{item.metadata['unit']} ({item.metadata['what']})"
                )
        for soft, hard in (
            ("pull_soft", "pull_hard"),
            ("press_soft", "press_hard"),
            ("force_rate_soft", "force_rate_hard"),
            ("tracking_soft", "tracking_hard"),
        ):
            if getattr(self, soft) > getattr(self, hard):
                raise CombwiseError(
                    f"safety limit {soft} {getattr(self, soft):g} lies above {hard} {getattr(self, hard):g}; "
                    "expected to slow down before stopping"
                )

    @staticmethod
    def describe() -> list[tuple[str, float, float, float, str, str]]:
        """Return (name, default, low, high, unit, what) of every limit: for parameters and documents."""
        return [
            (item.name, getattr(SafetyLimits(), item.name), *(item.metadata[key] for key in _KEYS))
            for item in fields(SafetyLimits)
        ]


FAST_BEATS = ("executor", "controller")
"""Processes that can move the arm: 100 Hz, silence of `fast_beat` stops it."""

SLOW_BEATS = ("planner", "observer", "goal", "recorder")
"""Processes that cannot: 5 Hz, silence of `slow_beat` stops the stroke."""
