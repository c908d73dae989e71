"""From the pixels of one picture to the voxels of the grid: every voxel looks itself up in the picture.

    voxel centre p --(p - eye) R--> (x, y, z) --f x / z--> pixel --> what the maps say there

Orientation is lifted without a sign. A strand at the angle a in the picture runs, as far as the picture can
tell, along d = r cos a + u sin a, r and u the camera's right and down; kept is the mean of c d d^T,

    c/2 (r r^T + u u^T) + (c cos 2a)/2 (r r^T - u u^T) + (c sin 2a)/2 (r u^T + u r^T),

a tensor of the head frame, so that the network need not know how the camera is turned.
"""

from __future__ import annotations

from typing import NamedTuple

import torch
from torch import Tensor
from torch.nn import functional

from dynamics.latent.autoencoder import scaled_distance
from hairsim.volume import GridSpec

REACH = 0.30
"""How far towards the camera the head is looked for in front of a voxel [m]."""

STEPS = 16
"""Samples along that way."""


class Sights(NamedTuple):
    """A batch of pictures, and the heads in them, over the box of a grid.

    Attributes:
        maps: [B, 4, M, M] share of hair, c, c cos 2a, c sin 2a; see `picture_maps`.
        rotation: [B, 3, 3] optical frame to head frame; its columns are right, down and forward.
        eye: [B, 3] the camera's pinhole, head frame [m].
        focal: [B] focal length [map pixel].
        head_distance: [B, X, Y, Z] [m].
    """

    maps: Tensor
    rotation: Tensor
    eye: Tensor
    focal: Tensor
    head_distance: Tensor

    def to(self, device: torch.device) -> Sights:
        """Move a batch."""
        return Sights(*(t.to(device) for t in self))


def voxel_centres(box: GridSpec, edge: int, device: torch.device) -> Tensor:
    """Return the centres [X, Y, Z, 3] [m] of a box's cells of `edge` voxels, head frame."""
    axes = [
        o + box.voxel * edge * (torch.arange(n // edge, device=device, dtype=torch.float32) + 0.5)
        for o, n in zip(box.origin, box.shape, strict=True)
    ]
    return torch.stack(torch.meshgrid(*axes, indexing="ij"), dim=-1)


def project(sights: Sights, points: Tensor) -> tuple[Tensor, Tensor]:
    """Return where points [X, Y, Z, 3] [m] fall in each picture, -1 .. 1 from border to border, and depth.

    Returns:
        [B, X, Y, Z, 2] (x right, y down), as `grid_sample` wants it with unaligned corners, and depth z
        [B, X, Y, Z] [m].
    """
    local = torch.einsum("bxyzi,bij->bxyzj", points[None] - sights.eye[:, None, None, None], sights.rotation)
    depth = local[..., 2]
    half = 0.5 * sights.maps.shape[-1]
    scale = sights.focal[:, None, None, None] / (half * depth.clamp_min(1e-3))
    return local[..., :2] * scale[..., None], depth


def looked_up(maps: Tensor, place: Tensor) -> Tensor:
    """Return maps [B, C, M, M] at places [B, X, Y, Z, 2], [B, X, Y, Z, C]; 0 beyond the border."""
    flat = place.flatten(1, 2)
    found = functional.grid_sample(maps.float(), flat, align_corners=False)
    return found.unflatten(2, place.shape[1:3]).permute(0, 2, 3, 4, 1)


def orientation_tensor(maps: Tensor, rotation: Tensor) -> Tensor:
    """Return c d d^T of maps at voxels [B, X, Y, Z, 4] as [B, X, Y, Z, 6]: xx, yy, zz, xy, xz, yz."""
    right, down = rotation[:, :, 0], rotation[:, :, 1]

    def outer(a: Tensor, b: Tensor) -> Tensor:
        (ax, ay, az), (bx, by, bz) = a.unbind(1), b.unbind(1)
        mixed = (0.5 * (ax * by + ay * bx), 0.5 * (ax * bz + az * bx), 0.5 * (ay * bz + az * by))
        return torch.stack([ax * bx, ay * by, az * bz, *mixed], dim=-1)[:, None, None, None]

    across, along = outer(right, right), outer(down, down)
    coherence, cosine, sine = (maps[..., n : n + 1] for n in (1, 2, 3))
    return 0.5 * (coherence * (across + along) + cosine * (across - along)) + sine * outer(right, down)


def head_in_front(sights: Sights, box: GridSpec, points: Tensor) -> Tensor:
    """Return how near the way from points [X, Y, Z, 3] to the camera comes to the head's middle.

    Returns:
        [B, X, Y, Z, 1], the least scaled distance to the skin on the first `REACH` of the way, -1 .. 1:
        below 0 the head hides the point.
    """
    ways = sights.eye[:, None, None, None] - points[None]
    ways = functional.normalize(ways, dim=-1)
    size = box.voxel * points.new_tensor(box.shape)
    corner = points.new_tensor(box.origin)
    distance = scaled_distance(sights.head_distance)[:, None]
    least = torch.ones_like(ways[..., :1])
    for step in range(1, STEPS + 1):
        at = points[None] + (REACH * step / STEPS) * ways
        place = (2.0 * (at - corner) / size - 1.0).flip(-1)  # grid_sample counts the last axis first
        found = functional.grid_sample(distance, place, padding_mode="border", align_corners=False)
        least = torch.minimum(least, found.permute(0, 2, 3, 4, 1))
    return least
