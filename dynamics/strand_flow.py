"""Where hair went during a stroke, voxel by voxel, from the strands before and after it."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy.spatial import KDTree

from hairsim.volume import GridSpec

MOVES = 0.5
"""Displacement from which hair counts as moving [voxels]."""

NEAREST = 6
"""Points on guides that a voxel of interpolated hair looks at."""

SPREAD = 0.008
"""Distance over which they lose weight [m]: about the radius of a guide's bundle."""


@dataclass(frozen=True)
class HairFlow:
    """The flow at the voxels of hair.

    Attributes:
        place: [M, 3] int16 voxel coordinates.
        share: [M] uint8, share of the hair that moves, times 255.
        displacement: [M, 3] float16, of what moves [voxels].
        heading: [M, 3] int8, its direction afterwards, times 127.
    """

    place: np.ndarray
    share: np.ndarray
    displacement: np.ndarray
    heading: np.ndarray


def strand_flow(before: np.ndarray, after: np.ndarray, place: np.ndarray, grid: GridSpec) -> HairFlow:
    """Return the flow at voxels of hair.

    Args:
        before, after: [S, V, 3] guide strands [m].
        place: [M, 3] voxels of the hair that is interpolated between them.
        grid: where the voxels are.
    """
    share_along = np.array([0.25, 0.75])[:, None, None, None]
    points = (before[:, :-1] * (1.0 - share_along) + before[:, 1:] * share_along).reshape(-1, 3)
    moved = (after[:, :-1] * (1.0 - share_along) + after[:, 1:] * share_along).reshape(-1, 3)
    edge = np.diff(after, axis=1)
    edge = edge / np.maximum(np.linalg.norm(edge, axis=-1, keepdims=True), 1e-9)
    heading = np.concatenate([edge.reshape(-1, 3)] * 2)
    displacement = (moved - points) / grid.voxel
    moves = np.linalg.norm(displacement, axis=-1) > MOVES
    centres = np.asarray(grid.origin) + (place + 0.5) * grid.voxel
    distance, index = KDTree(points).query(centres, k=min(NEAREST, len(points)))
    distance = distance.reshape(len(place), -1)
    index = index.reshape(distance.shape)
    weight = np.exp(-((distance / SPREAD) ** 2)) + 1e-6
    moving = weight * moves[index]
    total = np.maximum(moving.sum(axis=1, keepdims=True), 1e-12)
    way = np.einsum("mk,mkc->mc", moving / total, displacement[index])
    turned = np.einsum("mk,mkc->mc", moving / total, heading[index])
    turned = turned / np.maximum(np.linalg.norm(turned, axis=-1, keepdims=True), 1e-9)
    share = moving.sum(axis=1) / weight.sum(axis=1)
    return HairFlow(
        place,
        np.rint(255.0 * share).astype(np.uint8),
        way.astype(np.float16),
        np.rint(127.0 * turned).astype(np.int8),
    )
