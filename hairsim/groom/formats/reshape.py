"""The same strands otherwise: in another unit and other axes, or with another number of points."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from hairsim.errors import CombwiseError
from hairsim.groom.formats.strand_set import StrandSet
from hairsim.head.frame import AXES, UNITS, HeadFrame

LENGTHS = ("thickness",)
"""Values that scale with the unit."""

VECTORS = ("normal",)
"""Values that turn with the axes."""


def in_frame(strands: StrandSet, unit: str, axes: str) -> StrandSet:
    """Return strands, whose unit and axes are set, in others; the same ones leave every bit as it is."""
    source, target = HeadFrame(strands.unit or "", strands.axes or ""), HeadFrame(unit, axes)
    if (source.unit, source.axes) == (target.unit, target.axes):
        return strands
    scale = 1.0 if source.unit == target.unit else UNITS[source.unit] / UNITS[target.unit]
    turn = AXES[target.axes].T @ AXES[source.axes]

    def changed(values: dict[str, np.ndarray]) -> dict[str, np.ndarray]:
        made = dict(values)
        for name in values:
            if name in LENGTHS:
                made[name] = (values[name].astype(np.float64) * scale).astype(values[name].dtype)
            elif name in VECTORS:
                made[name] = (values[name].astype(np.float64) @ turn.T).astype(values[name].dtype)
        return made

    return replace(
        strands,
        points=(strands.points.astype(np.float64) * scale @ turn.T).astype(strands.points.dtype),
        per_point=changed(dict(strands.per_point)),
        per_strand=changed(dict(strands.per_strand)),
        overall=changed(dict(strands.overall)),
        unit=unit,
        axes=axes,
    )


def resampled(strands: StrandSet, count: int) -> StrandSet:
    """Return strands of `count` points each, evenly along the polyline; ends stay, values follow linearly.

    Strands of no length (single or repeated points) cannot be spread out: they are left out, with a note.

    Raises:
        CombwiseError: fewer than two points are asked for, or no strand has a length.
    """
    if count < 2:
        raise CombwiseError(f"{count} points a strand were asked for; expected at least 2")
    along = arc_length(strands)
    last = np.cumsum(strands.counts) - 1
    length = np.where(strands.counts > 1, along[np.maximum(last, 0)] if len(along) else 0.0, 0.0)
    usable = strands.kept(length > 0.0)
    if len(usable.counts) == 0:
        raise CombwiseError(f"none of {len(strands.counts)} strands has a length; nothing to resample")
    along = arc_length(usable)
    first = np.cumsum(usable.counts) - usable.counts
    # All strands on one line: strand s occupies arc lengths [s, s + 1] of it, scaled to its own length.
    strand = np.repeat(np.arange(len(usable.counts)), usable.counts)
    share = along / length[length > 0.0][strand]
    place = np.arange(len(usable.counts))[:, None] * 2.0 + np.linspace(0.0, 1.0, count)
    line = strand * 2.0 + np.minimum(share, 1.0)
    right = np.clip(np.searchsorted(line, place, side="left"), first[:, None] + 1, None)
    right = np.minimum(right, (first + usable.counts - 1)[:, None]).reshape(-1)
    gap = line[right] - line[right - 1]
    mix = np.clip((place.reshape(-1) - line[right - 1]) / np.where(gap > 0.0, gap, 1.0), 0.0, 1.0)

    def spread(values: np.ndarray) -> np.ndarray:
        weight = mix.reshape(-1, *([1] * (values.ndim - 1)))
        made = values[right - 1] * (1.0 - weight) + values[right] * weight
        return made.astype(values.dtype)

    points = spread(usable.points)
    points[::count] = usable.points[first]
    points[count - 1 :: count] = usable.points[first + usable.counts - 1]
    made = replace(
        usable,
        points=points,
        counts=np.full(len(usable.counts), count, np.int64),
        per_point={name: spread(values) for name, values in usable.per_point.items()},
    )
    dropped = len(strands.counts) - len(usable.counts)
    return made.noted(f"{dropped} strands of no length were left out") if dropped else made


def arc_length(strands: StrandSet) -> np.ndarray:
    """Return how far along its own strand each point lies, [P] float64, in the set's unit."""
    if len(strands.points) == 0:
        return np.empty(0)
    edge = np.zeros(len(strands.points))
    edge[1:] = np.linalg.norm(np.diff(strands.points.astype(np.float64), axis=0), axis=1)
    first = (np.cumsum(strands.counts) - strands.counts)[strands.counts > 0]
    edge[first] = 0.0
    total = np.cumsum(edge)
    return total - np.repeat(total[first], strands.counts[strands.counts > 0])
