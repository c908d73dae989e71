"""Where strands are rooted: even subsets of a head's scalp cloud, which are Poisson-disk sets."""

from __future__ import annotations

import numpy as np
from scipy.spatial import KDTree

from hairsim.errors import CombwiseError
from hairsim.head.head import Head
from hairsim.head.scalp import even_subset


def even_roots(head: Head, count: int, rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
    """Choose evenly spread roots on a scalp; another seed gives another choice.

    Farthest-point sampling of a random part of the cloud: no two roots are closer than 0.75 of the mean
    distance to the nearest one, and up to 500 roots no skin is further from a root than 1.5 times the least
    distance: a maximal Poisson-disk set, within the cloud's own spacing.

    Returns:
        Roots [S, 3] [m] on the skin and outward unit normals [S, 3], float64, head frame.

    Raises:
        CombwiseError: the scalp cloud has fewer points than roots are wanted.
    """
    available = len(head.scalp.points)
    if not 1 <= count <= available:
        raise CombwiseError(
            f"{count} roots were asked of the scalp of '{head.name}', which has {available} points; "
            f"expected 1 .. {available}"
        )
    # Thin the cloud at random first, otherwise every seed's farthest points are nearly the same.
    pool = rng.permutation(available)[: max(count, int(0.6 * available))]
    chosen = pool[even_subset(head.scalp.points[pool], count, rng)]
    return head.scalp.points[chosen].astype(np.float64), head.scalp.normals[chosen].astype(np.float64)


def clumps(roots: np.ndarray, size: float, rng: np.random.Generator) -> np.ndarray:
    """Group neighbouring roots [S, 3] into locks of about `size` strands; return the lock of each, [S]."""
    leaders = even_subset(roots, max(1, round(len(roots) / size)), rng)
    _, lock = KDTree(roots[leaders]).query(roots)
    return np.asarray(lock)
