"""The few layers that everything is built of; tensors are [B, X, Y, Z, C] throughout."""

from __future__ import annotations

from dataclasses import dataclass

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


@dataclass(frozen=True)
class Layout:
    """How a device computes a `Convolution`; the function and its parameters are always the same.

    Attributes:
        dense: as one full convolution whose weight is zero between groups, instead of a grouped one.
        channels_last: on tensors whose channels lie next to each other in memory.
    """

    dense: bool
    channels_last: bool


ON_CPU = Layout(dense=False, channels_last=True)
"""Bound by arithmetic: a dense convolution of 96 channels does twelve times as much of it."""

ON_CUDA = Layout(dense=True, channels_last=True)
"""On an H200 all layouts take about as long, since launches bound a step; this one is first by a little
(benchmarks/results/training.json)."""


class Convolution(nn.Conv3d):
    """A grouped 3x3x3 convolution over [B, X, Y, Z, C]; zero padding, nothing outside the crop is seen.

    Attributes:
        layout: how to compute it; None for that of the device, `ON_CPU` or `ON_CUDA`.
    """

    def __init__(self, channels: int) -> None:
        if channels % GROUP:
            raise CombwiseError(f"{channels} channels; expected a multiple of {GROUP}")
        super().__init__(channels, channels, 3, padding=1, groups=channels // GROUP)
        self.layout: Layout | None = None

    def forward(self, input: Tensor) -> Tensor:
        """Convolve [B, X, Y, Z, C]."""
        layout = self.layout or (ON_CUDA if input.is_cuda else ON_CPU)
        x = input.permute(0, 4, 1, 2, 3)  # a view whose channels are last in memory
        if not layout.channels_last:
            x = x.contiguous()
        if layout.dense:
            y = nn.functional.conv3d(x, block_diagonal(self.weight, self.groups), self.bias, padding=1)
        else:
            y = super().forward(x)
        return y.permute(0, 2, 3, 4, 1)


def block_diagonal(weight: Tensor, groups: int) -> Tensor:
    """Return the weight [C, C, 3, 3, 3] of a full convolution that does what a grouped one does.

    Args:
        weight: [C, C/groups, 3, 3, 3].
        groups: how many.
    """
    own = torch.eye(groups, dtype=weight.dtype, device=weight.device)[:, None, :, None, None, None, None]
    spread = weight.unflatten(0, (groups, -1))[:, :, None] * own
    return spread.flatten(2, 3).flatten(0, 1)


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
        y = self.spread(nn.functional.silu(self._normed(x)))
        return x + self.mix(nn.functional.silu(y))

    def _normed(self, x: Tensor) -> Tensor:
        if not x.is_cuda:
            return self.norm(x)
        # Autocast on CUDA, other than on a CPU, would norm in single precision, and hand that on to what
        # follows: two to three times the memory traffic, which is what a GPU waits for here.
        with torch.autocast("cuda", enabled=False):
            scale, shift = self.norm.weight.to(x.dtype), self.norm.bias.to(x.dtype)
            return nn.functional.layer_norm(x, self.norm.normalized_shape, scale, shift, self.norm.eps)
