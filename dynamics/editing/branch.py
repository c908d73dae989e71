"""The editing branch: a trainable copy of the encoder steers frozen latents, as ControlNet steers images.

    volume, head --> trunk (copied from the encoder) --> V/8 --zero--> delta of the coarse latents
    raster, carried --zero--^                        --> V/4 --zero--> delta of the fine latents
                                                                          |
    codes ------------------------------------------- + mask * delta --> quantise --> frozen decoder

What runs from stroke to stroke are the codes; the volume decoded from them is what the branch reads.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import NamedTuple

import torch
from torch import Tensor, nn

from dynamics.editing.mask import CARRIED_CHANNELS, EditMask, MaskConfig, edit_mask
from dynamics.editing.stroke_raster import RASTER_CHANNELS
from dynamics.latent.autoencoder import Codes, Decoded, LatentModel, Trunk, features, volume_of
from dynamics.latent.blocks import ResidualBlock, unfold
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
        occupancy: [N, X, Y, Z] decoded, 0..1.
        direction: [N, X, Y, Z, 3] decoded, unit.
        head_distance: [N, X, Y, Z] [m].
    """

    codes: Codes
    occupancy: Tensor
    direction: Tensor
    head_distance: Tensor


class Edit(NamedTuple):
    """What one stroke does: the next state, and what training looks at.

    Attributes:
        state: after the stroke; outside the mask equal to the state before, to the bit.
        latents: edited latents before rounding.
        decoded: what the decoder says of the new codes.
        mask: where the stroke may act.
    """

    state: EditState
    latents: Codes
    decoded: Decoded
    mask: EditMask


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

    def start_from(self, latent: LatentModel) -> None:
        """Copy the encoder's trunk; silence the joints, so that training starts from no edit at all."""
        self.trunk.load_state_dict(latent.encoder.trunk.state_dict())
        for joint in (self.coarse, self.fine, self.stroke_in[2]):
            assert isinstance(joint, nn.Linear)
            nn.init.zeros_(joint.weight)
            nn.init.zeros_(joint.bias)

    def forward(self, state: EditState, raster: Tensor, mask: EditMask) -> Codes:
        """Return the deltas of both levels, before the mask."""
        extra = self.stroke_in(torch.cat([raster, mask.carried], dim=-1))
        inputs = features(state.occupancy, state.direction, state.head_distance)
        quarter, eighth = self.trunk(inputs, extra)
        eighth = eighth + self.coarse_in(state.codes.coarse)
        joined = self.join(torch.cat([quarter, unfold(self.lift(eighth)), state.codes.fine], dim=-1))
        return Codes(self.fine(self.joined(joined)).float(), self.coarse(eighth).float())


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
        codes, _ = self.latent.encoder(features(occupancy, direction, head_distance))
        return EditState(codes, *volume_of(self.latent.decoder(codes, head_distance)), head_distance)

    def forward(self, state: EditState, raster: Tensor) -> Edit:
        """Apply one stroke to each of N states.

        Args:
            state: before the stroke.
            raster: [N, X/2, Y/2, Z/2, 16] of the strokes.
        """
        mask = edit_mask(state.occupancy, state.direction, raster, self.voxel, self.branch.config.mask)
        delta = self.branch(state, raster, mask)
        latents = Codes(
            state.codes.fine + mask.at(4) * delta.fine, state.codes.coarse + mask.at(8) * delta.coarse
        )
        codes = Codes(self._round(latents.fine), self._round(latents.coarse))
        decoded = self.latent.decoder(codes, state.head_distance)
        occupancy, direction = volume_of(decoded)
        # The decoder sees a little beyond the mask; what it would change out there is given up.
        inside = mask.voxels
        after = EditState(
            codes,
            torch.where(inside, occupancy, state.occupancy),
            torch.where(inside[..., None], direction, state.direction),
            state.head_distance,
        )
        return Edit(after, latents, decoded, mask)

    def _round(self, latent: Tensor) -> Tensor:
        """Quantise; gradients go straight through, the clamp included, or an overshoot could never return."""
        rounded = self.latent.quantiser(latent)
        return latent + (rounded - latent).detach() if torch.is_grad_enabled() else rounded
