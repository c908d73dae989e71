"""The simulator as the model: what a planner could do that knew physics and every strand.

Two uses. `SimulatorPlanner` sees true strands and scores them against the goal's: the upper bound of every
table. `SimulatorDynamics` only replaces the model inside MPPI (the oracle `model`): what is seen, the goal as
seen, cost and search stay.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, Protocol

import numpy as np
import torch
from torch import Tensor

from hairsim.head.head import Head
from hairsim.tools.stroke import Stroke
from hairsim.volume import GridSpec, HairVolume
from planner.benchmark.metrics import strand_distance, strands_to_move
from planner.planners.mppi import MppiPlanner
from planner.planners.mppi_config import MppiConfig
from planner.planners.planner import Dynamics, PlannedStroke
from planner.planners.proposals import ProposalSampler
from planner.planners.screen import SweepScreen
from planner.planners.search import Search


class Rehearsal(Protocol):
    """A copy of the head of hair in which strokes can be tried."""

    def now(self) -> np.ndarray:
        """Return the strands [S, V, 3] [m] as they lie."""
        ...

    def after(self, strokes: Sequence[Stroke]) -> np.ndarray:
        """Return the strands [S, V, 3] [m] after strokes that nobody plays."""
        ...

    def volume(self, strands: np.ndarray, grid: GridSpec) -> HairVolume:
        """Return the volume of strands [S, V, 3] [m]: all hair, not what cameras see of it."""
        ...


class SimulatorDynamics:
    """A model that is right: it plays strokes in a copy of the head.

    Args:
        rehearsal: where strokes are tried.
        seen: the model that completes what was seen.
        goal: hair that is wanted: the one volume that is not the head's own.
        grid: of the volumes.
    """

    def __init__(self, rehearsal: Rehearsal, seen: Dynamics, goal: HairVolume, grid: GridSpec) -> None:
        self.grid = grid
        self._rehearsal = rehearsal
        self._seen = seen
        self._goal = goal

    def encode(self, volume: HairVolume, head: Head) -> HairVolume:
        """Return the goal as the learned model completes it; for anything else the true hair."""
        if volume is self._goal:
            return self._seen.decode(self._seen.encode(volume, head))
        return self._rehearsal.volume(self._rehearsal.now(), self.grid)

    def decode(self, state: HairVolume) -> HairVolume:
        """Return the hair of a state."""
        return state

    def rollout(
        self, state: HairVolume, strokes: Sequence[Sequence[Stroke]], head: Head
    ) -> tuple[Tensor, Tensor]:
        """Return occupancy [N, X, Y, Z] and direction [N, X, Y, Z, 3] after N sequences of H strokes."""
        volumes = [self._rehearsal.volume(self._rehearsal.after(plan), self.grid) for plan in strokes]
        return (
            torch.from_numpy(np.stack([volume.occupancy for volume in volumes])),
            torch.from_numpy(np.stack([volume.direction for volume in volumes])),
        )


class SimulatorPlanner(MppiPlanner):
    """MPPI with the simulator as its model and true strands as its cost.

    The cost of a plan is the mean distance of the strands that had to move plus that of the strands that had
    to stay, as the scores have it.

    Args:
        rehearsal: where strokes are tried.
        start: [S, V, 3] [m], strands before the first stroke; they decide which had to move.
        goal: [S, V, 3] [m], the wanted strands.
        grid: on which state and goal are compared for proposals.
        config: how far to search; the horizon is 1.
        reach: whether a stroke can be made; None for every stroke.
    """

    name = "mppi_simulator"

    def __init__(
        self,
        rehearsal: Rehearsal,
        start: np.ndarray,
        goal: np.ndarray,
        grid: GridSpec,
        config: MppiConfig,
        *,
        reach: Callable[[Stroke], bool] | None = None,
    ) -> None:
        super().__init__(_Strands(rehearsal), config, reach=reach)
        self._rehearsal = rehearsal
        self._strands = goal
        self._to_move = strands_to_move(start, goal)
        self._wanted = rehearsal.volume(goal, grid)
        self._grid = grid

    def assess(self, observation: HairVolume, goal: HairVolume, head: Head) -> float:
        """Return the true cost [mm], whatever was seen."""
        return self._cost(self._rehearsal.now())

    def plan(
        self, observation: HairVolume, goal: HairVolume, head: Head, rng: np.random.Generator
    ) -> PlannedStroke:
        """Return the stroke after which strands truly are nearest the goal; none where none helps enough."""
        strands = self._rehearsal.now()
        now = self._rehearsal.volume(strands, self._grid)
        sampler = ProposalSampler(now, self._wanted, head, self.config.proposal)
        screen = SweepScreen(now, self._wanted, head)
        search = Search(self, sampler, None, self._promise, head)  # pyright: ignore[reportArgumentType]
        search.evaluate(self._proposals(sampler, screen, rng))
        self._refine(search, rng)
        best, predicted = search.best()
        current = self._cost(strands)
        if best is None or predicted > current * (1.0 - self.config.margin):
            return PlannedStroke(None, current)
        return PlannedStroke(best[0], predicted)

    def _cost(self, strands: np.ndarray) -> float:
        distance = 1000.0 * strand_distance(strands, self._strands)
        stayed = distance[~self._to_move]
        return float(distance[self._to_move].mean() + (stayed.mean() if len(stayed) else 0.0))

    def _promise(self, plans: Sequence[list[Stroke]], strands: Sequence[np.ndarray], _: None) -> np.ndarray:
        return np.array([self._cost(after) for after in strands])


class _Strands:
    """The simulator as a model that predicts strands and no volumes."""

    def __init__(self, rehearsal: Rehearsal) -> None:
        self._rehearsal = rehearsal

    def encode(self, volume: HairVolume, head: Head) -> None:
        return None

    def decode(self, state: None) -> Any:
        raise AssertionError("strands are never decoded")

    def rollout(
        self, state: None, strokes: Sequence[Sequence[Stroke]], head: Head
    ) -> tuple[list[np.ndarray], None]:
        return [self._rehearsal.after(plan) for plan in strokes], None
