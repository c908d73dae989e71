"""Training that goes on from weights of an older simulator."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
import torch

from dynamics.checkpoint import MODEL_FILE, load_checkpoint, save_checkpoint
from dynamics.editing.branch import EditingConfig
from dynamics.editing.train import TrainDynamicsConfig, train_dynamics
from dynamics.latent.train import TrainLatentConfig, train_latent
from hairsim.errors import CombwiseError
from tests.hair_episodes import write_dataset
from tests.test_dynamics import TINY


def of_an_older_simulator(path: Path, aside: Path) -> Path:
    """Write a checkpoint again, as one of simulator version 0 and of an observer before all others."""
    found = load_checkpoint(path)
    info = replace(found.info, simulator_version="0", observer_version="0")
    save_checkpoint(aside, info, found.tensors)
    return aside


def test_editing_goes_on_from_weights_of_an_older_simulator(tmp_path: Path) -> None:
    data = write_dataset(tmp_path / "data", 6, ("straight_long", "straight_long"))
    train_latent(TrainLatentConfig(data=data, out=tmp_path / "latent", steps=1, batch=1, model=TINY))
    latent = of_an_older_simulator(tmp_path / "latent" / MODEL_FILE, tmp_path / "latent.safetensors")
    sizes = EditingConfig(half=16, quarter=16, eighth=16, refine=16, blocks=1)
    first = TrainDynamicsConfig(
        data=data, latent=latent, out=tmp_path / "first", steps=3, batch=1, model=sizes
    )
    train_dynamics(first)
    older = of_an_older_simulator(first.out / MODEL_FILE, tmp_path / "older.safetensors")
    with pytest.raises(CombwiseError, match="is of kind latent; expected dynamics"):
        train_dynamics(replace(first, out=tmp_path / "no", begin=latent))
    on = replace(
        first, latent=older, out=tmp_path / "on", begin=older, model=EditingConfig(), learning_rate=1e-9
    )
    train_dynamics(on)
    before = load_checkpoint(older, simulator_version=None)
    after = load_checkpoint(on.out / MODEL_FILE)
    assert after.info.sizes == before.info.sizes
    assert after.info.training["begun_with"]["simulator_version"] == "0"
    assert after.info.training["begun_with"]["observer_version"] == "0" != after.info.observer_version
    assert after.info.training["latent_simulator_version"] == "0"
    assert after.info.training["latent_observer_version"] == "0"
    assert after.info.training["latent"] == before.info.training["latent"]
    for name, tensor in before.tensors.items():
        torch.testing.assert_close(after.tensors[name], tensor, atol=1e-3, rtol=0.0)
