"""The flow of hair that a stroke makes: which share of a voxel moves, where to, and how it points then.

A comb takes hair far along: a lock moves by ten voxels and more, which convolutions over a few cells cannot
carry. So the branch says where hair goes, voxel by voxel, learned from the strands of the simulator, and the
hair is carried there; what is left to edit is what the flow does not say.
"""

from __future__ import annotations

from itertools import product
from typing import NamedTuple

import torch
from torch import Tensor
from torch.nn import functional

FLOW_CHANNELS = 7

DISPLACEMENT_SCALE = 4.0
"""Voxels that an output of 1 stands for."""

NOTICED = 0.05
"""Smallest share of a voxel's hair that is carried away."""


class Flow(NamedTuple):
    """What happens to the hair of each voxel.

    Attributes:
        moving: [N, X, Y, Z] logits of the share that moves by half a voxel or more.
        displacement: [N, X, Y, Z, 3] of what moves [voxels].
        heading: [N, X, Y, Z, 3] direction of what moved, root to tip, any length.
    """

    moving: Tensor
    displacement: Tensor
    heading: Tensor


class TrueFlow(NamedTuple):
    """The same from strands: `share` 0..1 of the hair that moves; `known` 1 where there is hair, else 0."""

    known: Tensor
    share: Tensor
    displacement: Tensor
    heading: Tensor


def flow_of(outputs: Tensor, direction: Tensor) -> Flow:
    """Read a flow from a network's outputs [N, X, Y, Z, 7], around the present direction of the hair."""
    return Flow(outputs[..., 0], DISPLACEMENT_SCALE * outputs[..., 1:4], direction + outputs[..., 4:7])


@torch.no_grad()
def carry(occupancy: Tensor, direction: Tensor, flow: Flow, inside: Tensor) -> tuple[Tensor, Tensor]:
    """Carry hair along a flow.

    A voxel's moving hair is laid down in eight pieces at the voxels nearest to where they get.

    Args:
        occupancy: [N, X, Y, Z], 0..1.
        direction: [N, X, Y, Z, 3], unit where there is hair.
        flow: where hair goes.
        inside: [N, X, Y, Z] bool, where hair may start from.

    Returns:
        Occupancy 0..1 and unit direction.
    """
    share = flow.moving.sigmoid() * (inside & (occupancy > 0.0))
    share = torch.where(share < NOTICED, 0.0, share)
    shape = occupancy.shape
    stays = occupancy * (1.0 - share)
    total = stays.flatten()
    heading = (stays[..., None] * direction).reshape(-1, 3)
    moves = share.nonzero(as_tuple=True)
    mass = (occupancy * share)[moves] / 8.0
    laid = functional.normalize(flow.heading[moves], dim=-1) * mass[:, None]
    start = torch.stack(moves[1:], dim=-1) + flow.displacement[moves]
    limit = torch.tensor(shape[1:], device=occupancy.device) - 1
    for corner in product((-0.25, 0.25), repeat=3):
        place = (start + start.new_tensor(corner)).round().long().clamp_min(0)
        place = torch.minimum(place, limit)
        flat = ((moves[0] * shape[1] + place[:, 0]) * shape[2] + place[:, 1]) * shape[3] + place[:, 2]
        total = total.index_add(0, flat, mass)
        heading = heading.index_add(0, flat, laid)
    after = total.clamp_max(1.0).reshape(shape)
    unit = functional.normalize(heading, dim=-1).reshape(*shape, 3)
    return after, unit * (after > 0.0)[..., None]


def flow_loss(flow: Flow, truth: TrueFlow, weight: Tensor) -> Tensor:
    """Return how far a flow is from the true one, over voxels of hair weighted by `weight` [N, X, Y, Z]."""
    known = truth.known * weight
    entropy = functional.binary_cross_entropy_with_logits(flow.moving, truth.share, reduction="none")
    moving = known * truth.share
    count = moving.sum() + 1.0
    apart = functional.smooth_l1_loss(flow.displacement, truth.displacement, reduction="none").sum(-1)
    turn = 1.0 - functional.cosine_similarity(flow.heading, truth.heading, dim=-1)
    return (
        (entropy * known).sum() / (known.sum() + 1.0)
        + 0.3 * (apart * moving).sum() / count
        + (turn * moving).sum() / count
    )
