"""Pictures of volumes: hair before, as predicted and as simulated, side by side."""

from __future__ import annotations

import io
from collections.abc import Sequence

import imageio.v3 as imageio
import numpy as np
from torch import Tensor

from dynamics.baselines.predictors import Volume

SCALE = 4
"""Pixels a voxel."""

VIEWS = ((1, False), (0, False), (2, True))
"""Rows of a picture: the axis that is looked along, and whether it is drawn as it lies in memory."""


def draw_volumes(*volumes: Volume) -> bytes:
    """Return a PNG of volumes of one size side by side, seen from the left, the front and above (rows).

    Colours are directions, as in `draw_prediction`.
    """
    shown = [_first(v) for v in volumes]
    return _png([[_projected(*hair, axis) for hair in shown] for axis, _ in VIEWS])


def draw_prediction(before: Volume, predicted: Volume, truth: Volume) -> bytes:
    """Return a PNG of one sample seen from the left, the front and above (rows).

    Columns: before, predicted, simulated, and where prediction (red) and truth (green) part, with
    where both are hair in grey. Colours of the first three are directions: x red, y green, z blue.
    """
    volumes = [_first(v) for v in (before, predicted, truth)]
    rows = []
    for axis, _ in VIEWS:
        pictures = [_projected(occupancy, direction, axis) for occupancy, direction in volumes]
        rows.append([*pictures, _difference(volumes[1][0], volumes[2][0], axis)])
    return _png(rows)


def _png(views: Sequence[Sequence[np.ndarray]]) -> bytes:
    """Return a PNG of projections [A, B, 3] uint8, the rows those of `VIEWS`."""
    rows = [
        np.concatenate([_upright(p, flip) for p in pictures], axis=1)
        for (_, flip), pictures in zip(VIEWS, views, strict=True)
    ]
    width = max(row.shape[1] for row in rows)
    padded = [np.pad(row, ((0, 2), (0, width - row.shape[1]), (0, 0))) for row in rows]
    picture = np.kron(np.concatenate(padded), np.ones((SCALE, SCALE, 1), np.uint8))
    buffer = io.BytesIO()
    imageio.imwrite(buffer, picture, extension=".png")
    return buffer.getvalue()


def _first(volume: Volume) -> tuple[np.ndarray, np.ndarray]:
    def array(x: Tensor) -> np.ndarray:
        return x[0].detach().cpu().float().numpy()

    return array(volume.occupancy) >= 0.5, array(volume.direction)


def _projected(hair: np.ndarray, direction: np.ndarray, axis: int) -> np.ndarray:
    """Return mean direction colours along an axis, [A, B, 3] uint8."""
    depth = hair.sum(axis, keepdims=True)
    mean = (direction * hair[..., None]).sum(axis) / np.maximum(depth, 1).squeeze(axis)[..., None]
    colour = 0.5 + 0.5 * mean
    lit = colour * (0.35 + 0.65 * np.clip(depth.squeeze(axis)[..., None] / 6.0, 0.0, 1.0))
    return (255.0 * np.where(depth.squeeze(axis)[..., None] > 0, lit, 0.08)).astype(np.uint8)


def _difference(predicted: np.ndarray, truth: np.ndarray, axis: int) -> np.ndarray:
    """Return counts of voxels: only predicted red, only true green, both grey."""
    both = (predicted & truth).sum(axis) / 10.0
    wrong, missed = (predicted & ~truth).sum(axis) / 3.0, (truth & ~predicted).sum(axis) / 3.0
    picture = 0.3 * np.clip(both, 0.0, 1.0)[..., None] + np.stack([wrong, missed, 0.0 * wrong], axis=-1)
    return (255.0 * np.clip(picture, 0.0, 1.0)).astype(np.uint8)


def _upright(picture: np.ndarray, flip: bool) -> np.ndarray:
    """Turn [A, B] so that the second axis points up; from above, so that the nose points up."""
    turned = picture if flip else picture.transpose(1, 0, 2)
    return np.pad(turned[::-1], ((0, 0), (0, 2), (0, 0)))
