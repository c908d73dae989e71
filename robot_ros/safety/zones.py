"""Where the comb must never be, whatever a plan says: eyes, face, ears, neck. Head frame."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from robot_ros.safety.samples import Vector
from robot_ros.safety.verdict import Finding, Level


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


def intrusions(zones: Sequence[Zone], points: Sequence[Vector]) -> list[Finding]:
    """Return a finding for each zone that some point lies in, with the deepest point's depth [m]."""
    if not zones or not points:
        return []
    centres = np.array([zone.centre for zone in zones])[:, None]
    radii = np.array([zone.radii for zone in zones])
    at = np.array(points, np.float64)
    level = np.sqrt((((at - centres) / radii[:, None]) ** 2).sum(axis=-1))
    depth = np.where(np.isfinite(at).all(axis=-1), (1.0 - level) * radii.min(axis=-1)[:, None], np.inf)
    deepest = depth.max(axis=-1).tolist()
    return [
        Finding("keep-out zone", Level.STOP, worst, 0.0, "m", zone.name)
        for zone, worst in zip(zones, deepest, strict=True)
        if worst > 0.0
    ]
