"""Planning: costs that fall towards the goal, strokes that start on hair, a search that finds them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor

from dynamics.completion.unet import UNet, UNetConfig
from dynamics.model import Rollout
from hairsim.errors import CombwiseError
from hairsim.head.head import Head
from hairsim.tools.stroke import Stroke
from hairsim.volume import HairVolume
from planner.cost import CostWeights, GoalCost
from planner.planners import MppiConfig, MppiPlanner
from planner.planners.cem import CemPlanner
from planner.planners.mppi import path_integral_mean
from planner.planners.planner import PlannedStroke
from planner.planners.proposals import ProposalSampler, hair_apart
from planner.planners.screen import SweepScreen
from planner.planners.unet_model import UNetDynamics
from planner.toward import TowardGoal
from tests.planner_scene import GRID, QUICK, BrokenModel, Scene, SweepModel, lock_moved, scene

__all__ = ["scene"]


# --- cost -------------------------------------------------------------------------------------------


def test_the_goal_itself_costs_nothing(scene: Scene) -> None:
    cost = GoalCost(scene.volume)
    assert cost.volume(scene.volume) == pytest.approx(0.0, abs=1e-3)


def test_cost_rises_with_the_distance_of_a_lock(scene: Scene) -> None:
    cost = GoalCost(scene.volume)
    costs = [cost.volume(lock_moved(scene, by)) for by in (0.0, 0.01, 0.02, 0.04, 0.08)]
    assert all(a < b for a, b in zip(costs[:-1], costs[1:], strict=True))


def test_every_term_sees_what_it_is_for(scene: Scene) -> None:
    turned = HairVolume(scene.volume.occupancy, -scene.volume.direction, GRID)
    gone = HairVolume(scene.volume.occupancy.copy(), scene.volume.direction.copy(), GRID)
    gone.occupancy[:, 40:] = 0.0
    gone.direction[:, 40:] = 0.0
    cost = GoalCost(scene.volume)

    def terms(volume: HairVolume) -> dict[str, float]:
        found = cost(torch.from_numpy(volume.occupancy)[None], torch.from_numpy(volume.direction)[None])
        return {name: float(getattr(found, name)[0]) for name in ("distance", "current", "direction")}

    assert terms(turned)["distance"] == 0.0
    assert terms(turned)["direction"] == pytest.approx(2.0, abs=1e-3)
    assert terms(gone)["distance"] > 1.0  # goal hair left uncovered
    assert GoalCost(gone).volume(scene.volume) > 1.0  # hair where the goal has none


def test_costs_of_a_batch_are_those_of_each_alone(scene: Scene) -> None:
    volumes = [lock_moved(scene, by) for by in (0.0, 0.02, 0.05)]
    cost = GoalCost(scene.volume)
    occupancy = torch.from_numpy(np.stack([v.occupancy for v in volumes]))
    direction = torch.from_numpy(np.stack([v.direction for v in volumes]))
    together = cost(occupancy, direction).total
    assert together.tolist() == pytest.approx([cost.volume(v) for v in volumes], rel=1e-5)


def test_bad_costs_are_refused(scene: Scene) -> None:
    with pytest.raises(CombwiseError, match="expected weights >= 0"):
        CostWeights(distance=-1.0)
    with pytest.raises(CombwiseError, match="predictions have shapes"):
        GoalCost(scene.volume)(torch.zeros(1, 4, 4, 4), torch.zeros(1, 4, 4, 4, 3))
    empty = HairVolume(np.zeros(GRID.shape, np.float32), np.zeros((*GRID.shape, 3), np.float32), GRID)
    with pytest.raises(CombwiseError, match="holds no hair"):
        GoalCost(empty)


# --- proposals --------------------------------------------------------------------------------------


def test_proposals_start_on_hair_near_where_state_and_goal_differ(scene: Scene) -> None:
    goal = lock_moved(scene, 0.05)
    sampler = ProposalSampler(scene.volume, goal, scene.head)
    rng = np.random.default_rng(0)
    strokes = [sampler.draw(rng) for _ in range(60)]
    assert all(sampler.on_hair(stroke) for stroke in strokes)
    left = [0.0 < stroke.azimuth < np.pi for stroke in strokes]
    assert np.mean(left) > 0.7  # the moved lock hangs on the wearer's left


def test_hair_that_matches_is_not_apart(scene: Scene) -> None:
    assert hair_apart(scene.volume, scene.volume).max() < 1e-6
    turned = HairVolume(scene.volume.occupancy, -scene.volume.direction, GRID)
    assert hair_apart(scene.volume, turned)[scene.volume.occupied].mean() > 0.9


def test_the_sieve_prefers_combing_towards_the_goal(scene: Scene) -> None:
    wanted = Stroke(azimuth=1.6, elevation=0.3, heading=1.2, length=0.10, depth=0.01)
    _, direction = SweepModel().rollout(scene.volume, [[wanted]], scene.head)
    goal = HairVolume(scene.volume.occupancy, direction[0].numpy(), GRID)
    screen = SweepScreen(scene.volume, goal, scene.head)
    elsewhere = Stroke(azimuth=-1.6, elevation=0.3, heading=1.2, length=0.10, depth=0.01)
    back = Stroke(azimuth=1.6, elevation=0.3, heading=1.2 - np.pi, length=0.10, depth=0.01)
    right, far, wrong = screen.scores([wanted, elsewhere, back])
    assert 0.1 < right <= 1.0
    assert abs(far) < 0.05 * right
    assert wrong < 0.0


def test_progress_is_none_for_the_state_and_whole_for_the_goal(scene: Scene) -> None:
    goal = HairVolume(scene.volume.occupancy, -scene.volume.direction, GRID)
    toward = TowardGoal(scene.volume, goal)
    occupancy = torch.from_numpy(np.stack([scene.volume.occupancy] * 2 + [0.5 * scene.volume.occupancy]))
    direction = torch.from_numpy(np.stack([scene.volume.direction, goal.direction, 0.0 * goal.direction]))
    still, there, halfway = toward(occupancy, direction).tolist()
    assert abs(still) < 1e-4
    assert there == pytest.approx(1.0, abs=1e-4)
    assert halfway == pytest.approx(0.5, abs=1e-4)  # hedging between both is worth their mean


# --- MPPI -------------------------------------------------------------------------------------------


def test_mean_of_headings_across_the_seam_stays_at_the_seam() -> None:
    samples = np.zeros((2, 1, 8))
    samples[0, 0, 2], samples[1, 0, 2] = np.pi - 0.1, -np.pi + 0.1
    mean = path_integral_mean(samples, np.array([1.0, 1.0]), temperature=1.0)
    assert abs(abs(mean[0, 2]) - np.pi) < 1e-6


def test_costs_that_are_not_numbers_weigh_nothing() -> None:
    samples = np.stack([np.full((1, 8), v) for v in (0.1, 0.2, 0.9)])
    mean = path_integral_mean(samples, np.array([1.0, 1.0, np.inf]), temperature=0.5)
    assert np.allclose(mean, 0.15)
    low = path_integral_mean(samples, np.array([1.0, 5.0, 9.0]), temperature=0.05)
    assert np.allclose(low, 0.1, atol=1e-3)


def test_mppi_lowers_the_predicted_cost_of_a_goal_within_reach(scene: Scene) -> None:
    wanted = Stroke(azimuth=1.6, elevation=0.3, heading=1.2, length=0.10, depth=0.01)
    model = SweepModel()
    _, direction = model.rollout(scene.volume, [[wanted]], scene.head)
    goal = HairVolume(scene.volume.occupancy, direction[0].numpy(), GRID)
    planner = MppiPlanner(model, QUICK)
    planned = planner.plan(scene.volume, goal, scene.head, np.random.default_rng(0))
    before = planner.assess(scene.volume, goal, scene.head)
    assert planned.stroke is not None
    assert planned.predicted_cost < 0.75 * before
    assert planned.prediction is not None
    again = MppiPlanner(model, QUICK).plan(scene.volume, goal, scene.head, np.random.default_rng(0))
    assert again.stroke == planned.stroke


def test_doubt_costs_what_its_weight_says_and_nothing_by_default(scene: Scene) -> None:
    class Doubtful(SweepModel):
        def rollout(self, state: HairVolume, strokes: Sequence[Sequence[Stroke]], head: Head) -> Any:
            return Rollout(*super().rollout(state, strokes, head), torch.full((len(strokes),), 0.5))

    wanted = Stroke(azimuth=1.6, elevation=0.3, heading=1.2, length=0.10, depth=0.01)
    _, direction = SweepModel().rollout(scene.volume, [[wanted]], scene.head)
    goal = HairVolume(scene.volume.occupancy, direction[0].numpy(), GRID)

    def planned(model: SweepModel, weight: float) -> PlannedStroke:
        config = replace(QUICK, proposals=4, iterations=0, cost=CostWeights(uncertainty=weight))
        planner = MppiPlanner(model, config)
        return planner.plan(scene.volume, goal, scene.head, np.random.default_rng(0))

    sure = planned(SweepModel(), 0.1)
    assert planned(Doubtful(), 0.0).predicted_cost == sure.predicted_cost
    assert planned(Doubtful(), 0.1).predicted_cost == pytest.approx(sure.predicted_cost + 0.05)
    assert planned(Doubtful(), 1e4).stroke is None  # what is too doubtful is left alone


def test_cross_entropy_lowers_it_too_with_as_many_rollouts(scene: Scene) -> None:
    counted: list[int] = []

    class Counted(SweepModel):
        def rollout(
            self, state: HairVolume, strokes: Sequence[Sequence[Stroke]], head: Head
        ) -> tuple[Tensor, Tensor]:
            counted.append(len(strokes))
            return super().rollout(state, strokes, head)

    wanted = Stroke(azimuth=1.6, elevation=0.3, heading=1.2, length=0.10, depth=0.01)
    _, direction = SweepModel().rollout(scene.volume, [[wanted]], scene.head)
    goal = HairVolume(scene.volume.occupancy, direction[0].numpy(), GRID)
    planner = CemPlanner(Counted(), QUICK)
    planned = planner.plan(scene.volume, goal, scene.head, np.random.default_rng(0))
    assert planned.stroke is not None
    assert planned.predicted_cost < 0.8 * planner.assess(scene.volume, goal, scene.head)
    assert sum(counted) == QUICK.model_calls + 1  # the last one draws what is expected


def test_mppi_plans_several_strokes_ahead_and_keeps_the_rest(scene: Scene) -> None:
    goal = lock_moved(scene, 0.05)
    planner = MppiPlanner(
        SweepModel(), MppiConfig(horizon=2, drawn=16, proposals=8, modes=1, samples=4, iterations=1)
    )
    planned = planner.plan(scene.volume, goal, scene.head, np.random.default_rng(1))
    assert planned.stroke is None or isinstance(planned.stroke, Stroke)


def test_what_plans_promise_is_told_without_choosing(scene: Scene) -> None:
    """Proposals that passed the sieve come first, free ones after; the parts are those that plans cost by."""

    class Unsure(SweepModel):  # one that says so, as the shipped model does
        def rollout(self, state: HairVolume, strokes: Sequence[Sequence[Stroke]], head: Head) -> Any:
            return *super().rollout(state, strokes, head), torch.ones(len(strokes))

    goal = lock_moved(scene, 0.05)
    planner = MppiPlanner(Unsure(), QUICK)
    plans = planner.proposed(scene.volume, goal, scene.head, np.random.default_rng(0), free=6)
    parts = planner.promised(scene.volume, goal, scene.head, plans)
    assert parts.shape == (len(plans), 3) == (QUICK.proposals + 6, 3)
    assert np.isfinite(parts).all()
    sweep = parts[:, 2]
    assert (np.diff(sweep[: QUICK.proposals]) <= 1e-9).all() and sweep[QUICK.proposals :].max() < sweep[0]


def test_an_untrained_unet_predicts_what_it_sees_and_can_be_planned_with(scene: Scene) -> None:
    model = UNetDynamics(UNet(UNetConfig(half=8, quarter=16, eighth=16, last=16)), GRID)
    state = model.encode(scene.volume, scene.head)
    kept = model.decode(state)
    assert np.array_equal(kept.occupied, scene.volume.occupied)
    strokes = [Stroke(azimuth=a, elevation=0.3, heading=1.2, length=0.10, depth=0.01) for a in (1.6, -1.6)]
    occupancy, direction, _ = model.rollout(state, [strokes, strokes[::-1]], scene.head)
    assert occupancy.shape == (2, *GRID.shape) and direction.shape == (2, *GRID.shape, 3)
    assert torch.equal(occupancy[0] >= 0.5, torch.from_numpy(scene.volume.occupied))
    config = replace(QUICK, drawn=8, proposals=4, modes=1, samples=2, iterations=1)
    planned = MppiPlanner(model, config).plan(
        scene.volume, scene.volume, scene.head, np.random.default_rng(0)
    )
    assert planned.stroke is None  # nothing is to be done


def test_no_stroke_where_the_goal_is_reached(scene: Scene) -> None:
    planner = MppiPlanner(SweepModel(), QUICK)
    assert planner.plan(scene.volume, scene.volume, scene.head, np.random.default_rng(0)).stroke is None


def test_no_stroke_from_a_model_that_gives_nan(scene: Scene) -> None:
    goal = lock_moved(scene, 0.05)
    planned = MppiPlanner(BrokenModel(), QUICK).plan(scene.volume, goal, scene.head, np.random.default_rng(0))
    assert planned.stroke is None


def test_predictions_whose_doubt_is_no_number_are_left_out(scene: Scene) -> None:
    """One of them hides none of the others."""

    class Patchy(SweepModel):
        def rollout(self, state: HairVolume, strokes: Sequence[Sequence[Stroke]], head: Head) -> Any:
            doubt = torch.zeros(len(strokes))
            doubt[0] = float("nan")
            return Rollout(*super().rollout(state, strokes, head), doubt)

    goal = lock_moved(scene, 0.05)
    planned = MppiPlanner(Patchy(), QUICK).plan(scene.volume, goal, scene.head, np.random.default_rng(0))
    assert planned.stroke is not None
    assert np.isfinite(planned.predicted_cost)


def test_a_model_that_completes_hair_to_nan_says_so(scene: Scene) -> None:
    class Blind(SweepModel):
        def decode(self, state: HairVolume) -> HairVolume:
            return HairVolume(state.occupancy * np.float32("nan"), state.direction, GRID)

    with pytest.raises(CombwiseError, match="volume holds NaN"):
        MppiPlanner(Blind(), QUICK).plan(scene.volume, scene.volume, scene.head, np.random.default_rng(0))


@pytest.mark.parametrize(
    "bad",
    [
        {"horizon": 0},
        {"temperature": 0.0},
        {"noise": (0.1,) * 7},
        {"proposals": 0},
        {"drawn": 5},
        {"shrink": 1.5},
    ],
)
def test_mppi_configs_defend_themselves(bad: dict[str, float]) -> None:
    with pytest.raises(CombwiseError, match="MPPI"):
        MppiConfig(**bad)  # pyright: ignore[reportArgumentType]
