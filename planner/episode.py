"""The closed loop: look, plan, comb, look again.

The loop knows what cameras show and what the planner predicts, and nothing else. Ground truth, where there is
one, belongs to the environment's owner and is used for scores only.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Protocol

import numpy as np

from hairsim.cameras.camera import Frame
from hairsim.errors import CombwiseError
from hairsim.head.head import Head
from hairsim.tools.stroke import Stroke
from hairsim.volume import GridSpec, HairVolume
from planner.observe import observe
from planner.planners.planner import PlannedStroke, Planner


@dataclass(frozen=True)
class StrokeReading:
    """What is known of an executed stroke.

    Attributes:
        seconds: how long the comb was under way [s].
        peak_force: largest force on the comb [N].
    """

    seconds: float
    peak_force: float


class Environment(Protocol):
    """A head of hair that can be looked at and combed: virtual, or a robot's."""

    def look(self) -> Sequence[Frame]:
        """Return what all cameras see now."""
        ...

    def execute(self, stroke: Stroke | None) -> StrokeReading:
        """Comb, or let the time of a stroke pass; return when the hair is at rest."""
        ...


@dataclass(frozen=True)
class EpisodeConfig:
    """When to stop.

    Attributes:
        strokes: most strokes.
        success: observed cost, less the floor, at which the style counts as reached, as a share of the first.
        patience: looks in a row without a new lowest observed cost after which to give up.
        progress: share by which a cost must undercut the lowest to count as lower.
    """

    strokes: int = 5
    success: float = 0.15
    patience: int = 2
    progress: float = 0.01

    def __post_init__(self) -> None:
        if self.strokes < 1 or self.patience < 1:
            raise CombwiseError(
                f"episode of {self.strokes} strokes with patience {self.patience}; expected at least 1 of each"
            )
        if not 0.0 <= self.success < 1.0 or not 0.0 <= self.progress < 1.0:
            raise CombwiseError(
                f"episode success {self.success} and progress {self.progress}; expected shares in [0, 1)"
            )


@dataclass(frozen=True)
class EpisodeStep:
    """One turn of the loop.

    Attributes:
        planned: what the planner decided on this look; its current_cost is the observed cost.
        reading: of the executed stroke; None where none was executed.
        planning_seconds: time to observe and plan [s].
    """

    planned: PlannedStroke
    reading: StrokeReading | None
    planning_seconds: float


@dataclass(frozen=True)
class EpisodeResult:
    """What happened.

    Attributes:
        steps: one for each look at which something was planned.
        stopped: why the loop ended: "success", "no stroke", "no progress" or "stroke limit".
    """

    steps: tuple[EpisodeStep, ...] = field(default_factory=tuple)
    stopped: str = "stroke limit"

    @property
    def strokes(self) -> list[Stroke]:
        """The executed strokes."""
        return [s.planned.stroke for s in self.steps if s.reading is not None and s.planned.stroke is not None]

    @property
    def observed_costs(self) -> list[float]:
        """The cost of the hair as seen at each look [mm]; NaN for planners that know no cost."""
        return [step.planned.current_cost for step in self.steps]


def run_episode(
    environment: Environment,
    planner: Planner,
    goal: HairVolume,
    head: Head,
    grid: GridSpec,
    rng: np.random.Generator,
    *,
    config: EpisodeConfig | None = None,
    floor: float = 0.0,
    on_step: Callable[[int, EpisodeStep], None] | None = None,
) -> EpisodeResult:
    """Style until the goal is seen reached, no stroke helps, or the strokes are used up.

    A stroke that made the observed cost rise is not the end: the planner sees the new state and may mend it,
    `patience` times in a row.

    Args:
        environment: what is looked at and combed.
        planner: chooses the strokes.
        goal: the goal as observed.
        head: the head in front of the cameras.
        grid: where hair is observed.
        rng: chance of the planner.
        config: when to stop.
        floor: observed cost of a goal against itself, looked at twice [mm].
        on_step: called after every turn with its number.
    """
    config = EpisodeConfig() if config is None else config
    planner.reset()
    steps: list[EpisodeStep] = []
    lowest, first, stale = np.inf, None, 0
    for number in range(config.strokes + 1):
        began = time.perf_counter()
        observation = observe(environment.look(), head, grid)
        last = number == config.strokes
        planned = planner.plan(observation, goal, head, rng)
        seconds = time.perf_counter() - began
        cost = planned.current_cost
        first = cost if first is None else first
        stopped = None
        if cost < lowest * (1.0 - config.progress):
            lowest, stale = cost, 0
        elif np.isfinite(cost):
            stale += 1
        if np.isfinite(cost) and cost - floor <= config.success * (first - floor):
            stopped = "success"
        elif stale >= config.patience:
            stopped = "no progress"
        elif planned.stroke is None and not planned.wait:
            stopped = "no stroke"
        elif last:
            stopped = "stroke limit"
        reading = environment.execute(planned.stroke) if stopped is None else None
        steps.append(EpisodeStep(planned, reading, seconds))
        if on_step is not None:
            on_step(number, steps[-1])
        if stopped is not None:
            return EpisodeResult(tuple(steps), stopped)
    raise AssertionError("the last turn of the loop always stops")
