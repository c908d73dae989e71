"""A groom from a file: into the head frame, thinned to guides, seated on the scalp, out of the head."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np

from hairsim.errors import CombwiseError
from hairsim.groom.groom import HAIRS_ON_A_HEAD, Groom
from hairsim.groom.rods import relax_onto, resample
from hairsim.groom.usc_hairsalon import read_usc_hairsalon
from hairsim.head.frame import HeadFrame
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
        strands_dropped: single points, stubble, and strands rooted far from the head.
        guides: strands kept, chosen evenly over the roots.
        seating_mm: [3] shift of the whole groom that brought its roots to the skin.
        largest_root_shift_mm: largest move of a single root after that.
        largest_push_mm: largest move of a vertex when strands were lifted out of the head.
        deepest_in_file_mm: how deep the deepest vertex of the file lay in the head.
        deepest_mm: the same for the guides now; negative is a height above the skin. Roots left out.
        median_length_mm: of the guides.
    """

    strands_in_file: int
    strands_dropped: int
    guides: int
    seating_mm: tuple[float, float, float]
    largest_root_shift_mm: float
    largest_push_mm: float
    deepest_in_file_mm: float
    deepest_mm: float
    median_length_mm: float

    def __str__(self) -> str:
        seating = float(np.linalg.norm(self.seating_mm))
        return (
            f"{self.strands_in_file} strands read, {self.strands_dropped} dropped, {self.guides} guides of "
            f"{self.median_length_mm:.0f} mm; seated by {seating:.1f} mm, roots then moved by at most "
            f"{self.largest_root_shift_mm:.1f} mm, vertices lifted by at most {self.largest_push_mm:.1f} mm; "
            f"deepest in the head {self.deepest_in_file_mm:.1f} mm before, {self.deepest_mm:.1f} mm now"
        )


def read_roots(path: str | Path) -> np.ndarray:
    """Return the strand roots [N, 3] of a groom file, its own coordinates, for `load_head(scalp_roots=)`."""
    return np.array([strand[0] for strand in read_usc_hairsalon(path) if len(strand) > 1], np.float64)


def load_groom(
    path: str | Path,
    head: Head,
    *,
    guides: int = 1000,
    vertices: int = 24,
    unit: str = "cm",
    axes: str = "y-up",
) -> tuple[Groom, FitReport]:
    """Load a USC-HairSalon file onto a head.

    A head from a file lends its transform, so that both stay together. Onto a built-in head the groom is
    first moved so that its roots' box meets the scalp's.

    Args:
        path: .data file.
        head: to sit on.
        guides: how many guide strands to keep, S; all when the file has fewer.
        vertices: vertices per strand, V.
        unit: the file's unit.
        axes: the file's axes, as in `load_head`.

    Returns:
        The groom, edges equal along each strand, free vertices at least a millimetre above the skin, and
        what it took.

    Raises:
        CombwiseError: the file is bad, has fewer than four usable strands, or does not fit the head.
    """
    raw = read_usc_hairsalon(path)
    origin = (0.0, 0.0, 0.0) if head.frame is None else head.frame.origin
    frame = HeadFrame(unit, axes, origin)
    strands = _usable(path, [_without_repeats(frame.apply(strand)) for strand in raw], unit)
    if head.frame is None:
        scalp, roots = head.scalp.points, _roots(strands)
        shift = 0.5 * (scalp.min(axis=0) + scalp.max(axis=0) - roots.min(axis=0) - roots.max(axis=0))
        strands = [strand + shift for strand in strands]
    deepest = -min(float(head.field.sample(strand).min()) for strand in strands)
    strands, seating = _seated(path, strands, head)

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
        strands_dropped=len(raw) - kept,
        guides=len(laid),
        seating_mm=(1e3 * float(seating[0]), 1e3 * float(seating[1]), 1e3 * float(seating[2])),
        largest_root_shift_mm=1e3 * root_shift,
        largest_push_mm=1e3 * float(np.linalg.norm(laid - rooted, axis=-1).max()),
        deepest_in_file_mm=1e3 * deepest,
        deepest_mm=-1e3 * float(head.field.sample(groom.strands[:, 1:]).min()),
        median_length_mm=1e3 * float(np.median(edge) * (vertices - 1)),
    )
    return groom, report


def _usable(path: str | Path, strands: list[np.ndarray], unit: str) -> list[np.ndarray]:
    """Return the strands that are long enough, or say that the unit must be another."""
    strands = [strand for strand in strands if _length(strand) >= SHORTEST]
    if len(strands) < 4:
        raise CombwiseError(
            f"groom file '{path}' has {len(strands)} strands of at least {1e3 * SHORTEST:.0f} mm "
            f"when read in '{unit}'; expected at least 4: is the unit another?"
        )
    spread = float(np.ptp(_roots(strands), axis=0).max())
    if not ROOTS_SPREAD[0] <= spread <= ROOTS_SPREAD[1]:
        raise CombwiseError(
            f"groom file '{path}' has its roots spread over {spread:.3g} m when read in '{unit}'; "
            f"expected {ROOTS_SPREAD[0]} .. {ROOTS_SPREAD[1]} m: is the unit another?"
        )
    return strands


def _seated(path: str | Path, strands: list[np.ndarray], head: Head) -> tuple[list[np.ndarray], np.ndarray]:
    """Shift all strands so that their roots meet the skin, drop strays; return them and the shift [3] [m]."""
    seating = _seating(head, _roots(strands))
    if not np.linalg.norm(seating) <= MOST_SEATING:
        raise CombwiseError(
            f"groom file '{path}' lies {1e3 * np.linalg.norm(seating):.0f} mm off the head '{head.name}'; "
            f"expected at most {1e3 * MOST_SEATING:.0f} mm: are groom and head in the same units and axes?"
        )
    strands = [strand + seating for strand in strands]
    height = np.abs(head.field.sample(_roots(strands)))
    strands = [strand for strand, away in zip(strands, height, strict=True) if away <= ROOTS_FAR]
    if len(strands) < 4:
        raise CombwiseError(
            f"groom file '{path}' has {len(strands)} strands rooted within {1e3 * ROOTS_FAR:.0f} mm of "
            f"the head '{head.name}'; expected at least 4: are both in the same units, axes and place?"
        )
    return strands, seating


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


def _seating(head: Head, roots: np.ndarray) -> np.ndarray:
    """Return the shift [3] [m] that brings roots [N, 3] nearest to the skin: Gauss-Newton on distances."""
    shift = np.zeros(3)
    for _ in range(10):
        distance = head.field.sample(roots + shift)
        normal = head.field.gradient(roots + shift)
        trust = 1.0 / np.maximum(np.abs(distance), 0.002)  # least absolute values: strays do not count much
        weighted = normal * trust[:, None]
        shift = shift - np.linalg.solve(weighted.T @ normal + 1e-3 * np.eye(3), weighted.T @ distance)
    return shift


def _rooted(head: Head, strands: np.ndarray) -> tuple[np.ndarray, float]:
    """Move each root onto the skin, its strand with it, less toward the tip; return the largest move too."""
    shift = onto_skin(head.field, strands[:, 0]) - strands[:, 0]
    along = np.linalg.norm(np.diff(strands, axis=1), axis=-1).mean(axis=1)[:, None] * np.arange(
        strands.shape[1]
    )
    fading = np.exp(-along / SETTLING_LENGTH)
    return strands + fading[..., None] * shift[:, None], float(np.linalg.norm(shift, axis=1).max())
