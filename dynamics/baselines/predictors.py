"""Every model that evaluation compares, behind one face: hair as seen and strokes in, volumes out."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import NamedTuple, Protocol

import torch
from torch import Tensor

from dynamics.baselines.advection import Advection
from dynamics.completion.completion import Completion
from dynamics.completion.unet import Hair, UNet
from dynamics.data import Window
from dynamics.editing.branch import EditingModel, EditState
from dynamics.editing.caution import Caution
from dynamics.latent.autoencoder import volume_of
from dynamics.precision import fast_arithmetic
from hairsim.volume import HairVolume


class Volume(NamedTuple):
    """Occupancy [N, X, Y, Z] and unit direction [N, X, Y, Z, 3]."""

    occupancy: Tensor
    direction: Tensor

    @staticmethod
    def of(hair: HairVolume) -> Volume:
        """Return one head of hair as a batch of one, on the CPU."""
        return Volume(torch.from_numpy(hair.occupancy)[None], torch.from_numpy(hair.direction)[None])


class Seen(NamedTuple):
    """What a model is given: input volume, head, what the latent model makes of both, and where that is."""

    volume: Volume
    head_distance: Tensor
    state: EditState
    window: Window


class Predictor(Protocol):
    """A model under evaluation."""

    def predict(self, seen: Seen, rasters: Sequence[Tensor]) -> tuple[Volume, Volume]:
        """Return what the model takes the hair for before, and what it predicts after, the strokes."""
        ...


class Identity:
    """Nothing changes and nothing is hidden: the input itself."""

    def predict(self, seen: Seen, rasters: Sequence[Tensor]) -> tuple[Volume, Volume]:
        """Return the input twice."""
        del rasters
        return seen.volume, seen.volume


class Reconstruction:
    """Nothing changes: the hair that the latent model completes the input to."""

    def predict(self, seen: Seen, rasters: Sequence[Tensor]) -> tuple[Volume, Volume]:
        """Return the reconstruction twice."""
        del rasters
        volume = Volume(seen.state.occupancy, seen.state.direction)
        return volume, volume


@dataclass(frozen=True)
class CodesOnly:
    """Nothing changes, and only the codes are kept: the floor that a latent without detail would have."""

    model: EditingModel

    @torch.no_grad()
    def predict(self, seen: Seen, rasters: Sequence[Tensor]) -> tuple[Volume, Volume]:
        """Return what the codes alone decode to, twice."""
        del rasters
        with fast_arithmetic(seen.head_distance.device):
            decoded = self.model.latent.decoder(seen.state.codes, seen.head_distance)
        volume = Volume(*volume_of(decoded))
        return volume, volume


@dataclass(frozen=True)
class Advected:
    """Kinematic advection of the reconstruction: it is not to lose for what cameras hide from it."""

    rule: Advection
    voxel: float

    @torch.no_grad()
    def predict(self, seen: Seen, rasters: Sequence[Tensor]) -> tuple[Volume, Volume]:
        """Return the reconstruction, and the same advected by each stroke in turn."""
        before = volume = Volume(seen.state.occupancy, seen.state.direction)
        for raster in rasters:
            volume = Volume(*self.rule.predict(*volume, seen.head_distance, raster, self.voxel))
        return before, volume


@dataclass(frozen=True)
class Direct:
    """The direct U-Net; what it takes the hair for before is what it says of no stroke at all."""

    model: UNet

    @torch.no_grad()
    def predict(self, seen: Seen, rasters: Sequence[Tensor]) -> tuple[Volume, Volume]:
        """Return the hair that it completes the input to, and the hair after each stroke in turn."""
        hair = Hair(*seen.volume, seen.head_distance)
        before = self._after(hair, torch.zeros_like(rasters[0]))
        for raster in rasters:
            hair = Hair(*self._after(hair, raster), seen.head_distance)
        return before, Volume(hair.occupancy, hair.direction)

    def _after(self, hair: Hair, raster: Tensor) -> Volume:
        with fast_arithmetic(raster.device):
            return Volume(*volume_of(self.model(hair, raster)))


@dataclass(frozen=True)
class EditingAlone:
    """An editing model with a latent space of its own."""

    model: EditingModel

    @torch.no_grad()
    def predict(self, seen: Seen, rasters: Sequence[Tensor]) -> tuple[Volume, Volume]:
        """Return its own reconstruction, and the state after each stroke in turn."""
        with fast_arithmetic(seen.head_distance.device):
            state = self.model.encode(*seen.volume, seen.head_distance)
        return Editing(self.model).predict(seen._replace(state=state), rasters)


@dataclass(frozen=True)
class EditingCompleted:
    """The learned model on hair that a network has completed before its latent space reads it."""

    model: EditingModel
    completion: Completion

    @torch.no_grad()
    def predict(self, seen: Seen, rasters: Sequence[Tensor]) -> tuple[Volume, Volume]:
        """Return what the latent space makes of completed hair, and the state after each stroke in turn."""
        whole = self.completion(*seen.volume, seen.head_distance)
        with fast_arithmetic(seen.head_distance.device):
            state = self.model.encode(*whole, seen.head_distance)
        return Editing(self.model).predict(seen._replace(state=state), rasters)


@dataclass(frozen=True)
class Editing:
    """The learned model, believed with some caution."""

    model: EditingModel
    caution: Caution = field(default_factory=Caution)

    def predict(self, seen: Seen, rasters: Sequence[Tensor]) -> tuple[Volume, Volume]:
        """Return the reconstruction, and the state after each stroke in turn."""
        return self.predict_where(seen, rasters)[0]

    @torch.no_grad()
    def predict_where(self, seen: Seen, rasters: Sequence[Tensor]) -> tuple[tuple[Volume, Volume], Tensor]:
        """Return the same, and where any of the strokes may act, [N, X, Y, Z] bool."""
        state = seen.state
        where = torch.zeros_like(state.occupancy, dtype=torch.bool)
        for raster in rasters:
            with fast_arithmetic(seen.head_distance.device):
                edit = self.model(state, raster)
            state, where = self.caution.applied(state, edit), where | edit.mask.voxels
        before = Volume(seen.state.occupancy, seen.state.direction)
        return (before, Volume(state.occupancy, state.direction)), where
