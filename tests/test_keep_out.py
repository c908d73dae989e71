"""Keep-out zones of the head: which strokes enter one, and that no planner that knows them proposes such."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from scipy.spatial.transform import Rotation

from hairsim.head.keep_out import adult_zones, zone_depths
from hairsim.head.parametric import parametric_head
from hairsim.tools.stroke import Stroke
from hairsim.tools.stroke_path import stroke_path
from hairsim.tools.tool import rake_comb
from planner.benchmark.episodes import intrusion
from planner.planners.feasible import FeasiblePlanner, TeachablePlanner
from planner.planners.keep_out import KeepOut
from planner.planners.mppi import MppiPlanner
from planner.planners.random_strokes import RandomPlanner
from planner.planners.rule_based import RuleBasedPlanner
from tests.planner_scene import QUICK, Scene, SweepModel, lock_moved
from tests.planner_scene import scene as scene

HEAD, COMB = parametric_head(), rake_comb()
OVER_THE_CROWN = Stroke(azimuth=3.1, elevation=1.3, heading=0.0, length=0.06, depth=0.01)
DOWN_THE_SIDE = Stroke(azimuth=1.75, elevation=0.6, heading=0.0, length=0.15, depth=0.004)
OVER_THE_FACE = Stroke(azimuth=0.0, elevation=0.5, heading=0.0, length=0.15, depth=0.01)


def test_a_stroke_says_which_zone_it_would_enter() -> None:
    keep_out = KeepOut(HEAD, COMB)
    assert keep_out.allows(OVER_THE_CROWN) and keep_out.why_not(OVER_THE_CROWN) is None
    for stroke, zone in ((DOWN_THE_SIDE, "left ear"), (OVER_THE_FACE, "face|eye")):
        why = keep_out.why_not(stroke)
        assert why is not None and not keep_out.allows(stroke)
        assert any(name in why for name in zone.split("|"))
        assert "mm into the keep-out zone of the" in why
    assert KeepOut(HEAD, COMB, adult_zones()[:1]).allows(DOWN_THE_SIDE)


def test_an_episode_tells_how_deep_its_comb_came_into_a_zone() -> None:
    """Every end of every tooth at every pose, one after the other, gives the same."""
    paths = [stroke_path(stroke, HEAD, COMB) for stroke in (OVER_THE_CROWN, DOWN_THE_SIDE)]
    deepest = 0.0
    for position, turn in zip(paths[1].positions, Rotation.from_quat(paths[1].quaternions), strict=True):
        for end in np.concatenate([COMB.start, COMB.end]):
            x, y, z = (turn.apply(end) + position).tolist()
            deepest = max(deepest, *(zone.depth((x, y, z)) for zone in adult_zones()))
    assert intrusion(paths, COMB, HEAD) == pytest.approx(deepest) and deepest > 0.001
    assert intrusion(paths[:1], COMB, HEAD) == 0.0
    assert intrusion([], COMB, HEAD) == 0.0


def test_a_comb_that_is_nowhere_is_in_every_zone() -> None:
    assert (zone_depths(adult_zones(), np.array([[np.nan, 0.0, 0.0]])) == np.inf).all()


@pytest.mark.parametrize("planner", [RandomPlanner(), RuleBasedPlanner()])
def test_planners_that_are_told_propose_other_strokes(scene: Scene, planner: TeachablePlanner) -> None:
    keep_out = KeepOut(scene.head, COMB)
    told = FeasiblePlanner(planner, keep_out.why_not, tries=32)
    goal = lock_moved(scene, 0.05)
    proposed = [
        told.plan(scene.volume, goal, scene.head, np.random.default_rng(seed)).stroke for seed in range(3)
    ]
    strokes = [stroke for stroke in proposed if stroke is not None]
    assert strokes and all(keep_out.allows(stroke) for stroke in strokes)
    assert told.refused and all("keep-out zone" in entry.reason for entry in told.refused)


def test_mppi_proposes_no_stroke_into_a_zone(scene: Scene) -> None:
    keep_out = KeepOut(scene.head, COMB)
    planner = MppiPlanner(SweepModel(), replace(QUICK, margin=0.0), reach=keep_out.allows)
    planned = planner.plan(scene.volume, lock_moved(scene, 0.05), scene.head, np.random.default_rng(0))
    assert planned.stroke is not None and keep_out.allows(planned.stroke)


@pytest.mark.slow
@pytest.mark.timeout(600)
def test_the_benchmark_can_be_asked_to_respect_zones_on_the_same_tasks() -> None:
    """Nothing but the planner's strokes differs; who replays the hidden strokes is not asked."""
    from planner.benchmark.episodes import try_task
    from planner.benchmark.tasks import Task, TaskConfig

    config = TaskConfig("any", 3, "straight_long", guides=60, vertices=12, children=800)
    free, asked = Task(config), Task(replace(config, keep_out="adult"))
    assert asked.truth.strokes == free.truth.strokes
    assert try_task(free, "random", None, "quick")["keep_out_mm"] > 0.0
    assert try_task(asked, "random", None, "quick")["keep_out_mm"] == 0.0
    assert len(try_task(asked, "replay", None, "quick")["vectors"]) == len(free.truth.strokes)
