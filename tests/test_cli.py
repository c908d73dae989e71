"""The command line tells every mistake in one sentence and says so with its exit status."""

from __future__ import annotations

import re
import struct
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch

from combwise.main import run
from dynamics.checkpoint import CheckpointInfo, save_checkpoint
from hairsim.generate.config import GenerateConfig
from hairsim.groom.usc_hairsalon import write_usc_hairsalon
from hairsim.run_folder import RunFolder
from hairsim.volume import GRIDS
from planner.observe import OBSERVER_VERSION
from tests.conftest import Combwise

FLAT_MESH = "v 0 0 0\nv 20 0 0\nv 20 20 0\nv 0 20 0\nf 1 2 3\nf 1 3 4\n"


def strands(count: int = 50, points: int = 8) -> np.ndarray:
    """Straight strands [S, V, 3] [cm], y-up, on a sphere of 10 cm."""
    directions = np.random.default_rng(1).normal(size=(count, 3))
    directions /= np.linalg.norm(directions, axis=1, keepdims=True)
    directions[:, 1] = np.abs(directions[:, 1])
    return (directions[:, None] * np.linspace(10.0, 20.0, points)[None, :, None]).astype(np.float32)


def groom_file(folder: Path) -> Path:
    path = folder / "groom.data"
    write_usc_hairsalon(path, list(strands()))
    return path


def truncated_file(folder: Path) -> Path:
    path = folder / "short.data"
    path.write_bytes(groom_file(folder).read_bytes()[:-7])
    return path


def nan_file(folder: Path) -> Path:
    path = folder / "nan.data"
    content = bytearray(groom_file(folder).read_bytes())
    content[4 + 4 + 24 : 4 + 4 + 28] = struct.pack("<f", float("nan"))
    path.write_bytes(content)
    return path


def flat_mesh(folder: Path) -> Path:
    path = folder / "flat.obj"
    path.write_text(FLAT_MESH)
    return path


def text_file(folder: Path) -> Path:
    path = folder / "notes.data"
    path.write_text("this is not a groom at all, it is a letter")
    return path


def occupied_folder(folder: Path) -> Path:
    path = folder / "occupied"
    path.mkdir()
    (path / "thesis.tex").write_text("years of work")
    return path


def other_run(folder: Path) -> Path:
    path = folder / "generated"
    RunFolder.open(path, GenerateConfig()).write_text("result.txt", "an hour of work")
    return path


def checkpoint_of_another_grid(folder: Path) -> Path:
    path = folder / "base.safetensors"
    info = CheckpointInfo("dynamics", "base", GRIDS["base"], OBSERVER_VERSION, sizes={})
    save_checkpoint(path, info, {"weight": torch.zeros(3)})
    return path


def checkpoint_for_small_on_another_grid(folder: Path) -> Path:
    path = folder / "odd.safetensors"
    info = CheckpointInfo("dynamics", "small", GRIDS["base"], OBSERVER_VERSION, sizes={})
    save_checkpoint(path, info, {"weight": torch.zeros(3)})
    return path


def truncated_checkpoint(folder: Path) -> Path:
    path = folder / "cut.safetensors"
    path.write_bytes(checkpoint_of_another_grid(folder).read_bytes()[:-5])
    return path


Words = Callable[[Path], list[str]]
MISTAKES: dict[str, tuple[Words, str]] = {
    "no such command": (lambda _: ["stlye"], r"'stlye' is not a command; expected one of .*'generate'"),
    "half a command": (lambda _: ["train"], r"'train' is not a command; expected one of 'train latent'"),
    "missing file": (lambda t: ["groom", "info", str(t / "no.data")], r"no\.data' does not exist"),
    "truncated groom": (lambda t: ["groom", "info", str(truncated_file(t))], r"short\.data' is truncated"),
    "NaN strands": (lambda t: ["groom", "info", str(nan_file(t))], r"1 of 50 strands hold NaN"),
    "not a groom": (lambda t: ["groom", "info", str(text_file(t))], r"expected a USC-HairSalon \.data file"),
    "unknown unit": (lambda t: ["groom", "info", str(groom_file(t)), "--unit", "pt"], r"no unit 'pt'"),
    "unknown family": (
        lambda t: ["groom", "make", "mohawk", "--out", str(t / "m.data")],
        r"no groom family 'mohawk'; expected one of .*wavy_long",
    ),
    "wrong ending": (
        lambda t: ["groom", "make", "wavy_long", "--out", str(t / "m.txt")],
        r"ends in '\.txt'; expected one of \.data, \.hair",
    ),
    "groom of no format": (
        lambda t: ["groom", "convert", str(groom_file(t)), str(t / "g.abc")],
        r"ends in '\.abc'; expected one of \.data",
    ),
    "groom onto itself": (
        lambda t: ["groom", "convert", str(groom_file(t)), str(t / "groom.data"), "--overwrite"],
        r"groom\.data is the source itself",
    ),
    "file in the way": (
        lambda t: ["groom", "make", "wavy_long", "--out", str(groom_file(t))],
        r"groom\.data exists; use --overwrite",
    ),
    "mesh with no volume": (
        lambda t: [
            "groom",
            "show",
            str(groom_file(t)),
            "--head",
            str(flat_mesh(t)),
            "--out",
            str(t / "g.png"),
        ],
        r"flat\.obj'.*volume",
    ),
    "occupied folder": (
        lambda t: ["generate", "--out", str(occupied_folder(t))],
        r"occupied holds files that are not a Combwise run",
    ),
    "no CUDA": (
        lambda t: ["generate", "--device", "cuda:99", "--out", str(t / "d")],
        r"'cuda:99' is not available",
    ),
    "unknown device": (
        lambda t: ["generate", "--device", "gpu", "--out", str(t / "d")],
        r"device 'gpu' is unknown",
    ),
    "nothing to make": (lambda t: ["generate", "--episodes", "0", "--out", str(t / "d")], r"episodes is 0"),
    "demo on a missing groom": (
        lambda t: ["demo", "--groom", str(t / "no.data"), "--out", str(t / "run")],
        r"--groom .*no\.data does not exist",
    ),
    "demo on a truncated groom": (
        lambda t: [
            "demo",
            "--planner",
            "no_stroke",
            "--groom",
            str(truncated_file(t)),
            "--out",
            str(t / "run"),
        ],
        r"short\.data' is truncated",
    ),
    "demo on NaN strands": (
        lambda t: ["demo", "--planner", "no_stroke", "--groom", str(nan_file(t)), "--out", str(t / "run")],
        r"1 of 50 strands hold NaN",
    ),
    "demo on a mesh with no volume": (
        lambda t: [
            *("demo", "--planner", "no_stroke", "--groom", str(groom_file(t))),
            *("--head", str(flat_mesh(t)), "--out", str(t / "run")),
        ],
        r"flat\.obj'.*volume",
    ),
    "demo into an occupied folder": (
        lambda t: ["demo", "--planner", "no_stroke", "--out", str(occupied_folder(t))],
        r"occupied holds files that are not a Combwise run",
    ),
    "demo into another run": (
        lambda t: ["demo", "--planner", "no_stroke", "--out", str(other_run(t))],
        r"generated holds a run already \(GenerateConfig\); .*--resume.*--overwrite",
    ),
    "demo with a checkpoint of another profile": (
        lambda t: ["demo", "--weights", str(checkpoint_of_another_grid(t)), "--out", str(t / "run")],
        r"base\.safetensors was trained for profile base; expected small",
    ),
    "demo with a checkpoint of another grid": (
        lambda t: [
            "demo",
            "--weights",
            str(checkpoint_for_small_on_another_grid(t)),
            "--out",
            str(t / "run"),
        ],
        r"odd\.safetensors was trained on grid 128\^3 voxels of 3\.75 mm .*; expected 64\^3",
    ),
    "demo with a truncated checkpoint": (
        lambda t: ["demo", "--weights", str(truncated_checkpoint(t)), "--out", str(t / "run")],
        r"cut\.safetensors is truncated",
    ),
    "demo with a groom for a checkpoint": (
        lambda t: ["demo", "--weights", str(groom_file(t)), "--out", str(t / "run")],
        r"groom\.data is truncated or no safetensors file",
    ),
    "weights of no run": (lambda t: ["weights", "install", str(t / "no")], r"no does not exist"),
    "demo without CUDA": (
        lambda t: ["demo", "--device", "cuda:99", "--out", str(t / "run")],
        r"'cuda:99' is not available",
    ),
    "no dataset": (
        lambda t: ["train", "latent", "--data", str(t / "no"), "--out", str(t / "run")],
        r"no is no dataset.*combwise generate",
    ),
}


@pytest.mark.parametrize("mistake", MISTAKES)
def test_a_mistake_gets_one_sentence(mistake: str, tmp_path: Path, combwise: Combwise) -> None:
    words, sentence = MISTAKES[mistake]
    done = combwise(*words(tmp_path))
    lines = done.stderr.splitlines()
    assert done.returncode == 2
    assert len(lines) == 1, done.stderr
    assert re.match(rf"combwise: error: .*{sentence}", lines[0])
    assert not (tmp_path / "run").exists(), "a refused run leaves nothing behind"


def test_an_interrupt_ends_with_130(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    def press_control_c(path: Path, **_: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr("hairsim.groom.formats.files.read_strands", press_control_c)
    assert run(["groom", "info", str(tmp_path)]) == 130
    assert "interrupted" in capsys.readouterr().err


def test_help_comes_at_once(combwise: Combwise) -> None:
    began = time.perf_counter()
    done = combwise("--help")
    assert time.perf_counter() - began < 5.0  # 0.1 s on an idle machine; importing torch alone takes longer
    assert done.returncode == 0
    assert "combwise COMMAND" in done.stdout


def test_help_imports_nothing_heavy(combwise: Combwise) -> None:
    code = (
        "import sys; from combwise.main import run; run(['--help']); "
        "sys.exit(any(name in sys.modules for name in ('torch', 'warp', 'scipy', 'trimesh')))"
    )
    assert subprocess.run([sys.executable, "-c", code], capture_output=True).returncode == 0


def test_a_groom_that_was_made_can_be_told_and_drawn(tmp_path: Path, combwise: Combwise) -> None:
    made = combwise("groom", "make", "straight_bob", "--out", "bob.data", "--guides", "120", "--seed", "3")
    assert made.returncode == 0, made.stderr
    told = combwise("groom", "info", "bob.data")
    assert told.stdout.splitlines()[-1].startswith("bob.data: 120 strands, 2880 points")
    shown = combwise("groom", "show", "bob.data", "--out", "bob.png", "--size", "96")
    assert shown.returncode == 0, shown.stderr
    assert (tmp_path / "bob.png").read_bytes().startswith(b"\x89PNG")


def test_a_groom_is_translated_and_comes_back(tmp_path: Path, combwise: Combwise) -> None:
    """To CT2Hair's millimetres and back to centimetres, with more points a strand."""
    groom_file(tmp_path)
    there = combwise("groom", "convert", "groom.data", "groom.bin")
    assert there.returncode == 0, there.stderr
    assert there.stdout.splitlines()[-1] == "groom.bin: 50 strands, 400 points, in mm, y-up"
    back = combwise("groom", "convert", "groom.bin", "back.npz", "--to-unit", "cm", "--points", "30")
    assert back.stdout.splitlines()[-1] == "back.npz: 50 strands, 1500 points, in cm, y-up", back.stderr
    told = combwise("groom", "info", "back.npz")
    assert told.stdout.splitlines()[-1].endswith(
        "50 strands, 1500 points, 0 of them single points, read as cm, y-up"
    )
