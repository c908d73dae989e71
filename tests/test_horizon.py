"""MPPI over three and four strokes: whole plans, begun anew where the last one left off, all within reach."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import pytest
from torch import Tensor

from hairsim.head.head import Head
from hairsim.tools.stroke import Stroke
from hairsim.volume import HairVolume
from planner.planners import MppiPlanner
from tests.planner_scene import GRID, QUICK, Scene, SweepModel, lock_moved
from tests.planner_scene import scene as scene

SMALL = replace(QUICK, drawn=24, proposals=6, modes=2, samples=3, iterations=1, margin=-1.0)
"""A small search whose best plan is taken whatever it promises: what is asked here is how plans are made."""


class Watched(SweepModel):
    """The sweep model, and every plan that was rolled out through it."""

    def __init__(self) -> None:
        self.plans: list[list[Stroke]] = []

    def rollout(
        self, state: HairVolume, strokes: Sequence[Sequence[Stroke]], head: Head
    ) -> tuple[Tensor, Tensor]:
        self.plans += [list(plan) for plan in strokes]
        return super().rollout(state, strokes, head)


@pytest.mark.slow
@pytest.mark.parametrize("horizon", [3, 4])
def test_plans_have_as_many_strokes_as_the_horizon_and_go_on_where_the_last_one_left_off(
    scene: Scene, horizon: int
) -> None:
    model = Watched()
    planner = MppiPlanner(model, replace(SMALL, horizon=horizon))
    goal = lock_moved(scene, 0.05)
    first = planner.plan(scene.volume, goal, scene.head, np.random.default_rng(0))
    assert first.stroke is not None
    *searched, shown = model.plans
    assert len(searched) == planner.config.model_calls
    assert {len(plan) for plan in searched} == {horizon}
    assert shown == [first.stroke]  # what is shown to people is what the one stroke does
    rest = [plan[1:] for plan in searched if plan[0] == first.stroke]

    seen_again = HairVolume(scene.volume.occupancy, scene.volume.direction, GRID)
    model.plans.clear()
    planner.plan(seen_again, goal, scene.head, np.random.default_rng(1))
    assert any(plan[: horizon - 1] in rest for plan in model.plans)

    planner.reset()  # another episode owes the last one nothing
    model.plans.clear()
    planner.plan(scene.volume, goal, scene.head, np.random.default_rng(1))
    assert not any(plan[: horizon - 1] in rest for plan in model.plans)


@pytest.mark.slow
@pytest.mark.parametrize("horizon", [3, 4])
def test_every_stroke_of_a_plan_is_within_reach(scene: Scene, horizon: int) -> None:
    """An arm that could make the first stroke and not the third has no plan."""
    model = Watched()

    def reach(stroke: Stroke) -> bool:
        return stroke.azimuth > 0.0

    config = replace(SMALL, horizon=horizon, drawn=64)
    planner = MppiPlanner(model, config, reach=reach)
    goal = lock_moved(scene, 0.05)
    planned = planner.plan(scene.volume, goal, scene.head, np.random.default_rng(0))
    assert planned.stroke is not None
    assert {len(plan) for plan in model.plans[:-1]} == {horizon}
    seen_again = HairVolume(scene.volume.occupancy, scene.volume.direction, GRID)
    planner.plan(seen_again, goal, scene.head, np.random.default_rng(1))
    assert all(reach(stroke) for plan in model.plans for stroke in plan)
