"""The direct U-Net behind the planners' face of a model: what is a latent space worth to a planner?"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np
import torch

from dynamics.baselines.load import load_baselines
from dynamics.baselines.predictors import Direct
from dynamics.checkpoint import CheckpointInfo
from dynamics.completion.unet import Hair, UNet
from dynamics.editing.stroke_raster import rasterise
from dynamics.latent.autoencoder import volume_of
from dynamics.model import CHUNK, Rollout, on_grid, working_box
from dynamics.precision import fast_arithmetic
from hairsim.device import resolve_device
from hairsim.errors import CombwiseError
from hairsim.head.head import Head
from hairsim.tools.stroke import Stroke
from hairsim.tools.stroke_path import stroke_paths
from hairsim.tools.tool import ToolPath, rake_comb
from hairsim.volume import GridSpec, HairVolume


class SeenHair(NamedTuple):
    """Hair as seen over a box of the grid, one sample, and the box's first voxel."""

    hair: Hair
    box: GridSpec
    low: tuple[int, int, int]


class UNetDynamics:
    """What `combwise train baselines` made, as a planner uses it.

    Args:
        model: the trained U-Net.
        grid: that it was trained on.
    """

    def __init__(self, model: UNet, grid: GridSpec) -> None:
        self.grid = grid
        self._model = model.eval()
        self._device = next(model.parameters()).device

    def encode(self, volume: HairVolume, head: Head) -> SeenHair:
        """Return the state of hair as seen: the hair itself, for there is no latent space."""
        low, box = working_box(volume, head)
        window = tuple(slice(a, a + n) for a, n in zip(low, box.shape, strict=True))
        arrays = (volume.occupancy[window], volume.direction[window], head.field.sample(box.centres()))
        tensors = [
            torch.from_numpy(np.ascontiguousarray(a, np.float32)).to(self._device)[None] for a in arrays
        ]
        return SeenHair(Hair(*tensors), box, low)

    def decode(self, state: SeenHair) -> HairVolume:
        """Return the completed hair: what no stroke at all is predicted to leave."""
        occupancy, direction, _ = self._after(state, [[None]])
        return HairVolume(occupancy[0].cpu().numpy(), direction[0].cpu().numpy(), self.grid)

    def rollout(self, state: SeenHair, strokes: Sequence[Sequence[Stroke]], head: Head) -> Rollout:
        """Return what is predicted of the hair after N sequences of H strokes."""
        flat = stroke_paths([stroke for sequence in strokes for stroke in sequence], head, rake_comb())
        horizon = len(strokes[0])
        paths = [flat[n * horizon : (n + 1) * horizon] for n in range(len(strokes))]
        parts = [self._after(state, paths[n : n + CHUNK]) for n in range(0, len(paths), CHUNK)]
        return Rollout(
            torch.cat([part.occupancy for part in parts]), torch.cat([part.direction for part in parts])
        )

    @torch.no_grad()
    def _after(self, state: SeenHair, paths: Sequence[Sequence[ToolPath | None]]) -> Rollout:
        hair = Hair(*(x.expand(len(paths), *x.shape[1:]) for x in state.hair))
        for step in range(len(paths[0])):
            raster = rasterise([sequence[step] for sequence in paths], rake_comb(), state.box)
            with fast_arithmetic(self._device):
                after = volume_of(self._model(hair, raster.to(self._device)))
            hair = Hair(*after, hair.head_distance)
        return Rollout(
            on_grid(hair.occupancy, state.low, self.grid), on_grid(hair.direction, state.low, self.grid)
        )


def load_unet_dynamics(folder: Path, beside: CheckpointInfo, *, device: str = "cpu") -> UNetDynamics:
    """Load the U-Net of a run of `combwise train baselines`.

    Args:
        folder: of the run.
        beside: the model that it is compared with; grid and observer must be the same.
        device: where to compute.

    Raises:
        CombwiseError: the run holds no U-Net, or one that does not fit.
    """
    found = load_baselines(folder, beside, torch.device(resolve_device(device))).get("unet")
    if found is None or not isinstance(found.predictor, Direct):
        raise CombwiseError(
            f"folder {folder} holds no U-Net; expected 'combwise train baselines' to train it"
        )
    return UNetDynamics(found.predictor.model, beside.grid)
