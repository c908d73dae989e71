"""A built-in adult head: a smooth union of simple solids with true distances.

Proportions after the 2012 survey of U.S. Army personnel, all 6,068 men and women as one population
[Gordon2014]: no parameter and no draw knows a sex. In millimetres:

    survey's name          mean (standard deviation)    parameter, nominal    nominal head measures
    head length            196.3 (8.5)                  length 195            193, brow to back
    head breadth           152   (6.2)                  breadth 152           152
    tragion-top of head    129.6 (6.7)                  height 131            130.5

The survey counts about two men to one woman, so that its mean head is a little longer than the middle
between the two. Face, ears and neck are drawn to look right, not measured; `size` scales everything, for
children and manikins. Shapes beyond these seven parameters come as a mesh (`mesh.load_head`).
"""

from __future__ import annotations

from dataclasses import dataclass, fields
from functools import lru_cache

import numpy as np
from numpy.typing import ArrayLike

from hairsim.errors import CombwiseError
from hairsim.head.distance import Implicit, distance_from_implicit, project_to_skin
from hairsim.head.head import DistanceField, Head, Scalp
from hairsim.head.scalp import SCALP_POINTS, above_hairline, poisson_subset

NOMINAL_LENGTH, NOMINAL_BREADTH, NOMINAL_HEIGHT = 0.195, 0.152, 0.131
CENTRE = np.array([-0.006, 0.0, 0.045])
"""Centre of the cranium of the nominal head [m]."""

EAR_CENTRE = (-0.018, 0.0735, 0.005)
EAR_RADII = np.array([0.018, 0.0115, 0.031])
"""The wearer's left ear of the nominal head, an ellipsoid behind the tragus [m]."""


@dataclass(frozen=True)
class HeadShape:
    """What distinguishes one parametric head from another.

    Attributes:
        size: scale of everything.
        length: brow to the back of the head [m]; comes out 1 % shorter.
        breadth: greatest breadth above the ears [m].
        height: tragion to vertex [m].
        jaw: breadth of the jaw relative to the usual one.
        nose: how far the nose stands out, relative to the usual one.
        ears: size of the ears relative to the usual ones; 0 leaves them out.
    """

    size: float = 1.0
    length: float = NOMINAL_LENGTH
    breadth: float = NOMINAL_BREADTH
    height: float = NOMINAL_HEIGHT
    jaw: float = 1.0
    nose: float = 1.0
    ears: float = 1.0

    def __post_init__(self) -> None:
        allowed = {
            "size": (0.7, 1.15),
            "length": (0.16, 0.225),
            "breadth": (0.125, 0.18),
            "height": (0.105, 0.15),
            "jaw": (0.7, 1.3),
            "nose": (0.3, 1.6),
            "ears": (0.0, 1.4),
        }
        for field in fields(self):
            value, (low, high) = getattr(self, field.name), allowed[field.name]
            if not low <= value <= high:
                raise CombwiseError(f"head {field.name} is {value}; expected {low} .. {high}")

    @property
    def scale(self) -> np.ndarray:
        """Return the stretch of the nominal head along x, y, z, [3]."""
        return self.size * np.array(
            [self.length / NOMINAL_LENGTH, self.breadth / NOMINAL_BREADTH, self.height / NOMINAL_HEIGHT]
        )


def parametric_head(
    *,
    size: float = 1.0,
    length: float = NOMINAL_LENGTH,
    breadth: float = NOMINAL_BREADTH,
    height: float = NOMINAL_HEIGHT,
    jaw: float = 1.0,
    nose: float = 1.0,
    ears: float = 1.0,
    name: str = "built-in head",
) -> Head:
    """Make an adult head with neck and ears; arguments as in `HeadShape`, lengths in metres.

    Raises:
        CombwiseError: a parameter lies outside what a head may be.
    """
    shape = HeadShape(size=size, length=length, breadth=breadth, height=height, jaw=jaw, nose=nose, ears=ears)
    return head_of(shape, name=name)


def head_of(shape: HeadShape, *, name: str = "built-in head") -> Head:
    """Make the head of a shape."""
    field, scalp = _built(shape)
    x, y, z = (float(c) for c in CENTRE * shape.scale)
    return Head(field=field, scalp=scalp, name=name, centre=(x, y, z))


def random_head(rng: np.random.Generator) -> Head:
    """Draw an adult head, as `random_shape` does."""
    return head_of(random_shape(rng), name="random head")


def random_shape(rng: np.random.Generator) -> HeadShape:
    """Draw an adult's proportions; spreads a little under the survey's, cut at two of them.

    Each by itself: that long heads tend to be broad and high as well is left out, which makes odd heads a
    little commoner than they are. `size` stays 1, an adult's.
    """

    def around(mean: float, deviation: float) -> float:
        return float(mean + deviation * np.clip(rng.standard_normal(), -2.0, 2.0))

    return HeadShape(
        length=around(NOMINAL_LENGTH, 0.0075),
        breadth=around(NOMINAL_BREADTH, 0.0060),
        height=around(NOMINAL_HEIGHT, 0.0060),
        jaw=around(1.0, 0.06),
        nose=around(1.0, 0.15),
        ears=around(1.0, 0.10),
    )


@lru_cache(maxsize=4)
def _built(shape: HeadShape) -> tuple[DistanceField, Scalp]:
    """Build a head once; heads of one shape share these read-only arrays."""
    solid = head_solid(shape)
    field, scalp = distance_from_implicit(solid), _scalp(solid, shape)
    for array in (field.values, scalp.points, scalp.normals):
        array.setflags(write=False)
    return field, scalp


def head_solid(shape: HeadShape) -> Implicit:
    """Return the implicit solid of a head: the nominal solids, stretched."""
    stretch = shape.scale
    slope = float(np.min(stretch))

    def solid(points: np.ndarray) -> np.ndarray:
        p = np.asarray(points) / stretch
        mirrored = np.stack([p[..., 0], np.abs(p[..., 1]), p[..., 2]], axis=-1)
        value = _ellipsoid(p, (-0.0055, 0.0, 0.044), (0.0955, 0.0760, 0.0865))
        value = _union(value, _ellipsoid(p, (0.038, 0.0, -0.034), (0.053, 0.052 * shape.jaw, 0.069)), 0.022)
        value = _union(value, _ellipsoid(mirrored, (0.005, 0.040, -0.018), (0.040, 0.028, 0.050)), 0.020)
        value = _union(value, _ellipsoid(p, (0.074, 0.0, -0.086), (0.016, 0.018 * shape.jaw, 0.013)), 0.018)
        value = _union(value, _capsule(p, (-0.030, 0.0, -0.02), (-0.048, 0.0, -0.50), 0.054), 0.020)
        value = _union(value, _ellipsoid(mirrored, (0.080, 0.022, 0.029), (0.012, 0.026, 0.009)), 0.010)
        value = _carve(value, _ellipsoid(mirrored, (0.0975, 0.033, 0.012), (0.013, 0.016, 0.010)), 0.010)
        tip = 0.088 + 0.018 * shape.nose
        value = _union(value, _capsule(p, (0.083, 0.0, 0.016), (tip, 0.0, -0.020), 0.0085), 0.008)
        value = _union(value, _ellipsoid(p, (0.088, 0.0, -0.053), (0.008, 0.022, 0.009)), 0.008)
        if shape.ears > 0.0:
            value = _union(value, _ellipsoid(mirrored, EAR_CENTRE, EAR_RADII * shape.ears), 0.006)
        return value * slope

    return solid


def _scalp(solid: Implicit, shape: HeadShape) -> Scalp:
    """Sample the skin above the hairline evenly; the same cloud for the same shape."""
    rng = np.random.default_rng(2014)
    low, high = np.array([-0.11, -0.09, -0.07]) * shape.scale, np.array([0.10, 0.09, 0.14]) * shape.scale
    box = rng.uniform(low, high, (400_000, 3))
    shell = box[np.abs(solid(box)) < 0.003]  # a thin shell, uniform by volume, is uniform by area on the skin
    points, normals = project_to_skin(solid, shell, steps=3)
    nominal = points / shape.scale
    hairy = above_hairline(nominal, centre=CENTRE, vertex_height=NOMINAL_HEIGHT)
    if shape.ears > 0.0:
        mirrored = np.stack([nominal[:, 0], np.abs(nominal[:, 1]), nominal[:, 2]], axis=-1)
        reach = EAR_RADII * shape.ears + 0.003
        hairy &= np.linalg.norm((mirrored - EAR_CENTRE) / reach, axis=1) > 1.0
    points, normals = points[hairy], normals[hairy]
    kept = poisson_subset(points, SCALP_POINTS, rng)
    return Scalp(points=points[kept].astype(np.float32), normals=normals[kept].astype(np.float32))


def _ellipsoid(p: np.ndarray, centre: ArrayLike, radii: ArrayLike) -> np.ndarray:
    """Return the usual first-order distance [...] to an ellipsoid: k0 (k0 - 1) / k1, k1 = |q / r^2|."""
    radii = np.asarray(radii)
    q = (p - np.asarray(centre)) / radii
    k0 = np.sqrt(np.einsum("...i,...i->...", q, q))
    q /= radii
    k1 = np.sqrt(np.einsum("...i,...i->...", q, q))
    return np.where(k1 > 1e-9, k0 * (k0 - 1.0) / np.maximum(k1, 1e-9), -np.min(radii))


def _capsule(p: np.ndarray, start: ArrayLike, end: ArrayLike, radius: float) -> np.ndarray:
    """Return the distance [...] to a capsule [m]."""
    a, axis = np.asarray(start), np.asarray(end) - np.asarray(start)
    along = np.clip((p - a) @ axis / (axis @ axis), 0.0, 1.0)
    return np.linalg.norm(p - a - along[..., None] * axis, axis=-1) - radius


def _union(a: np.ndarray, b: np.ndarray, blend: float) -> np.ndarray:
    """Return the smooth union (quadratic smooth minimum) with a blend of this width [m]."""
    h = np.maximum(blend - np.abs(a - b), 0.0) / blend
    return np.minimum(a, b) - 0.25 * h * h * blend


def _carve(a: np.ndarray, b: np.ndarray, blend: float) -> np.ndarray:
    """Return solid a without solid b, edges smoothed."""
    return -_union(-a, b, blend)
