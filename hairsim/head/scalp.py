"""Where hair grows: a hairline in a head's own proportions, and even clouds of points above it."""

from __future__ import annotations

import numpy as np
from scipy.spatial import KDTree

from hairsim.errors import CombwiseError
from hairsim.head.head import DistanceField, Scalp

SCALP_POINTS = 6000

ROOTS_FAR = 0.03
"""Roots whose median lies further from the skin [m] belong to another head, unit or frame."""

HAIRLINE_AZIMUTH = np.radians(
    [0.0, 25.0, 42.0, 55.0, 66.0, 74.0, 84.0, 92.0, 112.0, 126.0, 140.0, 155.0, 180.0]
)
HAIRLINE_HEIGHT = (
    np.array([87.0, 86.0, 83.0, 68.0, 45.0, 24.0, 16.0, 44.0, 46.0, 12.0, -28.0, -52.0, -58.0]) / 131.0
)
"""The hairline: azimuth from the nose about the cranium's centre against height over the tragi, in units
of tragion-to-vertex height: forehead (trichion), temple, sideburn, over the ear, behind it, nape. Drawn by
us after the usual picture of the hairline: trichion about 65 mm above the sellion, nape at the hollow."""


def above_hairline(points: np.ndarray, *, centre: np.ndarray, vertex_height: float) -> np.ndarray:
    """Return which skin points [N, 3] [m] lie within the hairline, [N] bool.

    Args:
        points: on the skin, head frame.
        centre: centre of the cranium [m], about which azimuth is measured.
        vertex_height: tragion-to-vertex height of this head [m].
    """
    azimuth = np.abs(np.arctan2(points[:, 1] - centre[1], points[:, 0] - centre[0]))
    return points[:, 2] > vertex_height * np.interp(azimuth, HAIRLINE_AZIMUTH, HAIRLINE_HEIGHT)


def even_subset(points: np.ndarray, count: int, rng: np.random.Generator) -> np.ndarray:
    """Choose points that keep as far from each other as they can: farthest-point sampling.

    Args:
        points: [P, 3] [m].
        count: how many to choose; all of them when there are no more.
        rng: chooses the first point, nothing else.

    Returns:
        Indices [count] int64, in the order chosen.
    """
    if count >= len(points):
        return np.arange(len(points))
    columns = np.ascontiguousarray(points.T, dtype=np.float32)
    chosen = np.empty(count, np.int64)
    chosen[0] = rng.integers(len(points))
    nearest = np.full(len(points), np.inf, np.float32)
    for step in range(1, count):
        x, y, z = columns[:, chosen[step - 1]]
        squared = (columns[0] - x) ** 2 + (columns[1] - y) ** 2 + (columns[2] - z) ** 2
        np.minimum(nearest, squared, out=nearest)
        chosen[step] = np.argmax(nearest)
    return chosen


def poisson_subset(points: np.ndarray, count: int, rng: np.random.Generator) -> np.ndarray:
    """Choose about `count` of many points with no two closer than one radius (Poisson disks).

    Random priorities; a point stays when no remaining neighbour has a higher one: parallel dart throwing.

    Args:
        points: [P, 3] [m], dense (several times `count`) and uniform by area.
        count: how many are wanted; the number found is within about 3 % of it.
        rng: draws the priorities.

    Returns:
        Indices int64, sorted.
    """
    tree = KDTree(points)
    spacing = float(np.median(tree.query(points, k=9)[0][:, 8]))  # 8 neighbours in a disk of this radius
    radius = spacing * np.sqrt(len(points) * 0.70 / 8.0 / count * np.pi)
    priority = rng.permutation(len(points))
    kept = np.empty(0, np.int64)
    for _ in range(3):  # the packing density of finite candidates is not known beforehand: correct the radius
        kept = _dart_rounds(tree.query_pairs(radius, output_type="ndarray"), priority)
        if abs(len(kept) - count) <= 0.02 * count:
            break
        radius *= np.sqrt(len(kept) / count)
    return kept


def _dart_rounds(pairs: np.ndarray, priority: np.ndarray) -> np.ndarray:
    """Return the maximal independent set of a neighbour graph that greedy choice by priority gives."""
    chosen = np.zeros(len(priority), bool)
    open_point = np.ones(len(priority), bool)
    while open_point.any():
        higher_first = priority[pairs[:, 0]] > priority[pairs[:, 1]]
        beaten = np.zeros(len(priority), bool)
        beaten[np.where(higher_first, pairs[:, 1], pairs[:, 0])] = True
        winners = open_point & ~beaten
        chosen |= winners
        gone = winners.copy()
        gone[pairs[winners[pairs[:, 0]], 1]] = True
        gone[pairs[winners[pairs[:, 1]], 0]] = True
        open_point &= ~gone
        pairs = pairs[open_point[pairs].all(axis=1)]
    return np.flatnonzero(chosen)


def scalp_above_hairline(field: DistanceField, *, centre: np.ndarray, vertex_height: float) -> Scalp:
    """Return the scalp of a head of which only the skin is known: all above the usual hairline.

    Args:
        field: the head.
        centre: centre of the cranium [m].
        vertex_height: tragion-to-vertex height [m].
    """
    rng = np.random.default_rng(2014)
    points = _skin_cloud(field, np.array([-0.14, -0.11, -0.09]), np.array([0.14, 0.11, 0.17]), rng)
    return _thinned(field, points[above_hairline(points, centre=centre, vertex_height=vertex_height)], rng)


def scalp_around_roots(field: DistanceField, roots: np.ndarray) -> Scalp:
    """Return the skin around strand roots [N, 3] [m], head frame, as a scalp.

    Raises:
        CombwiseError: the roots are not near this head.
    """
    if roots.ndim != 2 or roots.shape[1] != 3 or len(roots) < 4 or not np.isfinite(roots).all():
        raise CombwiseError(f"scalp roots have shape {roots.shape} or hold NaN; expected finite [N >= 4, 3]")
    away = float(np.median(np.abs(field.sample(roots))))
    if away > ROOTS_FAR:
        raise CombwiseError(
            f"the strand roots lie {1e3 * away:.0f} mm from the head's skin (median); expected at most "
            f"{1e3 * ROOTS_FAR:.0f} mm: are groom and head in the same units, axes and place?"
        )
    roots = onto_skin(field, roots)
    rng = np.random.default_rng(2014)
    points = _skin_cloud(field, roots.min(axis=0) - 0.01, roots.max(axis=0) + 0.01, rng)
    tree = KDTree(roots)
    reach = max(0.005, 2.0 * float(np.median(tree.query(roots, k=2)[0][:, 1])))
    return _thinned(field, points[tree.query(points)[0] < reach], rng)


def onto_skin(field: DistanceField, points: np.ndarray) -> np.ndarray:
    """Return the skin points [N, 3] nearest to points [N, 3] [m], by walking down the distance."""
    points = np.array(points, np.float64)
    for _ in range(8):
        points -= field.sample(points)[:, None] * field.gradient(points)
    return points


def _skin_cloud(
    field: DistanceField, low: np.ndarray, high: np.ndarray, rng: np.random.Generator
) -> np.ndarray:
    """Return dense skin points within a box: a thin shell, uniform by volume, is uniform by area."""
    box = rng.uniform(low, high, (500_000, 3))
    return onto_skin(field, box[np.abs(field.sample(box)) < 0.003])


def _thinned(field: DistanceField, points: np.ndarray, rng: np.random.Generator) -> Scalp:
    kept = points[poisson_subset(points, SCALP_POINTS, rng)]
    return Scalp(points=kept.astype(np.float32), normals=field.gradient(kept).astype(np.float32))
