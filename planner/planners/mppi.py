"""Model predictive path integral planning of comb strokes through a learned model.

    draw -> sieve -> roll out -> K best, apart -> around each: sample, roll out, weigh, shrink -> best of all

A path-integral mean over everything would average a stroke to the left with one to the right into one that
does nothing; so each of K modes keeps its own mean [Williams2017, eq. (25), per mode].
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any, NamedTuple

import numpy as np
import torch
from torch import Tensor

from hairsim.errors import CombwiseError
from hairsim.head.head import Head
from hairsim.tools.stroke import Stroke
from hairsim.volume import HairVolume
from planner.cost import CostWeights, GoalCost
from planner.planners.planner import Dynamics, PlannedStroke
from planner.planners.proposals import ProposalConfig, ProposalSampler
from planner.planners.screen import SweepScreen

NOISE = (0.12, 0.12, 0.35, 0.03, 0.004, 0.10, 0.10, 0.02)
"""Standard deviation of the first refinement for the eight parameters of a stroke [rad or m, m/s]."""


ASKED = 6
"""Proposals whose reach is asked about for each that is wanted; more only while none is found."""

SPARES = 4
"""Strokes of one search that are proposed one after another while whoever combs refuses them: asking takes a
fraction of a second, a search many. After these the search begins anew, where nothing was refused."""


@dataclass(frozen=True)
class MppiConfig:
    """How far to search.

    Attributes:
        horizon: strokes that are planned ahead (H); the first is executed.
        drawn: strokes drawn from where state and goal differ, before the sieve.
        proposals: how many of them, the best sieved, are rolled out.
        modes: how many good, different proposals are refined.
        samples: noisy copies of each mode in each iteration.
        iterations: refinements.
        temperature: of the path-integral weights, as a share of the spread of a mode's costs.
        shrink: factor on the noise after each refinement.
        margin: a stroke must promise to lower the cost by this share of it.
        batch: rollouts at once.
        noise: standard deviation of the eight parameters.
        total, distance, sweep: what a change of 1 in the predicted cost and in its distance term (each over
            the present one) and in the sweep screen's score is taken to change of moved plus disturbance
            (over the present moved). Chosen on simulated strokes on eight heads of the training families
            (`python -m benchmarks.promise`); distance alone ranks worse than the cost that holds it.
        cost: weights of the cost of observed hair.
        proposal: how strokes are proposed.
    """

    horizon: int = 1
    drawn: int = 320
    proposals: int = 24
    modes: int = 3
    samples: int = 5
    iterations: int = 2
    temperature: float = 0.3
    shrink: float = 0.6
    margin: float = 0.03
    batch: int = 16
    noise: tuple[float, ...] = NOISE
    total: float = 0.8
    distance: float = 0.0
    sweep: float = 1.0
    cost: CostWeights = field(default_factory=CostWeights)
    proposal: ProposalConfig = field(default_factory=ProposalConfig)

    def __post_init__(self) -> None:
        counts = {"horizon": self.horizon, "proposals": self.proposals, "modes": self.modes,
                  "samples": self.samples, "batch": self.batch}  # fmt: skip
        for name, value in counts.items():
            if value < 1:
                raise CombwiseError(f"MPPI {name} is {value}; expected at least 1")
        if self.drawn < self.proposals:
            raise CombwiseError(
                f"MPPI draws {self.drawn} strokes; expected at least its {self.proposals} proposals"
            )
        if self.iterations < 0 or not self.temperature > 0.0 or not 0.0 < self.shrink <= 1.0:
            raise CombwiseError(
                f"MPPI iterations {self.iterations}, temperature {self.temperature}, shrink {self.shrink}; "
                "expected >= 0, > 0 and in (0, 1]"
            )
        if len(self.noise) != 8 or min(self.noise) < 0.0:
            raise CombwiseError(f"MPPI noise is {self.noise}; expected eight numbers >= 0")

    @property
    def model_calls(self) -> int:
        """Rollouts of one plan."""
        return self.proposals + self.iterations * self.modes * self.samples


PRESETS: dict[str, MppiConfig] = {
    "cpu": MppiConfig(),
    "quick": MppiConfig(drawn=64, proposals=8, modes=2, samples=4, iterations=1),
    "gpu": MppiConfig(drawn=2048, proposals=512, modes=16, samples=32, iterations=3, batch=128),
}
"""`cpu` is sized for at most 8 s a stroke on two cores."""


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
        self._searched: _Searched | None = None

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
        return all(_gap(stroke, other, self.config.noise) > 2.0 for other in self._refused)

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
        search = _Search(self, opening.sampler, opening.state, opening.promise, head)
        search.evaluate(self._proposals(opening.sampler, opening.screen, rng))
        self._refine(search, rng)
        self._searched = _Searched(observation, goal, search, opening.completed)
        return self._propose(self._searched)

    def _propose(self, found: _Searched) -> PlannedStroke:
        """Return the best stroke of a search that was not refused, if it promises enough."""
        best, predicted = found.search.best()
        current = found.search.promise.current
        if best is None or predicted > current * (1.0 - self.config.margin):
            self._warm = []
            return PlannedStroke(None, current, found.completed)
        found.proposed.append(best[0])
        self._warm = best[1:]
        return PlannedStroke(best[0], predicted, found.search.predict(best[:1]))

    def promised(
        self, observation: HairVolume, goal: HairVolume, head: Head, rng: np.random.Generator, *, free: int
    ) -> tuple[list[list[Stroke]], np.ndarray]:
        """Draw plans as `plan` does, and say what each of them promises; nothing is chosen.

        Args:
            observation, goal, head, rng: as for `plan`.
            free: how many plans to draw that the sieve has no say in, after the `proposals` that passed it.

        Returns:
            Plans [N], and [N, 3] their parts: see `_Promise.parts`.
        """
        opening = self._opening(observation, goal, head)
        plans = self._proposals(opening.sampler, opening.screen, rng)
        plans += [[opening.sampler.draw(rng) for _ in range(self.config.horizon)] for _ in range(free)]
        with torch.no_grad():
            occupancy, direction, *_ = self.dynamics.rollout(opening.state, plans, head)
            return plans, opening.promise.parts(plans, occupancy, direction)

    def _opening(self, observation: HairVolume, goal: HairVolume, head: Head) -> _Opening:
        wanted, cost = self._completed_goal(goal, head)
        state, completed = self._completed_state(observation, head)
        # What was seen, not what it was completed to: completing hair on both sides blurs how they differ.
        screen = SweepScreen(observation, goal, head)
        return _Opening(
            state,
            completed,
            ProposalSampler(completed, wanted, head, self.config.proposal),
            screen,
            _Promise(self, cost, completed, screen),
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

    def _refine(self, search: _Search, rng: np.random.Generator) -> None:
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


def _gap(first: Stroke, second: Stroke, noise: Sequence[float] | np.ndarray) -> float:
    """Return how far starts and headings of two strokes are apart, in standard deviations."""
    gap = np.abs(first.to_vector()[:3] - second.to_vector()[:3])
    return float(np.linalg.norm(np.minimum(gap, 2.0 * np.pi - gap) / np.maximum(noise[:3], 1e-9)))


class _Opening(NamedTuple):
    """What a plan begins with: the model's state, its hair, and what draws and judges strokes."""

    state: Any
    completed: HairVolume
    sampler: ProposalSampler
    screen: SweepScreen
    promise: _Promise


class _Promise:
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
class _Searched:
    """A search of one look, and the strokes of it that were proposed."""

    observation: HairVolume
    goal: HairVolume
    search: _Search
    completed: HairVolume
    proposed: list[Stroke] = field(default_factory=list)

    def goes_on(self, observation: HairVolume, goal: HairVolume, planner: MppiPlanner) -> bool:
        """Return whether it was of this look, all that it proposed was refused, and it has spares."""
        if self.observation is not observation or self.goal is not goal or not self.proposed:
            return False
        refused = not any(planner.allows(stroke) for stroke in self.proposed)
        return refused and len(self.proposed) <= SPARES


class _Search:
    """The rollouts of one plan: what was tried, and what it cost."""

    def __init__(
        self, planner: MppiPlanner, sampler: ProposalSampler, state: object, promise: _Promise, head: Head
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
            if all(_gap(first, Stroke.from_vector(other[0]), noise) > 2.0 for other in chosen):
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
