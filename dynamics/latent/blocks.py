"""The few layers that everything is built of; tensors are [B, X, Y, Z, C] throughout."""

from __future__ import annotations

import torch
from einops import rearrange
from torch import Tensor, nn

from hairsim.errors import CombwiseError


def fold(x: Tensor) -> Tensor:
    """Fold 2x2x2 patches into channels: [B, X, Y, Z, C] -> [B, X/2, Y/2, Z/2, 8 C]."""
    return rearrange(x, "b (x i) (y j) (z k) c -> b x y z (i j k c)", i=2, j=2, k=2)


def unfold(x: Tensor) -> Tensor:
    """Undo `fold`: [B, X, Y, Z, 8 C] -> [B, 2 X, 2 Y, 2 Z, C]."""
    return rearrange(x, "b x y z (i j k c) -> b (x i) (y j) (z k) c", i=2, j=2, k=2)


GROUP = 8
"""Channels of a group: convolutions mix neighbours within it, the linear layer after them mixes groups."""


class Convolution(nn.Conv3d):
    """A grouped 3x3x3 convolution over [B, X, Y, Z, C]; zero padding, nothing outside the crop is seen."""

    def __init__(self, channels: int) -> None:
        if channels % GROUP:
            raise CombwiseError(f"{channels} channels; expected a multiple of {GROUP}")
        super().__init__(channels, channels, 3, padding=1, groups=channels // GROUP)

    def forward(self, input: Tensor) -> Tensor:
        """Convolve [B, X, Y, Z, C]."""
        # The permuted view has channels_last_3d strides, which is what the CPU kernels want.
        return super().forward(input.permute(0, 4, 1, 2, 3)).permute(0, 2, 3, 4, 1)


class ResidualBlock(nn.Module):
    """x + W silu(conv3(silu(norm(x)))), norm over the channels of a voxel and never over space.

    The convolution is grouped as in [Xie2017]: training on a CPU is bound by arithmetic, of which a full
    3x3x3 convolution of 96 channels does ten times as much.
    """

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.norm = nn.LayerNorm(channels)
        self.spread = Convolution(channels)
        self.mix = nn.Linear(channels, channels)
        nn.init.zeros_(self.mix.bias)
        with torch.no_grad():
            self.mix.weight.mul_(0.5)

    def forward(self, x: Tensor) -> Tensor:
        """Return [B, X, Y, Z, C] of [B, X, Y, Z, C]."""
        y = self.spread(nn.functional.silu(self.norm(x)))
        return x + self.mix(nn.functional.silu(y))
