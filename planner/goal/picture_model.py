"""The network from one picture to the latent codes of the hair in it; the frozen decoder makes the volume.

    maps --2D U-Net--> features of pixels
      |                    | looked up by every cell of V/2
      | looked up by       v
      | every voxel --> fold 2 --> V/2 --fold 2--> V/4 --fold 2--> V/8 <-> attention over all cells
      + head distance                               |                |--> coarse latents --\
                                                    join <-----------+                       round -> decoder
                                                      |------------------> fine latents ---/

The goal so lies in the latent space by construction: it is hair that the editing model can think of. What the
picture does not show, the far side, is guessed by attention over the whole grid.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from typing import NamedTuple

import torch
from torch import Tensor, nn
from torch.nn import functional

from dynamics.latent.autoencoder import ALIGNMENT, Codes, Decoded, scaled_distance
from dynamics.latent.blocks import GROUP, ResidualBlock, fold, unfold
from dynamics.latent.model import LatentModel
from hairsim.errors import CombwiseError
from hairsim.volume import GridSpec
from planner.goal.picture_lift import (
    Sights,
    head_in_front,
    looked_up,
    orientation_tensor,
    project,
    voxel_centres,
)

HEADS = 4
"""Heads of the attention."""


@dataclass(frozen=True)
class PictureConfig:
    """Sizes of the network.

    Attributes:
        pixel: channels of the 2D network's finest features; deeper ones are 1.5, 2 and 3 times as many.
        half, quarter, eighth: channels at V/2, V/4 and V/8.
        blocks: residual blocks with attention at V/8.
    """

    pixel: int = 24
    half: int = 64
    quarter: int = 128
    eighth: int = 160
    blocks: int = 3

    def __post_init__(self) -> None:
        sizes = (self.pixel, self.half, self.quarter, self.eighth)
        if min(sizes) < GROUP or any(n % GROUP for n in sizes) or self.blocks < 1:
            raise CombwiseError(
                f"picture model with sizes {self}; expected multiples of {GROUP} and at least one block"
            )


class Latents(NamedTuple):
    """Latents before rounding, and the codes that they round to."""

    free: Codes
    codes: Codes


def working_box(grid: GridSpec) -> tuple[tuple[int, int, int], GridSpec]:
    """Return first voxel and grid of the box that goals of pictures lie in: all but an eighth at each side.

    It is even about the middle plane, so that a mirrored picture gives the mirrored hair.

    Raises:
        CombwiseError: a grid that cannot be cut so.
    """
    edge = [n // 8 // ALIGNMENT * ALIGNMENT for n in grid.shape[:2]]
    low = (edge[0], edge[1], 0)
    x, y, z = (n - 2 * a for n, a in zip(grid.shape, low, strict=True))
    if x % ALIGNMENT or y % ALIGNMENT or z % ALIGNMENT:
        raise CombwiseError(f"grid of shape {grid.shape}; expected multiples of {ALIGNMENT}")
    origin = [o + grid.voxel * a for o, a in zip(grid.origin, low, strict=True)]
    return low, GridSpec((origin[0], origin[1], origin[2]), grid.voxel, (x, y, z))


class PixelFeatures(nn.Module):
    """Features of a picture's pixels that know their surroundings: [B, 4, M, M] to [B, C, M/2, M/2]."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        first, second, third = 3 * channels // 2, 2 * channels, 3 * channels
        self.start = _convolution(4, channels)
        self.down = nn.ModuleList(
            [
                _convolution(channels, first, stride=2),
                _convolution(first, second, stride=2),
                _convolution(second, third, stride=2),
                _convolution(third, third, stride=2),
            ]
        )
        self.up = nn.ModuleList(
            [
                _convolution(third + third, third),
                _convolution(third + second, second),
                _convolution(second + first, channels),
            ]
        )

    def forward(self, maps: Tensor) -> Tensor:
        """Return the features of maps."""
        x = self.start(maps)
        kept = []
        for down in self.down:
            x = down(x)
            kept.append(x)
        for up, skip in zip(self.up, reversed(kept[:-1]), strict=True):
            x = up(torch.cat([functional.interpolate(x, size=skip.shape[-2:]), skip], dim=1))
        return x


def _convolution(inputs: int, outputs: int, stride: int = 1) -> nn.Sequential:
    return nn.Sequential(
        nn.Conv2d(inputs, outputs, 3, stride=stride, padding=1), nn.GroupNorm(1, outputs), nn.SiLU()
    )


class Attention(nn.Module):
    """Self-attention over all cells of a grid [B, X, Y, Z, C], with a residual."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.norm = nn.LayerNorm(channels)
        self.ask = nn.Linear(channels, 3 * channels)
        self.mix = nn.Linear(channels, channels)
        nn.init.zeros_(self.mix.weight)
        nn.init.zeros_(self.mix.bias)

    def forward(self, x: Tensor) -> Tensor:
        """Return [B, X, Y, Z, C]."""
        flat = x.flatten(1, 3)
        parts = self.ask(self.norm(flat)).unflatten(-1, (3, HEADS, -1)).permute(2, 0, 3, 1, 4)
        seen = functional.scaled_dot_product_attention(*parts).transpose(1, 2).flatten(2)
        return x + self.mix(seen).view_as(x)


VOXEL_CHANNELS = 9
"""What a voxel knows: share of hair, coherence, six of the orientation tensor, head distance."""

CELL_CHANNELS = 9
"""What a cell of V/2 knows beside pixel features: its place, its ray, depth past the head's middle, the head
in front, and whether it falls into the picture."""


class PictureNetwork(nn.Module):
    """Pictures and heads to latents over the working box of a grid."""

    def __init__(self, config: PictureConfig, grid: GridSpec, latent_channels: int) -> None:
        super().__init__()
        self.config = config
        _, self.box = working_box(grid)
        half, quarter, eighth = config.half, config.quarter, config.eighth
        self.pixels = PixelFeatures(config.pixel)
        self.stem = nn.Linear(8 * VOXEL_CHANNELS + CELL_CHANNELS + config.pixel, half)
        self.at_half = nn.Sequential(ResidualBlock(half), ResidualBlock(half))
        self.to_quarter = nn.Linear(8 * half, quarter)
        self.at_quarter = nn.Sequential(ResidualBlock(quarter), ResidualBlock(quarter))
        self.to_eighth = nn.Linear(8 * quarter, eighth)
        self.place = nn.Linear(3, eighth)
        self.at_eighth = nn.Sequential(
            *(layer for _ in range(config.blocks) for layer in (ResidualBlock(eighth), Attention(eighth)))
        )
        self.coarse = nn.Linear(eighth, latent_channels)
        self.lift = nn.Linear(eighth, 8 * quarter)
        self.join = nn.Linear(2 * quarter, quarter)
        self.joined = nn.Sequential(ResidualBlock(quarter), ResidualBlock(quarter))
        self.fine = nn.Linear(quarter, latent_channels)

    def forward(self, sights: Sights) -> tuple[Tensor, Tensor]:
        """Return fine [B, X/4, Y/4, Z/4, C] and coarse [B, X/8, Y/8, Z/8, C] latents in [-1, 1]."""
        pixels = self.pixels(sights.maps)
        # Half precision would put a voxel several pixels off.
        with torch.autocast(sights.maps.device.type, enabled=False):
            inputs = self._lifted(sights, pixels.float())
        half = self.at_half(self.stem(inputs))
        quarter = self.at_quarter(self.to_quarter(fold(half)))
        place = voxel_centres(self.box, 8, sights.maps.device) / 0.24
        eighth = self.at_eighth(self.to_eighth(fold(quarter)) + self.place(place))
        joined = self.joined(self.join(torch.cat([quarter, unfold(self.lift(eighth))], dim=-1)))
        return torch.tanh(self.fine(joined).float()), torch.tanh(self.coarse(eighth).float())

    def _lifted(self, sights: Sights, pixels: Tensor) -> Tensor:
        """Return what voxels and cells know, [B, X/2, Y/2, Z/2, C]."""
        device = sights.maps.device
        place, _ = project(sights, voxel_centres(self.box, 1, device))
        found = looked_up(sights.maps, place)
        voxels = torch.cat(
            [
                found[..., :2],
                orientation_tensor(found, sights.rotation),
                scaled_distance(sights.head_distance)[..., None],
            ],
            dim=-1,
        )
        cells = voxel_centres(self.box, 2, device)
        place, depth = project(sights, cells)
        distance = torch.linalg.vector_norm(sights.eye, dim=-1)[:, None, None, None]
        ray = functional.normalize(cells[None] - sights.eye[:, None, None, None], dim=-1)
        known = torch.cat(
            [
                (cells / 0.24)[None].expand_as(ray),
                ray,
                ((depth - distance) / 0.2)[..., None],
                head_in_front(sights, self.box, cells),
                (place.abs().amax(-1, keepdim=True) < 1.0).to(depth.dtype),
                looked_up(pixels, place),
            ],
            dim=-1,
        )
        return torch.cat([fold(voxels), known], dim=-1)


def latents_of(network: PictureNetwork, latent: LatentModel, sights: Sights) -> Latents:
    """Return the latents of pictures, free and rounded; gradients go straight through the rounding."""
    fine, coarse = network(sights)
    return Latents(Codes(fine, coarse), Codes(latent.quantiser(fine), latent.quantiser(coarse)))


def decoded_goal(latent: LatentModel, latents: Latents, sights: Sights) -> Decoded:
    """Return the hair over the working box that codes decode to."""
    return latent.decoder(latents.codes, sights.head_distance)


def latent_space(latent: LatentModel) -> str:
    """Return a hash of the decoder, in the half precision that is shipped: which latent space it is."""
    digest = hashlib.sha256()
    for name, tensor in sorted(latent.decoder.state_dict().items()):
        digest.update(name.encode())
        digest.update(tensor.detach().cpu().half().numpy().tobytes())
    return digest.hexdigest()
