"""The editing branch: a trainable copy of the encoder steers frozen latents, as ControlNet steers images.

    volume, head --> trunk (copied from the encoder) --> V/8 --zero--> delta of the coarse latents
    raster, carried --zero--^                        --> V/4 --zero--> delta of the fine latents
                                                                          |
    codes ------------------------------------------- + mask * delta --> quantise --> frozen decoder

What runs from stroke to stroke are the codes and the detail (see `latent.detail`), of which the branch
says, at V/2, how much to keep and what to add; the volume that they decode to is what the branch reads.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import NamedTuple

import torch
from torch import Tensor, nn

from dynamics.editing.mask import CARRIED_CHANNELS, EditMask, MaskConfig, edit_mask
from dynamics.editing.stroke_raster import RASTER_CHANNELS
from dynamics.latent.autoencoder import Codes, Decoded, Trunk, features, volume_of
from dynamics.latent.blocks import ResidualBlock, fold, unfold
from dynamics.latent.detail import Detail, refined
from dynamics.latent.model import LatentModel
from hairsim.errors import CombwiseError


@dataclass(frozen=True)
class EditingConfig:
    """Sizes of the branch beyond the encoder's own.

    Attributes:
        blocks: residual blocks at V/4 behind the join of both levels.
        mask: where it may act.
    """

    blocks: int = 2
    mask: MaskConfig = field(default_factory=MaskConfig)

    def __post_init__(self) -> None:
        if self.blocks < 1:
            raise CombwiseError(f"editing branch with {self.blocks} blocks; expected at least 1")


class EditState(NamedTuple):
    """Hair in latent space, over a crop.

    Attributes:
        codes: quantised latents of both levels.
        detail: what was seen beyond the codes.
        occupancy: [N, X, Y, Z] decoded, 0..1.
        direction: [N, X, Y, Z, 3] decoded, unit.
        head_distance: [N, X, Y, Z] [m].
    """

    codes: Codes
    detail: Detail
    occupancy: Tensor
    direction: Tensor
    head_distance: Tensor


class Edit(NamedTuple):
    """What one stroke does: the next state, and what training looks at.

    Attributes:
        state: after the stroke; outside the mask equal to the state before, to the bit.
        latents: edited latents before rounding.
        decoded: what the decoder says of the new codes, detail added; not composed with the state before.
        mask: where the stroke may act.
    """

    state: EditState
    latents: Codes
    decoded: Decoded
    mask: EditMask


class Delta(NamedTuple):
    """What the branch says.

    Attributes:
        codes: what to add to the latents of both levels.
        keep: [N, X, Y, Z] logits of how much of the detail stays.
        detail: what to add to it.
    """

    codes: Codes
    keep: Tensor
    detail: Detail


KEEP_AT_FIRST = 3.0
"""Logit of the share of detail that an untrained branch keeps: 0.95."""


class EditingBranch(nn.Module):
    """The trainable part."""

    def __init__(self, latent: LatentModel, config: EditingConfig) -> None:
        super().__init__()
        sizes, dim = latent.config, latent.quantiser.dim
        self.config = config
        self.trunk = Trunk(sizes)
        self.stroke_in = nn.Sequential(
            nn.Linear(RASTER_CHANNELS + CARRIED_CHANNELS, sizes.half),
            nn.SiLU(),
            nn.Linear(sizes.half, sizes.half),
        )
        self.coarse_in = nn.Linear(dim, sizes.eighth)
        self.coarse = nn.Linear(sizes.eighth, dim)
        self.lift = nn.Linear(sizes.eighth, 8 * sizes.quarter)
        self.join = nn.Linear(2 * sizes.quarter + dim, sizes.quarter)
        self.joined = nn.Sequential(*(ResidualBlock(sizes.quarter) for _ in range(config.blocks)))
        self.fine = nn.Linear(sizes.quarter, dim)
        self.to_half = nn.Linear(sizes.quarter, 8 * sizes.half)
        self.at_half = ResidualBlock(sizes.half)
        self.detail = nn.Linear(sizes.half, 8 * 5)

    def start_from(self, latent: LatentModel) -> None:
        """Copy the encoder's trunk; silence the joints, so that training starts from no edit at all."""
        self.trunk.load_state_dict(latent.encoder.trunk.state_dict())
        for joint in (self.coarse, self.fine, self.detail):
            nn.init.zeros_(joint.weight)
            nn.init.zeros_(joint.bias)
        with torch.no_grad():
            self.detail.bias.view(8, 5)[:, 0] = KEEP_AT_FIRST

    def forward(self, state: EditState, raster: Tensor, mask: EditMask) -> Delta:
        """Return the edit, before the mask."""
        extra = self.stroke_in(torch.cat([raster, mask.carried], dim=-1))
        inputs = features(state.occupancy, state.direction, state.head_distance)
        half = self.trunk.at_half(self.trunk.stem(fold(inputs)) + extra)
        quarter = self.trunk.at_quarter(self.trunk.to_quarter(fold(half)))
        eighth = self.trunk.at_eighth(self.trunk.to_eighth(fold(quarter)))
        eighth = eighth + self.coarse_in(state.codes.coarse)
        joined = self.join(torch.cat([quarter, unfold(self.lift(eighth)), state.codes.fine], dim=-1))
        joined = self.joined(joined)
        sharp = unfold(self.detail(self.at_half(half + unfold(self.to_half(joined))))).float()
        codes = Codes(self.fine(joined).float(), self.coarse(eighth).float())
        return Delta(codes, sharp[..., 0], Detail(sharp[..., 1], sharp[..., 2:]))


class EditingModel(nn.Module):
    """Frozen latent model and trainable branch.

    Attributes:
        latent: the autoencoder; its parameters take no gradient.
        branch: what training moves.
        voxel: edge of a voxel [m].
    """

    def __init__(self, latent: LatentModel, config: EditingConfig, *, voxel: float) -> None:
        super().__init__()
        self.latent = latent.requires_grad_(False)
        self.branch = EditingBranch(latent, config)
        self.voxel = voxel

    @torch.no_grad()
    def encode(self, occupancy: Tensor, direction: Tensor, head_distance: Tensor) -> EditState:
        """Return the state of volumes [N, X, Y, Z], [N, X, Y, Z, 3] around heads [N, X, Y, Z] [m]."""
        encoded = self.latent(occupancy, direction, head_distance)
        volume = volume_of(refined(encoded.decoded, encoded.detail))
        return EditState(encoded.codes, encoded.detail, *volume, head_distance)

    def forward(self, state: EditState, raster: Tensor) -> Edit:
        """Apply one stroke to each of N states.

        Args:
            state: before the stroke.
            raster: [N, X/2, Y/2, Z/2, 16] of the strokes.
        """
        mask = edit_mask(state.occupancy, state.direction, raster, self.voxel, self.branch.config.mask)
        delta = self.branch(state, raster, mask)
        latents = Codes(
            state.codes.fine + mask.at(4) * delta.codes.fine,
            state.codes.coarse + mask.at(8) * delta.codes.coarse,
        )
        codes = Codes(self._round(latents.fine), self._round(latents.coarse))
        inside = mask.voxels
        keep = torch.where(inside, delta.keep.sigmoid(), 1.0)
        detail = Detail(
            state.detail.logits * keep + delta.detail.logits * inside,
            state.detail.direction * keep[..., None] + delta.detail.direction * inside[..., None],
        )
        decoded = refined(self.latent.decoder(codes, state.head_distance), detail)
        occupancy, direction = volume_of(decoded)
        # The decoder sees a little beyond the mask; what it would change out there is given up.
        after = EditState(
            codes,
            detail,
            torch.where(inside, occupancy, state.occupancy),
            torch.where(inside[..., None], direction, state.direction),
            state.head_distance,
        )
        return Edit(after, latents, decoded, mask)

    def _round(self, latent: Tensor) -> Tensor:
        """Quantise; gradients go straight through, the clamp included, or an overshoot could never return."""
        rounded = self.latent.quantiser(latent)
        return latent + (rounded - latent).detach() if torch.is_grad_enabled() else rounded
