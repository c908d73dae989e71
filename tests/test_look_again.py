"""A dataset's hair, looked at again: all but the looks stays, and the set can be grown."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from hairsim.errors import CombwiseError
from hairsim.generate.config import GenerateConfig
from hairsim.generate.dataset import STORE, Dataset, DatasetWriter, create_dataset
from hairsim.generate.generate import generate
from hairsim.generate.look_again import info_looked_at_again, look_again
from hairsim.run_folder import RunFolder
from planner.observe import observe
from tests.hair_episodes import dataset_info, episode, write_dataset

TINY = GenerateConfig(
    episodes=2, strokes=1, heads=1, guides=40, vertices=12, children=200, settle_seconds=0.1,
    rest_seconds=0.1, seed=7,
)  # fmt: skip
LOOKED = ("observed_occupancy", "observed_direction")


def made(folder: Path, config: GenerateConfig, *, observer: str, resume: bool = False) -> Path:
    """Make a small set with the data engine, or grow it; return its folder."""
    path = RunFolder.open(folder, config, resume=resume, grows=("episodes",)).path
    generate(config, path, observe=observe, observer_version=observer, workers=1)
    return path


@pytest.mark.parametrize("frames", [False, True])
def test_a_set_is_looked_at_again_and_the_rest_stays(frames: bool, tmp_path: Path) -> None:
    source = made(tmp_path / "source", replace(TINY, frames=frames), observer="old")
    out = tmp_path / "again"
    assert look_again(source, out, observe=observe, observer_version="new", workers=1) == 2
    before, after = Dataset(source), Dataset(out)
    assert after.info.observer_version == "new"
    for number in range(2):
        was, found = before.arrays(number), after.arrays(number)
        assert all(np.array_equal(was[name], found[name]) for name in was if name not in LOOKED)
        hair = (was["observed_occupancy"] > 0) | (found["observed_occupancy"] > 0)
        changed = (was["observed_occupancy"] != found["observed_occupancy"])[hair].mean()
        # Frames were kept with depth in steps of 0.1 mm; without them the noise is new.
        assert hair.sum() > 100 and (changed < 0.2 if frames else changed > 0.2)
        both = (was["observed_occupancy"] > 127) & (found["observed_occupancy"] > 127)
        assert both.sum() > 0.7 * (was["observed_occupancy"] > 127).sum()
        for state in range(2 if frames else 0):
            for a, b in zip(before.frames(number, state), after.frames(number, state), strict=True):
                assert np.array_equal(a.colour, b.colour) and np.array_equal(a.depth, b.depth)
    assert sorted(p.name for p in out.iterdir()) == ["card.json", "card.md", "config.json", STORE]
    told = json.loads((out / "config.json").read_text())["looked_again"]
    assert told == {"observer_version": "old", "content": before.content_hash()}
    with pytest.raises(CombwiseError, match="is not empty"):
        look_again(source, out, observe=observe, observer_version="new")
    assert look_again(source, out, observe=observe, observer_version="new", resume=True) == 0
    if not frames:
        assert len(Dataset(made(out, replace(TINY, episodes=3), observer="new", resume=True))) == 3


def test_what_is_no_set_to_look_at_is_refused_and_nothing_is_written(tmp_path: Path) -> None:
    out = tmp_path / "out"
    create_dataset(tmp_path / "late", dataset_info(3))
    DatasetWriter(tmp_path / "late").write(episode(1))
    whole = write_dataset(tmp_path / "whole", 1)
    info = dataset_info(1)
    create_dataset(tmp_path / "blind", replace(info, generation={**info.generation, "blind": True}))
    for source, place, complaint in (
        (tmp_path / "late", out, "lacks its first episode"),
        (tmp_path / "blind", out, "was made blind"),
        (whole, out, "does not tell its heads"),
    ):
        with pytest.raises(CombwiseError, match=complaint):
            look_again(source, place, observe=observe, observer_version="new")
    assert not out.exists()


def test_another_set_is_not_looked_into(tmp_path: Path) -> None:
    source = made(tmp_path / "source", replace(TINY, episodes=1), observer="old")
    other = made(tmp_path / "other", replace(TINY, episodes=1, seed=8), observer="new")
    kept = (other / "config.json").read_bytes()
    with pytest.raises(CombwiseError, match="another configuration"):
        look_again(source, other, observe=observe, observer_version="new", resume=True)
    assert (other / "config.json").read_bytes() == kept
    with pytest.raises(CombwiseError, match="cannot take the new set"):
        look_again(source, source, observe=observe, observer_version="new")
    (tmp_path / "file").touch()
    with pytest.raises(CombwiseError, match="cannot make folder"):
        look_again(source, tmp_path / "file" / "out", observe=observe, observer_version="new")
    (source / "config.json").write_text("{")
    with pytest.raises(CombwiseError, match=r"config.json is damaged"):
        look_again(source, tmp_path / "out", observe=observe, observer_version="new")
    assert not (tmp_path / "out").exists()


def test_of_an_unfinished_set_what_comes_before_the_gap_is_taken(tmp_path: Path) -> None:
    info = dataset_info(4)
    create_dataset(tmp_path, replace(info, generation={**info.generation, "heads": 2}))
    for number in (0, 1, 3):
        DatasetWriter(tmp_path).write(episode(number))
    found = info_looked_at_again(Dataset(tmp_path), "new")
    assert found.count == 2 and found.generation["episodes"] == 2 and found.observer_version == "new"
