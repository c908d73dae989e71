"""Point undirected strand directions from root to tip."""

from __future__ import annotations

from itertools import product

import numpy as np
from scipy.sparse import coo_matrix, diags
from scipy.spatial import KDTree

from hairsim.head.head import Head
from hairsim.volume import GridSpec

CROWN = np.array([-0.30, 0.0, 0.954])
"""Where the whorl lies, seen from the head centre: on top, 17 degrees to the back."""


def expected_direction(points: np.ndarray, head: Head) -> np.ndarray:
    """Return the direction in which unstyled hair would run at points, with its certainty as length.

    On the scalp hair runs away from the crown along the skin; away from the scalp it hangs down and away
    from its roots.

    Args:
        points: [M, 3] [m], head frame.
        head: for its centre and scalp.

    Returns:
        [M, 3], length 0 (nothing known, at the crown) .. 1.
    """
    outward = points - np.asarray(head.centre)
    outward = outward / np.maximum(np.linalg.norm(outward, axis=1, keepdims=True), 1e-9)
    tangent = -(CROWN - (outward @ CROWN)[:, None] * outward)
    distance, nearest = KDTree(head.scalp.points).query(points)
    from_root = (points - head.scalp.points[nearest]) / np.maximum(distance, 1e-6)[:, None]
    # 3 cm off the scalp gravity has taken over from the follicles.
    hanging = np.clip(distance / 0.03, 0.0, 1.0)[:, None]
    down = np.array([0.0, 0.0, -1.0])
    expected = (1.0 - hanging) * tangent + hanging * (0.7 * down + 0.5 * from_root)
    length = np.linalg.norm(expected, axis=1, keepdims=True)
    return expected / np.maximum(length, 1.0)


def neighbour_agreement(
    index: np.ndarray, direction: np.ndarray, weight: np.ndarray, grid: GridSpec
) -> coo_matrix:
    """Return the symmetric [M, M] matrix w_i w_j (d_i . d_j) |d_i . d_j| over the 26 neighbours."""
    padded = tuple(n + 2 for n in grid.shape)
    row_of = np.full(padded, -1, np.int64)
    row_of[tuple((index + 1).T)] = np.arange(len(index))
    half = [o for o in product((-1, 0, 1), repeat=3) if o > (0, 0, 0)]
    first, second = [], []
    for offset in half:
        other = row_of[tuple((index + 1 + np.asarray(offset)).T)]
        found = np.flatnonzero(other >= 0)
        first.append(found)
        second.append(other[found])
    i, j = np.concatenate(first), np.concatenate(second)
    cosine = np.einsum("mk,mk->m", direction[i], direction[j])
    value = weight[i] * weight[j] * cosine * np.abs(cosine)
    return coo_matrix((np.r_[value, value], (np.r_[i, j], np.r_[j, i])), shape=(len(index), len(index)))


def root_to_tip(
    index: np.ndarray, direction: np.ndarray, trust: np.ndarray, head: Head, grid: GridSpec,
    *, prior: float = 0.15, iterations: int = 60,
) -> np.ndarray:  # fmt: skip
    """Return directions [M, 3] with signs chosen root to tip.

    A relaxed vote: signs s in [-1, 1] minimise sum_ij a_ij (s_i - s_j)^2 + prior sum_i c_i (s_i - p_i)^2,
    a the agreement of neighbours, p and c sign and certainty of the expected direction; solved by Jacobi
    iterations. Where the expected direction is sideways to the strand, the neighbours decide.

    Args:
        index: [M, 3] voxel indices.
        direction: [M, 3] unit, sign arbitrary.
        trust: [M] weight of a voxel's vote.
        head: for crown and scalp.
        grid: where the voxels are.
        prior: weight of the expected direction against one neighbour.
        iterations: how many voxels far a vote can travel.
    """
    centres = np.asarray(grid.origin) + grid.voxel * (index + 0.5)
    expected = expected_direction(centres, head)
    cosine = np.einsum("mk,mk->m", direction, expected)
    start = np.where(cosine < 0.0, -1.0, 1.0)
    direction = direction * start[:, None]
    pull = prior * np.abs(cosine) ** 2
    agreement = neighbour_agreement(index, direction, np.sqrt(0.05 + trust), grid).tocsr()
    spread = diags(1.0 / (np.asarray(abs(agreement).sum(axis=1)).ravel() + pull + 1e-6))
    agreement = spread @ agreement
    pull = spread @ pull
    sign = np.ones(len(index))
    for _ in range(iterations):
        sign = agreement @ sign + pull
    return np.where(sign < 0.0, -1.0, 1.0)[:, None] * direction
