"""Fuse lifted hair points of all cameras into a shell of occupied voxels with undirected directions."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from hairsim.cameras.camera import Frame
from hairsim.volume import GridSpec
from planner.observe.lift import HairPoints

SHELL_DEPTHS = (0.25, 0.75, 1.25)
"""Where samples are put behind the measured surface [voxels]: the shell is one to two voxels thick."""

FULL_COVER = 0.5
"""Share of a voxel's face that hair pixels must cover, in each layer, for full occupancy."""

FREE_MARGIN = 1.25
"""A voxel further than this in front of a measured surface is free [voxels]: half its diagonal and noise."""


@dataclass(frozen=True)
class Shell:
    """The voxels in which hair was seen.

    Attributes:
        index: [M, 3] voxel indices.
        occupancy: [M] float32, 0 .. 1.
        direction: [M, 3] float32, unit, sign arbitrary.
        trust: [M] float32, how well the directions of a voxel agree and how many there are.
    """

    index: np.ndarray
    occupancy: np.ndarray
    direction: np.ndarray
    trust: np.ndarray


def fuse_points(points: Sequence[HairPoints], grid: GridSpec) -> Shell:
    """Gather points into voxels: covered area becomes occupancy, the mean of w d d^T gives the direction."""
    position = np.concatenate([p.position for p in points])
    ray = np.concatenate([p.ray for p in points])
    direction = np.concatenate([p.direction for p in points])
    weight = np.concatenate([p.weight for p in points])
    area = np.concatenate([p.area for p in points])
    size = int(np.prod(grid.shape))
    d = direction
    products = np.stack([d[:, 0] ** 2, d[:, 1] ** 2, d[:, 2] ** 2, d[:, 0] * d[:, 1], d[:, 0] * d[:, 2],
                         d[:, 1] * d[:, 2]])  # fmt: skip
    cover = np.zeros(size)
    tensor = np.zeros((6, size))
    for depth in SHELL_DEPTHS:
        index, inside = grid.indices(position + ray * np.float32(depth * grid.voxel))
        flat = np.ravel_multi_index(tuple(index[inside].T), grid.shape)
        cover += np.bincount(flat, area[inside], minlength=size)
        for row in range(6):
            tensor[row] += np.bincount(flat, (weight * products[row])[inside], minlength=size)
    seen = np.flatnonzero(cover)
    full = FULL_COVER * grid.voxel**2
    t = tensor[:, seen]
    matrix = np.stack([t[[0, 3, 4]], t[[3, 1, 5]], t[[4, 5, 2]]]).transpose(2, 0, 1)
    value, vector = np.linalg.eigh(matrix)
    trust = (value[:, 2] - value[:, 1]) / np.maximum(value[:, 2] + value[:, 1], 1e-9)
    return Shell(
        index=np.stack(np.unravel_index(seen, grid.shape), axis=-1),
        occupancy=np.clip(cover[seen] / full, 0.0, 1.0).astype(np.float32),
        direction=vector[:, :, 2].astype(np.float32),
        trust=trust.astype(np.float32),
    )


def seen_free(centres: np.ndarray, frames: Sequence[Frame], margin: float) -> np.ndarray:
    """Return which points some camera sees through: they lie in front of the depth it measured.

    Args:
        centres: [M, 3] points [m], head frame.
        frames: all looks; depth 0 (nothing measured) proves nothing.
        margin: how far in front a point must lie [m].
    """
    free = np.zeros(len(centres), bool)
    for frame in frames:
        pixel, z = frame.camera.project(centres)
        column, row = np.rint(pixel).astype(np.int64).T
        visible = (z > 0.0) & (column >= 1) & (column < frame.camera.width - 1)
        visible &= (row >= 1) & (row < frame.camera.height - 1)
        column, row, z = column[visible], row[visible], z[visible]
        # All of a cross of five pixels must see past the point: one flying pixel or hole carves nothing.
        cross = ((0, 0), (1, 0), (-1, 0), (0, 1), (0, -1))
        nearest = np.min([frame.depth[row + dy, column + dx] for dy, dx in cross], axis=0)
        free[np.flatnonzero(visible)[(nearest > 0.0) & (z < nearest - margin)]] = True
    return free
