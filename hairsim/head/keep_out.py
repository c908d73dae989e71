"""Where a comb must never be, whatever a plan says: eyes, face, ears, neck. Head frame.

One list, for everybody: the robot's supervisor stops at it, a virtual salon can be asked to respect it.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np

from hairsim.head.head import Head

Vector = tuple[float, float, float]

KeepOutZones = Literal["adult"]
"""The sets of zones that can be asked for by name."""


MARGIN = 0.008
"""By how much the zones are larger than what they protect, whatever the size of the head [m]."""

CRANIUM = np.array([0.191, 0.152, 0.1305])
"""Of the head that the zones are drawn on, as `cranium` measures it: length, breadth, height [m]."""

EAR_OUT, EAR_HALF_DEPTH, NOSE_OUT = 0.0848, 0.0115, 0.1127
"""How far its ears reach to the side, half of their own depth, and how far its nose reaches out [m]."""

NOSE_HEIGHTS = (-0.035, -0.025, -0.015, -0.005)
"""Where a nose is looked for, above the tragi [m]."""

LARGEST_EARS, LARGEST_NOSE = 1.4, 0.030
"""Relative to its ears, and beyond its nose [m]: what reaches further is something else."""


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

    Drawn on the built-in head and `MARGIN` larger than what they protect. The lower rim of the eyes lies
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


def zones_of(head: Head) -> tuple[Zone, ...]:
    """Return the zones of a head of any shape.

    An adult's are stretched along each axis as the head's cranium is, and grow with its ears and its nose;
    the margin around what they protect stays. What a mesh has in other places than an adult of its size is
    not found: look at the zones of such a head before an arm goes near it.
    """
    # Half a percent is finer than the margin, and coarse enough for the built-in head to be exactly itself.
    stretch = np.round(cranium(head) / CRANIUM, 2)
    ears, nose = _ear_size(head, stretch), _nose_excess(head, stretch)
    zones = []
    for zone in adult_zones():
        larger = stretch * (ears if zone.name.endswith("ear") else 1.0)
        radii = np.array(zone.radii) + (np.array(zone.radii) - MARGIN) * (larger - 1.0)
        radii[0] += nose if zone.name == "face" else 0.0
        x, y, z = (np.array(zone.centre) * stretch).tolist()
        a, b, c = radii.tolist()
        zones.append(Zone(zone.name, (x, y, z), (a, b, c)))
    return tuple(zones)


def cranium(head: Head) -> np.ndarray:
    """Return length, breadth and height above the tragi [3] [m] of a head's cranium, through its centre."""
    ways = np.array([[1.0, 0.0, 0.0], [-1.0, 0.0, 0.0], [0.0, 1.0, 0.0], [0.0, -1.0, 0.0], [0.0, 0.0, 1.0]])
    front, back, left, right, top = head.surface_point(ways)
    return np.array([front[0] - back[0], left[1] - right[1], top[2]])


def _ear_size(head: Head, stretch: np.ndarray) -> float:
    """Return the size of the larger ear relative to an adult's on a head so stretched; at least 1."""
    (x, y, z), side = adult_zones()[3].centre, np.array([1.0, -1.0, 1.0])
    line = np.linspace([x, 0.5 * y, z], [x, 1.5 * y, z], 200) * stretch
    reach = max(_reach(head, line)[1], -_reach(head, line * side)[1]) / stretch[1]
    # Rounded up: a tenth too large costs a millimetre or two around the ear.
    return float(np.clip(np.ceil(10.0 + 10.0 * (reach - EAR_OUT) / EAR_HALF_DEPTH) / 10.0, 1.0, LARGEST_EARS))


def _nose_excess(head: Head, stretch: np.ndarray) -> float:
    """Return how much further its nose reaches out than an adult's on a head so stretched [m]; at least 0."""
    rows = [_reach(head, np.linspace([0.07, 0.0, z], [0.15, 0.0, z], 200) * stretch)[0] for z in NOSE_HEIGHTS]
    return float(np.clip(max(rows) - NOSE_OUT * stretch[0], 0.0, LARGEST_NOSE))


def _reach(head: Head, line: np.ndarray) -> np.ndarray:
    """Return the last point [3] of a line [N, 3] [m] that lies in a head; its first where none does."""
    inside = np.flatnonzero(head.field.sample(line) < 0.0)
    return line[inside[-1]] if len(inside) else line[0]


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
