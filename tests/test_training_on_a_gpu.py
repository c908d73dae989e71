"""What a GPU does otherwise gives what the CPU gives: convolutions, masks, and batches cut on the device."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from torch import nn

from benchmarks.training import LAYOUTS
from dynamics.baselines.train import TrainBaselinesConfig, train_baselines
from dynamics.batches import Row, random_states, random_strokes
from dynamics.completion.unet import UNetConfig
from dynamics.data import Store, Window
from dynamics.editing.mask import MaskConfig, _swing, _swing_everywhere
from dynamics.editing.train import TrainDynamicsConfig, train_dynamics
from dynamics.latent.autoencoder import LatentConfig
from dynamics.latent.blocks import ON_CPU, Convolution
from dynamics.latent.train import TrainLatentConfig, train_latent
from dynamics.precision import fast_arithmetic
from dynamics.resident import FromMemory, Resident
from hairsim.errors import CombwiseError
from tests.hair_episodes import GRID, write_dataset

TINY = LatentConfig(half=8, quarter=16, eighth=16, codebooks=2, encoder_blocks=1, decoder_blocks=1)
CPU = torch.device("cpu")


@pytest.mark.parametrize("name", LAYOUTS)
def test_every_layout_is_the_same_function_with_the_same_gradients(name: str) -> None:
    torch.manual_seed(0)
    convolution, x = Convolution(24), torch.randn(2, 6, 4, 5, 24, requires_grad=True)
    found = []
    for layout in (ON_CPU, LAYOUTS[name]):
        convolution.layout = layout
        y = convolution(x)
        found.append((y, *torch.autograd.grad(y.square().sum(), [x, *convolution.parameters()])))
    for wanted, got in zip(*found, strict=True):
        assert torch.allclose(wanted, got, rtol=1e-4, atol=1e-3)


def test_displaced_hair_reaches_the_same_cells_on_either_way() -> None:
    torch.manual_seed(0)
    moved, carried = torch.rand(3, 8, 10, 6) < 0.1, torch.randn(3, 8, 10, 6, 4)
    for config in (MaskConfig(), MaskConfig(swing=0), MaskConfig(fall=0)):
        wanted = _swing(moved, carried, GRID.voxel, config)
        assert torch.equal(_swing_everywhere(moved, carried, GRID.voxel, config), wanted)


def test_a_weight_first_used_without_gradients_learns_all_the_same() -> None:
    layer, x = nn.Linear(4, 4), torch.ones(1, 4)
    with fast_arithmetic(CPU):
        with torch.no_grad():
            layer(x)
        total = layer(x).sum()
    total.backward()
    assert layer.weight.grad is not None and layer.weight.grad.abs().sum() > 0.0


def test_a_device_that_holds_the_episodes_cuts_the_batches_that_are_cut_from_memory(tmp_path: Path) -> None:
    store = Store(write_dataset(tmp_path, 6))
    lazy, held = store.require("training"), store.read_all("training")
    assert [c.index for c in held] == [c.index for c in lazy]
    memory, resident = FromMemory(GRID), Resident(held, GRID, CPU)

    for seed in range(3):
        one, other = (random_states(e, GRID, np.random.default_rng(seed), batch=4) for e in (lazy, held))
        assert all(torch.equal(a, b) for a, b in zip(memory.states(one), resident.states(other), strict=True))
        one, other = (
            random_strokes(e, GRID, np.random.default_rng(seed), batch=4, horizon=2) for e in (lazy, held)
        )
        a, b = memory.strokes(one, 2), resident.strokes(other, 2)
        for got, wanted in ((b.rasters, a.rasters), (b.occupancy, a.occupancy), (b.direction, a.direction)):
            assert all(torch.equal(x, y) for x, y in zip(got, wanted, strict=True))
    cut = Window((40, 0, 0), (16, 16, 64), mirror=True)  # most hair is outside of it
    apart: list[Row] = [(lazy[n], 0, "cameras", cut) for n in (0, 1)]
    together: list[Row] = [(held[n], 0, "cameras", cut) for n in (0, 1)]
    assert torch.equal(memory.states(apart).seen, resident.states(together).seen)


@pytest.mark.slow
def test_baselines_can_be_trained_beside_the_model_that_they_are_compared_with(tmp_path: Path) -> None:
    data = write_dataset(tmp_path / "data", 4)
    train_latent(TrainLatentConfig(data=data, out=tmp_path / "latent", steps=1, batch=1, model=TINY))
    editing = TrainDynamicsConfig(
        data=data, latent=tmp_path / "latent", out=tmp_path / "editing", steps=1, batch=1
    )
    train_dynamics(editing)
    (tmp_path / "editing" / "model.safetensors").unlink()  # as it is before the end
    config = TrainBaselinesConfig(
        data=data,
        dynamics=tmp_path / "editing",
        out=tmp_path / "baselines",
        models=("unet",),
        unet=UNetConfig(8, 16, 16, 16),
    )
    with pytest.raises(CombwiseError, match="still being trained"):
        train_baselines(config)
    assert "unet 2 steps" in train_baselines(replace(config, steps=2))
