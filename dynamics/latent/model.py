"""The latent model: encoder, quantiser, decoder, and the detail that codes cannot say."""

from __future__ import annotations

from typing import NamedTuple

from torch import Tensor, nn

from dynamics.latent.autoencoder import Codes, Decoded, Decoder, Encoder, LatentConfig, features
from dynamics.latent.detail import Detail, DetailModel
from dynamics.latent.quantiser import Quantiser


class Encoded(NamedTuple):
    """A volume in latent space, and its plain reconstruction.

    Attributes:
        codes: quantised latents.
        decoded: what the decoder makes of them alone.
        detail: what to add to get back what was seen.
    """

    codes: Codes
    decoded: Decoded
    detail: Detail


class LatentModel(nn.Module):
    """Everything that is trained before any stroke is seen."""

    def __init__(self, config: LatentConfig) -> None:
        super().__init__()
        self.config = config
        self.quantiser = Quantiser(config.codebooks)
        self.encoder = Encoder(config, self.quantiser)
        self.decoder = Decoder(config, self.quantiser.dim)
        self.detail = DetailModel(config.half)

    def forward(self, occupancy: Tensor, direction: Tensor, head_distance: Tensor) -> Encoded:
        """Encode volumes [B, X, Y, Z], [B, X, Y, Z, 3] around heads [B, X, Y, Z] [m].

        No gradient runs from the detail into codes and decoder: they are to do well without it.
        """
        codes, _ = self.encoder(features(occupancy, direction, head_distance))
        decoded = self.decoder(codes, head_distance)
        alone = Decoded(decoded.logits.detach(), decoded.direction.detach())
        return Encoded(codes, decoded, self.detail(alone, occupancy, direction, head_distance))
