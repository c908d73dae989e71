"""What a decoded volume is judged by while training."""

from __future__ import annotations

from typing import NamedTuple

from torch import Tensor
from torch.nn import functional

from dynamics.latent.autoencoder import Decoded

POSITIVE_WEIGHT = 2.0
"""Weight of hair voxels in the cross-entropy: hair fills about a fifth of a crop, and the square root
of the odds keeps the decoded share of hair near the true one."""

DIRECTION_WEIGHT = 1.0


class VolumeLoss(NamedTuple):
    """The parts of the loss, each a scalar."""

    total: Tensor
    cross_entropy: Tensor
    dice: Tensor
    direction: Tensor


def volume_loss(
    decoded: Decoded,
    occupancy: Tensor,
    direction: Tensor,
    weight: Tensor | None = None,
    *,
    positive: float = POSITIVE_WEIGHT,
    turned: float = DIRECTION_WEIGHT,
) -> VolumeLoss:
    """Compare a decoded volume with the true one.

    Class-balanced cross-entropy and soft dice (the surrogate of F1) on occupancy at the threshold of
    one half, one minus cosine on hair voxels. All are means over the batch's voxels, so that a crop
    with little hair does not shout.

    Args:
        decoded: what the model says, [B, X, Y, Z] and [B, X, Y, Z, 3].
        occupancy: the truth [B, X, Y, Z], 0..1.
        direction: the truth [B, X, Y, Z, 3], unit where there is hair.
        weight: [B, X, Y, Z] how much each voxel counts; all alike when None.
        positive: weight of hair voxels in the cross-entropy.
        turned: weight of the directions in the total.
    """
    target = (occupancy >= 0.5).to(decoded.logits.dtype)
    scale = target.new_ones(()) if weight is None else weight
    entropy = functional.binary_cross_entropy_with_logits(
        decoded.logits, target, pos_weight=target.new_full((), positive), reduction="none"
    )
    norm = scale.expand_as(target).sum().clamp_min(1.0)  # a crop may show nothing that counts
    cross_entropy = (entropy * scale).sum() / norm
    probability = decoded.logits.sigmoid()
    both = (scale * probability * target).sum()
    dice = 1.0 - (2.0 * both + 1.0) / ((scale * (probability + target)).sum() + 1.0)
    cosine = functional.cosine_similarity(decoded.direction, direction, dim=-1)
    hair = target * scale
    heading = ((1.0 - cosine) * hair).sum() / (hair.sum() + 1.0)
    total = cross_entropy + dice + turned * heading
    return VolumeLoss(total, cross_entropy, dice, heading)
