"""A stroke: what the comb does, as a short vector of parameters (DESIGN section 5)."""

from __future__ import annotations

from dataclasses import astuple, dataclass, fields

import numpy as np

from hairsim.errors import CombwiseError


@dataclass(frozen=True)
class Stroke:
    """One combing stroke over a head.

    Attributes:
        azimuth: direction of the start seen from the head centre, about +z from +x [rad].
        elevation: the same, above the horizontal plane [rad].
        heading: direction of travel in the tangent plane; 0 along the meridian away from the
            crown (downwards), positive counter-clockwise seen from outside [rad].
        length: arc length of the path along the head [m].
        depth: distance of the tooth tips from the skin [m].
        tilt: lean of the teeth against the direction of travel [rad].
        roll: turn of the row of teeth about the skin's normal [rad].
        speed: speed along the path [m/s].
    """

    azimuth: float
    elevation: float
    heading: float
    length: float
    depth: float
    tilt: float = 0.0
    roll: float = 0.0
    speed: float = 0.1

    def __post_init__(self) -> None:
        for field, low, high in zip(fields(self), STROKE_LOW, STROKE_HIGH, strict=True):
            value = getattr(self, field.name)
            if not np.isfinite(value) or not low - 1e-6 <= value <= high + 1e-6:
                raise CombwiseError(f"stroke {field.name} is {value}; expected {low:.4g} .. {high:.4g}")

    def to_vector(self) -> np.ndarray:
        """Return the eight parameters in the order of the attributes, [8] float64."""
        return np.array(astuple(self), np.float64)

    @staticmethod
    def from_vector(vector: np.ndarray) -> Stroke:
        """Make a stroke from [8] numbers: angles wrapped, the rest clipped to the bounds."""
        wrapped = np.array(vector, np.float64)
        for angle in (0, 2):
            wrapped[angle] = (wrapped[angle] + np.pi) % (2 * np.pi) - np.pi
        return Stroke(*(float(v) for v in np.clip(wrapped, STROKE_LOW, STROKE_HIGH)))


STROKE_LOW = np.array([-np.pi, -0.6, -np.pi, 0.03, 0.002, -0.6, -0.6, 0.05])
"""Lower bounds of the eight parameters, in the order of `Stroke`."""

STROKE_HIGH = np.array([np.pi, 1.5, np.pi, 0.25, 0.030, 0.6, 0.6, 0.25])
"""Upper bounds of the eight parameters, in the order of `Stroke`."""
