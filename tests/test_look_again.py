"""A dataset's hair, looked at again: all but the looks stays, and the set can be grown."""

from __future__ import annotations

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
    rest_seconds=0.1, seed=7, frames=True,
)  # fmt: skip
LOOKED = ("observed_occupancy", "observed_direction")


@pytest.fixture(scope="module")
def seen(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A small set with frames, made by the data engine."""
    folder = RunFolder.open(tmp_path_factory.mktemp("seen") / "data", TINY).path
    assert generate(TINY, folder, observe=observe, observer_version="old", workers=1) == 2
    return folder


def test_what_the_cameras_showed_is_seen_again_and_the_rest_stays(seen: Path, tmp_path: Path) -> None:
    out = tmp_path / "again"
    assert look_again(seen, out, observe=observe, observer_version="new", workers=1) == 2
    before, after = Dataset(seen), Dataset(out)
    assert after.info.observer_version == "new" and after.info.cameras[0].name == before.info.cameras[0].name
    for number in range(2):
        was, is_now = before.arrays(number), after.arrays(number)
        assert all(np.array_equal(was[name], is_now[name]) for name in was if name not in LOOKED)
        for name in LOOKED:  # frames were kept with depth in steps of 0.1 mm: nearly the same volume
            assert (was[name] != is_now[name]).mean() < 0.01
        for state in range(2):
            for a, b in zip(before.frames(number, state), after.frames(number, state), strict=True):
                assert np.array_equal(a.colour, b.colour) and np.array_equal(a.depth, b.depth)
    assert sorted(p.name for p in out.iterdir()) == ["card.json", "card.md", "config.json", STORE]
    with pytest.raises(CombwiseError, match="is not empty"):
        look_again(seen, out, observe=observe, observer_version="new")
    assert look_again(seen, out, observe=observe, observer_version="new", resume=True) == 0


def test_a_set_that_nobody_looked_at_or_that_lacks_its_beginning_is_refused(tmp_path: Path) -> None:
    create_dataset(tmp_path / "late", dataset_info(3))
    DatasetWriter(tmp_path / "late").write(episode(1))
    with pytest.raises(CombwiseError, match="lacks its first episode"):
        look_again(tmp_path / "late", tmp_path / "out", observe=observe, observer_version="new")
    assert not (tmp_path / "out").exists()
    whole = write_dataset(tmp_path / "whole", 1)
    with pytest.raises(CombwiseError, match="cannot take the new set"):
        look_again(whole, whole, observe=observe, observer_version="new")


def test_of_an_unfinished_set_what_comes_before_the_gap_is_taken(tmp_path: Path) -> None:
    create_dataset(tmp_path, dataset_info(4))
    for number in (0, 1, 3):
        DatasetWriter(tmp_path).write(episode(number))
    info = info_looked_at_again(Dataset(tmp_path), "new")
    assert info.count == 2 and info.generation["episodes"] == 2 and info.observer_version == "new"
