"""The closed loop: look, plan, comb, look again.

The loop knows what cameras show and what the planner predicts, and nothing else. Ground truth, where there is
one, belongs to the environment's owner and is used for scores only.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np

from hairsim.cameras.camera import Frame
from hairsim.errors import CombwiseError
from hairsim.head.head import Head
from hairsim.tools.stroke import Stroke
from hairsim.volume import GridSpec, HairVolume
from planner.observe import observe
from planner.planners.planner import PlannedStroke, Planner
from planner.toward import TowardGoal


@dataclass(frozen=True)
class StrokeReading:
    """What is known of an executed stroke.

    Attributes:
        seconds: how long the comb was under way [s].
        peak_force: largest force on the comb [N].
        mean_force: mean force on the comb while it was under way [N].
    """

    seconds: float
    peak_force: float
    mean_force: float = 0.0


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
                f"episode strokes {self.strokes} and patience {self.patience}; expected at least 1 of each"
            )
        if not 0.0 <= self.success < 1.0 or not 0.0 <= self.progress < 1.0:
            raise CombwiseError(
                f"episode success {self.success} and progress {self.progress}; expected shares in [0, 1)"
            )


@dataclass(frozen=True)
class EpisodeStep:
    """One turn of the loop.

    Attributes:
        observed_cost: cost of the hair as seen [mm]; NaN for planners that know no cost.
        observed_progress: share of the way from the first look to the goal that hair is seen to have gone.
        planned: what the planner decided; None where the loop stopped before planning.
        reading: of the executed stroke or wait; None where nothing was executed.
        planning_seconds: time to observe and plan [s].
    """

    observed_cost: float
    observed_progress: float
    planned: PlannedStroke | None
    reading: StrokeReading | None
    planning_seconds: float


@dataclass(frozen=True)
class EpisodeResult:
    """What happened.

    Attributes:
        steps: one for each look.
        stopped: why the loop ended: "success", "no stroke", "no progress" or "stroke limit".
    """

    steps: tuple[EpisodeStep, ...]
    stopped: str

    @property
    def strokes(self) -> list[Stroke]:
        """The executed strokes."""
        planned = [step.planned for step in self.steps if step.reading is not None]
        return [p.stroke for p in planned if p is not None and p.stroke is not None]

    @property
    def observed_costs(self) -> list[float]:
        """The cost of the hair as seen at each look [mm]; NaN for planners that know no cost."""
        return [step.observed_cost for step in self.steps]


def run_episode(
    environment: Environment,
    planner: Planner,
    goal: HairVolume,
    head: Head,
    grid: GridSpec,
    seed: int,
    *,
    config: EpisodeConfig | None = None,
    floor: float = 0.0,
    done: Sequence[PlannedStroke] = (),
    on_step: Callable[[int, EpisodeStep], None] | None = None,
    see: Callable[[], HairVolume] | None = None,
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
        seed: chance of the planner; turn n depends on (seed, n) alone.
        config: when to stop.
        floor: observed cost that noise alone gives: of one style against itself, looked at twice [mm].
        done: what was planned before an interruption; played again instead of planned again.
        on_step: called after every turn with its number.
        see: what is seen now, in place of what the environment's cameras show: perfect eyes, to learn what
            imperfect ones cost.

    Raises:
        CombwiseError: no hair is seen, or a camera is missing, not calibrated or without depth.
    """
    config = EpisodeConfig() if config is None else config
    planner.reset()
    steps: list[EpisodeStep] = []
    watch, rig = _Watch(config, floor), _Rig()
    toward: TowardGoal | None = None
    for number in range(config.strokes + 1):
        began = time.perf_counter()
        observation = observe(rig.same(environment.look()), head, grid) if see is None else see()
        cost = planner.assess(observation, goal, head)
        toward = toward or TowardGoal(observation, goal)
        progress = toward.volume(observation)
        stopped = watch.verdict(cost)
        if stopped is None and number == config.strokes:
            stopped = "stroke limit"
        planned = None
        if stopped is None and number < len(done):
            planned = done[number]
        elif stopped is None:
            planned = planner.plan(observation, goal, head, np.random.default_rng([seed, number]))
        if planned is not None and planned.stroke is None and not planned.wait:
            stopped = "no stroke"
        seconds = time.perf_counter() - began
        reading = environment.execute(planned.stroke) if planned is not None and stopped is None else None
        steps.append(EpisodeStep(cost, progress, planned, reading, seconds))
        if on_step is not None:
            on_step(number, steps[-1])
        if stopped is not None:
            return EpisodeResult(tuple(steps), stopped)
    raise AssertionError("the last turn of the loop always stops")


def noise_floor(environment: Environment, planner: Planner, head: Head, grid: GridSpec) -> float:
    """Return the cost of one style against itself, looked at twice [mm]: what noise alone gives.

    0 for planners that know no cost.
    """
    first, second = (observe(environment.look(), head, grid) for _ in range(2))
    floor = planner.assess(second, first, head)
    planner.reset()
    return floor if np.isfinite(floor) else 0.0


class _Rig:
    """Knows which cameras there are: hair that one of them no longer shows would look combed away."""

    def __init__(self) -> None:
        self._names: set[str] | None = None

    def same(self, frames: Sequence[Frame]) -> Sequence[Frame]:
        """Return the frames of a look, checked to be of the same cameras as the first look's."""
        names = {frame.camera.name for frame in frames}
        missing = (self._names or names) - names
        if missing:
            raise CombwiseError(
                f"camera '{min(missing)}' gave no picture; expected all cameras of the first look, all "
                "through an episode"
            )
        self._names = names
        return frames


class _Watch:
    """Watches the observed cost for success and for progress."""

    def __init__(self, config: EpisodeConfig, floor: float) -> None:
        self._config = config
        self._floor = floor
        self._first: float | None = None
        self._lowest = float("inf")
        self._stale = 0

    def verdict(self, cost: float) -> str | None:
        """Return why to stop, or None. Planners that know no cost (NaN) stop by themselves."""
        if not np.isfinite(cost):
            return None
        if self._first is None:
            self._first = cost
        if cost < self._lowest * (1.0 - self._config.progress):
            self._lowest, self._stale = cost, 0
        else:
            self._stale += 1
        if cost - self._floor <= self._config.success * (self._first - self._floor):
            return "success"
        return "no progress" if self._stale >= self._config.patience else None
