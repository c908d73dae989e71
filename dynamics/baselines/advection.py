"""Kinematic advection: hair that the comb meets goes along with it, for a share of the way.

No learning, three numbers tuned on training episodes: hair downstream of the teeth is displaced by
`share` of the way that the teeth still had to go when they met its strand, less near the skin, where
it is rooted, and turns by `turn` towards the direction of travel.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import product

import torch
from torch import Tensor
from torch.nn import functional

from dynamics.editing.mask import MaskConfig, edit_mask, spread
from dynamics.editing.stroke_raster import REMAINING_SCALE


@dataclass(frozen=True)
class Advection:
    """The rule's numbers.

    Attributes:
        share: of the remaining way of the teeth that hair follows.
        free_height: height above the skin from which hair follows fully [m].
        turn: 0 keeps the direction of hair that moves, 1 lays it along the travel.
    """

    share: float = 0.2
    free_height: float = 0.03
    turn: float = 0.3

    def predict(
        self, occupancy: Tensor, direction: Tensor, head_distance: Tensor, raster: Tensor, voxel: float
    ) -> tuple[Tensor, Tensor]:
        """Return occupancy [N, X, Y, Z] and direction [N, X, Y, Z, 3] after one stroke."""
        mask = edit_mask(occupancy, direction, raster, voxel, MaskConfig())
        way = torch.stack([spread(mask.carried[..., c], 2) for c in (1, 2, 3)], dim=-1) * REMAINING_SCALE
        follow = self.share * (head_distance / self.free_height).clamp(0.0, 1.0)
        step = way * follow[..., None] / voxel
        moves = (spread(mask.carried[..., 0], 2) > 0) & (occupancy > 0.0) & (step.abs().amax(-1) >= 0.5)
        after = torch.where(moves, 0.0, occupancy)
        heading = torch.where(moves[..., None], 0.0, direction * occupancy[..., None])
        number, x, y, z = moves.nonzero(as_tuple=True)
        source = (number, x, y, z)
        place = torch.stack([x, y, z], dim=-1) + step[source].round().long()
        limit = torch.tensor(occupancy.shape[1:], device=occupancy.device)
        place = torch.minimum(place.clamp_min(0), limit - 1)
        target = (number, place[:, 0], place[:, 1], place[:, 2])
        travel = functional.normalize(way[source], dim=-1)
        turned = functional.normalize((1.0 - self.turn) * direction[source] + self.turn * travel, dim=-1)
        after = after.index_put(target, occupancy[source], accumulate=True).clamp_max(1.0)
        heading = heading.index_put(target, turned * occupancy[source][:, None], accumulate=True)
        return after, functional.normalize(heading, dim=-1) * (after > 0.0)[..., None]


def candidates() -> list[Advection]:
    """Return the grid of numbers that tuning searches; the first moves nothing."""
    found = [Advection(share=0.0)]
    for share, height, turn in product((0.05, 0.1, 0.2, 0.4, 0.7), (0.02, 0.06), (0.0, 0.4)):
        found.append(Advection(share, height, turn))
    return found
