"""Finite scalar quantisation of latents that stays put when it is applied twice.

Finite scalar quantisation [Mentzer2023] instead of a learned codebook with moving averages: it has
no codebook to collapse, no commitment loss to weigh and no warm-up, so that it trains in minutes,
and its codes have an order: an edit can move a latent by one level and be seen to.
"""

from __future__ import annotations

from typing import cast

import torch
from torch import Tensor, nn
from vector_quantize_pytorch import FSQ

LEVELS = (5, 5, 5, 5)
"""Levels of a codebook: 625 codes. Five levels (-1, -1/2, 0, 1/2, 1) are exact in half precision."""


class Quantiser(nn.Module):
    """Round latents in [-1, 1] to the nearest level, gradients straight through.

    Values are clamped, not squashed, so that `q(q(x)) == q(x)` to the bit: latents that no edit
    touches go through any number of strokes unchanged.
    """

    def __init__(self, codebooks: int) -> None:
        super().__init__()
        self.codebooks = codebooks
        self.dim = codebooks * len(LEVELS)
        self._fsq = FSQ(
            list(LEVELS),
            num_codebooks=codebooks,
            preserve_symmetry=True,
            bound_hard_clamp=True,
            return_indices=False,
        )

    def forward(self, latent: Tensor) -> Tensor:
        """Return the codes [B, X, Y, Z, C] float32 of latents [B, X, Y, Z, C]."""
        shape = latent.shape
        with torch.autocast(latent.device.type, enabled=False):
            codes, _ = self._fsq(latent.float().reshape(shape[0], -1, shape[-1]))
        return cast(Tensor, codes).reshape(shape)

    def indices(self, codes: Tensor) -> Tensor:
        """Return which code of each codebook stands in a cell, [B, X, Y, Z, codebooks] int64."""
        level = torch.round((codes.float() + 1.0) * (LEVELS[0] - 1) / 2.0).long()
        level = level.unflatten(-1, (self.codebooks, len(LEVELS)))
        place = torch.tensor([LEVELS[0] ** i for i in range(len(LEVELS))], device=codes.device)
        return (level * place).sum(-1)
