"""Why an arm cannot make a stroke: which waypoint, which limit, by how much."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from hairsim.errors import CombwiseError

Kind = Literal["reach", "joint limit", "jump", "collision", "tracking", "speed", "way"]
"""What was in the way: out of reach, an end stop, a flip of the arm within a step, two things too near each
other, a path too rough to follow smoothly, joints too slow, or no free way to the start."""


@dataclass(frozen=True)
class Refusal:
    """One reason.

    Attributes:
        kind: what was in the way.
        section: "entry", "hair", "exit", "approach" or "return".
        waypoint, waypoints: where along the stroke, counted from 0, of how many.
        subject: the joint, or the pair of things.
        excess: by how much the limit is broken, in `unit`; 0 where there is no measure.
        unit: "mm", "rad", "rad/s", "rad/s^2", "rad/s^3" or "".
        detail: the rest of the sentence.
    """

    kind: Kind
    section: str
    waypoint: int
    waypoints: int
    subject: str
    excess: float
    unit: str
    detail: str

    def sentence(self, arm: str) -> str:
        """Return the whole reason for people."""
        return (
            f"{arm} refuses the stroke at waypoint {self.waypoint} of {self.waypoints} ({self.section}): "
            f"{self.kind}: {self.detail}"
        )


class StrokeRefusedError(CombwiseError):
    """The arm cannot make this stroke; nothing has moved. `reason` says why, for the planner."""

    def __init__(self, arm: str, reason: Refusal) -> None:
        super().__init__(reason.sentence(arm))
        self.reason = reason
