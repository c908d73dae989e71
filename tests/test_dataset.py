"""Datasets on disk: what is written is read, what is broken is named."""

from __future__ import annotations

import json
import shutil
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from combwise import dataset as commands
from hairsim.cameras.camera import Frame, three_camera_rig
from hairsim.errors import CombwiseError
from hairsim.generate.config import GenerateConfig, Randomisation
from hairsim.generate.dataset import STORE, Dataset, DatasetWriter, create_dataset
from hairsim.generate.episode import STRAND_STEP, GroomRecord, SparseVolume, quantised
from hairsim.generate.random_stroke import StrokeRanges, random_stroke, stroke_frame
from hairsim.generate.verify import faults
from hairsim.generate.volume_cache import VolumeCache
from hairsim.groom.families import make_groom
from hairsim.head.parametric import parametric_head
from hairsim.volume import GRIDS, volume_from_strands
from tests.hair_episodes import (
    GRID,
    ball_head,
    curtain,
    curtain_volume,
    dataset_info,
    episode,
    write_dataset,
)


@pytest.fixture(scope="module")
def two(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A set of two episodes that nobody writes to."""
    return write_dataset(tmp_path_factory.mktemp("two"), 2)


@pytest.fixture
def copy(two: Path, tmp_path: Path) -> Path:
    """A copy of it that may be damaged."""
    return Path(shutil.copytree(two, tmp_path / "copy"))


def test_what_is_written_is_read(two: Path) -> None:
    dataset = Dataset(two)
    assert [(e.index, e.family, e.strokes) for e in dataset.episodes] == [
        (0, "straight_long", 2),
        (1, "straight_long", 2),
    ]
    assert dataset.info.as_json() == dataset_info(2).as_json()
    found, wanted = dataset.read(1), episode(1)
    for got, given in ((found.strands, wanted.strands), (found.groom.rest, wanted.groom.rest)):
        assert np.abs(got - given).max() <= 0.51 * STRAND_STEP < 1e-4, "strands are kept to 0.1 mm or better"
    assert np.array_equal(found.strokes, wanted.strokes) and found.material == wanted.material
    assert np.allclose(found.paths[1].positions, wanted.paths[1].positions, atol=1e-6)
    assert found.paths[1].in_hair == wanted.paths[1].in_hair and found.tool.name == "rake_comb"
    assert np.allclose(found.force[1], wanted.force[1], atol=1e-6) and len(found.force_times[1]) == 50
    assert np.array_equal(found.cameras, wanted.cameras)
    for got, given in zip(found.observed, wanted.observed, strict=True):
        assert np.array_equal(got.index, given.index) and np.array_equal(got.direction, given.direction)
    assert found.head.number == 1 and found.head.name == "ball"
    assert np.abs(found.head.distance(GRID) - ball_head().field.sample(GRID.centres())).max() < 2e-4


def test_children_are_the_same_from_the_stored_groom(two: Path) -> None:
    stored, made = Dataset(two).read(1).groom.make_children(), episode(1).groom.make_children()
    assert np.array_equal(stored.guides, made.guides) and np.array_equal(stored.weights, made.weights)
    changed = replace(Dataset(two).read(1).groom, seed=77)
    with pytest.raises(CombwiseError, match="expected the code that made the dataset"):
        changed.make_children()


@pytest.mark.parametrize("family", ["wavy_long", "coily_afro", "straight_ponytail"])
def test_hair_wound_or_tied_comes_back_as_cameras_saw_it(family: str) -> None:
    groom = make_groom(family, parametric_head(), guides=60, vertices=12, seed=4)
    record, seen = GroomRecord.of(groom, 4, 300)
    again = record.make_children().strands(record.rest)
    assert np.array_equal(again, seen.strands(record.rest))


@pytest.mark.parametrize("profile", ["small", "base"])
def test_volumes_are_made_from_strands_at_any_resolution_and_kept(copy: Path, profile: str) -> None:
    dataset, grid, wanted = Dataset(copy), GRIDS[profile], episode(0)
    cache = VolumeCache(dataset, grid)
    made = cache.volumes(dataset.read(0))
    children = wanted.groom.make_children()
    truth = volume_from_strands(children.strands(wanted.strands[2]), children.hair_count, grid)
    apart = np.abs(made[2].dense(grid).occupancy - truth.occupancy)
    assert apart.mean() < 1e-3 * truth.occupied.mean(), "rounding strands moves no hair to speak of"
    if profile == "base":
        return
    file = cache.folder / "000000.npz"
    kept = file.read_bytes()
    again = cache.volumes(dataset.read(0))
    assert all(np.array_equal(a.index, b.index) for a, b in zip(made, again, strict=True))
    file.write_bytes(kept[: len(kept) // 2])  # a damaged cache is made again
    mended = cache.volumes(dataset.read(0))
    assert all(np.array_equal(a.direction, b.direction) for a, b in zip(made, mended, strict=True))
    assert file.read_bytes() == kept


def test_frames_are_kept_if_asked(tmp_path: Path) -> None:
    rig, rng = tuple(three_camera_rig(24, 24)), np.random.default_rng(0)
    made = replace(
        episode(0),
        frames=tuple(
            tuple(
                Frame(
                    camera,
                    rng.integers(0, 255, (24, 24, 3), np.uint8),
                    rng.uniform(0.5, 1.0, (24, 24)).astype(np.float32),
                    rng.random((24, 24)) < 0.5,
                )
                for camera in (rig[0], rig[2])
            )
            for _ in range(3)
        ),
    )
    info = dataset_info(1)
    create_dataset(tmp_path, replace(info, cameras=rig, sizes=replace(info.sizes, pixels=24)))
    DatasetWriter(tmp_path).write(made)
    for state in range(3):
        for got, given in zip(Dataset(tmp_path).frames(0, state), made.frames[state], strict=True):
            assert got.camera.name == given.camera.name and np.array_equal(got.colour, given.colour)
            assert np.abs(got.depth - given.depth).max() <= 0.51e-4
            assert np.array_equal(got.hair_mask, given.hair_mask)


def test_a_sparse_volume_is_the_volume_within_its_steps() -> None:
    volume = curtain_volume()
    back = SparseVolume.of(volume).dense(GRID)
    assert np.abs(back.occupancy - volume.occupancy).max() <= 0.51 / 255.0
    seen = back.occupancy > 0
    assert np.allclose(np.linalg.norm(back.direction[seen], axis=-1), 1.0, atol=1e-5)
    assert np.sum(back.direction[seen] * volume.direction[seen], axis=-1).min() > 0.999


def test_the_order_of_writing_does_not_matter(two: Path, tmp_path: Path) -> None:
    create_dataset(tmp_path, dataset_info(2))
    writer = DatasetWriter(tmp_path)
    for index in (1, 0, 1):  # the last is there already
        writer.write(episode(index))
    assert writer.missing() == [] and Dataset(tmp_path).content_hash() == Dataset(two).content_hash()


@pytest.mark.parametrize("kept", [0, 10, 0.5, 0.98])
def test_a_truncated_shard_gets_one_sentence(copy: Path, kept: float) -> None:
    shard = next(path for path in (copy / STORE / "strands" / "c").rglob("*") if path.is_file())
    content = shard.read_bytes()
    shard.write_bytes(content[: int(kept if kept >= 1 else kept * len(content))])
    with pytest.raises(CombwiseError, match=r"episode 0 (cannot be read|is not what was written)"):
        Dataset(copy).read(0)


def test_a_lost_shard_and_a_changed_number_are_noticed(copy: Path) -> None:
    shutil.rmtree(copy / STORE / "observed_direction" / "c")
    with pytest.raises(CombwiseError, match=r"episode 1 is not what was written \(observed_direction\)"):
        Dataset(copy).read(1)
    with pytest.raises(CombwiseError, match=r"2 faults, the first: .* episode 0 is not what was written"):
        commands.verify(commands.VerifyOptions(data=copy))


def test_a_dataset_of_another_simulator_or_no_dataset_is_refused(copy: Path, tmp_path: Path) -> None:
    with pytest.raises(CombwiseError, match=r"is no dataset: it has no dataset\.zarr"):
        Dataset(tmp_path)
    (tmp_path / "dataset.json").write_text("{}")
    with pytest.raises(CombwiseError, match="has an old format, one file an episode"):
        Dataset(tmp_path)
    with pytest.raises(CombwiseError, match=r"made by simulator version .*; expected 999"):
        Dataset(copy, simulator_version="999")
    with pytest.raises(CombwiseError, match="another configuration"):
        create_dataset(copy, replace(dataset_info(2), generation={"seed": 4}))
    with pytest.raises(CombwiseError, match="has no episode 5; it holds 2"):
        Dataset(copy).read(5)
    meta = copy / STORE / "zarr.json"
    whole = json.loads(meta.read_text())
    del whole["attributes"]["grid"]
    meta.write_text(json.dumps(whole))
    with pytest.raises(CombwiseError, match="is damaged"):
        Dataset(copy)
    meta.write_text(meta.read_text()[:50])
    with pytest.raises(CombwiseError, match="its store cannot be read"):
        Dataset(copy)


def test_an_episode_that_does_not_fit_is_refused_and_leaves_nothing(tmp_path: Path) -> None:
    with pytest.raises(CombwiseError, match="has 2 strokes but 2 observed; expected 3"):
        replace(episode(0), observed=episode(0).observed[:2])
    with pytest.raises(CombwiseError, match=r"beyond 0\.66 m from the head"):
        quantised(np.full((1, 2, 3), 0.7))
    create_dataset(tmp_path, dataset_info(1))
    writer = DatasetWriter(tmp_path)
    with pytest.raises(CombwiseError, match="has family 'mohawk'; expected one of straight_long"):
        writer.write(episode(0, family="mohawk"))
    with pytest.raises(CombwiseError, match=r"strands has shape \(4, .*; expected \(3, "):
        writer.write(episode(0, strokes=3))
    assert len(Dataset(tmp_path)) == 0


def test_the_commands_tell_show_verify_and_split(
    two: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    closing = commands.info(commands.InfoOptions(data=two))
    assert "2 of 2 episodes, 4 strokes" in closing and "rake_comb 2" in capsys.readouterr().out
    assert "2 episodes are whole and sound" in commands.verify(commands.VerifyOptions(data=two))
    out = tmp_path / "splits.json"
    assert "0 unseen" in commands.split(commands.SplitOptions(data=two, out=out))
    splits = json.loads(out.read_text())
    assert sorted(splits["training"] + splits["validation"]) == [0, 1]
    with pytest.raises(CombwiseError, match="exists; use --overwrite"):
        commands.split(commands.SplitOptions(data=two, out=out))


def test_hair_that_left_its_roots_or_was_stretched_is_found(tmp_path: Path) -> None:
    create_dataset(tmp_path, dataset_info(2))
    writer = DatasetWriter(tmp_path)
    for index, factor in enumerate((1.0, 1.2)):
        made = episode(index)
        root = made.strands[:, :, :1]
        writer.write(replace(made, strands=root * (2.0 - factor) + factor * (made.strands - root)))
    assert list(faults(Dataset(tmp_path), 0)) == []
    found = " ".join(faults(Dataset(tmp_path), 1))
    assert "episode 1: a root lies" in found and "20.0 % longer or shorter" in found


def test_an_unfinished_set_is_sound_but_not_whole(tmp_path: Path) -> None:
    create_dataset(tmp_path, dataset_info(2))
    DatasetWriter(tmp_path).write(episode(0))
    with pytest.raises(CombwiseError, match="is sound but not finished: 1 of 2 episodes"):
        commands.verify(commands.VerifyOptions(data=tmp_path))
    assert "1 episodes are whole" in commands.verify(commands.VerifyOptions(data=tmp_path, partly=True))


def test_random_strokes_keep_to_their_ranges_and_start_on_hair() -> None:
    hair, head, rng = curtain(), ball_head(), np.random.default_rng(0)
    ranges = Randomisation().strokes
    strokes = [random_stroke(hair, head, rng, ranges) for _ in range(200)]
    lengths, speeds = np.array([s.length for s in strokes]), np.array([s.speed for s in strokes])
    for drawn, (low, high) in ((lengths, ranges.length), (speeds, ranges.speed)):
        assert (
            low <= drawn.min() < low + 0.1 * (high - low) and high - 0.1 * (high - low) < drawn.max() <= high
        )
    flow = np.array([0.0, 0.0, -1.0])  # the curtain hangs straight down
    turns = []
    for stroke in strokes:
        level = np.cos(stroke.elevation)
        way = np.array(
            [level * np.cos(stroke.azimuth), level * np.sin(stroke.azimuth), np.sin(stroke.elevation)]
        )
        start = head.surface_point(way, stroke.depth)
        assert np.linalg.norm(hair - start, axis=-1).min() < 0.03
        _, _, down, side = stroke_frame(head, way)
        turns.append((np.cos(stroke.heading) * down + np.sin(stroke.heading) * side) @ flow)
    with_it, against = np.mean(np.array(turns) > 0.87), np.mean(np.array(turns) < -0.3)
    assert 0.1 < with_it < 0.4 and 0.05 < against < 0.35, "strokes go along, across and against the flow"


def test_every_tool_is_drawn_as_often_as_asked() -> None:
    randomisation, rng = Randomisation(), np.random.default_rng(0)
    names = [randomisation.tool(rng).name for _ in range(400)]
    shares = [names.count(name) / 400 for name in randomisation.tools]
    assert np.allclose(shares, randomisation.tool_shares, atol=0.06)


@pytest.mark.parametrize(
    ("wrong", "sentence"),
    [
        ({"tool_shares": (0.5, 0.5)}, "4 tools have 2 tool_shares"),
        ({"cameras": (0.5, 0.5, 0.5)}, "cameras is .*; expected shares that sum to 1"),
        ({"diameter": (9e-5, 6e-5)}, "diameter is .*; expected two rising numbers"),
    ],
)
def test_ranges_that_cannot_be_are_named(wrong: dict[str, Any], sentence: str) -> None:
    with pytest.raises(CombwiseError, match=sentence):
        GenerateConfig(randomisation=Randomisation(**wrong))
    with pytest.raises(CombwiseError, match=r"stroke speed is .*; expected within 0\.05 \.\. 0\.25"):
        StrokeRanges(speed=(0.05, 0.4))
