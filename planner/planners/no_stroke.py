"""The planner that waits: it brackets every table from above."""

from __future__ import annotations

import numpy as np

from hairsim.head.head import Head
from hairsim.volume import HairVolume
from planner.planners.planner import PlannedStroke


class NoStrokePlanner:
    """Never combs; time passes as long as strokes would take, so that what hair does by itself counts."""

    name = "no_stroke"

    def reset(self) -> None:
        """Nothing to forget."""

    def assess(self, observation: HairVolume, goal: HairVolume, head: Head) -> float:
        """Know no cost."""
        return float("nan")

    def plan(
        self, observation: HairVolume, goal: HairVolume, head: Head, rng: np.random.Generator
    ) -> PlannedStroke:
        """Wait."""
        return PlannedStroke(stroke=None, wait=True)
