"""Which strokes training draws."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from dynamics.batches import class_chances, random_strokes
from dynamics.data import Store
from hairsim.errors import CombwiseError
from hairsim.groom.families import FAMILIES
from tests.hair_episodes import write_dataset

FEW = ("straight_long", "straight_bob", "straight_fringe", "curly_bob")


def test_every_hair_class_has_the_same_chance_however_many_episodes_it_has() -> None:
    families = ["straight_long"] * 5 + ["straight_bob"] * 3 + ["coily_long"] + ["wavy_bob"] * 2
    chances = class_chances(families)
    assert np.isclose(chances.sum(), 1.0)
    of_class: defaultdict[str, float] = defaultdict(float)
    for name, chance in zip(families, chances, strict=True):
        of_class[FAMILIES[name].hair_class] += float(chance)
    assert all(np.isclose(share, 1.0 / 3.0) for share in of_class.values()) and len(of_class) == 3
    assert np.allclose(class_chances(["mine", "mine", "curly_bob"]), [0.25, 0.25, 0.5])


def test_strokes_are_drawn_as_often_as_asked(tmp_path: Path) -> None:
    store = Store(write_dataset(tmp_path, 12, FEW))
    split = store.require("training")
    rng = np.random.default_rng(0)
    chances = class_chances(split.families)
    rows = random_strokes(split, store.grid, rng, batch=400, horizon=1, chances=chances)
    curly = sum(row[0].family == "curly_bob" for row in rows)
    assert abs(curly - 200) < 40 and split.families.count("curly_bob") < len(split) / 3
    short, *others = (row[0] for row in rows if row[0].family != "curly_bob")
    mixed = [replace(short, paths=short.paths[:1]), others[0], rows[0][0]]
    runs = random_strokes(mixed, store.grid, rng, batch=50, horizon=2, chances=np.array([0.8, 0.1, 0.1]))
    assert all(len(row[0].paths) == 2 for row in runs)
    with pytest.raises(CombwiseError, match="no episode has 9 strokes in a row"):
        random_strokes(split, store.grid, rng, batch=1, horizon=9, chances=chances)
