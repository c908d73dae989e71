"""Training in several processes is training in one with their batches together."""

from __future__ import annotations

import json
import os
import socket
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import torch
from torch import Tensor, nn
from torch.multiprocessing.spawn import spawn

from dynamics.checkpoint import CheckpointInfo, load_checkpoint
from dynamics.processes import Processes, processes_of
from dynamics.training import STATE_FILE, FitConfig, fit
from tests.hair_episodes import GRID, write_dataset

CONFIG = FitConfig(minutes=1e6, steps=6, warmup=2)  # with less time a slow start would lower the first rate
INFO = CheckpointInfo("latent", "small", GRID, "observer-7", {})


class Line:
    """Fit a line to the draws of some ranks, side by side in one batch."""

    def __init__(self, ranks: tuple[int, ...] = ()) -> None:
        torch.manual_seed(1)
        self._module = nn.Linear(2, 1)
        self._ranks = ranks
        self._drawn = 0

    def trainable(self) -> nn.Module:
        return self._module

    def draw(self, rng: np.random.Generator, progress: float) -> Tensor:
        draws = [Processes(rank, 2).rng(CONFIG.seed, self._drawn) for rank in self._ranks] or [rng]
        self._drawn += 1
        return torch.cat([torch.from_numpy(r.standard_normal((8, 2)).astype(np.float32)) for r in draws])

    def loss(self, batch: Tensor, progress: float) -> dict[str, Tensor]:
        with torch.autocast("cpu", enabled=False):  # bfloat16 rounds sums of eight and of sixteen apart
            return {"total": (self._module(batch) - batch.sum(1, keepdim=True)).square().mean()}

    def validate(self) -> dict[str, float]:
        return {"bias": float(self._module.bias.detach())}


def fit_one_of_two(rank: int, folder: Path) -> None:
    os.environ |= {"WORLD_SIZE": "2", "RANK": str(rank)}
    with processes_of("cpu") as (processes, device):
        assert processes == Processes(rank, 2)
        fit(Line(), CONFIG, folder, INFO, device=device, label="line", processes=processes)


@pytest.mark.slow
def test_two_processes_learn_as_one_with_both_batches(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MASTER_ADDR", "127.0.0.1")
    with socket.create_server(("127.0.0.1", 0)) as free:
        monkeypatch.setenv("MASTER_PORT", str(free.getsockname()[1]))
    (tmp_path / "one").mkdir()
    (tmp_path / "two").mkdir()
    fit(Line((0, 1)), CONFIG, tmp_path / "one", INFO, device=torch.device("cpu"), label="line")
    spawn(fit_one_of_two, (tmp_path / "two",), nprocs=2)
    one, two = (load_checkpoint(tmp_path / name / STATE_FILE).tensors for name in ("one", "two"))
    assert one.keys() == two.keys()
    assert all(torch.allclose(one[name], two[name], atol=1e-6) for name in one)
    logged = (tmp_path / "two" / "training.jsonl").read_text().splitlines()
    assert len(logged) == 1  # the first process alone writes


@pytest.mark.slow
@pytest.mark.timeout(300)
def test_the_latent_space_trains_under_torchrun(tmp_path: Path) -> None:
    data = write_dataset(tmp_path / "data", 4)
    out = tmp_path / "latent"
    sizes = {"half": 8, "quarter": 16, "eighth": 16, "codebooks": 2, "encoder-blocks": 1, "decoder-blocks": 1}
    run = subprocess.run(
        [
            *(sys.executable, "-m", "torch.distributed.run", "--standalone", "--nproc-per-node", "2"),
            *("-m", "combwise", "train", "latent", "--data", str(data), "--out", str(out)),
            *("--steps", "3", "--batch", "1"),
            *(word for name, size in sizes.items() for word in (f"--model.{name}", str(size))),
        ],
        capture_output=True,
        text=True,
        check=False,
    )
    assert run.returncode == 0, run.stderr
    assert run.stdout.count("latent model") == 1
    training = load_checkpoint(out / "model.safetensors", kind="latent").info.training
    assert (training["steps"], training["batch"], training["processes"]) == (3, 1, 2)
    assert json.loads((out / "metrics.json").read_text())["full_iou"] >= 0.0
