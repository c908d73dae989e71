"""The planner that combs anywhere on the hair: what is a stroke worth that was not thought about?"""

from __future__ import annotations

import numpy as np

from hairsim.head.head import Head
from hairsim.tools.stroke import Stroke
from hairsim.volume import HairVolume
from planner.planners.planner import PlannedStroke
from planner.planners.proposals import ProposalConfig, ProposalSampler


class RandomPlanner:
    """Strokes that start somewhere on the hair as seen and go anywhere."""

    name = "random"

    def reset(self) -> None:
        """Nothing to forget."""

    def refuse(self, stroke: Stroke) -> None:
        """Nothing to learn: the next draw is another one."""

    def assess(self, observation: HairVolume, goal: HairVolume, head: Head) -> float:
        """Know no cost."""
        return float("nan")

    def plan(
        self, observation: HairVolume, goal: HairVolume, head: Head, rng: np.random.Generator
    ) -> PlannedStroke:
        """Return a stroke that starts on hair, whatever the goal."""
        sampler = ProposalSampler(observation, goal, head, ProposalConfig(explore=1.0))
        return PlannedStroke(sampler.draw(rng))
