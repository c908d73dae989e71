"""Use the trained picture model: one picture's maps to a goal volume."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import torch

from dynamics.checkpoint import (
    MODEL_FILE,
    CheckpointInfo,
    fill_network,
    load_checkpoint,
    profile_grid,
    require_hash,
)
from dynamics.latent.autoencoder import features, volume_of
from dynamics.latent.load import read_latent
from dynamics.latent.model import LatentModel
from dynamics.model import WEIGHTS as LATENT_WEIGHTS
from dynamics.precision import fast_arithmetic
from hairsim.device import resolve_device
from hairsim.errors import CombwiseError
from hairsim.head.head import Head
from hairsim.volume import GridSpec, HairVolume
from planner.goal.picture_lift import Sights
from planner.goal.picture_maps import MAPS_VERSION, HairMaps
from planner.goal.picture_model import (
    PictureConfig,
    PictureNetwork,
    decoded_goal,
    latent_space,
    latents_of,
    working_box,
)

WEIGHTS = Path(__file__).parent / "weights"

KIND = "goal"
"""Kind of the checkpoint."""


def goal_weights(profile: str) -> Path:
    """Return where the shipped weights of a profile are."""
    return WEIGHTS / f"{profile}.safetensors"


class PictureGoals:
    """Goal volumes of pictures.

    Attributes:
        grid: the grid of the volumes.
        info: what the weights are and how they were trained.
    """

    def __init__(
        self, network: PictureNetwork, latent: LatentModel, info: CheckpointInfo, *, device: torch.device
    ) -> None:
        self._network = network.to(device).eval()
        self._latent = latent.to(device).eval()
        self._device = device
        self.grid = info.grid
        self.info = info

    def volume(self, maps: HairMaps, head: Head) -> HairVolume:
        """Return the hair that a picture shows on a head, its far side guessed."""
        _, box = working_box(self.grid)
        return self.on_distance(maps, head.field.sample(box.centres()).astype(np.float32))

    @torch.no_grad()
    def of_true_hair(self, hair: HairVolume, head: Head) -> HairVolume:
        """Return what the latent space makes of hair that is known: no picture can give more."""
        low, box = working_box(self.grid)
        window = tuple(slice(a, a + n) for a, n in zip(low, box.shape, strict=True))
        arrays = (hair.occupancy[window], hair.direction[window], head.field.sample(box.centres()))
        inputs = [
            torch.from_numpy(np.ascontiguousarray(a, np.float32))[None].to(self._device) for a in arrays
        ]
        with fast_arithmetic(self._device):
            codes, _ = self._latent.encoder(features(*inputs))
            decoded = self._latent.decoder(codes, inputs[2])
        occupancy, direction = volume_of(decoded)
        return on_grid(occupancy[0].cpu().numpy(), direction[0].cpu().numpy(), self.grid)

    @torch.no_grad()
    def on_distance(self, maps: HairMaps, distance: np.ndarray) -> HairVolume:
        """Return the hair on a head whose distance [m] over the working box is [X, Y, Z]."""
        sights = sights_of([maps], [distance]).to(self._device)
        with fast_arithmetic(self._device):
            latents = latents_of(self._network, self._latent, sights)
            decoded = decoded_goal(self._latent, latents, sights)
        occupancy, direction = volume_of(decoded)
        return on_grid(occupancy[0].cpu().numpy(), direction[0].cpu().numpy(), self.grid)


def sights_of(maps: list[HairMaps], distance: list[np.ndarray]) -> Sights:
    """Return pictures and heads as a batch, on the CPU."""

    def stacked(parts: list[Any]) -> torch.Tensor:
        return torch.from_numpy(np.ascontiguousarray(np.stack(parts), np.float32))

    return Sights(
        maps=stacked([m.maps for m in maps]),
        rotation=stacked([m.camera.camera_to_head[:3, :3] for m in maps]),
        eye=stacked([m.camera.camera_to_head[:3, 3] for m in maps]),
        focal=stacked([m.camera.focal for m in maps]),
        head_distance=stacked(distance),
    )


def on_grid(occupancy: np.ndarray, direction: np.ndarray, grid: GridSpec) -> HairVolume:
    """Put what lies over the working box into the empty grid."""
    low, box = working_box(grid)
    window = tuple(slice(a, a + n) for a, n in zip(low, box.shape, strict=True))
    whole = np.zeros(grid.shape, np.float32)
    heading = np.zeros((*grid.shape, 3), np.float32)
    whole[window], heading[window] = occupancy, direction
    return HairVolume(whole, heading, grid)


def load_picture_goals(
    weights: Path | None = None, *, latent: Path | None = None, device: str = "cpu", profile: str = "small"
) -> PictureGoals:
    """Load the picture model and the latent space that it was trained for.

    Args:
        weights: checkpoint of kind "goal", or the run folder that holds it; None for the shipped ones.
        latent: checkpoint that holds the autoencoder; None for the shipped one.
        device: where to compute.
        profile: "small" or "base".

    Raises:
        CombwiseError: no weights are shipped, a file is missing or damaged, or the two do not belong
            together.
    """
    grid = profile_grid(profile)
    where = torch.device(resolve_device(device))
    path = goal_weights(profile) if weights is None else weights
    if weights is None:
        card = path.with_suffix(".json")
        if not path.is_file() or not card.is_file():
            raise CombwiseError(
                f"no weights that read goals out of pictures are shipped for profile '{profile}'; train them "
                "with 'combwise train goal' and name them with --weights, or give a look or a groom instead"
            )
        require_hash(path, str(json.loads(card.read_text())["sha256"]))
    elif path.is_dir():
        path = path / MODEL_FILE
    checkpoint = load_checkpoint(path, kind=KIND, profile=profile, grid=grid, observer_version=MAPS_VERSION)
    info = checkpoint.info
    space, _ = read_latent(latent or LATENT_WEIGHTS / f"{profile}.safetensors", profile=profile, grid=grid)
    if info.training.get("latent_space") != latent_space(space):
        raise CombwiseError(
            f"goal weights {path} were trained for another latent space; expected the one of "
            f"{latent or 'the shipped model'}: train them again with 'combwise train goal', or name theirs "
            "with --latent"
        )
    network = PictureNetwork(PictureConfig(**info.sizes["picture"]), grid, space.quantiser.dim)
    fill_network(network, checkpoint, path)
    return PictureGoals(network, space, info, device=where)
