"""A run folder never mixes two runs, never holds half a file, never deletes what is not a run."""

from __future__ import annotations

import json
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import pytest

from hairsim.atomic_file import write_json, written_aside
from hairsim.device import resolve_device
from hairsim.errors import CombwiseError
from hairsim.run_folder import RunFolder


@dataclass(frozen=True)
class CombingConfig:
    out: Path
    strokes: int = 3
    lengths: tuple[float, ...] = (0.1, 0.2)
    threads: int = 1


def names(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


def write_half_of(target: Path) -> None:
    with written_aside(target) as aside:
        aside.write_text("{")
        raise RuntimeError("power cut")


def test_a_folder_that_cannot_be_made_is_named(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(CombwiseError, match=r"cannot make folder .*file.run: Not a directory"):
        RunFolder.open(tmp_path / "file" / "run", CombingConfig(tmp_path))


def test_a_new_folder_holds_the_exact_config(tmp_path: Path) -> None:
    run = RunFolder.open(tmp_path / "a" / "b", CombingConfig(out=tmp_path))
    record = json.loads((run.path / "config.json").read_text())
    assert record["config"]["strokes"] == 3
    assert record["config"]["lengths"] == [0.1, 0.2]
    assert record["kind"] == "CombingConfig"
    assert not run.resumed
    assert names(run.path) == ["config.json"]


def test_another_run_in_the_folder_is_refused_and_kept(tmp_path: Path) -> None:
    config = CombingConfig(out=tmp_path)
    RunFolder.open(tmp_path, config).write_text("result.txt", "dear")
    with pytest.raises(CombwiseError, match=r"--resume.*--overwrite") as refused:
        RunFolder.open(tmp_path, config)
    assert str(tmp_path) in str(refused.value)
    assert (tmp_path / "result.txt").read_text() == "dear"


def test_overwrite_begins_anew(tmp_path: Path) -> None:
    config = CombingConfig(out=tmp_path)
    RunFolder.open(tmp_path, config).write_text("deep/result.txt", "old")
    run = RunFolder.open(tmp_path, replace(config, strokes=9), overwrite=True)
    assert names(tmp_path) == ["config.json"]
    assert not run.resumed


def test_overwrite_deletes_nothing_that_is_not_a_run(tmp_path: Path) -> None:
    (tmp_path / "thesis.tex").write_text("years of work")
    (tmp_path / "config.json").write_text('{"format": "of something else"}')
    for overwrite, resume in ((True, False), (False, True), (False, False)):
        with pytest.raises(CombwiseError, match="not a Combwise run"):
            RunFolder.open(tmp_path, CombingConfig(out=tmp_path), overwrite=overwrite, resume=resume)
    assert names(tmp_path) == ["config.json", "thesis.tex"]


def test_resume_continues_the_same_config(tmp_path: Path) -> None:
    config = CombingConfig(out=tmp_path)
    RunFolder.open(tmp_path, config).write_text("result.txt", "half")
    run = RunFolder.open(tmp_path, replace(config, threads=8), resume=True)
    assert run.resumed
    assert (tmp_path / "result.txt").read_text() == "half"


def test_resume_of_a_folder_that_is_not_there_begins(tmp_path: Path) -> None:
    assert not RunFolder.open(tmp_path / "new", CombingConfig(out=tmp_path), resume=True).resumed


def test_resume_with_another_config_names_the_fields(tmp_path: Path) -> None:
    config = CombingConfig(out=tmp_path)
    RunFolder.open(tmp_path, config).write_text("result.txt", "half")
    with pytest.raises(CombwiseError, match="strokes was 3, is 5") as refused:
        RunFolder.open(tmp_path, replace(config, strokes=5), resume=True)
    assert "lengths" not in str(refused.value)


def test_a_resumed_run_may_ask_for_more_of_what_grows_and_for_no_less(tmp_path: Path) -> None:
    config = CombingConfig(out=tmp_path)
    RunFolder.open(tmp_path, config).write_text("result.txt", "half")
    more = replace(config, strokes=5, lengths=(0.1, 0.3, 0.2))
    grows = ("strokes", "lengths")
    with pytest.raises(CombwiseError, match="lengths was"):
        RunFolder.open(tmp_path, more, resume=True, grows=("strokes",))
    assert RunFolder.open(tmp_path, more, resume=True, grows=grows).resumed
    assert (tmp_path / "result.txt").read_text() == "half"
    assert json.loads((tmp_path / "config.json").read_text())["config"]["strokes"] == 5
    for fewer in (replace(more, strokes=4), replace(more, lengths=(0.1, 0.2))):
        with pytest.raises(CombwiseError, match="with another config"):
            RunFolder.open(tmp_path, fewer, resume=True, grows=grows)


def test_resume_of_another_kind_of_run_says_so(tmp_path: Path) -> None:
    @dataclass(frozen=True)
    class TrainingConfig:
        steps: int = 1

    RunFolder.open(tmp_path, CombingConfig(out=tmp_path)).write_text("result.txt", "half")
    with pytest.raises(CombwiseError, match=r"'CombingConfig'.*'TrainingConfig'"):
        RunFolder.open(tmp_path, TrainingConfig(), resume=True)


def test_what_a_kill_left_in_a_new_folder_does_not_block_it(tmp_path: Path) -> None:
    (tmp_path / ".config.123.partial.json").write_text("{")
    assert not RunFolder.open(tmp_path, CombingConfig(out=tmp_path)).resumed
    assert names(tmp_path) == ["config.json"]


def test_a_run_that_failed_before_it_made_anything_does_not_block_the_next(tmp_path: Path) -> None:
    config = CombingConfig(out=tmp_path)
    RunFolder.open(tmp_path, config)
    assert not RunFolder.open(tmp_path, replace(config, strokes=9)).resumed
    assert json.loads((tmp_path / "config.json").read_text())["config"]["strokes"] == 9


def test_what_a_kill_left_in_a_run_is_cleared_and_nothing_of_others(tmp_path: Path) -> None:
    config = CombingConfig(out=tmp_path / "run")
    RunFolder.open(tmp_path / "run", config).write_text("deep/result.txt", "half")
    (tmp_path / "run" / "deep" / ".film.99.partial.mp4").write_text("half")
    RunFolder.open(tmp_path / "run", config, resume=True)
    assert names(tmp_path / "run" / "deep") == ["result.txt"]

    (tmp_path / ".download.7.partial.iso").write_text("somebody's")
    with pytest.raises(CombwiseError, match="not a Combwise run"):
        RunFolder.open(tmp_path, config, overwrite=True)
    assert (tmp_path / ".download.7.partial.iso").exists()


def test_an_output_path_that_is_a_file_is_named(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(CombwiseError, match="is a file"):
        RunFolder.open(tmp_path / "file", CombingConfig(out=tmp_path))


def test_a_failed_write_leaves_the_old_file_and_no_other(tmp_path: Path) -> None:
    target = tmp_path / "metrics.json"
    write_json(target, {"moved_mm": np.float32(1.5), "shape": np.arange(3)})
    with pytest.raises(CombwiseError, match="NaN"):
        write_json(target, {"moved_mm": float("nan")})
    with pytest.raises(RuntimeError, match="power cut"):
        write_half_of(target)
    assert json.loads(target.read_text()) == {"moved_mm": 1.5, "shape": [0, 1, 2]}
    assert names(tmp_path) == ["metrics.json"]


@pytest.mark.parametrize("name", ["gpu", "cuda:", "cuda:x", "CPU", "", "cuda:4096"])
def test_a_device_that_is_not_there_is_one_sentence(name: str) -> None:
    with pytest.raises(CombwiseError, match=f"device '{name}' is (unknown|not available)"):
        resolve_device(name)


def test_cpu_is_always_there() -> None:
    assert resolve_device("cpu") == "cpu"
