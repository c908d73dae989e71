"""Whether the probabilities of hair mean what they say, and what they say of a whole prediction.

The editing model gives every voxel a probability of hair. They are calibrated if, of the voxels that get 0.7,
seven in ten turn out to be hair. Added up, they say how wrong the prediction expects itself to be.

Two cautions. A region chosen by the truth (the changed voxels of the scores) makes even perfect
probabilities look wrong, because hair that stayed as expected is left out; a fair region is known
beforehand, such as where the stroke may act. And most voxels of that are plain air, so that doubtful
voxels are looked at for themselves.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import torch
from torch import Tensor

BINS = 10
"""Equal bins of probability, as is customary [Guo2017]."""

DOUBTFUL = (0.05, 0.95)
"""Probabilities between which a voxel counts as doubtful."""


class Reliability(NamedTuple):
    """Probabilities beside what came true, added up in `BINS` equal bins B of probability, [..., B] each.

    Leading axes are separate sums; sums over regions or strokes are sums of these.

    Attributes:
        voxels: how many.
        probability: sum of their probabilities.
        hair: how many of them are hair.
        squared: sum of the squared differences of probability and truth (0 or 1).
    """

    voxels: np.ndarray
    probability: np.ndarray
    hair: np.ndarray
    squared: np.ndarray

    @property
    def ece(self) -> np.ndarray:
        """Expected calibration error: mean gap between probability and share of hair, by bin [Naeini2015].

        Bins weigh as many voxels as they hold, sum_b n_b / n |mean p_b - share_b|; 0 where there are none.
        """
        gap = np.abs(self.probability - self.hair).sum(-1)
        return gap / np.maximum(self.voxels.sum(-1), 1.0)

    @property
    def brier(self) -> np.ndarray:
        """Mean squared difference of probability and truth [Brier1950]; 0 where there are no voxels."""
        return self.squared.sum(-1) / np.maximum(self.voxels.sum(-1), 1.0)


def reliability(probability: Tensor, hair: Tensor, region: Tensor) -> Reliability:
    """Compare probabilities of hair with hair over a region, all [N, X, Y, Z]; sums over N are made, [B].

    Args:
        probability: 0..1.
        hair: bool, the truth.
        region: bool.
    """
    p, y = probability[region].double().cpu(), hair[region].double().cpu()
    place = (p * BINS).long().clamp(0, BINS - 1)

    def added(weight: Tensor) -> np.ndarray:
        return torch.bincount(place, weight, minlength=BINS).numpy()

    return Reliability(added(torch.ones_like(p)), added(p), added(y), added((p - y).square()))


def doubtful(probability: Tensor) -> Tensor:
    """Return where probabilities [N, X, Y, Z] are neither near 0 nor near 1, bool."""
    return (probability > DOUBTFUL[0]) & (probability < DOUBTFUL[1])


def expected_error(probability: Tensor, region: Tensor) -> Tensor:
    """Return the occupancy error that predictions expect of themselves over a region, [N].

    The error is 1 - F1 = (false alarms + misses) / (predicted + true) of hair voxels. A voxel p is predicted
    from one half on; it is then a false alarm with probability 1 - p, else a miss with probability p, and
    true with probability p. With the expectations of both counts

        error = (sum_predicted (1 - p) + sum_others p) / (sum_predicted 1 + sum_all p),

    which leaves out the spread of the denominator: of the order of one in the number of voxels if voxels err
    apart from each other, more where whole locks go one way or another. It says nothing of directions. Where
    nothing can be hair it is 0, as for a stroke that touches none.

    Args:
        probability: [N, X, Y, Z], 0..1.
        region: [N, X, Y, Z] bool.
    """
    p = torch.where(region, probability, 0.0).float().flatten(1)
    predicted = p >= 0.5
    wrong = torch.where(predicted, 1.0 - p, p).sum(1)
    either = predicted.sum(1) + p.sum(1)
    return torch.where(either > 0.0, wrong / either.clamp_min(1e-9), 0.0)
