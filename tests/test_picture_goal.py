"""The network that reads goals out of pictures: its geometry, its symmetry, its training, its refusals."""

from __future__ import annotations

import dataclasses
import json
from pathlib import Path

import numpy as np
import pytest
import torch

from benchmarks.goal_pictures import CONDITIONS, draw_readings, read_pictures
from combwise.main import run
from dynamics.checkpoint import MODEL_FILE, CheckpointInfo, load_checkpoint, save_checkpoint
from dynamics.latent.autoencoder import LatentConfig
from dynamics.latent.model import LatentModel
from hairsim.cameras.camera import Camera, look_at
from hairsim.cameras.capture import capture
from hairsim.errors import CombwiseError
from hairsim.generate.dataset import Dataset
from hairsim.generate.episode import SparseVolume
from hairsim.volume import GRIDS
from planner.goal import Look, VolumeGoal, load_goal, save_look
from planner.goal.baselines import carved_hull, mean_hair
from planner.goal.picture_goal import load_picture_goals, sights_of
from planner.goal.picture_lift import head_in_front, looked_up, orientation_tensor, project, voxel_centres
from planner.goal.picture_maps import (
    MAP,
    MAPS_VERSION,
    TARGET,
    HairMaps,
    finer,
    hair_maps,
    maps_of,
    mirrored,
    straightened,
)
from planner.goal.picture_model import PictureConfig, PictureNetwork, working_box
from planner.goal.picture_views import KeptView, ViewRanges, take_views
from planner.goal.train import Lessons, TrainGoalConfig, train_goal
from tests.hair_episodes import ball_head, curtain_volume, write_dataset
from tests.planner_scene import GRID, Scene, scene

__all__ = ["scene"]

LOW, BOX = working_box(GRID)
TINY = PictureConfig(pixel=8, half=8, quarter=16, eighth=16, blocks=1)


def camera_at(azimuth: float, distance: float = 1.0) -> Camera:
    """A straightened camera at an azimuth [deg], level with its target."""
    a = np.radians(azimuth)
    pose = look_at(TARGET + distance * np.array([np.cos(a), np.sin(a), 0.0]), TARGET)
    return straightened(Camera("view", MAP, MAP, 1.0, pose))


def blank(camera: Camera) -> HairMaps:
    return HairMaps(np.zeros((4, MAP, MAP), np.float32), camera)


def distance_of(scene: Scene) -> np.ndarray:
    return scene.head.field.sample(BOX.centres()).astype(np.float32)


def test_voxels_fall_where_the_pinhole_puts_them() -> None:
    """From the front at 1 m: a voxel 10 cm to the wearer's left and 5 cm up lies right and above."""
    camera = camera_at(0.0)
    sights = sights_of([blank(camera)], [np.zeros(BOX.shape, np.float32)])
    point = torch.tensor(TARGET + np.array([0.2, 0.1, 0.05]), dtype=torch.float32)[None, None, None]
    place, depth = project(sights, point)
    assert float(depth) == pytest.approx(0.8)
    half_span = 0.5 * MAP / camera.focal
    assert place.flatten().tolist() == pytest.approx(
        [0.1 / 0.8 / half_span, -0.05 / 0.8 / half_span], abs=1e-5
    )


@pytest.mark.parametrize("azimuth", [0.0, 70.0, 180.0, -115.0])
def test_voxels_are_looked_up_where_the_camera_model_says(azimuth: float) -> None:
    camera = camera_at(azimuth, 0.8)
    ramp = np.stack(np.meshgrid(np.arange(MAP), np.arange(MAP)), 0)  # each pixel knows its own (x, y)
    maps = HairMaps(np.concatenate([ramp, ramp]).astype(np.float32), camera)
    sights = sights_of([maps], [np.zeros(BOX.shape, np.float32)])
    centres = voxel_centres(BOX, 1, torch.device("cpu"))
    assert np.allclose(centres.numpy(), BOX.centres(), atol=1e-6)
    found = looked_up(sights.maps, project(sights, centres)[0])[0, ..., :2].numpy()
    pixel, _ = camera.project(BOX.centres())
    inside = ((pixel > 1.0) & (pixel < MAP - 2.0)).all(-1)
    assert inside.mean() > 0.5
    assert np.abs(found - pixel)[inside].max() < 0.02


def test_orientation_is_lifted_into_the_head_frame_without_a_sign() -> None:
    camera = camera_at(35.0)
    rotation = torch.tensor(camera.camera_to_head[:3, :3], dtype=torch.float32)
    for angle in (0.0, 0.4, 1.3, 2.9):
        along = np.cos(angle) * rotation[:, 0] + np.sin(angle) * rotation[:, 1]
        expected = torch.outer(along, along)
        for turned in (angle, angle + np.pi):
            seen = torch.tensor([1.0, 1.0, np.cos(2.0 * turned), np.sin(2.0 * turned)]).view(1, 1, 1, 1, 4)
            xx, yy, zz, xy, xz, yz = orientation_tensor(seen.float(), rotation[None]).flatten()
            found = torch.stack([xx, xy, xz, xy, yy, yz, xz, yz, zz]).view(3, 3)
            assert torch.allclose(found, expected, atol=1e-5)


def test_the_head_hides_what_is_behind_it() -> None:
    head = ball_head()
    distance = head.field.sample(BOX.centres()).astype(np.float32)
    sights = sights_of([blank(camera_at(0.0))], [distance])
    points = torch.tensor([[0.13, 0.0, 0.0], [-0.13, 0.0, 0.0], [0.0, 0.16, 0.0]]).view(3, 1, 1, 3)
    before, behind, beside = head_in_front(sights, BOX, points).flatten().tolist()
    assert before > 0.0 > behind
    assert beside > 0.0


def test_a_turned_and_shifted_camera_gives_the_same_maps(scene: Scene) -> None:
    """Roll, aim and zoom of the camera do not matter, only where it stands."""
    straight = camera_at(40.0, 0.9)
    seen = capture(scene.hair, scene.head, [finer(straight)], seed=0, noise=None)[0]
    wanted = maps_of(seen.colour, seen.hair_mask, straight)
    pose = np.array(straight.camera_to_head)
    roll, aim = np.radians(25.0), np.radians(6.0)
    rolled = np.array([[np.cos(roll), -np.sin(roll), 0], [np.sin(roll), np.cos(roll), 0], [0, 0, 1]])
    aimed = np.array([[np.cos(aim), 0, np.sin(aim)], [0, 1, 0], [-np.sin(aim), 0, np.cos(aim)]])
    pose[:3, :3] = pose[:3, :3] @ aimed @ rolled
    other = Camera("phone", 700, 600, 900.0, pose)
    frame = capture(scene.hair, scene.head, [other], seed=0, noise=None)[0]
    found = hair_maps(frame.colour, frame.hair_mask, other)
    assert np.allclose(found.camera.camera_to_head, straight.camera_to_head)
    both = (found.maps[0] > 0.5) & (wanted.maps[0] > 0.5)
    either = (found.maps[0] > 0.5) | (wanted.maps[0] > 0.5)
    assert both.sum() > 0.97 * either.sum()
    sure = both & (found.maps[1] > 0.4) & (wanted.maps[1] > 0.4)
    apart = np.angle(
        np.exp(1j * np.subtract(*(np.arctan2(m[3], m[2])[sure] for m in (found.maps, wanted.maps))))
    )
    assert np.degrees(np.median(np.abs(apart))) / 2.0 < 4.0


def test_a_mirrored_picture_is_the_picture_of_mirrored_hair(scene: Scene) -> None:
    """What the network reads of the mirror image is, voxel by voxel, the mirror image of what it reads."""
    straight = camera_at(50.0, 0.9)
    frame = capture(scene.hair, scene.head, [finer(straight)], seed=0, noise=None)[0]
    twin = mirrored(maps_of(frame.colour, frame.hair_mask, straight))
    hair = scene.hair * np.array([1.0, -1.0, 1.0], np.float32)
    other = capture(hair, scene.head, [finer(twin.camera)], seed=0, noise=None)[0]
    seen = maps_of(other.colour, other.hair_mask, twin.camera)
    assert np.abs(seen.maps[0] - twin.maps[0]).mean() < 0.01  # the same silhouette; lights do not mirror
    distance = distance_of(scene)
    network = PictureNetwork(TINY, GRID, 8)
    first, second = (
        network._lifted(sights, torch.zeros(1, 8, MAP // 2, MAP // 2))
        for sights in (
            sights_of([mirrored(twin)], [distance]),
            sights_of([twin], [np.ascontiguousarray(distance[:, ::-1])]),
        )
    )
    voxels = 8 * 9
    share_here, share_there = (
        x[..., :voxels].unflatten(-1, (2, 2, 2, 9))[..., (0, 1, 2, 3, 4, 8)] for x in (first, second)
    )
    swapped = share_there.flip(2).flip(5)
    assert torch.allclose(share_here, swapped, atol=2e-3)


def test_maps_refuse_cameras_and_masks_that_cannot_be(scene: Scene) -> None:
    frame = scene.frames[0]
    camera = frame.camera
    with pytest.raises(CombwiseError, match="do not fit the camera"):
        hair_maps(frame.colour[:-1], frame.hair_mask[:-1], camera)
    with pytest.raises(CombwiseError, match=r"shows hair on 0.0 % of the view"):
        hair_maps(frame.colour, np.zeros_like(frame.hair_mask), camera)
    away = np.array(camera.camera_to_head)
    away[:3, 3] *= 20.0
    with pytest.raises(CombwiseError, match=r"m from the head; expected 0.45"):
        straightened(dataclasses.replace(camera, camera_to_head=away))
    above = look_at(np.array([0.01, 0.0, 1.0]), np.zeros(3))
    with pytest.raises(CombwiseError, match="straight down"):
        straightened(dataclasses.replace(camera, camera_to_head=above))
    with pytest.raises(CombwiseError, match="rigid 4 x 4"):
        straightened(dataclasses.replace(camera, camera_to_head=np.full((4, 4), np.nan)))


def test_shipped_sizes_fit_into_four_megabytes() -> None:
    network = PictureNetwork(PictureConfig(), GRIDS["small"], 32)
    assert 2 * sum(p.numel() for p in network.parameters()) < 3_900_000


def test_baselines_are_what_they_say(scene: Scene) -> None:
    hairs = [SparseVolume.of(curtain_volume(shift)) for shift in (0.0, 0.0, 0.1)]
    usual = mean_hair(hairs, GRID)
    expected = np.mean([hair.dense(GRID).occupied for hair in hairs], axis=0)
    assert np.allclose(usual.occupancy, expected, atol=1e-6)
    straight = camera_at(0.0, 0.9)
    frame = capture(scene.hair, scene.head, [finer(straight)], seed=0, noise=None)[0]
    maps = maps_of(frame.colour, frame.hair_mask, straight)
    hull = carved_hull(maps, scene.head, GRID)
    centres = GRID.centres()[hull.occupied]
    column, row = np.rint(straight.project(centres)[0]).astype(int).T
    assert (maps.maps[0, row, column] >= 0.5).all()
    assert scene.head.field.sample(centres).min() > 0.0


def test_a_mirrored_lesson_shows_mirrored_hair(scene: Scene) -> None:
    sparse = SparseVolume.of(scene.volume)
    view = KeptView(np.zeros((4, MAP, MAP), np.int8), camera_at(30.0), 0, sparse)
    lessons = Lessons([view], {0: distance_of(scene).astype(np.float16)}, GRID)
    batch = lessons.batch([0, 0], [False, True])
    occupancy, direction = batch.truth()
    window = tuple(slice(a, a + n) for a, n in zip(LOW, BOX.shape, strict=True))
    dense = sparse.dense(GRID)
    assert np.allclose(occupancy[0].numpy(), dense.occupancy[window])
    assert np.allclose(direction[0].numpy(), dense.direction[window], atol=1e-6)
    assert torch.equal(occupancy[1], occupancy[0].flip(1))
    assert torch.allclose(direction[1], direction[0].flip(1) * torch.tensor([1.0, -1.0, 1.0]), atol=1e-6)
    assert torch.equal(batch.sights.head_distance[1], batch.sights.head_distance[0].flip(1))
    assert torch.allclose(batch.sights.eye[1], batch.sights.eye[0] * torch.tensor([1.0, -1.0, 1.0]))


@pytest.fixture(scope="module")
def trained(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a tiny dataset, a tiny latent space and a picture model of three steps."""
    folder = tmp_path_factory.mktemp("goal")
    write_dataset(folder / "data", 3)
    torch.manual_seed(0)
    config = LatentConfig(half=16, quarter=16, eighth=16, codebooks=2, encoder_blocks=1, decoder_blocks=1)
    for seed, name in enumerate(("latent", "other")):
        torch.manual_seed(seed)
        info = CheckpointInfo(
            "latent", "small", GRID, "observer-7", sizes={"latent": dataclasses.asdict(config)}
        )
        save_checkpoint(folder / f"{name}.safetensors", info, LatentModel(config).state_dict())
    line = train_goal(config_of(folder))
    assert "3 steps" in line
    assert "4 pictures" in line
    return folder


def config_of(folder: Path) -> TrainGoalConfig:
    return TrainGoalConfig(
        folder / "data", folder / "run", folder / "latent.safetensors", minutes=5.0, views=4, batch=2,
        workers=1, steps=3, threads=1, model=TINY,
    )  # fmt: skip


def test_training_leaves_weights_that_make_goals(trained: Path, scene: Scene, tmp_path: Path) -> None:
    goals = load_picture_goals(trained / "run", latent=trained / "latent.safetensors")
    assert goals.info.observer_version == MAPS_VERSION
    frame = scene.frames[0]
    maps = hair_maps(frame.colour, frame.hair_mask, frame.camera)
    volume = goals.volume(maps, scene.head)
    assert volume.grid == GRID
    outside = np.ones(GRID.shape, bool)
    outside[LOW[0] : LOW[0] + BOX.shape[0], LOW[1] : LOW[1] + BOX.shape[1]] = False
    assert not volume.occupancy[outside].any()
    length = np.linalg.norm(volume.direction, axis=-1)
    assert np.allclose(length[volume.occupancy > 0.0], 1.0, atol=1e-3)
    assert np.array_equal(goals.volume(maps, scene.head).occupancy, volume.occupancy)


def test_training_goes_on_from_goals_of_an_older_simulator(trained: Path) -> None:
    made = load_checkpoint(trained / "run" / MODEL_FILE, kind="goal")
    older = trained / "older.safetensors"
    save_checkpoint(older, dataclasses.replace(made.info, simulator_version="0"), made.tensors)
    config = dataclasses.replace(
        config_of(trained), out=trained / "on", begin=older, model=PictureConfig(), learning_rate=1e-9
    )
    train_goal(config)
    found = load_checkpoint(config.out / MODEL_FILE, kind="goal")
    assert found.info.sizes == made.info.sizes
    assert found.info.training["begun_with"]["simulator_version"] == "0"
    for name, tensor in made.tensors.items():
        torch.testing.assert_close(found.tensors[name], tensor, atol=1e-3, rtol=0.0)


def test_a_killed_training_goes_on_with_the_pictures_that_it_has(trained: Path) -> None:
    files = sorted((trained / "run" / "views" / "training").iterdir())
    before = [path.stat().st_mtime_ns for path in files]
    config = dataclasses.replace(config_of(trained), resume=True)
    assert "3 steps" in train_goal(config)
    assert [path.stat().st_mtime_ns for path in files] == before


def test_views_depend_on_seed_and_episode_alone(trained: Path) -> None:
    dataset = Dataset(trained / "data")

    def take(seed: int) -> np.ndarray:
        view = next(take_views(dataset, 1, ("side",), seed=seed, device="cpu", ranges=ViewRanges()))
        return view.maps.maps

    assert np.array_equal(take(4), take(4))
    assert not np.array_equal(take(4), take(5))


def test_weights_of_another_latent_space_are_refused(trained: Path) -> None:
    with pytest.raises(CombwiseError, match="trained for another latent space"):
        load_picture_goals(trained / "run", latent=trained / "other.safetensors")
    with pytest.raises(CombwiseError, match="is of kind latent; expected goal"):
        load_picture_goals(trained / "latent.safetensors", latent=trained / "latent.safetensors")


def test_weights_that_are_not_there_or_do_not_fit_are_not_shipped(
    trained: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(CombwiseError, match=r"no weights that read goals .* for profile 'base'"):
        load_picture_goals(profile="base")
    words = ["weights", "install", str(trained / "run"), "--kind", "goal", "--out", str(tmp_path / "shipped")]
    assert run(words) == 2
    assert capsys.readouterr().err.count("\n") == 1  # of another latent space than the shipped one
    assert not (tmp_path / "shipped").exists()


def test_one_picture_of_a_look_becomes_a_goal(
    trained: Path, scene: Scene, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    look = save_look(tmp_path / "look.npz", scene.frames, {"head": scene.head.name})
    own = ["--weights", str(trained / "run"), "--latent", str(trained / "latent.safetensors")]
    words = ["goal", "make", "--from", str(look), "--one", "left", *own]
    code = run([*words, "--out", str(tmp_path / "goal.npz")])
    error = capsys.readouterr().err
    if code == 0:  # three steps may or may not find hair; both must be said plainly
        goal = load_goal(tmp_path / "goal.npz")
        assert isinstance(goal, VolumeGoal)
        assert goal.notes["made_from"] == "one picture"
        assert len(goal.pictures) == 1
    else:
        assert "no hair found in the picture of camera 'left'" in error
    assert run([*words[:5], "roof", *own, "--out", str(tmp_path / "other.npz")]) == 2
    assert "no camera 'roof'; expected one of left, right, back" in capsys.readouterr().err
    assert isinstance(load_goal(look), Look)


def test_the_evaluation_sets_the_model_beside_its_baselines(trained: Path, tmp_path: Path) -> None:
    words = [
        *("evaluate", "goal", "--data", str(trained / "data"), "--weights", str(trained / "run")),
        *("--latent", str(trained / "latent.safetensors"), "--splits", "training", "--episodes", "1"),
        *("--pictures", "1", "--threads", "1", "--out", str(tmp_path / "scores")),
    ]
    assert run(words) == 0
    metrics = json.loads((tmp_path / "scores" / "metrics.json").read_text())
    assert {row["what"] for row in metrics["rows"]} == {
        *("picture model", "mean hair", "hull", "codes of the true hair")
    }
    assert {row["side"] for row in metrics["rows"]} == {"front", "side", "back", "all"}
    assert all(0.0 <= row["mean"] <= 1.0 for row in metrics["rows"] if row["metric"] in ("iou", "f1"))
    page = (tmp_path / "scores" / "report.html").read_text()
    assert page.count("data:image/png;base64,") == 3
    assert "http" not in page.replace("http-equiv", "")


def test_the_same_hair_is_read_out_of_pictures_of_other_colours(trained: Path, tmp_path: Path) -> None:
    goals = load_picture_goals(trained / "run", latent=trained / "latent.safetensors")
    episode = Dataset(trained / "data").read(0)
    truth, readings = read_pictures(episode, goals, CONDITIONS[:2])
    assert truth.occupied.any()
    assert [reading.row["picture"] for reading in readings] == ["brown, studio", "black"]
    brown, black = (reading.picture.mean() for reading in readings)
    assert black < brown
    assert readings[0].row["iou_with_first"] == 1.0
    draw_readings(truth, readings, tmp_path / "goals.jpg")
    assert (tmp_path / "goals.jpg").stat().st_size > 10_000
