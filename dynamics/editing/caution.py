"""How sure an edit must be before hair changes: what training weighs too much, taken back.

    logit of hair    before o-----------------------------> edit
                     before o----------------------> o        cautious: `margin` nearer to the hair before

The loss counts voxels that truly change `changed_weight` times as much as those that stay, or a network that
is asked about rare changes would learn to predict none. The price, by Bayes' rule, is that its odds of a
change are too high by up to that factor: on validation episodes seen in full, of the flips whose logit is
within 0.25 of even 32 % came true, from 0.5 to 1 48 %, from 2 on 82 % (`python -m benchmarks.caution`).
"""

from __future__ import annotations

from dataclasses import dataclass

import torch

from dynamics.editing.branch import Edit, EditState
from dynamics.latent.detail import seen_logits
from hairsim.errors import CombwiseError

CAUTIOUS = 0.75
"""The margin [logits] with which weights of simulator version 4 predicted better: docs/dynamics.md."""


@dataclass(frozen=True)
class Caution:
    """How edits are believed.

    Attributes:
        margin: logits that every voxel's change of occupancy is shortened by, to none at the least; 0 takes
            the edit as it is.
    """

    margin: float = 0.0

    def __post_init__(self) -> None:
        if not self.margin >= 0.0:
            raise CombwiseError(
                f"edits are believed with a margin of {self.margin} logits; expected 0 or more"
            )

    def applied(self, before: EditState, edit: Edit) -> EditState:
        """Return what a cautious reader of an edit takes for the state after; codes are the edit's."""
        after = edit.state
        if self.margin == 0.0:
            return after
        start = seen_logits(before.occupancy)
        change = torch.logit(after.occupancy, eps=1e-4) - start
        shortened = change.sign() * (change.abs() - self.margin).clamp_min(0.0)
        occupancy = torch.where(shortened == 0.0, before.occupancy, (start + shortened).sigmoid())
        edited = edit.mask.voxels & (after.occupancy > 0.0)  # what is empty for the edit has no direction
        occupancy = torch.where(edited, occupancy, after.occupancy)
        return after._replace(occupancy=occupancy, direction=after.direction * (occupancy > 0.0)[..., None])
