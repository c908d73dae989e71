"""Episodes on disk: what is written is read, what is broken is named."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from hairsim.errors import CombwiseError
from hairsim.generate.config import Randomisation
from hairsim.generate.dataset import (
    STRAND_STEP,
    Dataset,
    SparseVolume,
    create_dataset,
    episode_path,
    read_episode,
    write_episode,
)
from hairsim.generate.random_stroke import StrokeRanges, random_stroke, stroke_frame
from tests.hair_episodes import GRID, ball_head, curtain, curtain_volume, dataset_info, episode, write_dataset


def test_what_is_written_is_read(tmp_path: Path) -> None:
    write_dataset(tmp_path, 2)
    dataset = Dataset(tmp_path)
    assert [(e.index, e.family, e.strokes) for e in dataset.episodes] == [
        (0, "straight_long", 2),
        (1, "straight_long", 2),
    ]
    assert dataset.info == dataset_info(2)
    found, wanted = dataset.read(1), episode(1)
    assert np.abs(found.strands - wanted.strands).max() <= 0.51 * STRAND_STEP
    assert np.array_equal(found.strokes, wanted.strokes) and found.info == wanted.info
    assert np.allclose(found.paths[1].positions, wanted.paths[1].positions, atol=1e-6)
    assert found.paths[1].in_hair == wanted.paths[1].in_hair and found.tool.name == "rake_comb"
    assert np.array_equal(found.full[2].index, wanted.full[2].index)
    assert np.array_equal(found.observed[0].direction, wanted.observed[0].direction)


def test_a_sparse_volume_is_the_volume_within_its_steps() -> None:
    volume = curtain_volume()
    back = SparseVolume.of(volume).dense(GRID)
    assert np.abs(back.occupancy - volume.occupancy).max() <= 0.51 / 255.0
    seen = back.occupancy > 0
    assert np.allclose(np.linalg.norm(back.direction[seen], axis=-1), 1.0, atol=1e-5)
    assert np.sum(back.direction[seen] * volume.direction[seen], axis=-1).min() > 0.999


def test_writing_twice_gives_the_same_bytes(tmp_path: Path) -> None:
    first = write_episode(tmp_path, episode(0)).read_bytes()
    assert write_episode(tmp_path, episode(0)).read_bytes() == first
    assert [p.name for p in (tmp_path / "episodes").iterdir()] == ["000000.npz"]


@pytest.mark.parametrize("kept", [0, 100, 0.5, 0.98])
def test_a_truncated_file_gets_one_sentence(tmp_path: Path, kept: float) -> None:
    path = write_episode(tmp_path, episode(0))
    content = path.read_bytes()
    path.write_bytes(content[: int(kept if kept >= 1 else kept * len(content))])
    with pytest.raises(CombwiseError, match=r"000000\.npz is truncated or not an episode file"):
        read_episode(path)


def test_foreign_files_are_named(tmp_path: Path) -> None:
    target = episode_path(tmp_path, 0)
    target.parent.mkdir()
    np.savez(target, numbers=np.arange(3))
    with pytest.raises(CombwiseError, match="says nothing of its format"):
        read_episode(target)
    np.save(tmp_path / "pickled.npy", np.array([{"a": 1}], object), allow_pickle=True)
    with pytest.raises(CombwiseError, match="not an episode file"):
        read_episode(tmp_path / "pickled.npy")


def test_a_dataset_of_another_simulator_or_no_dataset_is_refused(tmp_path: Path) -> None:
    with pytest.raises(CombwiseError, match=r"is no dataset: it has no dataset\.json"):
        Dataset(tmp_path)
    write_dataset(tmp_path, 1)
    with pytest.raises(CombwiseError, match=r"made by simulator version .*; expected 999"):
        Dataset(tmp_path, simulator_version="999")
    with pytest.raises(CombwiseError, match="another configuration"):
        create_dataset(tmp_path, replace(dataset_info(1), generation={"seed": 4}))
    with pytest.raises(CombwiseError, match="has no episode 5"):
        Dataset(tmp_path).read(5)
    raw = json.loads((tmp_path / "dataset.json").read_text())
    del raw["grid"]
    (tmp_path / "dataset.json").write_text(json.dumps(raw))
    with pytest.raises(CombwiseError, match="is damaged"):
        Dataset(tmp_path)


def test_an_episode_must_hold_one_state_more_than_strokes() -> None:
    with pytest.raises(CombwiseError, match="has 2 strokes but 2 full; expected 3"):
        replace(episode(0), full=episode(0).full[:2])


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
        Randomisation(**wrong)
    with pytest.raises(CombwiseError, match=r"stroke speed is .*; expected within 0\.05 \.\. 0\.25"):
        StrokeRanges(speed=(0.05, 0.4))
