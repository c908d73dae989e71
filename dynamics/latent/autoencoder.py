"""The hierarchical quantised autoencoder of hair volumes.

    voxels V      occupancy, direction, head distance                 occupancy, direction
      | fold 2                                                              ^ unfold 2
    V/2  . . . . . . . . . . . . . . . . . . . . . . . . . . . . . .  V/2 (+ head distance)
      | fold 2                                                              ^ unfold 2
    V/4 ----------------------> join -> fine codes ------------------>  V/4 (+ head distance)
      | fold 2                   ^  from the coarse code                    ^ unfold 2
    V/8 -----------------> coarse codes ------------------------------>  V/8

Two levels as in [Razavi2019]: the coarse code conditions the fine one. The head is known when hair
is decoded, so the decoder sees its distance as well and no code is spent on it.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

import torch
from torch import Tensor, nn

from dynamics.latent.blocks import ResidualBlock, fold, unfold
from dynamics.latent.quantiser import LEVELS, Quantiser
from hairsim.errors import CombwiseError

HEAD_REACH = 0.06
"""Distance to the skin at which the head's channel saturates [m]: about eight voxels of `small`."""

ALIGNMENT = 8
"""Crops have edges of a multiple of this many voxels: one cell of the coarse level."""


@dataclass(frozen=True)
class LatentConfig:
    """Sizes of the autoencoder.

    Attributes:
        half, quarter, eighth: channels at V/2, V/4 and V/8.
        codebooks: codebooks a cell, on either level.
        encoder_blocks, decoder_blocks: residual blocks at V/4.
    """

    half: int = 48
    quarter: int = 112
    eighth: int = 128
    codebooks: int = 8
    encoder_blocks: int = 2
    decoder_blocks: int = 3

    def __post_init__(self) -> None:
        if min(self.half, self.quarter, self.eighth, self.codebooks) < 1:
            raise CombwiseError(f"latent model with sizes {self}; expected positive numbers")


class Codes(NamedTuple):
    """Latents of the two levels: fine [B, X/4, Y/4, Z/4, C], coarse [B, X/8, Y/8, Z/8, C]."""

    fine: Tensor
    coarse: Tensor


class Decoded(NamedTuple):
    """A decoded volume: logits of occupancy [B, X, Y, Z], direction of any length [B, X, Y, Z, 3]."""

    logits: Tensor
    direction: Tensor


def features(occupancy: Tensor, direction: Tensor, head_distance: Tensor) -> Tensor:
    """Stack what an encoder reads: [B, X, Y, Z] [B, X, Y, Z, 3] [B, X, Y, Z] [m] -> [B, X, Y, Z, 5]."""
    heading = direction * occupancy[..., None]
    return torch.cat([occupancy[..., None], heading, scaled_distance(head_distance)[..., None]], dim=-1)


def scaled_distance(head_distance: Tensor) -> Tensor:
    """Return the head's distance [m] clipped to `HEAD_REACH` and scaled to -1..1."""
    return (head_distance / HEAD_REACH).clamp(-1.0, 1.0)


class Trunk(nn.Module):
    """From voxels to V/2, V/4 and V/8: what the encoder and the editing branch have in common."""

    def __init__(self, config: LatentConfig) -> None:
        super().__init__()
        self.stem = nn.Linear(8 * 5, config.half)
        self.at_half = ResidualBlock(config.half)
        self.to_quarter = nn.Linear(8 * config.half, config.quarter)
        self.at_quarter = nn.Sequential(
            *(ResidualBlock(config.quarter) for _ in range(config.encoder_blocks))
        )
        self.to_eighth = nn.Linear(8 * config.quarter, config.eighth)
        self.at_eighth = ResidualBlock(config.eighth)

    def forward(self, inputs: Tensor) -> tuple[Tensor, Tensor]:
        """Return features at V/4 and V/8 of [B, X, Y, Z, 5]."""
        half = self.at_half(self.stem(fold(inputs)))
        quarter = self.at_quarter(self.to_quarter(fold(half)))
        return quarter, self.at_eighth(self.to_eighth(fold(quarter)))


class Encoder(nn.Module):
    """Voxels to codes; the coarse code is quantised first and the fine one sees it."""

    def __init__(self, config: LatentConfig, quantiser: Quantiser) -> None:
        super().__init__()
        self.trunk = Trunk(config)
        self.coarse = nn.Linear(config.eighth, quantiser.dim)
        self.lift = nn.Linear(quantiser.dim, 8 * config.quarter)
        self.join = nn.Linear(2 * config.quarter, config.quarter)
        self.joined = ResidualBlock(config.quarter)
        self.fine = nn.Linear(config.quarter, quantiser.dim)
        self._quantiser = quantiser

    def forward(self, inputs: Tensor) -> tuple[Codes, Codes]:
        """Return the codes and the latents before rounding, both in [-1, 1]."""
        quarter, eighth = self.trunk(inputs)
        coarse = torch.tanh(self.coarse(eighth).float())
        coarse_code = self._quantiser(coarse)
        x = self.joined(self.join(torch.cat([quarter, unfold(self.lift(coarse_code))], dim=-1)))
        fine = torch.tanh(self.fine(x).float())
        return Codes(self._quantiser(fine), coarse_code), Codes(fine, coarse)


class Decoder(nn.Module):
    """Codes and head distance to voxels."""

    def __init__(self, config: LatentConfig, dim: int) -> None:
        super().__init__()
        self.from_coarse = nn.Linear(dim, config.eighth)
        self.at_eighth = ResidualBlock(config.eighth)
        self.to_quarter = nn.Linear(config.eighth, 8 * config.quarter)
        self.join = nn.Linear(config.quarter + dim + 64, config.quarter)
        self.at_quarter = nn.Sequential(
            *(ResidualBlock(config.quarter) for _ in range(config.decoder_blocks))
        )
        self.to_half = nn.Linear(config.quarter, 8 * config.half)
        self.half_head = nn.Linear(8, config.half)
        self.at_half = nn.Sequential(ResidualBlock(config.half), ResidualBlock(config.half))
        self.out = nn.Linear(config.half, 8 * 4)

    def forward(self, codes: Codes, head_distance: Tensor) -> Decoded:
        """Decode codes over a crop whose head distance is [B, X, Y, Z] [m]."""
        head_half = fold(scaled_distance(head_distance)[..., None])
        x = self.at_eighth(self.from_coarse(codes.coarse))
        x = self.join(torch.cat([unfold(self.to_quarter(x)), codes.fine, fold(head_half)], dim=-1))
        x = unfold(self.to_half(self.at_quarter(x))) + self.half_head(head_half)
        out = unfold(self.out(self.at_half(x))).float()
        return Decoded(out[..., 0], out[..., 1:])


def volume_of(decoded: Decoded) -> tuple[Tensor, Tensor]:
    """Return occupancy 0..1 [B, X, Y, Z] and unit direction [B, X, Y, Z, 3], zero where empty.

    A voxel whose occupancy rounds to nothing (below 1/255, as datasets store it) is empty.
    """
    occupancy = torch.sigmoid(decoded.logits)
    occupancy = torch.where(occupancy < 1.0 / 255.0, torch.zeros_like(occupancy), occupancy)
    direction = nn.functional.normalize(decoded.direction, dim=-1)
    return occupancy, direction * (occupancy > 0.0)[..., None]


def compression_ratio(config: LatentConfig) -> float:
    """Return bits of a volume as a dataset stores it densely (4 bytes a voxel) over bits of its codes."""
    bits_a_cell = config.codebooks * len(LEVELS) * float(torch.log2(torch.tensor(float(LEVELS[0]))))
    return 32.0 * 512.0 / (bits_a_cell * (8.0 + 1.0))
