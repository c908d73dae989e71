"""How far a predicted volume is from the true one, over voxels that matter (DESIGN section 7)."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import torch
from scipy.ndimage import distance_transform_edt
from torch import Tensor

from dynamics.editing.mask import dilate

TURN = 20.0
"""Turn of the direction from which a voxel counts as changed [deg]."""

MISS = 90.0
"""Direction error of a voxel where only truth or only prediction has hair [deg]."""


class VolumeScore(NamedTuple):
    """Scores of N predictions over a region, each [N].

    Attributes:
        occupancy_error: 1 - F1 of hair voxels; 0 where neither has any.
        direction_deg: mean angle between directions over the union of true and predicted hair; NaN if empty.
        direction_unsigned_deg: the same without regard to sign.
    """

    occupancy_error: Tensor
    direction_deg: Tensor
    direction_unsigned_deg: Tensor


def angle(a: Tensor, b: Tensor) -> Tensor:
    """Return the angle between unit vectors [..., 3] [deg]."""
    # The chord keeps small angles that the cosine loses in single precision.
    chord = (a - b).norm(dim=-1).clamp(0.0, 2.0)
    return torch.rad2deg(2.0 * torch.asin(0.5 * chord))


def changed(
    occupancy_before: Tensor, direction_before: Tensor, occupancy_after: Tensor, direction_after: Tensor
) -> Tensor:
    """Return where hair changed, not dilated, [N, X, Y, Z] bool: occupancy flipped or direction turned."""
    before, after = occupancy_before >= 0.5, occupancy_after >= 0.5
    turned = before & after & (angle(direction_before, direction_after) > TURN)
    return (before ^ after) | turned


def changed_region(*changes: Tensor) -> Tensor:
    """Return the union of changes, in truth and in predictions, dilated by two voxels."""
    return dilate(torch.stack(changes).any(0), 2)


def score(
    occupancy: Tensor, direction: Tensor, true_occupancy: Tensor, true_direction: Tensor, region: Tensor
) -> VolumeScore:
    """Score predictions [N, X, Y, Z], [N, X, Y, Z, 3] against the truth over a region [N, X, Y, Z]."""
    predicted, truth = (occupancy >= 0.5) & region, (true_occupancy >= 0.5) & region
    both, either = predicted & truth, predicted | truth
    hits = _count(both)
    f1 = 2.0 * hits / (_count(predicted) + _count(truth)).clamp_min(1.0)
    nothing = _count(either) == 0
    turned = angle(direction, true_direction)
    union = _count(either)
    error = (torch.where(both, turned, 0.0).flatten(1).sum(1) + MISS * (union - hits)) / union
    unsigned = torch.minimum(turned, 180.0 - turned)
    error_unsigned = (torch.where(both, unsigned, 0.0).flatten(1).sum(1) + MISS * (union - hits)) / union
    return VolumeScore(torch.where(nothing, 0.0, 1.0 - f1), error, error_unsigned)


def chamfer_mm(occupancy: Tensor, true_occupancy: Tensor, region: Tensor, voxel: float) -> Tensor:
    """Return the Chamfer distance of predictions [N, X, Y, Z] from the truth over a region, [N] [mm].

    The mean of two means: from predicted hair voxels of the region to the nearest true hair, in the region
    or not, and back. Zero where the region has no hair at all; NaN where a volume is empty altogether.

    Args:
        occupancy, true_occupancy: 0..1.
        region: bool, where distances are taken from.
        voxel: edge of a voxel [m].
    """
    found = []
    for predicted, truth, where in zip(
        _array(occupancy >= 0.5), _array(true_occupancy >= 0.5), _array(region), strict=True
    ):
        if not (where & (predicted | truth)).any():
            found.append(0.0)
        elif not predicted.any() or not truth.any():
            found.append(float("nan"))
        else:
            ways = ((predicted & where, truth), (truth & where, predicted))
            apart = [_distance(there)[here].mean() for here, there in ways if here.any()]
            found.append(1000.0 * voxel * float(np.mean(apart)))
    return torch.tensor(found)


def _array(x: Tensor) -> np.ndarray:
    return x.cpu().numpy()


def _distance(hair: np.ndarray) -> np.ndarray:
    """Return the distance to the nearest voxel of hair [voxels]."""
    return np.asarray(distance_transform_edt(~hair))


def intersection_over_union(occupancy: Tensor, true_occupancy: Tensor) -> Tensor:
    """Return the IoU of hair voxels, [N]."""
    predicted, truth = occupancy >= 0.5, true_occupancy >= 0.5
    return _count(predicted & truth) / _count(predicted | truth).clamp_min(1.0)


def median_turn(
    occupancy: Tensor, direction: Tensor, true_occupancy: Tensor, true_direction: Tensor
) -> Tensor:
    """Return the median angle over voxels that both call hair, [N] [deg]."""
    both = (occupancy >= 0.5) & (true_occupancy >= 0.5)
    turned = angle(direction, true_direction)
    return torch.stack(
        [turned[n][both[n]].median() if both[n].any() else turned.new_tensor(MISS) for n in range(len(both))]
    )


def _count(mask: Tensor) -> Tensor:
    return mask.flatten(1).sum(1).to(torch.float32)
