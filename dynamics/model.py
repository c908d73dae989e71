"""The learned model of combing, as a planner uses it: volumes in, volumes out."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

import numpy as np
import torch
from torch import Tensor

from dynamics.calibration.reliability import expected_error
from dynamics.checkpoint import (
    MODEL_FILE,
    CheckpointInfo,
    describe_grid,
    fill_network,
    load_checkpoint,
    profile_grid,
    require_hash,
)
from dynamics.completion.completion import Completion, completion_of
from dynamics.editing.branch import EditingConfig, EditingModel, EditState
from dynamics.editing.caution import Caution
from dynamics.editing.mask import MaskConfig
from dynamics.editing.stroke_raster import rasterise
from dynamics.latent.autoencoder import ALIGNMENT, Codes, LatentConfig
from dynamics.latent.model import LatentModel
from dynamics.precision import fast_arithmetic
from hairsim.device import resolve_device
from hairsim.errors import CombwiseError
from hairsim.head.head import Head
from hairsim.tools.stroke import Stroke
from hairsim.tools.stroke_path import stroke_paths
from hairsim.tools.tool import Tool, ToolPath, rake_comb
from hairsim.volume import GridSpec, HairVolume

WEIGHTS = Path(__file__).parent / "weights"

MARGIN = 5
"""Voxels kept free around hair and scalp in the box that is computed on: where combed hair may go."""

CHUNK = 16
"""Rollouts computed together; more at once are slower on a CPU, their tensors leave its caches."""


@dataclass(frozen=True)
class LatentState:
    """Hair as the model holds it: codes and detail over a box of the grid, for one head.

    Attributes:
        hair: the state, one sample.
        box: the grid of the box.
        low: the box's first voxel on the model's grid.
    """

    hair: EditState
    box: GridSpec
    low: tuple[int, int, int]


class Rollout(NamedTuple):
    """What N sequences of strokes are predicted to leave, head frame.

    Attributes:
        occupancy: [N, X, Y, Z], 0..1.
        direction: [N, X, Y, Z, 3], unit, root to tip, zero where empty.
        uncertainty: [N], the occupancy error, 0..1, that the model expects of itself over the voxels where
            the strokes may act (`expected_error`); None of models that do not say.
    """

    occupancy: Tensor
    direction: Tensor
    uncertainty: Tensor | None = None


class HairDynamics:
    """Encode hair that was seen, roll strokes out, decode hair.

    Attributes:
        grid: the grid that volumes must have.
        info: what the weights are and how they were trained.
    """

    def __init__(
        self,
        model: EditingModel,
        info: CheckpointInfo,
        *,
        device: torch.device,
        caution: Caution | None = None,
        completion: Completion | None = None,
    ) -> None:
        """Take a trained model.

        Args:
            model, info: the model and what it is.
            device: where to compute.
            caution: how edits are believed; as they are when None.
            completion: what fills in hair that was not seen before it is encoded; None leaves that to the
                latent space.
        """
        self._model = model.to(device).eval()
        self._completion = completion
        self._device = device
        self._caution = caution or Caution()
        self.grid = info.grid
        self.info = info

    @torch.no_grad()
    def encode(self, volume: HairVolume, head: Head, *, full: bool = False) -> LatentState:
        """Return the state of hair as seen.

        Args:
            volume: the hair.
            head: that it grows on.
            full: it is known to be all the hair, and nothing is filled in.

        Raises:
            CombwiseError: the volume is on another grid.
        """
        if volume.grid != self.grid:
            raise CombwiseError(
                f"volume is on a grid of {describe_grid(volume.grid)}; "
                f"expected the model's {describe_grid(self.grid)}"
            )
        low, box = working_box(volume, head)
        window = tuple(slice(a, a + n) for a, n in zip(low, box.shape, strict=True))
        distance = head.field.sample(box.centres()).astype(np.float32)
        arrays = (volume.occupancy[window], volume.direction[window], distance)
        tensors = [
            torch.from_numpy(np.ascontiguousarray(a, np.float32)).to(self._device)[None] for a in arrays
        ]
        if self._completion is not None and not full:
            tensors = [*self._completion(*tensors), tensors[2]]
        with fast_arithmetic(self._device):
            return LatentState(self._model.encode(*tensors), box, low)

    def decode(self, state: LatentState) -> HairVolume:
        """Return the completed hair of a state: what no stroke at all is predicted to leave."""
        occupancy, direction = (
            on_grid(x, state.low, self.grid) for x in (state.hair.occupancy, state.hair.direction)
        )
        return HairVolume(occupancy[0].cpu().numpy(), direction[0].cpu().numpy(), self.grid)

    def rollout(
        self,
        state: LatentState,
        strokes: Sequence[Sequence[Stroke]],
        head: Head,
        *,
        tool: Tool | None = None,
    ) -> Rollout:
        """Predict the hair after N sequences of H strokes each.

        Args:
            state: where all of them start.
            strokes: [N][H]; all sequences of the same length.
            head: the head that strokes turn into paths on.
            tool: what combs; default the rake comb.

        Raises:
            CombwiseError: no sequences, or of different lengths.
        """
        lengths = {len(sequence) for sequence in strokes}
        if len(lengths) != 1:
            raise CombwiseError(
                f"sequences of {sorted(lengths)} strokes; expected one length, at least one sequence"
            )
        tool = tool or rake_comb()
        flat = stroke_paths([stroke for sequence in strokes for stroke in sequence], head, tool)
        horizon = lengths.pop()
        paths = [flat[n * horizon : (n + 1) * horizon] for n in range(len(strokes))]
        return self.rollout_paths(state, paths, tool=tool)

    @torch.no_grad()
    def rollout_paths(
        self, state: LatentState, paths: Sequence[Sequence[ToolPath | None]], *, tool: Tool | None = None
    ) -> Rollout:
        """Predict the hair after N sequences of H tool paths each; None waits."""
        tool = tool or rake_comb()
        parts = []
        for first in range(0, len(paths), CHUNK):
            chunk = paths[first : first + CHUNK]
            hair = repeated(state.hair, len(chunk))
            touched = torch.zeros_like(hair.occupancy, dtype=torch.bool)
            for step in range(len(chunk[0])):
                raster = rasterise([sequence[step] for sequence in chunk], tool, state.box).to(self._device)
                with fast_arithmetic(self._device):
                    edit = self._model(hair, raster)
                hair, touched = self._caution.applied(hair, edit), touched | edit.mask.voxels
            parts.append((hair.occupancy, hair.direction, expected_error(hair.occupancy, touched)))
        occupancy, direction, uncertainty = (torch.cat(part) for part in zip(*parts, strict=True))
        return Rollout(
            on_grid(occupancy, state.low, self.grid), on_grid(direction, state.low, self.grid), uncertainty
        )


def on_grid(values: Tensor, low: tuple[int, int, int], grid: GridSpec) -> Tensor:
    """Put values [N, x, y, z, ...] over a box whose first voxel is `low` into the empty grid."""
    whole = values.new_zeros(len(values), *grid.shape, *values.shape[4:])
    x, y, z = (slice(a, a + n) for a, n in zip(low, values.shape[1:4], strict=True))
    whole[:, x, y, z] = values
    return whole


def repeated(state: EditState, count: int) -> EditState:
    """Return one state as `count` samples, without copies."""

    def many(x: Tensor) -> Tensor:
        return x.expand(count, *x.shape[1:])

    return EditState(
        Codes(*(many(c) for c in state.codes)),
        many(state.occupancy),
        many(state.direction),
        many(state.head_distance),
    )


def working_box(volume: HairVolume, head: Head) -> tuple[tuple[int, int, int], GridSpec]:
    """Return first voxel and grid of the smallest aligned box that holds hair, scalp and a margin."""
    grid = volume.grid
    scalp, _ = grid.indices(head.scalp.points)
    hair = np.argwhere(volume.occupied)
    places = np.concatenate([scalp, hair])
    shape = np.asarray(grid.shape)
    first = np.clip(places.min(0) - MARGIN, 0, shape - 1)
    last = np.clip(places.max(0) + MARGIN, 0, shape - 1)
    size = np.minimum(-(-(last - first + 1) // ALIGNMENT) * ALIGNMENT, shape)
    low = np.clip(first - (size - (last - first + 1)) // 2, 0, shape - size)
    origin = [float(o + grid.voxel * n) for o, n in zip(grid.origin, low, strict=True)]
    x, y, z = (int(n) for n in size)
    box = GridSpec((origin[0], origin[1], origin[2]), grid.voxel, (x, y, z))
    return (int(low[0]), int(low[1]), int(low[2])), box


def load_model(
    path: Path | None = None,
    *,
    device: str = "cpu",
    profile: str = "small",
    caution: Caution | None = None,
    completes: bool = False,
) -> HairDynamics:
    """Load a trained model.

    Args:
        path: checkpoint of kind "dynamics", or the run folder that holds it; None loads the shipped
            weights of the profile, whose hash is checked.
        device: where to compute.
        profile: "small" or "base".
        caution: how edits are believed; as they are when None.
        completes: whether what was not seen is filled in before the latent space reads it, by the completion
            that belongs to the weights (`completion_of`). Predictions of hair from cameras err less; planners
            choose no better with it.

    Raises:
        CombwiseError: the file is missing, damaged, or does not fit this version and profile; a completion is
            asked for and there is none.
    """
    grid = profile_grid(profile)
    where = torch.device(resolve_device(device))
    if path is None:
        path = WEIGHTS / f"{profile}.safetensors"
        card = path.with_suffix(".json")
        if not path.is_file() or not card.is_file():
            raise CombwiseError(
                f"no weights of profile '{profile}' are shipped in {WEIGHTS}; train them, or name a file"
            )
        require_hash(path, str(json.loads(card.read_text())["sha256"]))
    file = path / MODEL_FILE if path.is_dir() else path
    checkpoint = load_checkpoint(file, kind="dynamics", profile=profile, grid=grid)
    model = build_model(checkpoint.info)
    fill_network(model, checkpoint, file)
    completion = completion_of(path, checkpoint.info, where) if completes else None
    if completes and completion is None:
        raise CombwiseError(
            f"no completion belongs to the weights {path}; expected 'combwise train completion' to have made "
            "one into the folder 'completion' of their run"
        )
    return HairDynamics(model, checkpoint.info, device=where, caution=caution, completion=completion)


def build_model(info: CheckpointInfo) -> EditingModel:
    """Return an untrained model of a checkpoint's sizes."""
    latent = LatentModel(LatentConfig(**info.sizes["latent"]))
    return EditingModel(latent, editing_config(info), voxel=info.grid.voxel)


def editing_config(info: CheckpointInfo) -> EditingConfig:
    """Return the sizes of a checkpoint's editing branch."""
    editing = dict(info.sizes["editing"])
    return EditingConfig(**{**editing, "mask": MaskConfig(**editing["mask"])})
