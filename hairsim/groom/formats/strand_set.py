"""Strands as a file holds them: points in the file's own units and axes, and what else is said about them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

import numpy as np

from hairsim.errors import CombwiseError

FURTHEST = 1e15
"""Largest coordinate taken for a position; beyond it bytes were misread, and squares overflow."""


@dataclass(frozen=True, eq=False)
class StrandSet:
    """Strands of any number of points each, one after the other, root first.

    Values have one of three rates: a row for each point, for each strand, or one for all. Names that
    several formats know: thickness (diameter, in the file's unit), color (red, green, blue, 0..1),
    transparency, opacity (0..1), uv, normal (a vector at the point), movable (0 for held points), label.

    Attributes:
        points: [P, 3] float32 or float64, finite.
        counts: [S] int64, points of each strand, summing to P; 0 and 1 are possible.
        per_point: name -> [P] or [P, C].
        per_strand: name -> [S] or [S, C].
        overall: name -> [] or [C].
        unit, axes: keys of `frame.UNITS` and `frame.AXES`; None where the file does not say.
        about: free text of the file.
        notes: sentences on what reading had to leave out or change.
    """

    points: np.ndarray
    counts: np.ndarray
    per_point: Mapping[str, np.ndarray] = field(default_factory=dict)
    per_strand: Mapping[str, np.ndarray] = field(default_factory=dict)
    overall: Mapping[str, np.ndarray] = field(default_factory=dict)
    unit: str | None = None
    axes: str | None = None
    about: str = ""
    notes: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        total = int(self.counts.sum())
        if self.points.shape != (total, 3) or self.points.dtype.kind != "f":
            raise CombwiseError(
                f"strand points have shape {self.points.shape} of {self.points.dtype}; "
                f"expected ({total}, 3) floats for these {len(self.counts)} strands"
            )
        for rate, length in (("per_point", total), ("per_strand", len(self.counts))):
            for name, values in getattr(self, rate).items():
                if len(values) != length:
                    raise CombwiseError(
                        f"{rate} value '{name}' has {len(values)} rows; expected {length}, one each"
                    )

    @staticmethod
    def of(strands: Sequence[np.ndarray]) -> StrandSet:
        """Make a set of strands [P, 3] each and nothing else.

        Raises:
            CombwiseError: a strand is not [P, 3] or holds NaN or infinite positions.
        """
        for index, strand in enumerate(strands):
            if np.ndim(strand) != 2 or np.shape(strand)[1] != 3 or not np.isfinite(strand).all():
                raise CombwiseError(
                    f"strand {index} has shape {np.shape(strand)} or holds NaN; expected finite [P, 3]"
                )
        counts = np.array([len(strand) for strand in strands], np.int64)
        points = (
            np.concatenate([np.asarray(strand) for strand in strands]) if len(strands) else np.empty((0, 3))
        )
        return StrandSet(points if points.dtype.kind == "f" else points.astype(np.float64), counts)

    @property
    def strands(self) -> list[np.ndarray]:
        """The strands, [P, 3] each, as views."""
        return np.split(self.points, np.cumsum(self.counts)[:-1]) if len(self.counts) else []

    @property
    def names(self) -> set[str]:
        """Names of all values, at any rate."""
        return {*self.per_point, *self.per_strand, *self.overall}

    def at_points(self, name: str) -> np.ndarray | None:
        """Return a value with one row a point, whatever its rate; None when it is not there."""
        if name in self.per_point:
            return self.per_point[name]
        if name in self.per_strand:
            return np.repeat(self.per_strand[name], self.counts, axis=0)
        if name in self.overall:
            return np.repeat(self.overall[name][None], len(self.points), axis=0)
        return None

    def kept(self, strand_mask: np.ndarray) -> StrandSet:
        """Return the strands [S] bool that are kept, with all that is said about them."""
        point_mask = np.repeat(strand_mask, self.counts)
        return replace(
            self,
            points=self.points[point_mask],
            counts=self.counts[strand_mask],
            per_point={name: values[point_mask] for name, values in self.per_point.items()},
            per_strand={name: values[strand_mask] for name, values in self.per_strand.items()},
        )

    def noted(self, *sentences: str) -> StrandSet:
        """Return the same set with further notes."""
        return replace(self, notes=(*self.notes, *sentences))


def require_finite(path: object, points: np.ndarray, counts: np.ndarray) -> None:
    """Raise a `CombwiseError` that counts the strands with NaN, infinite or absurd positions."""
    with np.errstate(invalid="ignore"):
        bad_point = ~(np.abs(points) <= FURTHEST).all(axis=1)
    if bad_point.any():
        bad = np.unique(np.repeat(np.arange(len(counts)), counts)[bad_point])
        raise CombwiseError(
            f"groom file '{path}': {len(bad)} of {len(counts)} strands hold NaN, infinite or absurdly far "
            f"positions, the first is strand {bad[0]}; expected finite numbers under {FURTHEST:.0e}"
        )
