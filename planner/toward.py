"""How far predicted hair has gone toward the goal, to first order: batched, on the volumes' own grid.

The current of a volume is occupancy times direction, a vector field [VaillantGlaunes2005]. With C the current
of the hair now, G of the goal and blurred(G - C) = P, a prediction C' has gone the share

    <P, C' - C> / <P, G - C>

of the way. It is linear in the prediction: a model that hedges between two outcomes is scored by their mean.
A distance between the fields is not: it punishes the blur of every hedged prediction.
"""

from __future__ import annotations

import numpy as np
import torch
from scipy.ndimage import gaussian_filter
from torch import Tensor

from hairsim.volume import HairVolume

BLUR = 4.0
"""Blur of the difference [voxels]: as far as one stroke takes much of the hair."""


class TowardGoal:
    """Progress of predictions toward one goal from one state.

    Args:
        state: the hair now.
        goal: the wanted hair, on the same grid.
        device: where the predictions live.
    """

    def __init__(self, state: HairVolume, goal: HairVolume, *, device: str = "cpu") -> None:
        now = state.occupancy[..., None] * state.direction
        difference = goal.occupancy[..., None] * goal.direction - now
        pull = np.stack([gaussian_filter(difference[..., axis], BLUR) for axis in range(3)], axis=-1)
        whole = max(float((pull * difference).sum()), 1e-6)
        self._pull = torch.as_tensor(np.ascontiguousarray(pull / whole, np.float32), device=device)
        self._start = float((pull * now).sum()) / whole

    def __call__(self, occupancy: Tensor, direction: Tensor) -> Tensor:
        """Return the share of the way [N] of predictions [N, X, Y, Z], [N, X, Y, Z, 3]; 0 for none."""
        along = torch.einsum("nxyzc,xyzc->nxyz", direction, self._pull)
        return (occupancy * along).sum(dim=(1, 2, 3)) - self._start

    def volume(self, volume: HairVolume) -> float:
        """Return the share of the way that one volume has gone."""
        occupancy = torch.as_tensor(volume.occupancy, device=self._pull.device)[None]
        return float(self(occupancy, torch.as_tensor(volume.direction, device=self._pull.device)[None])[0])
