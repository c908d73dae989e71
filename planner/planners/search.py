"""One search: what plans promise, which were tried, and which is best."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
import torch
from torch import Tensor

from hairsim.head.head import Head
from hairsim.tools.stroke import Stroke
from hairsim.volume import HairVolume
from planner.cost import GoalCost
from planner.planners.proposals import ProposalSampler
from planner.planners.screen import SweepScreen

if TYPE_CHECKING:
    from planner.planners.mppi import MppiPlanner

SPARES = 4
"""Strokes of one search that are proposed one after another while whoever combs refuses them: asking takes a
fraction of a second, a search many. After these the search begins anew, where nothing was refused."""


def stroke_gap(first: Stroke, second: Stroke, noise: Sequence[float] | np.ndarray) -> float:
    """Return how far starts and headings of two strokes are apart, in standard deviations."""
    gap = np.abs(first.to_vector()[:3] - second.to_vector()[:3])
    return float(np.linalg.norm(np.minimum(gap, 2.0 * np.pi - gap) / np.maximum(noise[:3], 1e-9)))


class Opening(NamedTuple):
    """What a plan begins with: the model's state, its hair, and what draws and judges strokes."""

    state: Any
    completed: HairVolume
    sampler: ProposalSampler
    screen: SweepScreen
    promise: Promise


class Promise:
    """What plans promise: the cost of the hair now, and the share of it that they are taken to leave."""

    def __init__(self, planner: MppiPlanner, cost: GoalCost, now: HairVolume, screen: SweepScreen) -> None:
        self.cost = cost
        self._config = planner.config
        self._screen = screen
        occupancy = torch.as_tensor(now.occupancy, device=planner.device)[None]
        terms = cost(occupancy, torch.as_tensor(now.direction, device=planner.device)[None])
        self.current = float(terms.total[0])
        self._now = [max(float(term[0]), 1e-6) for term in (terms.total, terms.distance)]

    def __call__(
        self,
        plans: Sequence[list[Stroke]],
        occupancy: Tensor,
        direction: Tensor,
        uncertainty: Tensor | None = None,
    ) -> np.ndarray:
        """Return the costs [N] of plans with their predictions; infinite where one is not finite."""
        parts = self.parts(plans, occupancy, direction)
        config = self._config
        left = 1.0 + parts @ np.array([config.total, config.distance, -config.sweep])
        costs = self.current * left + np.array([self.cost.effort(plan) for plan in plans])
        if uncertainty is not None:
            costs += self.cost.weights.uncertainty * uncertainty.cpu().double().numpy()
        return np.where(np.isfinite(parts).all(axis=1) & np.isfinite(costs), costs, np.inf)

    def parts(self, plans: Sequence[list[Stroke]], occupancy: Tensor, direction: Tensor) -> np.ndarray:
        """Return the parts [N, 3] of what plans promise: change of cost, of its distance term, sweep."""
        terms = self.cost(occupancy, direction)
        changes = [
            term.cpu().double().numpy() / now - 1.0
            for term, now in zip((terms.total, terms.distance), self._now, strict=True)
        ]
        scores = self._screen.scores([stroke for plan in plans for stroke in plan])
        return np.stack([*changes, scores.reshape(len(plans), -1).sum(axis=1)], axis=1)


@dataclass
class Searched:
    """A search of one look, and the strokes of it that were proposed."""

    observation: HairVolume
    goal: HairVolume
    search: Search
    completed: HairVolume
    proposed: list[Stroke] = field(default_factory=list)

    def goes_on(self, observation: HairVolume, goal: HairVolume, planner: MppiPlanner) -> bool:
        """Return whether it was of this look, all that it proposed was refused, and it has spares."""
        if self.observation is not observation or self.goal is not goal or not self.proposed:
            return False
        refused = not any(planner.allows(stroke) for stroke in self.proposed)
        return refused and len(self.proposed) <= SPARES


class Search:
    """The rollouts of one plan: what was tried, and what it cost."""

    def __init__(
        self, planner: MppiPlanner, sampler: ProposalSampler, state: object, promise: Promise, head: Head
    ) -> None:
        self.sampler = sampler
        self._planner = planner
        self._state = state
        self.promise = promise
        self._head = head
        self._plans: list[list[Stroke]] = []
        self._costs: list[float] = []

    def evaluate(self, plans: Sequence[list[Stroke]]) -> np.ndarray:
        """Roll plans out and return their costs [N], infinite where one cannot be made or predicted."""
        costs = np.full(len(plans), np.inf)
        able = [number for number, plan in enumerate(plans) if self._planner.can(plan)]
        batch = self._planner.config.batch
        with torch.no_grad():
            for first in range(0, len(able), batch):
                numbers = able[first : first + batch]
                chunk = [plans[number] for number in numbers]
                rollout = self._planner.dynamics.rollout(self._state, chunk, self._head)
                costs[numbers] = self.promise(chunk, *rollout)
        self._plans += list(plans)
        self._costs += costs.tolist()
        return costs

    def best(self) -> tuple[list[Stroke] | None, float]:
        """Return the cheapest plan whose first stroke was not refused, and its cost; None without one."""
        for number in np.argsort(self._costs, kind="stable"):
            if not np.isfinite(self._costs[number]):
                break
            if self._planner.allows(self._plans[number][0]):
                return self._plans[number], self._costs[number]
        return None, float("inf")

    def apart(self, count: int, noise: np.ndarray) -> list[np.ndarray]:
        """Return up to `count` cheap plans [H, 8] that lie more than two deviations from each other."""
        chosen: list[np.ndarray] = []
        for number in np.argsort(self._costs, kind="stable"):
            vector = np.array([stroke.to_vector() for stroke in self._plans[number]])
            first = self._plans[number][0]
            if all(stroke_gap(first, Stroke.from_vector(other[0]), noise) > 2.0 for other in chosen):
                chosen.append(vector)
            if len(chosen) == count:
                break
        return chosen

    def predict(self, plan: list[Stroke]) -> HairVolume:
        """Return the hair that the model expects after a plan."""
        with torch.no_grad():
            occupancy, direction, *_ = self._planner.dynamics.rollout(self._state, [plan], self._head)
        return HairVolume(
            occupancy[0].cpu().float().numpy(),
            direction[0].cpu().float().numpy(),
            self.promise.cost.goal.grid,
        )
