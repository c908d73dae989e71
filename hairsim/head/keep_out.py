"""Where a comb must never be, whatever a plan says: eyes, face, ears, neck. Head frame.

One list, for everybody: the robot's supervisor stops at it, a virtual salon can be asked to respect it.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np

Vector = tuple[float, float, float]

KeepOutZones = Literal["adult"]
"""The sets of zones that can be asked for by name."""


@dataclass(frozen=True)
class Zone:
    """An ellipsoid along the head's axes.

    Attributes:
        name: what it protects.
        centre: [m].
        radii: half lengths along x, y, z [m].
    """

    name: str
    centre: Vector
    radii: Vector

    def depth(self, point: Vector) -> float:
        """Return how deep a point lies inside [m], negative outside; exact on spheres, else a lower bound."""
        level = math.sqrt(
            sum(((p - c) / r) ** 2 for p, c, r in zip(point, self.centre, self.radii, strict=True))
        )
        return (1.0 - level) * min(self.radii)


def adult_zones() -> tuple[Zone, ...]:
    """Return the zones of an adult head.

    Drawn on the built-in head and a centimetre larger than what they protect. The lower rim of the eyes lies
    at the height of the tragi (the Frankfurt plane), which is the head frame's z = 0.
    """
    return (
        Zone("left eye", (0.085, 0.032, 0.012), (0.030, 0.030, 0.028)),
        Zone("right eye", (0.085, -0.032, 0.012), (0.030, 0.030, 0.028)),
        Zone("face", (0.075, 0.0, -0.045), (0.055, 0.062, 0.060)),
        Zone("left ear", (-0.018, 0.0735, 0.005), (0.026, 0.020, 0.039)),
        Zone("right ear", (-0.018, -0.0735, 0.005), (0.026, 0.020, 0.039)),
        Zone("neck", (0.010, 0.0, -0.150), (0.072, 0.068, 0.085)),
    )


def zone_depths(zones: Sequence[Zone], points: np.ndarray) -> np.ndarray:
    """Return how deep the deepest of points [P, 3] [m] lies in each zone [m], negative outside of it.

    As deep as can be, infinitely, where a point is no number: nobody knows where that comb is.
    """
    at = np.asarray(points, np.float64)
    centres = np.array([zone.centre for zone in zones])[:, None]
    radii = np.array([zone.radii for zone in zones])
    level = np.sqrt((((at - centres) / radii[:, None]) ** 2).sum(axis=-1))
    depth = (1.0 - level) * radii.min(axis=-1)[:, None]
    return np.where(np.isfinite(at).all(axis=-1), depth, np.inf).max(axis=-1)
