"""The editing model without directions: what is it worth to know which way hair runs?

The networks are those of the editing model, pre-training included, with zeros in place of every direction
that they would read, and no loss on those that they write. Which way hair hangs from what the teeth touch
is then unknown too: the mask follows it straight down.

A prediction needs directions to be compared. They are carried over: hair that stays keeps its own, hair that
comes takes that of the nearest hair before.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

import torch
from torch import Tensor

from dynamics.baselines.fill import nearest_known
from dynamics.baselines.predictors import Seen, Volume
from dynamics.checkpoint import CheckpointInfo
from dynamics.editing.branch import Edit, EditingModel, EditState
from dynamics.editing.mask import EditMask
from dynamics.editing.train import EditingTask
from dynamics.latent.autoencoder import LatentConfig
from dynamics.latent.model import Encoded, LatentModel
from dynamics.latent.train import LatentTask
from dynamics.model import editing_config
from dynamics.precision import fast_arithmetic


class OccupancyLatent(LatentModel):
    """A latent model that is shown no directions; those that it decodes mean nothing."""

    def forward(self, occupancy: Tensor, direction: Tensor, head_distance: Tensor) -> Encoded:
        """Encode volumes as `LatentModel`, blind to `direction` [B, X, Y, Z, 3]."""
        return super().forward(occupancy, torch.zeros_like(direction), head_distance)


class OccupancyOnlyModel(EditingModel):
    """An editing model whose states have no directions: zeros [N, X, Y, Z, 3]."""

    def encode(self, occupancy: Tensor, direction: Tensor, head_distance: Tensor) -> EditState:
        """Return the state of volumes as `EditingModel`, without directions."""
        return _blind(super().encode(occupancy, direction, head_distance))

    def forward(self, state: EditState, raster: Tensor) -> Edit:
        """Apply one stroke to each of N states."""
        edit = super().forward(state, raster)
        return edit._replace(state=_blind(edit.state))

    def mask(self, state: EditState, raster: Tensor) -> EditMask:
        """Return where strokes may act on N states: on what they touch, and below it."""
        down = state.direction.new_tensor([0.0, 0.0, -1.0]).expand_as(state.direction)
        return super().mask(state._replace(direction=down), raster)


class OccupancyLatentTask(LatentTask):
    """Pre-train on occupancy alone."""

    TURNED: ClassVar[float] = 0.0

    def validate(self) -> dict[str, float]:
        """Score reconstructions of held-back hair, without directions."""
        return _of_occupancy(super().validate())


class OccupancyOnlyTask(EditingTask):
    """Learn what strokes do to occupancy alone."""

    TURNED: ClassVar[float] = 0.0

    def validate(self) -> dict[str, float]:
        """Score held-back strokes, without directions."""
        return _of_occupancy(super().validate())


@dataclass(frozen=True)
class OccupancyOnly:
    """The model as evaluation sees it, directions carried over from what was seen."""

    model: OccupancyOnlyModel

    @torch.no_grad()
    def predict(self, seen: Seen, rasters: Sequence[Tensor]) -> tuple[Volume, Volume]:
        """Return its own reconstruction, and the hair after each stroke in turn."""
        with fast_arithmetic(seen.head_distance.device):
            state = self.model.encode(*seen.volume, seen.head_distance)
        before = volume = with_directions(state.occupancy, seen.volume)
        for raster in rasters:
            with fast_arithmetic(seen.head_distance.device):
                state = self.model(state, raster).state
            volume = with_directions(state.occupancy, volume)
        return before, volume


def build_occupancy_only(info: CheckpointInfo) -> OccupancyOnlyModel:
    """Return an untrained model of a checkpoint's sizes."""
    latent = OccupancyLatent(LatentConfig(**info.sizes["latent"]))
    return OccupancyOnlyModel(latent, editing_config(info), voxel=info.grid.voxel)


def with_directions(occupancy: Tensor, known: Volume) -> Volume:
    """Give hair the directions of hair before: its own where it was, else the nearest one's.

    Args:
        occupancy: [N, X, Y, Z], 0..1.
        known: hair before, of the same shape; without any, directions are zeros.
    """
    direction = torch.zeros_like(known.direction)
    for number, hair in enumerate((known.occupancy >= 0.5).cpu().numpy()):
        if hair.any():
            x, y, z = (torch.from_numpy(i).to(occupancy.device).long() for i in nearest_known(hair))
            direction[number] = known.direction[number, x, y, z]
    return Volume(occupancy, direction * (occupancy > 0.0)[..., None])


def _blind(state: EditState) -> EditState:
    return state._replace(direction=torch.zeros_like(state.direction))


def _of_occupancy(scores: dict[str, float]) -> dict[str, float]:
    """Leave out errors of directions that nobody predicted."""
    return {name: value for name, value in scores.items() if not name.endswith("_deg")}
