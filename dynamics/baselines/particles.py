"""Hair as particles: taken from a volume, moved, and put back into it. Nothing outside a stroke's mask moves.

    volume -- hair in the mask, one particle a cell of V/2 --> particles -- model --> motion
      ^                                                                                  |
      +--- voxels of hair move with the particles about them, mass shared by eight <-----+

A volume may hold many heads side by side; each has particles of its own.
"""

from __future__ import annotations

from itertools import product
from typing import NamedTuple

import torch
from torch import Tensor
from torch.nn import functional

from dynamics.baselines.predictors import Volume
from dynamics.editing.mask import EditMask
from dynamics.editing.stroke_raster import RASTER_CHANNELS
from dynamics.latent.autoencoder import scaled_distance

HAIR_FEATURES = 3 + 1 + 1 + RASTER_CHANNELS + 4
"""Direction, head distance, share of hair in the cell, raster, and what the mask says is carried."""

TOOL_FEATURES = RASTER_CHANNELS

FOLLOWED = 4
"""Particles that a voxel of hair moves with, weighted by one over their distances."""


class Particles(NamedTuple):
    """At most P particles of each of N samples; slots that are left over are not `valid`.

    Attributes:
        position: [N, P, 3] from the corner of the grid [m].
        features: [N, P, C].
        cell: [N, P] flat index of the cell of V/2.
        valid: [N, P] bool.
    """

    position: Tensor
    features: Tensor
    cell: Tensor
    valid: Tensor


class Motion(NamedTuple):
    """What a stroke does to particles: displacement [N, P, 3] [m], change of direction [N, P, 3]."""

    displacement: Tensor
    turn: Tensor


def hair_particles(
    volume: Volume, head_distance: Tensor, raster: Tensor, mask: EditMask, voxel: float, most: int
) -> Particles:
    """Return a particle for each cell of V/2 that holds hair where strokes may act, thinned evenly.

    Args:
        volume: hair before the strokes, [N, X, Y, Z].
        head_distance: [N, X, Y, Z] [m].
        raster: [N, X/2, Y/2, Z/2, 16] of the strokes.
        mask: where they may act.
        voxel: edge of a voxel [m].
        most: P.
    """
    hair = (volume.occupancy >= 0.5)[..., None].float()
    axes = [torch.arange(n, device=hair.device) + 0.5 for n in volume.occupancy.shape[1:]]
    centre = torch.stack(torch.meshgrid(*axes, indexing="ij"), dim=-1)
    fields = torch.cat([centre * hair, volume.direction * hair, head_distance[..., None] * hair, hair], -1)
    means = functional.avg_pool3d(fields.permute(0, 4, 1, 2, 3), 2).permute(0, 2, 3, 4, 1)
    share = means[..., 7:]
    means = means[..., :7] / share.clamp_min(1e-6)
    features = torch.cat(
        [
            functional.normalize(means[..., 3:6], dim=-1),
            scaled_distance(means[..., 6:]),
            share,
            raster,
            mask.carried,
        ],
        dim=-1,
    )
    return _taken(means[..., :3] * voxel, features, mask.cells & (share[..., 0] > 0.0), most)


def tool_particles(raster: Tensor, voxel: float, most: int) -> Particles:
    """Return a particle for each cell of V/2 that teeth sweep, [N, X/2, Y/2, Z/2, 16], thinned evenly."""
    axes = [2.0 * torch.arange(n, device=raster.device) + 1.0 for n in raster.shape[1:4]]
    centre = torch.stack(torch.meshgrid(*axes, indexing="ij"), dim=-1) * voxel
    swept = raster[..., :8].amax(-1) > 0.0
    return _taken(centre.expand(len(raster), *centre.shape), raster, swept, most)


def moved(volume: Volume, mask: EditMask, particles: Particles, motion: Motion, voxel: float) -> Volume:
    """Return the hair after its particles moved: [N, X, Y, Z].

    Hair in the mask moves with the particles about it; what moves by less than half a voxel stays. The
    occupancy of a moved voxel is shared by the eight that it comes to lie between.
    """
    occupancy, direction = volume.occupancy.clone(), volume.direction.clone()
    acted = mask.voxels & (volume.occupancy > 0.0)
    for number in range(len(occupancy)):
        valid = particles.valid[number]
        place = acted[number].nonzero()
        if len(place) == 0 or not bool(valid.any()):
            continue
        position = particles.position[number][valid]
        apart = torch.cdist((place + 0.5) * voxel, position)
        near, which = apart.topk(min(FOLLOWED, len(position)), largest=False)
        weight = functional.normalize(1.0 / (near + 0.1 * voxel), p=1.0, dim=-1)[..., None]
        step = (motion.displacement[number][valid][which] * weight).sum(1) / voxel
        turn = (motion.turn[number][valid][which] * weight).sum(1)
        goes = step.norm(dim=-1) >= 0.5
        place, step, turn = place[goes], step[goes], turn[goes]
        heading = functional.normalize(volume.direction[number][tuple(place.T)] + turn, dim=-1)
        _move(occupancy[number], direction[number], place, step, heading)
    return Volume(occupancy, direction * (occupancy > 0.0)[..., None])


def _move(occupancy: Tensor, direction: Tensor, place: Tensor, step: Tensor, heading: Tensor) -> None:
    """Move voxels at `place` [M, 3] by `step` [M, 3] [voxels] within [X, Y, Z] and [X, Y, Z, 3], in place."""
    source = tuple(place.T)
    mass = occupancy[source]
    occupancy[source] = 0.0
    way = direction * occupancy[..., None]  # of what stays; directions of a voxel are weighted by their hair
    target = place + step
    corner = target.floor()
    limit = torch.tensor(occupancy.shape, device=occupancy.device) - 1
    for offset in product((0.0, 1.0), repeat=3):
        at = corner + target.new_tensor(offset)
        part = mass * (1.0 - (target - at).abs()).prod(-1)
        x, y, z = torch.minimum(at.long().clamp_min(0), limit).unbind(-1)
        occupancy.index_put_((x, y, z), part, accumulate=True)
        way.index_put_((x, y, z), part[:, None] * heading, accumulate=True)
    occupancy.clamp_(max=1.0)
    direction.copy_(functional.normalize(way, dim=-1))


def _taken(position: Tensor, features: Tensor, where: Tensor, most: int) -> Particles:
    """Return the cells of `where` [N, X/2, Y/2, Z/2], every n-th where there are more than `most`."""
    cells = where.flatten(1)
    rank = cells.long().cumsum(1)  # 1 for the first of them
    total = rank[:, -1:].clamp_min(most)
    slot = (rank * most - 1).div(total, rounding_mode="floor")
    first = cells & (slot != ((rank - 1) * most - 1).div(total, rounding_mode="floor"))
    index = torch.arange(cells.shape[1], device=cells.device).expand_as(cells)
    cell = index.new_zeros(len(cells), most + 1).scatter(1, torch.where(first, slot, most), index)[:, :most]
    valid = torch.arange(most, device=cells.device) < first.sum(1, keepdim=True)
    return Particles(
        _gathered(position.flatten(1, 3), cell), _gathered(features.flatten(1, 3), cell), cell, valid
    )


def _gathered(values: Tensor, index: Tensor) -> Tensor:
    """Return rows `index` [N, P] of values [N, M, C]."""
    return values.gather(1, index[..., None].expand(-1, -1, values.shape[-1]))
