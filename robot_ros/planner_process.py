"""The planner in a process of its own: a plan takes every core for seconds, and its node must hear a cancel.

    planner = PlannerProcess(PlannerChoice(preset="quick"), patience=check)  # raises to give up waiting
    planner.await_ready(300.0)
    cost = planner.assess(observation, goal, head)

To the styling loop it is a planner like any other. Both processes read the head from the same file.
"""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from hairsim.errors import CombwiseError
from hairsim.head.head import Head
from hairsim.head.head_file import head_or_built_in
from hairsim.tools.stroke import Stroke
from hairsim.volume import GridSpec, HairVolume
from planner.planners.mppi import MppiPlanner
from planner.planners.mppi_config import PRESETS
from planner.planners.planner import PlannedStroke
from robot_ros.worker import Worker

KEPT = 4
"""Volumes that the child remembers; each crosses the pipe once."""


@dataclass(frozen=True)
class PlannerChoice:
    """Which planner.

    Attributes:
        preset: of planner.planners.mppi.PRESETS.
        weights: checkpoint of the learned model; None for the shipped one.
        device: where it computes.
        arm: whose reach its strokes keep to, the head where it was calibrated to be; empty for no arm's.
        calibration: file with where comb and head are; None for the arm's usual places.
        head: file of the head's shape; None for the built-in adult.
    """

    preset: str = "cpu"
    weights: Path | None = None
    device: str = "cpu"
    arm: str = ""
    calibration: Path | None = None
    head: Path | None = None

    def __post_init__(self) -> None:
        if self.preset not in PRESETS:
            raise CombwiseError(f"preset '{self.preset}' is unknown; expected one of {', '.join(PRESETS)}")


@dataclass(frozen=True)
class Trait:
    """What the planner's model asks of volumes: their grid and their observer's version."""

    grid: GridSpec
    observer: str


@dataclass(frozen=True)
class Shown:
    """A volume by its number; the volume itself the first time."""

    number: int
    volume: HairVolume | None


@dataclass(frozen=True)
class Question:
    """One call of the planner; `call` is its name."""

    call: str
    observation: Shown | None = None
    goal: Shown | None = None
    rng: np.random.Generator | None = None
    stroke: Stroke | None = None


@dataclass(frozen=True)
class Reply:
    """What the call returned, and the state of chance after it."""

    value: Any
    chance: Any = None


class PlannerProcess:
    """An MPPI planner in a child.

    Args:
        choice: which.
        patience: called again and again while an answer is awaited; what it raises ends the wait.
    """

    name = "mppi"

    def __init__(self, choice: PlannerChoice, *, patience: Callable[[], None] = lambda: None) -> None:
        self._worker: Worker[PlannerChoice, Question, Reply] = Worker(make_planner, choice, name="planner")
        self._patience = patience
        self._shown: deque[tuple[int, HairVolume]] = deque(maxlen=KEPT)
        self._count = 0

    def await_ready(self, seconds: float) -> Trait:
        """Wait until the model is loaded; return what it asks of volumes.

        Raises:
            CombwiseError: weights that do not fit or are not there, an unknown device, or it took longer.
        """
        self._worker.await_ready(seconds)
        return self._ask(Question("trait")).value

    def close(self) -> None:
        """End the child."""
        self._worker.close()

    def reset(self) -> None:
        """Forget the last episode."""
        self._ask(Question("reset"))

    def refuse(self, stroke: Stroke) -> None:
        """Keep away from a stroke until the hair is looked at again."""
        self._ask(Question("refuse", stroke=stroke))

    def assess(self, observation: HairVolume, goal: HairVolume, head: Head) -> float:
        """Return the cost of the hair as seen [mm]."""
        return self._ask(Question("assess", self._show(observation), self._show(goal))).value

    def plan(
        self, observation: HairVolume, goal: HairVolume, head: Head, rng: np.random.Generator
    ) -> PlannedStroke:
        """Choose the next stroke; `rng` goes on where the child's copy of it ended."""
        reply = self._ask(Question("plan", self._show(observation), self._show(goal), rng))
        rng.bit_generator.state = reply.chance
        return reply.value

    def _show(self, volume: HairVolume) -> Shown:
        for number, known in self._shown:
            if known is volume:
                return Shown(number, None)
        self._count += 1
        self._shown.append((self._count, volume))
        return Shown(self._count, volume)

    def _ask(self, question: Question) -> Reply:
        # An answer that nobody waited for any more comes first; a large question would block until then.
        while self._worker.waiting:
            self._await_answer()
        self._worker.ask(question)
        return self._await_answer()

    def _await_answer(self) -> Reply:
        while not self._worker.has_answer():
            self._patience()
            time.sleep(0.02)
        return self._worker.answer()


def make_planner(choice: PlannerChoice) -> Callable[[Question], Reply]:
    """Load the model; return what answers questions. Runs in the child."""
    from dynamics.model import load_model

    model, head = load_model(choice.weights, device=choice.device), head_or_built_in(choice.head)
    reach = None
    if choice.arm:
        from robot_ros.arms.stroke_planner import reach_of  # late: needs the arms' libraries

        reach = reach_of(choice.arm, choice.calibration, choice.head)
    planner = MppiPlanner(model, PRESETS[choice.preset], device=choice.device, reach=reach)
    shown: deque[tuple[int, HairVolume]] = deque(maxlen=KEPT)

    def volume(what: Shown | None) -> HairVolume:
        assert what is not None
        if what.volume is not None:
            shown.append((what.number, what.volume))
        return next(known for number, known in shown if number == what.number)

    def answer(question: Question) -> Reply:
        if question.call == "trait":
            return Reply(Trait(model.grid, model.info.observer_version))
        if question.call == "reset":
            return Reply(planner.reset())
        if question.call == "refuse":
            assert question.stroke is not None
            return Reply(planner.refuse(question.stroke))
        seen, wanted = volume(question.observation), volume(question.goal)
        if question.call == "assess":
            return Reply(planner.assess(seen, wanted, head))
        assert question.rng is not None
        planned = planner.plan(seen, wanted, head, question.rng)
        return Reply(planned, question.rng.bit_generator.state)

    return answer
