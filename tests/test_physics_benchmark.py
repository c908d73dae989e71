"""The physics table notices a broken law: each guard passes on whole mechanics and fails on broken."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from benchmarks.physics.__main__ import PhysicsBenchmark, run
from benchmarks.physics.laws import Break
from hairsim.errors import CombwiseError


@pytest.mark.parametrize(
    ("experiment", "law"), [("twist", "twist"), ("cantilever", "bending"), ("incline", "friction")]
)
def test_a_broken_law_fails_the_experiment_that_guards_it(
    tmp_path: Path, experiment: str, law: Break
) -> None:
    whole = run(PhysicsBenchmark(tmp_path / "whole.json", only=(experiment,), quick=True))
    broken = run(PhysicsBenchmark(tmp_path / "broken.json", only=(experiment,), quick=True, broken=law))
    assert all(row.ok for row in whole)
    assert not all(row.ok for row in broken)
    written = json.loads((tmp_path / "whole.json").read_text())
    assert [row["case"] for row in written["rows"]] == [row.case for row in whole]
    assert {"experiment", "case", "value", "expected", "error", "target", "ok"} == set(written["rows"][0])


def test_an_unknown_experiment_is_named(tmp_path: Path) -> None:
    with pytest.raises(CombwiseError, match="unknown experiments"):
        PhysicsBenchmark(tmp_path / "x.json", only=("juggling",))
