"""Planning: costs that fall towards the goal, strokes that start on hair, a loop that knows when to stop."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pytest
import torch
from scipy.spatial import KDTree
from torch import Tensor

from hairsim.cameras.camera import Frame, three_camera_rig
from hairsim.cameras.capture import capture
from hairsim.errors import CombwiseError
from hairsim.groom.children import make_children
from hairsim.groom.families import make_groom
from hairsim.head.head import Head
from hairsim.head.parametric import parametric_head
from hairsim.tools.stroke import Stroke
from hairsim.tools.stroke_path import stroke_paths
from hairsim.volume import GRIDS, HairVolume, volume_from_strands
from planner.cost import CostWeights, GoalCost
from planner.episode import EpisodeConfig, StrokeReading, noise_floor, run_episode
from planner.goal import Look, load_look, require_head, save_look
from planner.observe import observe
from planner.planners import MppiConfig, MppiPlanner, NoStrokePlanner, PlannedStroke, ReplayPlanner
from planner.planners.cem import CemPlanner
from planner.planners.mppi import path_integral_mean
from planner.planners.proposals import ProposalSampler, hair_apart
from planner.planners.screen import SweepScreen
from planner.toward import TowardGoal

GRID = GRIDS["small"]
QUICK = MppiConfig(drawn=96, proposals=24, modes=2, samples=6, iterations=2)


class Scene(NamedTuple):
    """A head of straight hair, as a volume and as frames."""

    head: Head
    hair: np.ndarray
    volume: HairVolume
    frames: list[Frame]


@pytest.fixture(scope="module")
def scene() -> Scene:
    head = parametric_head()
    groom = make_groom("straight_bob", head, guides=200, seed=5)
    children = make_children(groom, count=4000)
    hair = children.strands(groom.strands)
    volume = volume_from_strands(hair, children.hair_count, GRID)
    return Scene(head, hair, volume, capture(hair, head, three_camera_rig(240, 240), seed=1))


def lock_moved(scene: Scene, by: float) -> HairVolume:
    """The same hair with the lower half of the left side's strands moved forward by `by` [m]."""
    hair = scene.hair.copy()
    left = hair[:, -1, 1] > 0.04
    along = np.linspace(0.0, 1.0, hair.shape[1])[None, :, None]
    hair[left] += by * along * np.array([1.0, 0.0, 0.0], np.float32)
    return volume_from_strands(hair, 25.0, GRID)


class SweepModel:
    """A model of combing with one rule: within 4 cm of the path hair turns to the direction of travel."""

    grid = GRID

    def encode(self, volume: HairVolume, head: Head) -> HairVolume:
        return volume

    def decode(self, state: HairVolume) -> HairVolume:
        return state

    def rollout(
        self, state: HairVolume, strokes: Sequence[Sequence[Stroke]], head: Head
    ) -> tuple[Tensor, Tensor]:
        hair = state.occupied
        centres = GRID.centres()[hair]
        directions = []
        for plan in strokes:
            field = state.direction[hair].copy()
            for path in stroke_paths(plan, head):
                first, last = path.in_hair
                points = path.positions[first : last + 1]
                travel = np.gradient(points, axis=0)
                travel /= np.linalg.norm(travel, axis=1, keepdims=True)
                distance, nearest = KDTree(points).query(centres)
                field[distance < 0.04] = travel[np.asarray(nearest)[distance < 0.04]]
            whole = np.zeros((*GRID.shape, 3), np.float32)
            whole[hair] = field
            directions.append(whole)
        occupancy = np.repeat(state.occupancy[None], len(strokes), axis=0)
        return torch.from_numpy(occupancy), torch.from_numpy(np.array(directions))


class BrokenModel(SweepModel):
    """A model whose predictions are not numbers."""

    def rollout(
        self, state: HairVolume, strokes: Sequence[Sequence[Stroke]], head: Head
    ) -> tuple[Tensor, Tensor]:
        occupancy, direction = super().rollout(state, strokes, head)
        return occupancy * float("nan"), direction


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


def test_no_stroke_where_the_goal_is_reached(scene: Scene) -> None:
    planner = MppiPlanner(SweepModel(), QUICK)
    assert planner.plan(scene.volume, scene.volume, scene.head, np.random.default_rng(0)).stroke is None


def test_no_stroke_from_a_model_that_gives_nan(scene: Scene) -> None:
    goal = lock_moved(scene, 0.05)
    planned = MppiPlanner(BrokenModel(), QUICK).plan(scene.volume, goal, scene.head, np.random.default_rng(0))
    assert planned.stroke is None


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


# --- the loop ---------------------------------------------------------------------------------------


class StillLife:
    """An environment whose looks never change; it counts."""

    def __init__(self, frames: list[Frame]) -> None:
        self.frames = frames
        self.executed: list[Stroke | None] = []

    def look(self) -> list[Frame]:
        return self.frames

    def execute(self, stroke: Stroke | None) -> StrokeReading:
        self.executed.append(stroke)
        return StrokeReading(1.0, 0.5)


class Scripted:
    """A planner with given observed costs that always combs."""

    name = "scripted"
    stroke = Stroke(azimuth=0.0, elevation=0.5, heading=0.0, length=0.1, depth=0.01)

    def __init__(self, costs: list[float]) -> None:
        self._costs = iter(costs)

    def reset(self) -> None:
        pass

    def assess(self, observation: HairVolume, goal: HairVolume, head: Head) -> float:
        return next(self._costs)

    def plan(
        self, observation: HairVolume, goal: HairVolume, head: Head, rng: np.random.Generator
    ) -> PlannedStroke:
        return PlannedStroke(self.stroke, predicted_cost=1.0)


@pytest.mark.parametrize(
    ("costs", "stopped", "strokes"),
    [
        ([10.0, 5.0, 1.4, 1.0, 1.0, 1.0], "success", 2),
        ([10.0, 11.0, 12.0, 9.0, 9.0, 9.0], "no progress", 2),
        ([10.0, 11.0, 8.0, 9.0, 7.0, 5.0], "stroke limit", 5),  # what got worse may be mended
    ],
)
def test_the_loop_stops_on_what_it_observes(
    scene: Scene, costs: list[float], stopped: str, strokes: int
) -> None:
    salon = StillLife(scene.frames)
    result = run_episode(salon, Scripted(costs), scene.volume, scene.head, GRID, 0, config=EpisodeConfig())
    assert result.stopped == stopped
    assert len(result.strokes) == len(salon.executed) == strokes
    assert result.observed_costs == costs[: strokes + 1]


class Changing(StillLife):
    """An environment that shows other frames after each stroke."""

    def __init__(self, *looks: list[Frame]) -> None:
        super().__init__(looks[0])
        self._looks = iter(looks[1:])

    def execute(self, stroke: Stroke | None) -> StrokeReading:
        self.frames = next(self._looks)
        return super().execute(stroke)


def test_the_loop_stops_when_the_hair_is_seen_to_have_arrived(scene: Scene) -> None:
    """From there on a picture no longer tells a good stroke from a bad one, whatever the cost says."""
    hair = scene.hair.copy()
    hair[hair[:, -1, 1] > 0.0] += np.linspace(0.0, 1.0, hair.shape[1])[:, None] * np.array([0.08, 0.0, 0.0])
    aside = capture(hair, scene.head, three_camera_rig(240, 240), seed=2)
    goal = observe(scene.frames, scene.head, GRID)
    salon = Changing(aside, aside, scene.frames, scene.frames)
    result = run_episode(salon, Scripted([9.0, 8.0, 7.0, 6.0]), goal, scene.head, GRID, 0)
    assert (result.stopped, len(result.strokes)) == ("success", 2)
    assert [step.observed_progress for step in result.steps] == pytest.approx([0.0, 0.0, 1.0], abs=1e-3)


def test_noise_counts_as_success_only_above_its_floor(scene: Scene) -> None:
    costs = [10.0, 4.5, 4.4, 4.4]
    with_floor = run_episode(
        StillLife(scene.frames), Scripted(costs), scene.volume, scene.head, GRID, 0, floor=4.0
    )
    assert with_floor.stopped == "success"


def test_no_stroke_waits_as_long_and_replay_plays_all(scene: Scene) -> None:
    salon = StillLife(scene.frames)
    config = EpisodeConfig(strokes=3)
    waited = run_episode(salon, NoStrokePlanner(), scene.volume, scene.head, GRID, 0, config=config)
    assert waited.stopped == "stroke limit"
    assert salon.executed == [None, None, None]
    hidden = [Stroke(azimuth=a, elevation=0.2, heading=0.0, length=0.1, depth=0.01) for a in (0.1, 0.2)]
    salon = StillLife(scene.frames)
    played = run_episode(salon, ReplayPlanner(hidden), scene.volume, scene.head, GRID, 0)
    assert played.stopped == "no stroke"
    assert salon.executed == hidden


def test_an_interrupted_episode_plays_its_strokes_again(scene: Scene) -> None:
    done = [PlannedStroke(Stroke(azimuth=1.0, elevation=0.2, heading=0.0, length=0.1, depth=0.01))]
    salon = StillLife(scene.frames)
    config = EpisodeConfig(strokes=2)
    run_episode(
        salon, Scripted([10.0, 9.0, 8.0]), scene.volume, scene.head, GRID, 0, config=config, done=done
    )
    assert salon.executed == [done[0].stroke, Scripted.stroke]


def test_the_floor_of_a_planner_without_costs_is_zero(scene: Scene) -> None:
    salon = StillLife(scene.frames)
    assert noise_floor(salon, NoStrokePlanner(), scene.head, GRID) == 0.0
    assert noise_floor(salon, MppiPlanner(SweepModel(), QUICK), scene.head, GRID) == pytest.approx(
        0.0, abs=0.05
    )


class Failing(StillLife):
    """An environment that goes wrong at its second look."""

    def __init__(self, frames: list[Frame], later: list[Frame]) -> None:
        super().__init__(frames)
        self._later = later
        self._looks = 0

    def look(self) -> list[Frame]:
        self._looks += 1
        return self.frames if self._looks == 1 else self._later


@pytest.mark.parametrize(
    ("wrong", "says"),
    [
        ("missing", "camera 'left' gave no picture"),
        ("empty", "depth of camera 'left' is empty"),
        ("nan", "depth of camera 'left' holds NaN"),
        ("bald", "no hair found"),
    ],
)
def test_cameras_that_fail_stop_the_episode_with_one_sentence(scene: Scene, wrong: str, says: str) -> None:
    first = scene.frames[0]
    later = {
        "missing": scene.frames[1:],
        "empty": [replace(first, depth=0.0 * first.depth), *scene.frames[1:]],
        "nan": [replace(first, depth=np.nan * first.depth), *scene.frames[1:]],
        "bald": [replace(f, hair_mask=np.zeros_like(f.hair_mask)) for f in scene.frames],
    }[wrong]
    salon = Failing(scene.frames, later)
    with pytest.raises(CombwiseError, match=says):
        run_episode(salon, Scripted([9.0, 8.0]), scene.volume, scene.head, GRID, 0)
    assert len(salon.executed) == 1  # no stroke after it


def test_perfect_eyes_replace_the_cameras(scene: Scene) -> None:
    seen: list[HairVolume] = []

    class Remembers(Scripted):
        def assess(self, observation: HairVolume, goal: HairVolume, head: Head) -> float:
            seen.append(observation)
            return super().assess(observation, goal, head)

    run_episode(
        StillLife([]), Remembers([9.0, 1.0]), scene.volume, scene.head, GRID, 0, see=lambda: scene.volume
    )
    assert all(volume is scene.volume for volume in seen)


# --- goals ------------------------------------------------------------------------------------------


def test_a_look_comes_back_as_it_was_saved(scene: Scene, tmp_path: Path) -> None:
    for target in (tmp_path / "wish.npz", tmp_path / "folder"):
        save_look(target, scene.frames, {"head": "adult"})
        look = load_look(target)
        assert look.notes == {"head": "adult"}
        for saved, loaded in zip(scene.frames, look.frames, strict=True):
            assert loaded.camera.name == saved.camera.name
            assert loaded.camera.focal == saved.camera.focal
            assert np.array_equal(loaded.camera.camera_to_head, saved.camera.camera_to_head)
            assert np.array_equal(loaded.colour, saved.colour)
            assert np.array_equal(loaded.depth, saved.depth)
            assert np.array_equal(loaded.hair_mask, saved.hair_mask)


def test_a_goal_of_another_head_needs_registration(scene: Scene) -> None:
    frames = tuple(scene.frames)
    require_head(Look(frames), "built-in head")  # a goal that names no head is taken at its word
    require_head(Look(frames, {"head": "built-in head"}), "built-in head")
    with pytest.raises(CombwiseError, match="taken of head 'bust', the hair grows on 'built-in head'"):
        require_head(Look(frames, {"head": "bust"}), "built-in head")
    require_head(Look(frames, {"head": "bust", "registered_to": "built-in head"}), "built-in head")


def test_bad_goal_files_get_one_clear_sentence(scene: Scene, tmp_path: Path) -> None:
    with pytest.raises(CombwiseError, match="does not exist"):
        load_look(tmp_path / "nothing.npz")
    whole = save_look(tmp_path / "goal.npz", scene.frames)
    cut = tmp_path / "cut.npz"
    cut.write_bytes(whole.read_bytes()[:5000])
    with pytest.raises(CombwiseError, match="truncated or not a look"):
        load_look(cut)
    other = tmp_path / "other.npz"
    np.savez(other, meta=np.frombuffer(json.dumps({"format": "something"}).encode(), np.uint8))
    with pytest.raises(CombwiseError, match="has format 'something'"):
        load_look(other)
