"""From a file's units and axes to the head frame: one transform for a head and its groom."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from hairsim.errors import CombwiseError

UNITS: dict[str, float] = {"m": 1.0, "cm": 0.01, "mm": 0.001, "in": 0.0254}
"""Metres in a file's unit of length."""

AXES: dict[str, np.ndarray] = {
    "y-up": np.array([[0.0, 0.0, 1.0], [1.0, 0.0, 0.0], [0.0, 1.0, 0.0]]),
    "z-up": np.eye(3),
    "z-up-facing-minus-y": np.array([[0.0, -1.0, 0.0], [1.0, 0.0, 0.0], [0.0, 0.0, 1.0]]),
}
"""Rotations to the head frame's axes (+x nose, +y wearer's left, +z up), by the name of the file's axes:
"y-up" has +z out of the nose and +x to the wearer's left; "z-up" is the head frame's own; the third is how
characters stand in Blender."""


@dataclass(frozen=True)
class HeadFrame:
    """How a file's coordinates become head-frame metres: scale, turn, then subtract the origin.

    Attributes:
        unit: the file's unit of length, a key of `UNITS`.
        axes: the file's axes, a key of `AXES`.
        origin: the point midway between the tragi, after scaling and turning [m].
    """

    unit: str = "cm"
    axes: str = "y-up"
    origin: tuple[float, float, float] = (0.0, 0.0, 0.0)

    def __post_init__(self) -> None:
        if self.unit not in UNITS:
            raise CombwiseError(f"there is no unit '{self.unit}'; expected one of {', '.join(UNITS)}")
        if self.axes not in AXES:
            raise CombwiseError(f"there are no axes '{self.axes}'; expected one of {', '.join(AXES)}")

    def apply(self, points: np.ndarray) -> np.ndarray:
        """Return points [..., 3] of the file in the head frame [m], float64."""
        return np.asarray(points, np.float64) * UNITS[self.unit] @ AXES[self.axes].T - np.asarray(self.origin)
