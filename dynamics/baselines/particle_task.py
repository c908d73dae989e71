"""Train the particle graph on how the strands of a dataset moved.

The strands before and after a stroke correspond, so that their motion is known everywhere along them. Each
cell of V/2 takes the mean motion of the guide strands in it, a cell without any that of the nearest cell with
some; a particle is to move as its cell does.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import torch
from torch import Tensor, nn

from dynamics.baselines.fill import nearest_known
from dynamics.baselines.particle_graph import ParticleGraph
from dynamics.baselines.predictors import Volume
from dynamics.batches import Row, StrokeBatch, class_chances, random_strokes
from dynamics.data import Store, Window
from dynamics.editing.train import TrainDynamicsConfig, held_back_strokes
from dynamics.metrics import TURN, changed, changed_region, score
from dynamics.resident import training_episodes
from hairsim.volume import GridSpec

PIECES = 3
"""Points to an edge of a guide strand, 4 mm apart on 25 cm of hair: no cell is jumped over."""


class ParticleBatch(NamedTuple):
    """Hair combed once, and how it moved.

    Attributes:
        strokes: states and strokes over crops, hair seen in full.
        motion: [B, X/2, Y/2, Z/2, 6] displacement [m] and change of direction of the hair in each cell.
    """

    strokes: StrokeBatch
    motion: Tensor


class ParticleTask:
    """Predict how the particles of hair move; always from true hair, and one stroke ahead."""

    def __init__(
        self, model: ParticleGraph, store: Store, config: TrainDynamicsConfig, device: torch.device
    ) -> None:
        self._model = model
        self._store = store
        self._config = config
        self._device = device
        self._training, self._cutter = training_episodes(store, device)
        families = store.require("training").families
        self._chances = class_chances(families) if config.balanced else None
        self._held_back = held_back_strokes(store, "full")

    def trainable(self) -> nn.Module:
        """Return the graph."""
        return self._model

    def draw(self, rng: np.random.Generator, progress: float) -> ParticleBatch:
        """Return random strokes and what they did to strands."""
        del progress
        grid = self._store.grid
        rows = random_strokes(
            self._training,
            grid,
            rng,
            batch=self._config.batch,
            horizon=1,
            cameras_share=0.0,
            chances=self._chances,
        )
        motion = np.stack([self._motion(row, grid) for row in rows])
        return ParticleBatch(self._cutter.strokes(rows, 1), torch.from_numpy(motion))

    def loss(self, batch: ParticleBatch, progress: float) -> dict[str, Tensor]:
        """Return errors of displacement [voxels] and direction, and their sum."""
        del progress
        strokes, motion = batch.strokes.to(self._device), batch.motion.to(self._device)
        start = strokes.start
        hair, tool, _ = self._model.particles(
            Volume(start.occupancy, start.direction), start.head_distance, strokes.rasters[0]
        )
        found = self._model(hair, tool)
        true = motion.flatten(1, 3).gather(1, hair.cell[..., None].expand(-1, -1, 6))
        voxel = self._model.voxel
        step, turn = true[..., :3] / voxel, true[..., 3:]
        moves = (step.norm(dim=-1) > 1.0) | (turn.norm(dim=-1) > np.deg2rad(TURN))
        weight = hair.valid * torch.where(moves, self._config.changed_weight, 1.0)
        norm = weight.sum().clamp_min(1.0)
        far = nn.functional.smooth_l1_loss(found.displacement / voxel, step, reduction="none").sum(-1)
        turned = nn.functional.smooth_l1_loss(found.turn, turn, reduction="none").sum(-1)
        displacement, direction = (far * weight).sum() / norm, (turned * weight).sum() / norm
        return {"displacement": displacement, "direction": direction, "total": displacement + direction}

    @torch.no_grad()
    def validate(self) -> dict[str, float]:
        """Score held-back strokes on changed voxels."""
        self._model.eval()
        batch = self._held_back.to(self._device)
        start, after = batch.start, (batch.occupancy[0], batch.direction[0])
        before = Volume(start.occupancy, start.direction)
        volume = self._model.after(before, start.head_distance, batch.rasters[0])
        region = changed_region(changed(*before, *after), changed(*before, *volume))
        found = score(*volume, *after, region)
        return {
            "full_error": float(found.occupancy_error.mean()),
            "full_deg": float(found.direction_deg.nanmean()),
        }

    def _motion(self, row: Row, grid: GridSpec) -> np.ndarray:
        combing, stroke, _, window = row
        strands = self._store.strands(combing.index)
        return cell_motion(strands[stroke], strands[stroke + 1], window, grid)


def cell_motion(before: np.ndarray, after: np.ndarray, window: Window, grid: GridSpec) -> np.ndarray:
    """Return how hair moved in each cell of V/2 of a window, [X/2, Y/2, Z/2, 6] float32.

    Args:
        before, after: guide strands [S, V, 3] [m], head frame.
        window: low corner even.
        grid: that the window is cut from.

    Returns:
        Displacement [m] and change of the unit direction, mirrored with the window.
    """
    shown = window.grid(grid)
    place, start_heading = _points(before, mirror=window.mirror)
    target, end_heading = _points(after, mirror=window.mirror)
    shape = tuple(n // 2 for n in window.shape)
    index, inside = GridSpec(shown.origin, 2.0 * shown.voxel, (shape[0], shape[1], shape[2])).indices(place)
    flat = np.ravel_multi_index(tuple(index[inside].T), shape)
    values = np.concatenate([target - place, end_heading - start_heading], axis=1)[inside]
    size = int(np.prod(shape))
    count = np.bincount(flat, minlength=size)
    total = np.stack([np.bincount(flat, column, minlength=size) for column in values.T], axis=-1)
    field = (total / np.maximum(count, 1)[:, None]).reshape(*shape, 6)
    known = (count > 0).reshape(shape)
    if known.any():
        field = field[nearest_known(known)]
    return field.astype(np.float32)


def _points(strands: np.ndarray, *, mirror: bool) -> tuple[np.ndarray, np.ndarray]:
    """Return `PIECES` points of every edge of strands [S, V, 3], and unit directions there, [M, 3] each."""
    if mirror:
        strands = strands * np.array([1.0, -1.0, 1.0], np.float32)
    edge = np.diff(strands, axis=1)
    share = (np.arange(PIECES) + 0.5)[:, None] / PIECES
    points = strands[:, :-1, None] + edge[:, :, None] * share
    heading = edge / np.maximum(np.linalg.norm(edge, axis=-1, keepdims=True), 1e-9)
    return points.reshape(-1, 3), np.broadcast_to(heading[:, :, None], points.shape).reshape(-1, 3)
