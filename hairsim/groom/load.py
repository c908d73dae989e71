"""A groom from a file: into the head frame, fitted to its head, thinned, seated, lifted out of it."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np

from hairsim.errors import CombwiseError
from hairsim.groom.fit import fitted_to_head, seating
from hairsim.groom.formats.files import read_strands
from hairsim.groom.formats.reshape import in_frame
from hairsim.groom.groom import HAIRS_ON_A_HEAD, Groom
from hairsim.groom.rods import relax_onto, resample
from hairsim.head.frame import UNITS, HeadFrame
from hairsim.head.head import Head
from hairsim.head.scalp import ROOTS_FAR, even_subset, onto_skin

SHORTEST = 0.01
"""Strands shorter than this [m] are stubble: dropped and counted."""

SETTLING_LENGTH = 0.08
"""Arc length over which a root's own correction fades along its strand [m]."""

MOST_SEATING = 0.025
"""A groom further off its head than this [m] as a whole belongs to another head, unit or frame."""

ROOTS_SPREAD = (0.02, 0.35)
"""Largest extent of a groom's roots on a head [m]; outside of it the unit is wrong."""


@dataclass(frozen=True)
class FitReport:
    """What was done to a groom to make it sit on its head; lengths in millimetres.

    Attributes:
        strands_in_file: strands read.
        points_in_file: fewest and most points of a strand.
        unit, axes: as which the coordinates were understood.
        repeated_points: points removed because they repeated the one before.
        single_points: strands dropped because nothing but one point was left of them.
        stubble: strands dropped because they are shorter than a centimetre.
        loose: strands dropped because their root lies over 3 cm from the skin.
        strands_dropped: all of these together.
        guides: strands kept, chosen evenly over the roots.
        vertices: of each guide, evenly spaced.
        scale: [3] stretch along x, y, z that fitted a groom of another head to this one; ones when it fits.
        seating_mm: [3] shift of the whole groom that brought its roots to the skin.
        largest_root_shift_mm: largest move of a single root after that.
        largest_push_mm: largest move of a vertex when strands were lifted out of the head.
        deepest_in_file_mm: how deep the deepest vertex of the file lay in the head.
        deepest_mm: the same for the guides now; negative is a height above the skin. Roots left out.
        median_length_mm: of the guides.
        notes: what the file's reader had to leave out.
    """

    strands_in_file: int
    points_in_file: tuple[int, int]
    unit: str
    axes: str
    repeated_points: int
    single_points: int
    stubble: int
    loose: int
    strands_dropped: int
    guides: int
    vertices: int
    scale: tuple[float, float, float]
    seating_mm: tuple[float, float, float]
    largest_root_shift_mm: float
    largest_push_mm: float
    deepest_in_file_mm: float
    deepest_mm: float
    median_length_mm: float
    notes: tuple[str, ...] = ()

    def __str__(self) -> str:
        away = float(np.linalg.norm(self.seating_mm))
        fewest, most = self.points_in_file
        dropped = [
            f"{count} {what}"
            for count, what in (
                (self.single_points, "single points"),
                (self.stubble, "under 10 mm"),
                (self.loose, "rooted off the head"),
            )
            if count
        ]
        fitted = (
            ""
            if self.scale == (1.0, 1.0, 1.0)
            else "stretched {:.2f} x {:.2f} x {:.2f}, ".format(*self.scale)
        )
        return "; ".join(
            [
                f"{self.strands_in_file} strands read as {self.unit}, {self.axes}, "
                f"{self.strands_dropped} dropped" + (f" ({', '.join(dropped)})" if dropped else ""),
                f"{fewest} to {most} points a strand ({self.repeated_points} repeated) made {self.vertices}, "
                f"{self.guides} guides of {self.median_length_mm:.0f} mm",
                f"{fitted}seated by {away:.1f} mm, roots then moved by at most "
                f"{self.largest_root_shift_mm:.1f} mm, vertices lifted by at most "
                f"{self.largest_push_mm:.1f} mm",
                f"deepest in the head {self.deepest_in_file_mm:.1f} mm before, {self.deepest_mm:.1f} mm now",
                *self.notes,
            ]
        )


def read_roots(
    path: str | Path,
    *,
    unit: str | None = None,
    axes: str | None = None,
    mesh_unit: str = "cm",
    mesh_axes: str = "y-up",
) -> np.ndarray:
    """Return a groom's roots [N, 3] in a mesh file's coordinates, for `load_head(scalp_roots=)`.

    Args:
        path: of the groom.
        unit, axes: of the groom file, as in `load_groom`.
        mesh_unit, mesh_axes: of the mesh file.
    """
    strands = in_frame(read_strands(path, unit=unit, axes=axes), mesh_unit, mesh_axes)
    return np.array([strand[0] for strand in strands.strands if len(strand) > 1], np.float64)


def load_groom(
    path: str | Path,
    head: Head,
    *,
    guides: int = 1000,
    vertices: int = 24,
    unit: str | None = None,
    axes: str | None = None,
) -> tuple[Groom, FitReport]:
    """Load a groom file of any format onto a head.

    A head from a file lends its transform, so that both stay together. Onto a built-in head the groom is
    first moved so that its roots' box meets the scalp's and, when it was made on another head, stretched.

    Args:
        path: of the groom; its ending tells the format.
        head: to sit on.
        guides: how many guide strands to keep, S; all when the file has fewer.
        vertices: vertices per strand, V.
        unit, axes: of the file, as in `load_head`; what it says itself or what is usual in its format, when
            left out.

    Returns:
        The groom, edges equal along each strand, free vertices at least a millimetre above the skin, and
        what it took.

    Raises:
        CombwiseError: the file is bad, has fewer than four usable strands, or does not fit the head.
    """
    read = read_strands(path, unit=unit, axes=axes)
    unit, axes, raw = read.unit or "cm", read.axes or "y-up", read.strands
    origin = (0.0, 0.0, 0.0) if head.frame is None else head.frame.origin
    frame = HeadFrame(unit, axes, origin)
    clean = [_without_repeats(frame.apply(strand)) for strand in raw]
    strands = _usable(path, clean, unit)
    if head.frame is None:
        shift = _onto_scalp(head, _roots(strands))
        strands = [strand + shift for strand in strands]
    deepest = -min(float(head.field.sample(strand).min()) for strand in strands)
    long_enough = len(strands)
    strands, moved, scale = _seated(path, strands, head)

    kept = len(strands)
    chosen = even_subset(_roots(strands), guides, np.random.default_rng(0))
    line = np.stack([_evenly(strands[index], 4 * vertices) for index in chosen])
    resampled = resample(line, np.full(len(line), np.inf), vertices)
    rooted, root_shift = _rooted(head, resampled)
    edge = np.linalg.norm(np.diff(resampled, axis=1), axis=-1).mean(axis=1)
    laid = relax_onto(rooted, head.field, edge=edge)
    groom = Groom(
        strands=laid.astype(np.float32),
        hair_count=np.full(len(laid), HAIRS_ON_A_HEAD / len(laid), np.float32),
        name=Path(path).stem,
        family="file",
    )
    report = FitReport(
        strands_in_file=len(raw),
        points_in_file=(int(read.counts.min()), int(read.counts.max())),
        unit=unit,
        axes=axes,
        repeated_points=sum(map(len, raw)) - sum(map(len, clean)),
        single_points=(points := sum(len(strand) < 2 for strand in clean)),
        stubble=len(raw) - points - long_enough,
        loose=long_enough - kept,
        strands_dropped=len(raw) - kept,
        guides=len(laid),
        vertices=vertices,
        scale=(float(scale[0]), float(scale[1]), float(scale[2])),
        seating_mm=(1e3 * float(moved[0]), 1e3 * float(moved[1]), 1e3 * float(moved[2])),
        largest_root_shift_mm=1e3 * root_shift,
        largest_push_mm=1e3 * float(np.linalg.norm(laid - rooted, axis=-1).max()),
        deepest_in_file_mm=1e3 * deepest,
        deepest_mm=-1e3 * float(head.field.sample(groom.strands[:, 1:]).min()),
        median_length_mm=1e3 * float(np.median(edge) * (vertices - 1)),
        notes=read.notes,
    )
    return groom, report


def _usable(path: str | Path, strands: list[np.ndarray], unit: str) -> list[np.ndarray]:
    """Return the strands that are long enough, or say in which unit they would be."""
    long = [strand for strand in strands if _length(strand) >= SHORTEST]
    if len(long) < 4:
        raise CombwiseError(
            f"groom file '{path}' has {len(long)} strands of at least {1e3 * SHORTEST:.0f} mm "
            f"when read in '{unit}'; expected at least 4: is the unit another?{_fitting_units(strands, unit)}"
        )
    spread = float(np.ptp(_roots(long), axis=0).max())
    if not ROOTS_SPREAD[0] <= spread <= ROOTS_SPREAD[1]:
        raise CombwiseError(
            f"groom file '{path}' has its roots spread over {spread:.3g} m when read in '{unit}'; expected "
            f"{ROOTS_SPREAD[0]} .. {ROOTS_SPREAD[1]} m: is the unit another?{_fitting_units(strands, unit)}"
        )
    return long


def _fitting_units(strands: list[np.ndarray], unit: str) -> str:
    """Return a hint that names the units in which the roots would spread over a head."""
    rooted = [strand for strand in strands if len(strand) > 1]
    if not rooted:
        return ""
    spread = float(np.ptp(_roots(rooted), axis=0).max()) / UNITS[unit]
    fitting = [f"'{name}'" for name, size in UNITS.items() if 0.08 <= spread * size <= 0.25]
    return f" It would fit in {' or '.join(fitting)}." if fitting else ""


def _onto_scalp(head: Head, roots: np.ndarray) -> np.ndarray:
    """Return the shift [3] [m] that brings the box of the roots [N, 3] onto the scalp's.

    A few strands rooted in mid-air pull the box away: when seating cannot mend that, the outermost
    fiftieth on every side is left out of both boxes.
    """
    scalp = head.scalp.points
    shift = 0.5 * (scalp.min(axis=0) + scalp.max(axis=0) - roots.min(axis=0) - roots.max(axis=0))
    if np.linalg.norm(seating(head, roots + shift)) <= MOST_SEATING:
        return shift
    inner = (0.02, 0.98)
    return 0.5 * (
        np.quantile(scalp, inner, axis=0).sum(axis=0) - np.quantile(roots, inner, axis=0).sum(axis=0)
    )


def _seated(
    path: str | Path, strands: list[np.ndarray], head: Head
) -> tuple[list[np.ndarray], np.ndarray, np.ndarray]:
    """Shift all strands so that their roots meet the skin, stretch those of another head, drop strays.

    Returns:
        The strands, the shift [3] [m], and the stretch [3].
    """
    moved = seating(head, _roots(strands))
    if not np.linalg.norm(moved) <= MOST_SEATING:
        raise CombwiseError(
            f"groom file '{path}' lies {1e3 * np.linalg.norm(moved):.0f} mm off the head '{head.name}'; "
            f"expected at most {1e3 * MOST_SEATING:.0f} mm: are groom and head in the same units and axes?"
        )
    strands = [strand + moved for strand in strands]
    scale = np.ones(3)
    if head.frame is None:  # a head of the same file is the one that the groom was made on
        fit = fitted_to_head(head, _roots(strands))
        if fit is not None:
            scale = fit.scale
            strands = [fit.apply(strand) for strand in strands]
    height = np.abs(head.field.sample(_roots(strands)))
    strands = [strand for strand, away in zip(strands, height, strict=True) if away <= ROOTS_FAR]
    if len(strands) < 4:
        raise CombwiseError(
            f"groom file '{path}' has {len(strands)} strands rooted within {1e3 * ROOTS_FAR:.0f} mm of "
            f"the head '{head.name}'; expected at least 4: are both in the same units, axes and place?"
        )
    return strands, moved, scale


def _roots(strands: list[np.ndarray]) -> np.ndarray:
    return np.array([strand[0] for strand in strands])


def _without_repeats(strand: np.ndarray) -> np.ndarray:
    """Return a strand [P, 3] [m] without points that repeat the one before."""
    if len(strand) < 2:
        return strand
    moved = np.linalg.norm(np.diff(strand, axis=0), axis=1) > 1e-6
    return strand[np.concatenate([[True], moved])]


def _length(strand: np.ndarray) -> float:
    return float(np.linalg.norm(np.diff(strand, axis=0), axis=1).sum())


def _evenly(strand: np.ndarray, count: int) -> np.ndarray:
    """Return `count` points evenly along a strand [P, 3]."""
    along = np.concatenate([[0.0], np.cumsum(np.linalg.norm(np.diff(strand, axis=0), axis=1))])
    place = np.linspace(0.0, along[-1], count)
    return np.stack([np.interp(place, along, strand[:, axis]) for axis in range(3)], axis=-1)


def _rooted(head: Head, strands: np.ndarray) -> tuple[np.ndarray, float]:
    """Move each root onto the skin, its strand with it, less toward the tip; return the largest move too."""
    shift = onto_skin(head.field, strands[:, 0]) - strands[:, 0]
    along = np.linalg.norm(np.diff(strands, axis=1), axis=-1).mean(axis=1)[:, None] * np.arange(
        strands.shape[1]
    )
    fading = np.exp(-along / SETTLING_LENGTH)
    return strands + fading[..., None] * shift[:, None], float(np.linalg.norm(shift, axis=1).max())
