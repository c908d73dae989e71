"""The styling loop over a robot whose arm refuses, snags, stops and is cancelled."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from hairsim.errors import CombwiseError
from hairsim.tools.stroke import Stroke
from hairsim.volume import HairVolume
from planner.episode import EpisodeConfig
from planner.planners.mppi import MppiPlanner
from robot_ros.styling import Ending, Executed, Outcome, StylingLoop
from tests.test_feasible import HEAD, QUICK, goal, hair
from tests.test_planner import GRID, SweepModel

__all__ = ["goal", "hair"]  # fixtures


class Bench:
    """A world with one rule: what is combed looks as the model says."""

    def __init__(self, hair: HairVolume, goal: HairVolume, outcomes: list[Outcome] | None = None) -> None:
        self.hair, self.wanted = hair, goal
        self.outcomes = outcomes or []
        self.strokes: list[Stroke] = []
        self.told: list[tuple[int, str]] = []
        self.reach: Callable[[Stroke], str | None] = lambda _: None
        self.cancel_at = 10**6
        self.blind = False

    def cancelled(self) -> bool:
        return len(self.told) >= self.cancel_at

    def goal(self) -> HairVolume:
        return self.wanted

    def look(self) -> HairVolume:
        if self.blind:
            raise CombwiseError("camera 'left' never sent its depth")
        return HairVolume(self.hair.occupancy, self.hair.direction, GRID)

    def why_not(self, stroke: Stroke) -> str | None:
        return self.reach(stroke)

    def execute(self, stroke: Stroke, predicted_cost: float, prediction: HairVolume | None) -> Executed:
        self.strokes.append(stroke)
        outcome = self.outcomes.pop(0) if self.outcomes else Outcome.DONE
        if outcome == Outcome.DONE:
            _, direction = SweepModel().rollout(self.hair, [[stroke]], HEAD)
            self.hair = HairVolume(self.hair.occupancy, direction[0].numpy(), GRID)
        return Executed(outcome, outcome.name.lower(), 1.0)

    def tell(self, number: int, phase: str, cost: float) -> None:
        self.told.append((number, phase))


def _loop(bench: Bench, **options: int) -> StylingLoop:
    config = EpisodeConfig(strokes=2, patience=2)
    return StylingLoop(MppiPlanner(SweepModel(), QUICK), bench, HEAD, GRID, config, **options)


def test_styling_lowers_what_is_seen_and_tells_its_phases(hair: HairVolume, goal: HairVolume) -> None:
    bench = Bench(hair, goal)
    ended = _loop(bench).run(0)
    assert ended.code in (Ending.REACHED, Ending.STROKE_LIMIT, Ending.NO_PROGRESS)
    assert ended.strokes == len(bench.strokes) >= 1
    assert ended.costs[-1] < ended.costs[0]
    phases = [phase for _, phase in bench.told]
    assert phases[:5] == ["look", "look", "look", "plan", "comb"]


def test_another_stroke_is_sought_for_a_refused_one(hair: HairVolume, goal: HairVolume) -> None:
    bench = Bench(hair, goal)
    asked: list[Stroke] = []

    def reach(stroke: Stroke) -> str | None:
        asked.append(stroke)
        return "out of reach" if len(asked) == 1 else None

    bench.reach = reach
    ended = _loop(bench).run(0)
    assert ended.refused == 1
    assert bench.strokes[0] == asked[1] != asked[0]
    assert "1 refused by the arm" in ended.message
    bench = Bench(hair, goal)
    bench.reach = lambda _: "out of reach"
    ended = _loop(bench, tries=2).run(0)
    assert ended.code == Ending.NO_PROGRESS
    assert not bench.strokes


def test_after_a_snag_the_second_half_is_tried(hair: HairVolume, goal: HairVolume) -> None:
    bench = Bench(hair, goal, [Outcome.SNAGGED])
    ended = _loop(bench).run(0)
    assert ended.snags == 1
    assert bench.strokes[1].length == pytest.approx(0.5 * bench.strokes[0].length)
    never = Bench(hair, goal, [Outcome.SNAGGED] * 20)
    ended = _loop(never, snags=0).run(0)
    assert ended.code == Ending.NO_PROGRESS
    assert ended.strokes == 0


@pytest.mark.parametrize(
    ("outcome", "code", "word"),
    [
        (Outcome.STOPPED, Ending.STOPPED, "supervisor"),
        (Outcome.CANCELLED, Ending.CANCELLED, "mid-stroke"),
        (Outcome.CONTROLLER, Ending.FAILED, "controller"),
    ],
)
def test_what_ends_a_stroke_ends_the_styling(
    hair: HairVolume, goal: HairVolume, outcome: Outcome, code: Ending, word: str
) -> None:
    bench = Bench(hair, goal, [outcome])
    ended = _loop(bench).run(0)
    assert ended.code == code
    assert word in ended.message
    assert len(bench.strokes) == 1


def test_a_cancel_is_heard_between_strokes_and_blindness_is_said(hair: HairVolume, goal: HairVolume) -> None:
    bench = Bench(hair, goal)
    bench.cancel_at = 2
    assert _loop(bench).run(0).code == Ending.CANCELLED
    assert not bench.strokes
    blind = Bench(hair, goal)
    blind.blind = True
    ended = _loop(blind).run(0)
    assert ended.code == Ending.FAILED
    assert "camera 'left'" in ended.message


def test_codes_are_those_of_the_actions() -> None:
    action = pytest.importorskip("combwise_interfaces.action", reason="interfaces need make ros")
    for ours, theirs in ((Outcome, action.ExecuteStroke.Result), (Ending, action.StyleHair.Result)):
        assert {code.name: code.value for code in ours} == {
            code.name: getattr(theirs, code.name) for code in ours
        }
