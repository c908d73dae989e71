"""The planner that knows the goal's own strokes: it brackets every table from below."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from hairsim.head.head import Head
from hairsim.tools.stroke import Stroke
from hairsim.volume import HairVolume
from planner.planners.planner import PlannedStroke


class ReplayPlanner:
    """Plays the hidden strokes that made the goal; coming to nearly zero proves the harness.

    Args:
        strokes: the goal's strokes, in their order.
    """

    name = "replay"

    def __init__(self, strokes: Sequence[Stroke]) -> None:
        self._strokes = tuple(strokes)
        self._played = 0

    def reset(self) -> None:
        """Start from the first stroke again."""
        self._played = 0

    def assess(self, observation: HairVolume, goal: HairVolume, head: Head) -> float:
        """Know no cost."""
        return float("nan")

    def plan(
        self, observation: HairVolume, goal: HairVolume, head: Head, rng: np.random.Generator
    ) -> PlannedStroke:
        """Return the next hidden stroke, then none."""
        if self._played >= len(self._strokes):
            return PlannedStroke(stroke=None)
        self._played += 1
        return PlannedStroke(stroke=self._strokes[self._played - 1])
