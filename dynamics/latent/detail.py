"""What an input shows and its codes cannot say: kept beside the codes, voxel by voxel.

    decoded    what the decoder makes of the codes: whole hair, a little coarse
    seen       the input: sharp, but from cameras a shell with holes
    trust      0..1, learned, for each voxel: how far to believe the input
    detail   = trust * (seen - decoded)

`decoded + detail` is the state of the hair before a stroke. Edits of the codes change `decoded` and
leave the detail where hair stays, so that hair which no stroke moves keeps its sharpness. Without it
every prediction pays the autoencoder's rounding on all hair, which on combed heads is as large as
the change that a stroke makes.
"""

from __future__ import annotations

from typing import NamedTuple

import torch
from torch import Tensor, nn

from dynamics.latent.autoencoder import Decoded, scaled_distance
from dynamics.latent.blocks import ResidualBlock, fold, unfold

SEEN_LOGIT = 5.0
"""Largest logit of a voxel that is believed as it is: occupancy 0.993."""


def seen_logits(occupancy: Tensor) -> Tensor:
    """Return the logits of an occupancy 0..1 that is believed as it is, at most `SEEN_LOGIT` either way."""
    return torch.logit(occupancy, eps=1e-4).clamp(-SEEN_LOGIT, SEEN_LOGIT)


class Detail(NamedTuple):
    """Differences to add to a decoded volume: logits [B, X, Y, Z], unit directions [B, X, Y, Z, 3]."""

    logits: Tensor
    direction: Tensor


class DetailModel(nn.Module):
    """Learn where an input is to be trusted; two convolutions at V/2, run once an encoding."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.stem = nn.Linear(8 * 10, channels)
        self.blocks = nn.Sequential(ResidualBlock(channels), ResidualBlock(channels))
        self.trust = nn.Linear(channels, 8 * 2)
        nn.init.constant_(self.trust.bias, -1.0)

    def forward(
        self, decoded: Decoded, occupancy: Tensor, direction: Tensor, head_distance: Tensor
    ) -> Detail:
        """Return the detail of an input [B, X, Y, Z], [B, X, Y, Z, 3] given what its codes decode to."""
        heading = nn.functional.normalize(decoded.direction, dim=-1)
        hair = (occupancy >= 0.5).to(occupancy.dtype)
        seen = torch.cat(
            [
                torch.stack([occupancy, hair, scaled_distance(head_distance)], dim=-1),
                direction,
                0.25 * decoded.logits[..., None],
                heading,
            ],
            dim=-1,
        )
        trust = unfold(self.trust(self.blocks(self.stem(fold(seen))))).float().sigmoid()
        logits = trust[..., 0] * (seen_logits(occupancy) - decoded.logits)
        known = hair[..., None]
        return Detail(logits, trust[..., 1:] * known * (direction - heading))


def refined(decoded: Decoded, detail: Detail) -> Decoded:
    """Add detail to a decoded volume."""
    heading = nn.functional.normalize(decoded.direction, dim=-1)
    return Decoded(decoded.logits + detail.logits, heading + detail.direction)
