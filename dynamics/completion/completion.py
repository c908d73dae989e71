"""Complete hair that was seen, and load what does.

Cameras see a shell with holes, and what a latent space makes of the rest passes through its codes. Here it
is filled in before, by a network with skips that leaves alone what was seen: who predicts hair from cameras
may ask for it (`dynamics.model.load_model`).
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path

import torch
from torch import Tensor

from dynamics.checkpoint import (
    MODEL_FILE,
    CheckpointInfo,
    fill_network,
    load_checkpoint,
    require_hash,
)
from dynamics.completion.unet import Hair, UNet, UNetConfig
from dynamics.latent.autoencoder import volume_of
from dynamics.precision import fast_arithmetic
from hairsim.volume import GridSpec

KIND = "completion"
"""Of its checkpoints, and the folder in a run of `combwise train dynamics` where one is looked for."""


@dataclass(frozen=True)
class Completion:
    """A trained completion network."""

    network: UNet

    @torch.no_grad()
    def __call__(self, occupancy: Tensor, direction: Tensor, head_distance: Tensor) -> tuple[Tensor, Tensor]:
        """Return whole hair for hair as seen, from cameras or in full.

        Args:
            occupancy: [N, X, Y, Z], 0..1.
            direction: [N, X, Y, Z, 3], unit or zero.
            head_distance: [N, X, Y, Z] [m].

        Returns:
            Occupancy and direction of the same shapes; zero where it says that no hair is.
        """
        with fast_arithmetic(occupancy.device):
            return volume_of(self.network(Hair(occupancy, direction, head_distance)))


def build_completion(info: CheckpointInfo) -> UNet:
    """Return an untrained network of a checkpoint's sizes."""
    return UNet(UNetConfig(**info.sizes["unet"]), strokes=False)


def load_completion(
    path: Path, *, profile: str, grid: GridSpec, observer_version: str, device: torch.device
) -> Completion:
    """Load a completion network.

    Raises:
        CombwiseError: there is none, or it does not fit.
    """
    checkpoint = load_checkpoint(
        path, kind=KIND, profile=profile, grid=grid, observer_version=observer_version
    )
    network = build_completion(checkpoint.info)
    fill_network(network, checkpoint, path)
    return Completion(network.to(device).eval())


def completion_file(weights: Path) -> Path | None:
    """Return the checkpoint of the completion that belongs to weights of a model; None where there is none.

    Args:
        weights: the shipped file, with the completion beside it; or a run folder, which may hold a run of
            `combwise train completion` named `completion`.
    """
    if weights.is_dir():
        path = weights / KIND / MODEL_FILE
    else:
        path = weights.with_name(f"{weights.stem}_{KIND}.safetensors")
    return path if path.is_file() else None


def completion_of(weights: Path, beside: CheckpointInfo, device: torch.device) -> Completion | None:
    """Load the completion that belongs to weights of a model; None where there is none.

    Args:
        weights: see `completion_file`.
        beside: what the weights are; grid and observer must be the same.
        device: where to compute.

    Raises:
        CombwiseError: there is one that is damaged, not the one of its card, or does not fit.
    """
    path = completion_file(weights)
    if path is None:
        return None
    card = path.with_suffix(".json")
    if card.is_file():
        require_hash(path, str(json.loads(card.read_text())["sha256"]))
    return load_completion(
        path,
        profile=beside.profile,
        grid=beside.grid,
        observer_version=beside.observer_version,
        device=device,
    )
