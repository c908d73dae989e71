"""The styling loop: when it stops, what it does when cameras fail, and the goals that it is given."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from hairsim.cameras.camera import Frame, three_camera_rig
from hairsim.cameras.capture import capture
from hairsim.errors import CombwiseError
from hairsim.head.head import Head
from hairsim.tools.stroke import Stroke
from hairsim.tools.stroke_path import stroke_path
from hairsim.tools.tool import rake_comb
from hairsim.volume import HairVolume
from planner.episode import EpisodeConfig, StrokeReading, noise_floor, run_episode
from planner.goal import Look, load_look, require_head, save_look
from planner.observe import observe
from planner.planners import MppiPlanner, NoStrokePlanner, PlannedStroke, ReplayPlanner
from planner.planners.proposals import ProposalSampler
from tests.planner_scene import GRID, QUICK, Scene, SweepModel, scene

__all__ = ["scene"]


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


def test_the_loop_tells_how_far_hair_is_seen_to_have_gone(scene: Scene) -> None:
    hair = scene.hair.copy()
    hair[hair[:, -1, 1] > 0.0] += np.linspace(0.0, 1.0, hair.shape[1])[:, None] * np.array([0.08, 0.0, 0.0])
    aside = capture(hair, scene.head, three_camera_rig(240, 240), seed=2)
    goal = observe(scene.frames, scene.head, GRID)
    salon = Changing(aside, aside, scene.frames, scene.frames)
    result = run_episode(salon, Scripted([9.0, 8.0, 1.0]), goal, scene.head, GRID, 0)
    assert (result.stopped, len(result.strokes)) == ("success", 2)
    assert [step.observed_progress for step in result.steps] == pytest.approx([0.0, 0.0, 1.0], abs=1e-3)


def test_a_goal_that_no_stroke_reaches_is_given_up(scene: Scene) -> None:
    """Hair that does not grow there: what was tried starts on hair, and soon nothing more is tried."""
    away = np.roll(scene.volume.occupancy, 16, axis=0), np.roll(scene.volume.direction, 16, axis=0)
    goal = HairVolume(*away, GRID)
    salon = StillLife(scene.frames)
    planner = MppiPlanner(SweepModel(), QUICK)
    result = run_episode(salon, planner, goal, scene.head, GRID, 0, config=EpisodeConfig(strokes=9))
    assert result.stopped in ("no stroke", "no progress")
    assert len(salon.executed) <= EpisodeConfig().patience
    seen = observe(scene.frames, scene.head, GRID)
    sampler = ProposalSampler(seen, goal, scene.head)
    assert all(sampler.on_hair(stroke) for stroke in result.strokes)


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


def test_a_replay_that_misses_starts_as_far_away_as_it_says(scene: Scene) -> None:
    hidden = [Stroke(azimuth=a, elevation=0.9, heading=0.3, length=0.1, depth=0.01) for a in (0.1, -2.0)]
    salon = StillLife(scene.frames)
    run_episode(salon, ReplayPlanner(hidden, off=0.001), scene.volume, scene.head, GRID, 0)
    for made, meant in zip(salon.executed, hidden, strict=True):
        assert made is not None
        assert made.to_vector()[2:] == pytest.approx(meant.to_vector()[2:])
        starts = [stroke_path(s, scene.head, rake_comb()) for s in (made, meant)]
        on_skin = [path.positions[path.in_hair[0]] for path in starts]
        assert np.linalg.norm(on_skin[0] - on_skin[1]) == pytest.approx(0.001, rel=0.3)


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
