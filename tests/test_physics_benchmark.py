"""The physics table notices a broken law: each guard passes on whole mechanics and fails on broken."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import tyro

from benchmarks.physics.__main__ import PhysicsBenchmark, command, main, run
from benchmarks.physics.entangled import entangled
from benchmarks.physics.laws import Break, Laws


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


def test_an_unknown_experiment_is_named_in_one_sentence(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["--out", str(tmp_path / "x.json"), "--only", "juggling"]) == 2
    (sentence,) = capsys.readouterr().err.splitlines()
    assert "unknown experiments ['juggling']" in sentence
    assert not (tmp_path / "x.json").exists()


def test_locks_that_wind_around_each_other_are_combed_apart() -> None:
    pull, left = entangled(Laws(quick=True))
    assert pull.ok and pull.expected > 0.0  # tips upward needs less than from the root
    assert left.ok


def test_a_law_is_broken_from_the_command_line() -> None:
    words = ["--out", "x.json", "--only", "twist", "--break", "twist"]
    config = tyro.cli(PhysicsBenchmark, args=words)
    assert config.broken == "twist"
    assert command(config) == "python -m benchmarks.physics --out x.json --only twist --break twist"


def test_running_one_experiment_again_keeps_the_rows_of_the_others(tmp_path: Path) -> None:
    out = tmp_path / "physics.json"
    helix = run(PhysicsBenchmark(out, only=("helix",)))
    twist = run(PhysicsBenchmark(out, only=("twist",), quick=True))
    run(PhysicsBenchmark(out, only=("twist",), quick=True))
    written = json.loads(out.read_text())
    assert [row["case"] for row in written["rows"]] == [row.case for row in helix + twist]
    assert {"command", "commit", "date", "machine", "seconds", "rows", "simulator_version"} == set(
        written["runs"]["helix"]
    )
