"""A refused stroke is not proposed again, and a snagged one is tried shorter and nearer the tips."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pytest
from torch import Tensor

from hairsim.groom.children import make_children
from hairsim.groom.families import make_groom
from hairsim.head.head import Head
from hairsim.head.parametric import parametric_head
from hairsim.tools.stroke import Stroke
from hairsim.tools.stroke_path import stroke_path
from hairsim.tools.tool import rake_comb
from hairsim.volume import HairVolume, volume_from_strands
from planner.planners.feasible import FeasiblePlanner, after_snag
from planner.planners.mppi import MppiPlanner
from planner.planners.mppi_config import MppiConfig
from tests.test_planner import GRID, SweepModel

HEAD = parametric_head()
COMB = rake_comb()
QUICK = MppiConfig(drawn=32, proposals=8, modes=2, samples=3, iterations=1)


@pytest.fixture(scope="module")
def hair() -> HairVolume:
    groom = make_groom("straight_bob", HEAD, guides=60, vertices=10, seed=0)
    return volume_from_strands(make_children(groom, count=800, seed=0).strands(groom.strands), 25.0, GRID)


@pytest.fixture(scope="module")
def goal(hair: HairVolume) -> HairVolume:
    wanted = Stroke(azimuth=1.6, elevation=0.3, heading=1.2, length=0.10, depth=0.01)
    _, direction = SweepModel().rollout(hair, [[wanted]], HEAD)
    return HairVolume(hair.occupancy, direction[0].numpy(), GRID)


def test_what_the_arm_refuses_is_not_proposed_again(hair: HairVolume, goal: HairVolume) -> None:
    """Every proposal at a look differs from the refused ones; the next look begins without prejudice."""
    planner = MppiPlanner(SweepModel(), QUICK)
    asked: list[Stroke] = []

    def why_not(stroke: Stroke) -> str | None:
        asked.append(stroke)
        return "wrist_2 would turn too far" if len(asked) <= 2 else None

    feasible = FeasiblePlanner(planner, why_not)
    planned = feasible.plan(hair, goal, HEAD, np.random.default_rng(0))
    assert planned.stroke is not None
    assert planned.stroke == asked[2]
    assert [entry.stroke for entry in feasible.refused] == asked[:2]
    assert not planner.allows(asked[0])
    assert planner.allows(planned.stroke)
    assert len({stroke.to_vector()[:3].tobytes() for stroke in asked}) == 3
    seen_again = HairVolume(hair.occupancy, hair.direction, GRID)
    planner.assess(seen_again, goal, HEAD)
    assert planner.allows(asked[0])


def test_refused_strokes_cost_no_new_search_while_the_last_one_has_others(
    hair: HairVolume, goal: HairVolume
) -> None:
    """The next best of the same search come first, apart from what was refused and no better than it."""
    rollouts = 0

    class Counted(SweepModel):
        def rollout(
            self, state: HairVolume, strokes: Sequence[Sequence[Stroke]], head: Head
        ) -> tuple[Tensor, Tensor]:
            nonlocal rollouts
            rollouts += len(strokes)
            return super().rollout(state, strokes, head)

    planner, rng = MppiPlanner(Counted(), QUICK), np.random.default_rng(0)
    first = planner.plan(hair, goal, HEAD, rng)
    searched = rollouts
    assert first.stroke is not None
    planner.refuse(first.stroke)
    second = planner.plan(hair, goal, HEAD, rng)
    assert second.stroke is not None
    assert planner.allows(second.stroke)
    assert second.predicted_cost >= first.predicted_cost
    assert rollouts == searched + 1, "the prediction of the stroke, and no search"
    assert planner.plan(hair, goal, HEAD, rng).stroke is not None
    assert rollouts > searched + QUICK.proposals, "asked again without a refusal it searches again"
    seen_again = HairVolume(hair.occupancy, hair.direction, GRID)
    planner.refuse(second.stroke)
    searched = rollouts
    planner.plan(seen_again, goal, HEAD, rng)
    assert rollouts > searched + QUICK.proposals, "what was found for another look is not proposed"


def test_what_is_out_of_reach_is_never_rolled_out(hair: HairVolume, goal: HairVolume) -> None:
    """Rollouts are dear: all of them go to strokes that can be made."""
    rolled: list[Stroke] = []

    class Watched(SweepModel):
        def rollout(
            self, state: HairVolume, strokes: Sequence[Sequence[Stroke]], head: Head
        ) -> tuple[Tensor, Tensor]:
            rolled.extend(stroke for plan in strokes for stroke in plan)
            return super().rollout(state, strokes, head)

    planner = MppiPlanner(Watched(), QUICK, reach=lambda stroke: stroke.elevation > 0.2)
    planned = planner.plan(hair, goal, HEAD, np.random.default_rng(0))
    assert planned.stroke is not None
    assert planned.stroke.elevation > 0.2
    assert len(rolled) >= QUICK.proposals
    assert min(stroke.elevation for stroke in rolled) > 0.2


def test_an_arm_that_can_do_nothing_gets_no_stroke(hair: HairVolume, goal: HairVolume) -> None:
    feasible = FeasiblePlanner(MppiPlanner(SweepModel(), QUICK), lambda _: "out of reach", tries=2)
    assert feasible.plan(hair, goal, HEAD, np.random.default_rng(0)).stroke is None
    assert len(feasible.refused) <= 2
    short = MppiPlanner(SweepModel(), QUICK, reach=lambda _: False)
    assert short.plan(hair, goal, HEAD, np.random.default_rng(0)).stroke is None


@pytest.mark.parametrize("azimuth", [-2.5, 0.4, 1.6])
@pytest.mark.parametrize("heading", [-1.0, 0.0, 0.8])
def test_after_a_snag_the_second_half_is_combed(azimuth: float, heading: float) -> None:
    whole = Stroke(azimuth, elevation=0.9, heading=heading, length=0.12, depth=0.01)
    half = after_snag(whole, HEAD, COMB)
    assert half is not None
    assert half.length == pytest.approx(0.06)
    first, last = stroke_path(whole, HEAD, COMB).in_hair
    end = stroke_path(whole, HEAD, COMB).positions[last]
    begin, finish = stroke_path(half, HEAD, COMB).in_hair
    again = stroke_path(half, HEAD, COMB).positions
    assert (
        np.linalg.norm(again[begin] - stroke_path(whole, HEAD, COMB).positions[(first + last) // 2]) < 0.004
    )
    assert np.linalg.norm(again[finish] - end) < 0.012


def test_a_short_stroke_is_not_tried_again() -> None:
    assert after_snag(Stroke(0.4, 0.9, 0.0, 0.05, 0.01), HEAD, COMB) is None
