"""Goals of every kind come back as they were saved, fit the rig's view, and refuse what they cannot be."""

from __future__ import annotations

import json
from pathlib import Path

import imageio.v3 as imageio
import numpy as np
import pytest
from scipy.ndimage import binary_dilation

from combwise.main import run
from hairsim.cameras.camera import three_camera_rig
from hairsim.cameras.capture import capture
from hairsim.errors import CombwiseError
from hairsim.groom.usc_hairsalon import write_usc_hairsalon
from hairsim.head.head import Head
from hairsim.head.parametric import parametric_head
from hairsim.volume import GRIDS, HairVolume
from planner.demo.config import DemoConfig
from planner.demo.scene import read_wish
from planner.goal import Look, VolumeGoal, goal_volume, load_goal, save_goal
from planner.goal.registration import head_fit, registered_goal
from planner.goal.shell import visible_shell
from planner.observe import observe
from tests.hair_episodes import ball_head
from tests.planner_scene import GRID, Scene, scene

__all__ = ["scene"]


def whole_goal(scene: Scene) -> VolumeGoal:
    look = Look(tuple(scene.frames))
    return VolumeGoal(scene.volume, True, look.pictures, {"head": scene.head.name, "made_from": "a test"})


def share_near(hair: HairVolume, other: HairVolume) -> float:
    """The share of hair voxels that touch the other's hair."""
    return float(binary_dilation(other.occupied, np.ones((3, 3, 3)))[hair.occupied].mean())


def test_a_volume_goal_comes_back_as_it_was_saved(scene: Scene, tmp_path: Path) -> None:
    goal = whole_goal(scene)
    for target in (tmp_path / "wish.npz", tmp_path / "folder"):
        save_goal(target, goal)
        loaded = load_goal(target)
        assert isinstance(loaded, VolumeGoal)
        assert (loaded.whole, loaded.notes) == (True, goal.notes)
        assert loaded.volume.grid == GRID
        assert np.abs(loaded.volume.occupancy - goal.volume.occupancy).max() < 1.0 / 255.0
        hair = goal.volume.occupied & loaded.volume.occupied
        cosine = (loaded.volume.direction * goal.volume.direction).sum(-1)[hair]
        assert cosine.min() > 0.999
        for saved, found in zip(goal.pictures, loaded.pictures, strict=True):
            assert np.array_equal(saved.colour, found.colour)
            assert np.array_equal(saved.camera.camera_to_head, found.camera.camera_to_head)


def test_a_look_is_still_a_goal(scene: Scene, tmp_path: Path) -> None:
    save_goal(tmp_path, Look(tuple(scene.frames), {"head": "adult"}))
    loaded = load_goal(tmp_path)
    assert isinstance(loaded, Look)
    seen = goal_volume(loaded, scene.head, GRID, three_camera_rig())
    assert np.array_equal(seen.occupancy, observe(scene.frames, scene.head, GRID).occupancy)


def test_a_whole_goal_is_compared_as_cameras_would_see_it(scene: Scene) -> None:
    """State and goal must miss the same hair, or the planner would comb towards what no camera sees."""
    shell = goal_volume(whole_goal(scene), scene.head, GRID, three_camera_rig(240, 240))
    seen = observe(scene.frames, scene.head, GRID)
    assert shell.occupied.sum() < 0.8 * scene.volume.occupied.sum()
    assert share_near(shell, seen) > 0.9
    assert share_near(seen, shell) > 0.9
    away = [camera for camera in three_camera_rig(240, 240) if camera.name == "back"]
    part = visible_shell(scene.volume, scene.head, away)
    face = scene.volume.grid.centres()[part.occupied][:, 0] > 0.05
    assert face.mean() < 0.05


def test_goals_that_cannot_be_used_get_one_clear_sentence(scene: Scene, tmp_path: Path) -> None:
    whole = save_goal(tmp_path / "goal.npz", whole_goal(scene))
    cut = tmp_path / "cut.npz"
    cut.write_bytes(whole.read_bytes()[:5000])
    with pytest.raises(CombwiseError, match="truncated or not a look"):
        load_goal(cut)
    with pytest.raises(CombwiseError, match="does not exist"):
        load_goal(tmp_path / "nothing.npz")
    other = tmp_path / "other.npz"
    np.savez(other, meta=np.frombuffer(json.dumps({"format": "something"}).encode(), np.uint8))
    with pytest.raises(
        CombwiseError, match="format 'something'; expected 'combwise look 1' or 'combwise goal v"
    ):
        load_goal(other)
    picture = tmp_path / "wish.png"
    imageio.imwrite(picture, scene.frames[0].colour)
    with pytest.raises(CombwiseError, match=r"is a picture; .*'combwise goal make'"):
        load_goal(picture)
    bald = HairVolume(np.zeros(GRID.shape, np.float32), np.zeros((*GRID.shape, 3), np.float32), GRID)
    with pytest.raises(CombwiseError, match="holds no hair"):
        save_goal(tmp_path / "bald.npz", VolumeGoal(bald, True))
    with pytest.raises(CombwiseError, match=r"make it again for the model's profile"):
        goal_volume(whole_goal(scene), scene.head, GRIDS["base"], three_camera_rig())


def test_a_look_of_another_head_lands_on_this_one(scene: Scene) -> None:
    """The same style on a head a tenth larger comes back to nearly the same place."""
    larger = parametric_head(size=1.1, name="larger head")
    frames = capture(1.1 * scene.hair, larger, three_camera_rig(240, 240), seed=1)
    goal = registered_goal(Look(tuple(frames), {"head": "larger head"}), larger, scene.head, GRID)
    seen = observe(scene.frames, scene.head, GRID)
    assert goal.notes["registered_to"] == scene.head.name
    assert np.allclose(goal.notes["scale"], 1.0 / 1.1, atol=0.03)
    assert share_near(goal.volume, seen) > 0.85
    assert share_near(seen, goal.volume) > 0.85
    both = goal.volume.occupied & seen.occupied
    cosine = (goal.volume.direction * seen.direction).sum(-1)[both]
    assert np.median(np.degrees(np.arccos(np.clip(cosine, -1.0, 1.0)))) < 15.0
    unchanged = goal_volume(goal, scene.head, GRID, three_camera_rig())
    assert unchanged is goal.volume  # a shell already


def test_a_look_is_registered_from_the_head_that_it_names(scene: Scene) -> None:
    with pytest.raises(CombwiseError, match="taken of head 'bust'"):
        registered_goal(Look(tuple(scene.frames), {"head": "bust"}), scene.head, scene.head, GRID)
    far = ball_head()
    lost = Head(far.field, far.scalp, "lost", far.centre)
    moved = type(far.scalp)(far.scalp.points * np.float32(3.0), far.scalp.normals)
    with pytest.raises(CombwiseError, match="off the skin of 'lost' at best"):
        head_fit(Head(far.field, moved, "giant", far.centre), lost)


def test_a_groom_becomes_a_goal_that_a_demo_accepts_and_a_picture(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(["groom", "make", "straight_bob", "--guides", "150", "--out", str(tmp_path / "g.data")]) == 0
    goal = tmp_path / "goal.npz"
    words = ["goal", "make", "--from", str(tmp_path / "g.data"), "--hairs", "1500", "--out", str(goal)]
    assert run(words) == 0, capsys.readouterr().err
    assert "voxels of hair on 'built-in head', made from groom" in capsys.readouterr().out
    wish = read_wish(DemoConfig(out=tmp_path / "run", goal=goal))
    assert isinstance(wish.goal, VolumeGoal)
    shell = goal_volume(wish.goal, wish.head, GRID, three_camera_rig())
    assert 500 < shell.occupied.sum() < wish.goal.volume.occupied.sum()
    assert run(["goal", "show", str(goal), "--out", str(tmp_path / "goal.png")]) == 0
    assert imageio.imread(tmp_path / "goal.png").shape[1] >= 3 * 384
    assert run(words) == 2
    assert "exists; use --overwrite" in capsys.readouterr().err


def write_files(folder: Path) -> dict[str, str]:
    """A picture, masks and cameras, right and wrong, by name."""
    grey = np.full((60, 80, 3), 90, np.uint8)
    files = {name: str(folder / name) for name in ("p.png", "dark.png", "small.png", "c.json", "g.data")}
    imageio.imwrite(files["p.png"], grey)
    imageio.imwrite(files["dark.png"], np.zeros((60, 80), np.uint8))
    imageio.imwrite(files["small.png"], np.full((30, 40), 255, np.uint8))
    (folder / "c.json").write_text(json.dumps({"width": 8, "height": 8, "focal": 9.0}))
    write_usc_hairsalon(folder / "g.data", [np.zeros((4, 3), np.float32)])
    return {**files, "full.png": str(_full(folder)), "out": str(folder / "o.npz"), "none": str(folder / "no")}


def _full(folder: Path) -> Path:
    path = folder / "full.png"
    imageio.imwrite(path, np.full((60, 80), 255, np.uint8))
    return path


@pytest.mark.parametrize(
    ("words", "says"),
    [
        ("--from {none}", "does not exist; expected a look, a picture or a groom"),
        ("--from {p.png}", "which pixels of .* are hair; expected --mask FILE"),
        ("--from {p.png} --mask {dark.png}", "is dark everywhere"),
        ("--from {p.png} --mask {small.png}", "has 40 x 30 pixels; expected 80 x 60"),
        ("--from {p.png} --mask {full.png} --camera {c.json}", "cannot be read .*camera_to_head"),
        ("--from {p.png} --mask {full.png} --span 0", "--span is 0.0 m"),
        ("--from {g.data} --mask {full.png}", "--mask, --segment and --camera belong to a picture"),
        ("--from {g.data} --one left", "--look-head, --moved and --one belong to a look"),
    ],
)
def test_every_wrong_wish_is_told_in_one_sentence(
    words: str, says: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    files = write_files(tmp_path)
    given = [files.get(word[1:-1], word) if word[0] == "{" else word for word in words.split()]
    assert run(["goal", "make", *given, "--out", files["out"]]) == 2
    error = capsys.readouterr().err
    assert error.count("\n") == 1
    import re

    assert re.search(says, error), error
    assert not Path(files["out"]).exists()
