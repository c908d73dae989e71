"""Children: the hairs that cameras and volumes see, interpolated between guide strands."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from scipy.spatial import KDTree

from hairsim.errors import CombwiseError
from hairsim.groom.coils import Winding, wind
from hairsim.groom.groom import Groom
from hairsim.head.scalp import even_subset

SAME_WAY = 0.010
"""Guides whose shapes, roots brought together, differ by more than 1.5 times this on average [m] are not
mixed, and from half of it less and less: they fall to other sides of a part, or curl out of step, and
their mean would be a strand that nobody has."""

SMOOTHING = 0.010
"""Distance between roots [m] at which a guide's weight has fallen to 1/e beside the nearest guide's."""

SKIN_MARGIN = 0.001
"""Children's roots are raised by this [m]: between guides the skin is known from the guides' roots alone, and
at the hollow of the nape it lies up to this much above the sphere through them (measured)."""


@dataclass(frozen=True)
class Children:
    """Static sparse weights from guide strands to children.

    A child is a weighted mean of at most three neighbouring guides plus a small constant offset, its place
    in the cross-section of the bundle. Whatever moves the guides moves the children, linearly; coils are
    then wound about them.

    Attributes:
        guides: [N, 3] int64, guide indices.
        weights: [N, 3] float32, summing to 1.
        root_offset: [N, 3] float32 [m], from the mean of the guides' roots to the child's root.
        tip_offset: [N, 3] float32 [m], the same at the tip; in between it is interpolated.
        hair_count: hairs that each child stands for.
        winding: coils about the children; None when the groom is not coily.
    """

    guides: np.ndarray
    weights: np.ndarray
    root_offset: np.ndarray
    tip_offset: np.ndarray
    hair_count: float
    winding: Winding | None = None

    def strands(self, guide_strands: np.ndarray) -> np.ndarray:
        """Return the children [N, V, 3] float32 [m] of guide strands [S, V, 3] in any pose.

        Coily children have more points, `winding.points`, than their guides.

        Raises:
            CombwiseError: the guides are not those that these weights were made for.
        """
        least = int(self.guides.max()) + 1
        if guide_strands.ndim != 3 or guide_strands.shape[2] != 3 or len(guide_strands) < least:
            raise CombwiseError(
                f"guide strands have shape {guide_strands.shape}; expected [S >= {least}, V, 3]"
            )
        guide = np.ascontiguousarray(guide_strands, dtype=np.float32)
        vertices = guide.shape[1]
        flat = guide.reshape(len(guide), -1)
        child = flat[self.guides[:, 0]] * self.weights[:, :1]
        for neighbour in (1, 2):
            child += flat[self.guides[:, neighbour]] * self.weights[:, neighbour : neighbour + 1]
        child = child.reshape(len(child), vertices, 3)
        along = np.linspace(0.0, 1.0, vertices, dtype=np.float32)[None, :, None]
        child += self.root_offset[:, None]
        child += along * (self.tip_offset - self.root_offset)[:, None]
        return child if self.winding is None else self.winding.wound(child)


def make_children(groom: Groom, *, count: int = 4000, seed: int = 0) -> Children:
    """Spread children evenly over the scalp that the guides' roots cover, and weigh their guides.

    Args:
        groom: guides; their roots and shapes decide the weights, once.
        count: how many children, N; all together stand for as many hairs as the guides.
        seed: same seed, same children.

    Raises:
        CombwiseError: fewer children than one, or fewer than four guides.
    """
    if count < 1:
        raise CombwiseError(f"{count} children were asked for; expected at least 1")
    if len(groom.strands) < 4:
        raise CombwiseError(f"groom '{groom.name}' has {len(groom.strands)} guides; children need at least 4")
    rng = np.random.default_rng((seed, len(groom.strands)))
    strands = groom.strands.astype(np.float64)
    roots = strands[:, 0]
    spacing = float(np.median(KDTree(roots).query(roots, k=2)[0][:, 1]))
    child_roots, nearest = _child_roots(strands, count, spacing, rng)

    distance, neighbour = KDTree(roots).query(child_roots, k=min(8, len(roots)))
    order = np.argsort(np.where(neighbour == nearest[:, None], -1.0, distance), axis=1)
    neighbour = np.take_along_axis(neighbour, order, axis=1)
    neighbour[:, 0] = nearest
    distance = np.linalg.norm(roots[neighbour] - child_roots[:, None], axis=-1)
    shape = strands - roots[:, None]
    differs = np.linalg.norm(shape[neighbour] - shape[nearest][:, None], axis=-1).mean(axis=-1)
    scale = max(SMOOTHING, 0.6 * spacing)
    weights = np.exp(-((distance / scale) ** 2)) * np.clip(1.5 - differs / SAME_WAY, 0.0, 1.0)
    weights[:, 0] = np.maximum(weights[:, 0], 1e-3)
    best = np.argsort(-weights, axis=1)[:, :3]
    weights = np.take_along_axis(weights, best, axis=1)
    weights /= weights.sum(axis=1, keepdims=True)
    guides = np.take_along_axis(neighbour, best, axis=1)

    mean_root = np.einsum("nk,nkc->nc", weights, roots[guides])
    root_offset = child_roots - mean_root
    radius = groom.bundle_radius
    spread = rng.standard_normal((count, 3)) * (0.30 * radius)
    heading = _unit(np.einsum("nk,nkc->nc", weights, strands[guides, -1] - strands[guides, -2]))
    spread -= np.sum(spread * heading, axis=1, keepdims=True) * heading  # in the bundle's cross-section
    straight = Children(
        guides=guides.astype(np.int64),
        weights=weights.astype(np.float32),
        root_offset=root_offset.astype(np.float32),
        tip_offset=(0.6 * root_offset + spread).astype(np.float32),
        hair_count=float(groom.hair_count.sum()) / count,
    )
    if groom.coil is None:
        return straight
    winding = wind(groom.coil, straight.strands(groom.strands), straight.guides[:, 0], rng)
    return replace(straight, winding=winding)


def _child_roots(
    strands: np.ndarray, count: int, spacing: float, rng: np.random.Generator
) -> tuple[np.ndarray, np.ndarray]:
    """Return even child roots [N, 3] near the skin and the nearest guide of each, [N].

    Without the head at hand the skin is taken from the roots themselves: candidates lie on triangles
    between neighbouring roots, raised onto the sphere that fits the roots there.
    """
    roots = strands[:, 0]
    ring = np.asarray(KDTree(roots).query(roots, k=min(7, len(roots)))[1])
    centre = roots.mean(axis=0)
    per_guide = int(np.ceil(3.0 * count / len(roots))) + 1
    base = np.repeat(np.arange(len(roots)), per_guide)
    pick = rng.integers(1, ring.shape[1], (len(base), 2))
    corner = np.stack([base, ring[base, pick[:, 0]], ring[base, pick[:, 1]]], axis=1)
    share = rng.dirichlet((1.0, 1.0, 1.0), len(base))
    flat = np.einsum("nk,nkc->nc", share, roots[corner])
    span = np.linalg.norm(roots[corner] - roots[np.roll(corner, 1, axis=1)], axis=-1).max(axis=1)
    distance = np.linalg.norm(roots[corner] - centre, axis=-1)
    outward = _unit(flat - centre)
    raised = np.einsum("nk,nk->n", share, distance) + SKIN_MARGIN
    points = centre + outward * raised[:, None]
    points = points[span < 3.0 * spacing]
    while len(points) < count:
        points = np.concatenate([points, points])
    points = points[even_subset(points, count, rng)]
    _, nearest = KDTree(roots).query(points)
    return points, np.asarray(nearest)


def _unit(vector: np.ndarray) -> np.ndarray:
    return vector / np.maximum(np.linalg.norm(vector, axis=-1, keepdims=True), 1e-12)
