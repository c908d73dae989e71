"""Model predictive path integral planning of comb strokes through a learned model.

    draw -> sieve -> roll out -> K best, apart -> around each: sample, roll out, weigh, shrink -> best of all

A path-integral mean over everything would average a stroke to the left with one to the right into one that
does nothing; so each of K modes keeps its own mean [Williams2017, eq. (25), per mode].
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import lru_cache
from typing import Any

import numpy as np
import torch

from hairsim.head.head import Head
from hairsim.tools.stroke import Stroke
from hairsim.volume import HairVolume
from planner.cost import GoalCost
from planner.planners.mppi_config import MppiConfig
from planner.planners.planner import Dynamics, PlannedStroke
from planner.planners.proposals import ProposalSampler
from planner.planners.screen import SweepScreen
from planner.planners.search import Opening, Promise, Search, Searched, stroke_gap

ASKED = 6
"""Proposals whose reach is asked about for each that is wanted; more only while none is found."""


class MppiPlanner:
    """MPPI through a learned model.

    Args:
        dynamics: the model.
        config: how far to search.
        device: where the cost is computed.
        reach: whether whoever combs can make a stroke; None for everything. What is out of reach is neither
            proposed nor rolled out: a plan's few rollouts go to strokes that can be made.
    """

    name = "mppi"

    def __init__(
        self,
        dynamics: Dynamics,
        config: MppiConfig | None = None,
        *,
        device: str = "cpu",
        reach: Callable[[Stroke], bool] | None = None,
    ) -> None:
        self.dynamics = dynamics
        self.config = MppiConfig() if config is None else config
        self.device = device
        self._reach = None if reach is None else lru_cache(maxsize=4096)(reach)
        self._warm: list[Stroke] = []
        self._goal: tuple[HairVolume, HairVolume, GoalCost] | None = None
        self._state: tuple[HairVolume, Any, HairVolume] | None = None
        self._refused: list[Stroke] = []
        self._searched: Searched | None = None

    def reset(self) -> None:
        """Forget the strokes planned ahead and the goal."""
        self._warm = []
        self._goal = None
        self._state = None
        self._refused = []
        self._searched = None

    def refuse(self, stroke: Stroke) -> None:
        """Learn that a stroke cannot be made: the next plan of the same look keeps away from it.

        That is the next best of the same search as long as there is one: see SPARES.
        """
        self._refused.append(stroke)
        self._warm = []

    def allows(self, stroke: Stroke) -> bool:
        """Return whether a stroke is over two deviations of start and heading from every refused one."""
        return all(stroke_gap(stroke, other, self.config.noise) > 2.0 for other in self._refused)

    def can(self, plan: Sequence[Stroke]) -> bool:
        """Return whether all strokes of a plan are within reach, and its first was not refused."""
        if not self.allows(plan[0]):
            return False
        return self._reach is None or all(self._reach(stroke) for stroke in plan)

    def assess(self, observation: HairVolume, goal: HairVolume, head: Head) -> float:
        """Return the cost of the hair as seen, completed by the model as the goal is [mm]."""
        _, cost = self._completed_goal(goal, head)
        return cost.volume(self._completed_state(observation, head)[1])

    def plan(
        self, observation: HairVolume, goal: HairVolume, head: Head, rng: np.random.Generator
    ) -> PlannedStroke:
        """Search strokes whose predicted hair is nearest to the goal.

        Returns:
            The best stroke with its prediction; no stroke where none promises `margin` or no prediction is
            finite.
        """
        found = self._searched
        if found is not None and found.goes_on(observation, goal, self):
            spare = self._propose(found)
            if spare.stroke is not None:
                return spare
        opening = self._opening(observation, goal, head)
        if not np.isfinite(opening.promise.current):
            return PlannedStroke(None, opening.promise.current)
        search = Search(self, opening.sampler, opening.state, opening.promise, head)
        search.evaluate(self._proposals(opening.sampler, opening.screen, rng))
        self._refine(search, rng)
        self._searched = Searched(observation, goal, search, opening.completed)
        return self._propose(self._searched)

    def _propose(self, found: Searched) -> PlannedStroke:
        """Return the best stroke of a search that was not refused, if it promises enough."""
        best, predicted = found.search.best()
        current = found.search.promise.current
        if best is None or predicted > current * (1.0 - self.config.margin):
            self._warm = []
            return PlannedStroke(None, current, found.completed)
        found.proposed.append(best[0])
        self._warm = best[1:]
        return PlannedStroke(best[0], predicted, found.search.predict(best[:1]))

    def proposed(
        self, observation: HairVolume, goal: HairVolume, head: Head, rng: np.random.Generator, *, free: int
    ) -> list[list[Stroke]]:
        """Draw the plans that `plan` rolls out first, then `free` that the sieve has no say in."""
        opening = self._opening(observation, goal, head)
        plans = self._proposals(opening.sampler, opening.screen, rng)
        return plans + [[opening.sampler.draw(rng) for _ in range(self.config.horizon)] for _ in range(free)]

    def promised(
        self, observation: HairVolume, goal: HairVolume, head: Head, plans: Sequence[list[Stroke]]
    ) -> np.ndarray:
        """Return what each of N plans promises, [N, 3]: see `Promise.parts`; nothing is chosen."""
        opening = self._opening(observation, goal, head)
        with torch.no_grad():
            occupancy, direction, *_ = self.dynamics.rollout(opening.state, plans, head)
            return opening.promise.parts(plans, occupancy, direction)

    def _opening(self, observation: HairVolume, goal: HairVolume, head: Head) -> Opening:
        wanted, cost = self._completed_goal(goal, head)
        state, completed = self._completed_state(observation, head)
        # What was seen, not what it was completed to: completing hair on both sides blurs how they differ.
        screen = SweepScreen(observation, goal, head)
        return Opening(
            state,
            completed,
            ProposalSampler(completed, wanted, head, self.config.proposal),
            screen,
            Promise(self, cost, completed, screen),
        )

    def _completed_state(self, observation: HairVolume, head: Head) -> tuple[Any, HairVolume]:
        """Return the model's state of what was seen, and the hair it stands for; kept for the same look."""
        if self._state is None or self._state[0] is not observation:
            state = self.dynamics.encode(observation, head)
            self._refused = []  # after a stroke the arm stands and the hair lies differently
            self._state = (observation, state, self.dynamics.decode(state))
        return self._state[1], self._state[2]

    def _completed_goal(self, goal: HairVolume, head: Head) -> tuple[HairVolume, GoalCost]:
        """Return the goal as the latent space completes it, and its cost; kept while the goal is the same."""
        if self._goal is None or self._goal[0] is not goal:
            wanted = self.dynamics.decode(self.dynamics.encode(goal, head))
            self._goal = (goal, wanted, GoalCost(wanted, self.config.cost, device=self.device))
        return self._goal[1], self._goal[2]

    def _proposals(
        self, sampler: ProposalSampler, screen: SweepScreen, rng: np.random.Generator
    ) -> list[list[Stroke]]:
        """Draw plans, keep the best sieved; the rest of the last plan goes first."""
        horizon = self.config.horizon
        drawn = [[sampler.draw(rng) for _ in range(horizon)] for _ in range(self.config.drawn)]
        scores = screen.scores([stroke for plan in drawn for stroke in plan]).reshape(-1, horizon).sum(axis=1)
        plans: list[list[Stroke]] = []
        for asked, number in enumerate(np.argsort(-scores, kind="stable")):
            if len(plans) == self.config.proposals or (plans and asked >= ASKED * self.config.proposals):
                break
            if self.can(drawn[number]):
                plans.append(drawn[number])
        if self._warm and plans:
            plans[-1] = (self._warm + plans[-1])[:horizon]
        return plans

    def _refine(self, search: Search, rng: np.random.Generator) -> None:
        config = self.config
        noise = np.array(config.noise)
        means = search.apart(config.modes, noise)
        for _ in range(config.iterations):
            plans, vectors = [], []
            for mean in means:
                for number in range(config.samples):
                    sample = mean if number == 0 else mean + noise * rng.normal(size=mean.shape)
                    plan = [Stroke.from_vector(v) for v in sample]
                    # The first stroke must start on hair; where noise took it off, the mean's start is kept.
                    if not search.sampler.on_hair(plan[0]):
                        sample = np.concatenate([mean[:, :2], sample[:, 2:]], axis=1)
                        plan = [Stroke.from_vector(v) for v in sample]
                    plans.append(plan)
                    vectors.append(sample)
            costs = search.evaluate(plans).reshape(len(means), config.samples)
            grouped = np.array(vectors).reshape(len(means), config.samples, config.horizon, 8)
            means = [
                path_integral_mean(v, c, config.temperature) for v, c in zip(grouped, costs, strict=True)
            ]
            noise = noise * config.shrink


def path_integral_mean(samples: np.ndarray, costs: np.ndarray, temperature: float) -> np.ndarray:
    """Return the mean of samples [N, H, 8] with weights exp(-(cost - lowest) / (temperature * spread)).

    Azimuth and heading are averaged on the circle, around the best sample. Costs that are not finite weigh
    nothing.
    """
    finite = np.isfinite(costs)
    if not finite.any():
        return samples[0]
    best = samples[int(np.argmin(np.where(finite, costs, np.inf)))]
    low = costs[finite].min()
    spread = max(float(costs[finite].std()), 1e-9)
    weight = np.where(finite, np.exp(-(np.where(finite, costs, low) - low) / (temperature * spread)), 0.0)
    offset = samples - best
    for angle in (0, 2):
        offset[..., angle] = (offset[..., angle] + np.pi) % (2.0 * np.pi) - np.pi
    return best + np.einsum("n,nhp->hp", weight / weight.sum(), offset)
