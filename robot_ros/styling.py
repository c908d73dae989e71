"""The styling loop of a robot: that of planner/episode.py, with hands that may fail, refuse or snag."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from enum import IntEnum
from typing import Protocol

import numpy as np

from hairsim.cameras.camera import Frame
from hairsim.errors import CombwiseError
from hairsim.head.head import Head
from hairsim.tools.stroke import Stroke
from hairsim.tools.tool import rake_comb
from hairsim.volume import GridSpec, HairVolume
from planner.episode import EpisodeConfig, EpisodeStep, StrokeReading, run_episode
from planner.planners.feasible import FeasiblePlanner, TeachablePlanner, after_snag
from planner.planners.planner import PlannedStroke


class Outcome(IntEnum):
    """How a stroke went: the codes of ExecuteStroke."""

    DONE = 0
    REFUSED = 1
    STOPPED = 2
    SNAGGED = 3
    CANCELLED = 4
    CONTROLLER = 5


class Ending(IntEnum):
    """How styling ended: the codes of StyleHair."""

    REACHED = 0
    NO_PROGRESS = 1
    STROKE_LIMIT = 2
    CANCELLED = 3
    STOPPED = 4
    FAILED = 5


@dataclass(frozen=True)
class Executed:
    """How a stroke went: the code, a sentence, and the largest force [N]."""

    code: int
    message: str
    peak_force: float
    seconds: float = 0.0


@dataclass(frozen=True)
class Ended:
    """How styling ended: the code, a sentence, the costs as seen [mm], strokes made, refused and snagged."""

    code: int
    message: str
    costs: tuple[float, ...]
    strokes: int
    refused: int
    snags: int


class Hands(Protocol):
    """What the loop asks of the world."""

    def cancelled(self) -> bool:
        """Return whether the user gave up."""
        ...

    def goal(self) -> HairVolume:
        """Return the wanted hair."""
        ...

    def look(self) -> HairVolume:
        """Return the hair as it is from now on."""
        ...

    def why_not(self, stroke: Stroke) -> str | None:
        """Return why the arm cannot make a stroke, or None."""
        ...

    def execute(self, stroke: Stroke, predicted_cost: float, prediction: HairVolume | None) -> Executed:
        """Comb; return how it went."""
        ...

    def tell(self, number: int, phase: str, cost: float) -> None:
        """Hear what is being done: number of the stroke, look, plan or comb, cost as last seen [mm]."""
        ...


class _StopError(Exception):
    """Ends the loop from within a stroke."""

    def __init__(self, code: Ending, message: str) -> None:
        super().__init__(message)
        self.code = code


class StylingLoop:
    """One episode over a robot.

    Args:
        planner: chooses strokes.
        hands: eyes and hands.
        head: whose hair.
        grid: of the volumes.
        config: when to stop.
        tries: strokes that the arm is asked about at one look.
        snags: how often a snagged stroke is tried again, halved.
    """

    def __init__(
        self, planner: TeachablePlanner, hands: Hands, head: Head, grid: GridSpec, config: EpisodeConfig,
        *, tries: int = 8, snags: int = 2,
    ) -> None:  # fmt: skip
        self._hands, self._head, self._grid, self._config, self._snags = hands, head, grid, config, snags
        self._planner = FeasiblePlanner(planner, self._why_not, tries=tries)
        self._costs: list[float] = []
        self._number, self._made, self._snagged, self._refused = 0, 0, 0, 0
        self._planned = PlannedStroke(None)

    def run(self, seed: int) -> Ended:
        """Style until the goal is seen reached, nothing helps, the strokes are used up, or it must stop."""
        try:
            goal = self._hands.goal()
            result = run_episode(
                self, _Remembering(self._planner, self), goal, self._head, self._grid, seed,
                config=self._config, floor=self._floor(), see=self._see, on_step=self._next,
            )  # fmt: skip
        except _StopError as stop:
            return self._ended(stop.code, str(stop))
        except CombwiseError as error:
            # Whoever waited for eyes, planner or arm gave up when the user did.
            given_up = self._hands.cancelled()
            return self._ended(Ending.CANCELLED if given_up else Ending.FAILED, str(error))
        codes = {
            "success": (Ending.REACHED, "the hair looks like the goal"),
            "no stroke": (Ending.NO_PROGRESS, "no stroke that the arm can make promises to help"),
            "no progress": (Ending.NO_PROGRESS, "the last strokes did not help"),
            "stroke limit": (Ending.STROKE_LIMIT, "all strokes are used up"),
        }
        return self._ended(*codes[result.stopped])

    def look(self) -> Sequence[Frame]:
        """Never asked for: `see` takes its place."""
        raise AssertionError("the robot's eyes are the hair observer")

    def execute(self, stroke: Stroke | None) -> StrokeReading:
        """Comb; after a snag comb the second half; after a refusal ask the planner for another."""
        assert stroke is not None
        planned, snags, tried = self._planned, 0, stroke
        while True:
            self._check()
            self._tell("comb")
            done = self._hands.execute(tried, planned.predicted_cost, planned.prediction)
            if done.code == Outcome.DONE:
                self._made += 1
                return StrokeReading(done.seconds, done.peak_force)
            if done.code == Outcome.CANCELLED:
                raise _StopError(Ending.CANCELLED, "cancelled in mid-stroke")
            if done.code == Outcome.STOPPED:
                raise _StopError(Ending.STOPPED, f"the safety supervisor stopped the arm: {done.message}")
            shorter = after_snag(tried, self._head, rake_comb()) if done.code == Outcome.SNAGGED else None
            if done.code == Outcome.SNAGGED:
                self._snagged += 1
            if shorter is None or snags >= self._snags or self._hands.why_not(shorter) is not None:
                if done.code == Outcome.CONTROLLER:
                    raise _StopError(Ending.FAILED, f"the controller gave the stroke up: {done.message}")
                # Snagged for good, or refused after all: look again, the planner sees what came of it.
                self._refused += done.code == Outcome.REFUSED
                return StrokeReading(done.seconds, done.peak_force)
            tried, snags = shorter, snags + 1
            planned = replace(planned, stroke=shorter, predicted_cost=float("nan"), prediction=None)

    def _see(self) -> HairVolume:
        self._check()
        self._tell("look")
        return self._hands.look()

    def _floor(self) -> float:
        """Return the cost of the hair against itself, looked at twice [mm]."""
        first = self._see()
        floor = self._planner.assess(self._see(), first, self._head)
        self._planner.reset()
        return floor if np.isfinite(floor) else 0.0

    def _why_not(self, stroke: Stroke) -> str | None:
        self._check()
        reason = self._hands.why_not(stroke)
        self._refused += reason is not None
        return reason

    def _next(self, number: int, step: EpisodeStep) -> None:
        self._number = number + 1

    def _check(self) -> None:
        if self._hands.cancelled():
            raise _StopError(Ending.CANCELLED, "cancelled")

    def _tell(self, phase: str) -> None:
        self._hands.tell(self._number, phase, self._costs[-1] if self._costs else float("nan"))

    def _ended(self, code: Ending, message: str) -> Ended:
        costs = f": {self._costs[0]:.2f} to {self._costs[-1]:.2f} mm as seen" if self._costs else ""
        strokes = f"{self._made} stroke{'' if self._made == 1 else 's'}"
        said = f"{message}; {strokes}{costs}"
        if self._refused:
            said += f", {self._refused} refused by the arm"
        if self._snagged:
            said += f", {self._snagged} snagged"
        return Ended(code, said, tuple(self._costs), self._made, self._refused, self._snagged)


class _Remembering:
    """The planner as the loop sees it; it notes costs and decisions for whoever watches."""

    def __init__(self, planner: FeasiblePlanner, loop: StylingLoop) -> None:
        self.name, self._planner, self._loop = planner.name, planner, loop

    def reset(self) -> None:
        self._planner.reset()

    def assess(self, observation: HairVolume, goal: HairVolume, head: Head) -> float:
        cost = self._planner.assess(observation, goal, head)
        self._loop._costs.append(cost)
        self._loop._tell("plan")
        return cost

    def plan(
        self, observation: HairVolume, goal: HairVolume, head: Head, rng: np.random.Generator
    ) -> PlannedStroke:
        self._loop._planned = self._planner.plan(observation, goal, head, rng)
        return self._loop._planned
