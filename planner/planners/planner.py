"""What every planner takes and gives, and what it may ask of a dynamics model."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np

from hairsim.head.head import Head
from hairsim.tools.stroke import Stroke
from hairsim.volume import HairVolume


@dataclass(frozen=True)
class PlannedStroke:
    """What a planner decided.

    Attributes:
        stroke: the next stroke, None for none.
        predicted_cost: cost expected after the stroke [mm]; NaN for planners that know no cost.
        prediction: hair expected after the stroke, where the planner predicts.
        wait: with no stroke: let the time of a stroke pass and go on, rather than stop.
    """

    stroke: Stroke | None
    predicted_cost: float = float("nan")
    prediction: HairVolume | None = None
    wait: bool = False


class Planner(Protocol):
    """Chooses strokes one at a time."""

    name: str

    def reset(self) -> None:
        """Forget the last episode."""
        ...

    def assess(self, observation: HairVolume, goal: HairVolume, head: Head) -> float:
        """Return the cost of the hair as seen [mm]; NaN for planners that know no cost."""
        ...

    def plan(
        self, observation: HairVolume, goal: HairVolume, head: Head, rng: np.random.Generator
    ) -> PlannedStroke:
        """Choose the next stroke from what was seen, what is wanted, and chance."""
        ...


class Dynamics(Protocol):
    """What a planner asks of a model of combing; `dynamics.model.HairDynamics` is one."""

    def encode(self, volume: HairVolume, head: Head) -> Any:
        """Return the model's own state for hair as seen."""
        ...

    def decode(self, state: Any) -> HairVolume:
        """Return the completed hair of a state."""
        ...

    def rollout(self, state: Any, strokes: Sequence[Sequence[Stroke]], head: Head) -> Any:
        """Return occupancy [N, X, Y, Z] and direction [N, X, Y, Z, 3] after N sequences of H strokes.

        A model that says how unsure it is adds that, [N] (`dynamics.model.Rollout`).
        """
        ...
