"""Moving rigid tools made of capsules, and the timed paths they follow."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from hairsim.errors import CombwiseError


@dataclass(frozen=True)
class Tool:
    """A rigid tool. Tool frame: origin in the middle of the row of tooth tips, +z from the tips to
    the handle (away from the head), +y along the row of teeth, +x the direction of travel.

    Attributes:
        name: what to call it.
        start, end: [C, 3] ends of the capsules' axes [m], tool frame (C capsules).
        radius: [C] radii [m].
    """

    name: str
    start: np.ndarray
    end: np.ndarray
    radius: np.ndarray


def rake_comb(teeth: int = 9, spacing: float = 0.010, tooth_length: float = 0.035) -> Tool:
    """Make a wide-toothed comb: round teeth of 2 mm radius under a spine of 4 mm radius."""
    if teeth < 2:
        raise CombwiseError(f"rake comb with {teeth} teeth; expected at least 2")
    y = (np.arange(teeth) - (teeth - 1) / 2.0) * spacing
    tips = np.stack([np.zeros(teeth), y, np.full(teeth, 0.002)], axis=1)
    tops = tips + np.array([0.0, 0.0, tooth_length])
    spine = np.array([[0.0, y[0], tooth_length + 0.004], [0.0, y[-1], tooth_length + 0.004]])
    return Tool(
        name="rake_comb",
        start=np.concatenate([tips, spine[:1]]).astype(np.float32),
        end=np.concatenate([tops, spine[1:]]).astype(np.float32),
        radius=np.concatenate([np.full(teeth, 0.002), [0.004]]).astype(np.float32),
    )


@dataclass(frozen=True)
class ToolPath:
    """Timed tool poses in the head frame (tool to head).

    Attributes:
        times: [T] [s], rising from 0.
        positions: [T, 3] [m].
        quaternions: [T, 4] unit, x, y, z, w.
        in_hair: (first, last) indices of the poses in which the teeth are at stroke depth.
    """

    times: np.ndarray
    positions: np.ndarray
    quaternions: np.ndarray
    in_hair: tuple[int, int]

    def __post_init__(self) -> None:
        count = len(self.times)
        if count < 2 or self.positions.shape != (count, 3) or self.quaternions.shape != (count, 4):
            raise CombwiseError(
                f"tool path has {count} times, positions {self.positions.shape} and quaternions "
                f"{self.quaternions.shape}; expected at least 2 times, [T, 3] and [T, 4]"
            )
        if np.any(np.diff(self.times) <= 0.0):
            raise CombwiseError("tool path times do not rise; expected strictly increasing seconds")
        if not (np.isfinite(self.positions).all() and np.isfinite(self.quaternions).all()):
            raise CombwiseError(
                "tool path holds NaN or infinite poses; expected finite metres and quaternions"
            )
