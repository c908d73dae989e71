"""A direct 3D U-Net: what was seen in, the whole hair out; given a stroke too, the hair after the stroke.

Without strokes it completes hair for the latent space; with strokes it is the baseline that has none.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

import torch
from torch import Tensor, nn

from dynamics.checkpoint import CheckpointInfo
from dynamics.editing.stroke_raster import RASTER_CHANNELS
from dynamics.latent.autoencoder import Decoded, features
from dynamics.latent.blocks import ResidualBlock, fold, unfold
from hairsim.errors import CombwiseError

HAIR_CHANNELS = 8 * 5
"""Channels at V/2: occupancy, direction and head distance of eight voxels; a stroke's raster follows them."""

SEEN_LOGIT = 5.0
"""Largest logit of a voxel that is believed as seen."""


@dataclass(frozen=True)
class UNetConfig:
    """Channels at V/2, V/4, V/8 and of the last layer but one; as large as latent model and branch."""

    half: int = 64
    quarter: int = 184
    eighth: int = 304
    last: int = 96

    def __post_init__(self) -> None:
        if min(self.half, self.quarter, self.eighth, self.last) < 1:
            raise CombwiseError(f"U-Net of sizes {self}; expected positive numbers")


class Hair(NamedTuple):
    """Occupancy [N, X, Y, Z], unit direction [N, X, Y, Z, 3], head distance [N, X, Y, Z] [m]."""

    occupancy: Tensor
    direction: Tensor
    head_distance: Tensor


class UNet(nn.Module):
    """Down to V/8 and up again, the input once more at the end: it predicts the change of what was seen.

    Args:
        config: its sizes.
        strokes: whether it reads a stroke.
    """

    def __init__(self, config: UNetConfig, *, strokes: bool = True) -> None:
        super().__init__()
        inputs = HAIR_CHANNELS + (RASTER_CHANNELS if strokes else 0)
        half, quarter, eighth = config.half, config.quarter, config.eighth
        self.config = config
        self.stem = nn.Linear(inputs, half)
        self.half_down = ResidualBlock(half)
        self.to_quarter = nn.Linear(8 * half, quarter)
        self.quarter_down = ResidualBlock(quarter)
        self.to_eighth = nn.Linear(8 * quarter, eighth)
        self.at_eighth = nn.Sequential(ResidualBlock(eighth), ResidualBlock(eighth))
        self.from_eighth = nn.Linear(eighth, 8 * quarter)
        self.join = nn.Linear(2 * quarter, quarter)
        self.quarter_up = nn.Sequential(ResidualBlock(quarter), ResidualBlock(quarter))
        self.from_quarter = nn.Linear(quarter, 8 * half)
        self.half_up = ResidualBlock(half)
        self.spread = nn.Linear(half + inputs, config.last)
        self.out = nn.Linear(config.last, 8 * 4)
        nn.init.zeros_(self.out.weight)
        nn.init.zeros_(self.out.bias)

    def forward(self, hair: Hair, raster: Tensor | None = None) -> Decoded:
        """Return the hair, or the hair after strokes, given rasters [N, X/2, Y/2, Z/2, 16]."""
        inputs = fold(features(*hair))
        inputs = inputs if raster is None else torch.cat([inputs, raster], dim=-1)
        half = self.half_down(self.stem(inputs))
        quarter = self.quarter_down(self.to_quarter(fold(half)))
        eighth = self.at_eighth(self.to_eighth(fold(quarter)))
        quarter = self.quarter_up(self.join(torch.cat([quarter, unfold(self.from_eighth(eighth))], dim=-1)))
        half = self.half_up(half + unfold(self.from_quarter(quarter)))
        last = nn.functional.silu(self.spread(torch.cat([half, inputs], dim=-1)))
        outputs = unfold(self.out(last)).float()
        seen = torch.logit(hair.occupancy, eps=1e-4).clamp(-SEEN_LOGIT, SEEN_LOGIT)
        return Decoded(seen + SEEN_LOGIT * outputs[..., 0], hair.direction + outputs[..., 1:])


def build_unet(info: CheckpointInfo) -> UNet:
    """Return an untrained U-Net of a checkpoint's sizes."""
    return UNet(UNetConfig(**info.sizes["unet"]))
