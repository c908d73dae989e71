"""What the supervisor decides, and why: every intervention names the rule, the value and the limit."""

from __future__ import annotations

import math
from dataclasses import dataclass
from enum import IntEnum


class Level(IntEnum):
    """How bad a finding is."""

    OK = 0
    SLOW = 1
    STOP = 2
    EMERGENCY = 3


@dataclass(frozen=True)
class Finding:
    """One violated rule.

    Attributes:
        rule: its name, a word or two.
        level: what it calls for.
        measured: the value; NaN where the value itself is what is wrong.
        limit: what was allowed.
        unit: of both.
        subject: the joint, zone, process or axis, if any; what is wrong, where no number says it and `limit`
            is NaN.
    """

    rule: str
    level: Level
    measured: float
    limit: float
    unit: str
    subject: str = ""

    @property
    def excess(self) -> float:
        """By how much the limit is broken, in `unit`."""
        return abs(self.measured - self.limit)

    def sentence(self) -> str:
        """Return the finding for people and for the recording."""
        if math.isnan(self.limit):
            return f"{self.rule}: {self.subject}: {self.level.name.lower()}"
        what = f"{self.rule} of {self.subject}" if self.subject else self.rule
        unit = f" {self.unit}" if self.unit else ""
        return (
            f"{what}: {self.measured:.4g}{unit}, limit {self.limit:.4g}{unit}, "
            f"broken by {self.excess:.4g}{unit}: {self.level.name.lower()}"
        )


@dataclass(frozen=True)
class Intervention:
    """A finding that changed what the robot does, and when [s, ROS time]."""

    stamp: float
    finding: Finding


class Mode(IntEnum):
    """What the robot may do.

    STARTING: nothing; data or the proof of the e-stop are missing. READY: move. SLOWED: move slowly.
    RETREATING: back off slowly along the way it came. STOPPED: nothing until reset. EMERGENCY: nothing until
    the e-stop is released and then reset.
    """

    STARTING = 0
    READY = 1
    SLOWED = 2
    RETREATING = 3
    STOPPED = 4
    EMERGENCY = 5


@dataclass(frozen=True)
class Verdict:
    """The supervisor's answer to one check.

    Attributes:
        mode: what the robot may do now.
        share: of the plan's speed that is allowed: 0 to hold, 1 for full speed.
        findings: every rule that is violated now.
        interventions: those that changed the mode in this check.
    """

    mode: Mode
    share: float
    findings: tuple[Finding, ...]
    interventions: tuple[Intervention, ...]

    @property
    def may_move(self) -> bool:
        """Whether set-points may reach the controller."""
        return self.share > 0.0
