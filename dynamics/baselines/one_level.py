"""Latent editing on one quantised level: what is the second worth?

    V/4 ----------> join -> fine codes -----------------+---->  V/4
      | fold 2       ^                                  |        ^ unfold 2
    V/8 -------------+  not quantised, not kept         +----> V/8

Encoder and decoder still look at V/8, or the comparison would be one of how far they see; but what is kept of
hair, and edited, are the codes at V/4 alone. Where two levels have coarse codes this one has zeros.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn

from dynamics.checkpoint import CheckpointInfo
from dynamics.editing.branch import EditingModel
from dynamics.editing.mask import EditMask
from dynamics.latent.autoencoder import Codes, Decoded, Decoder, Encoder, LatentConfig
from dynamics.latent.blocks import fold, unfold
from dynamics.latent.model import LatentModel
from dynamics.latent.quantiser import Quantiser
from dynamics.model import editing_config


class OneLevelEncoder(Encoder):
    """Voxels to codes at V/4; what V/8 sees reaches them as it is."""

    def __init__(self, config: LatentConfig, quantiser: Quantiser) -> None:
        super().__init__(config, quantiser)
        del self.coarse
        self.lift = nn.Linear(config.eighth, 8 * config.quarter)

    def forward(self, inputs: Tensor) -> tuple[Codes, Codes]:
        """Return the codes and the latents before rounding, both in [-1, 1]; coarse ones are zeros."""
        quarter, eighth = self.trunk(inputs)
        x = self.joined(self.join(torch.cat([quarter, unfold(self.lift(eighth))], dim=-1)))
        fine = torch.tanh(self.fine(x).float())
        none = fine.new_zeros(*eighth.shape[:-1], fine.shape[-1])
        return Codes(self._quantiser(fine), none), Codes(fine, none)


class OneLevelDecoder(Decoder):
    """Codes at V/4 and head distance to voxels; V/8 is made of the codes at V/4."""

    def __init__(self, config: LatentConfig, dim: int) -> None:
        super().__init__(config, dim)
        self.from_coarse = nn.Linear(8 * dim, config.eighth)

    def forward(self, codes: Codes, head_distance: Tensor) -> Decoded:
        """Decode codes over a crop whose head distance is [B, X, Y, Z] [m]."""
        return super().forward(Codes(codes.fine, fold(codes.fine)), head_distance)


class OneLevelLatent(LatentModel):
    """A latent model that keeps the codes of one level."""

    def __init__(self, config: LatentConfig) -> None:
        super().__init__(config)
        self.encoder = OneLevelEncoder(config, self.quantiser)
        self.decoder = OneLevelDecoder(config, self.quantiser.dim)


class OneLevelModel(EditingModel):
    """An editing model that edits the codes of one level."""

    def _edited(self, codes: Codes, change: Codes, mask: EditMask) -> Codes:
        return super()._edited(codes, change, mask)._replace(coarse=codes.coarse)


def build_one_level(info: CheckpointInfo) -> OneLevelModel:
    """Return an untrained model of a checkpoint's sizes."""
    latent = OneLevelLatent(LatentConfig(**info.sizes["latent"]))
    return OneLevelModel(latent, editing_config(info), voxel=info.grid.voxel)
