"""Compare the hairs of the families with those of a groom file: length, curvature, clumping, frizz.

    python -m benchmarks.grooms [--file hair.data] [--families straight_long ...] [--seeds 0 1]

Prints a Markdown table, a row a family (mean over seeds) and one for the file. Of each groom as many hairs
are taken, evenly by root, so that distances compare: of a family its children, of a file its strands.

    length           median [cm]
    length spread    standard deviation of ln(length) against the mean of the 8 hairs with nearest roots
    curvature        median [1/m], of circles through points 1 cm apart
    clumping         distance to the nearest other hair at 3/4 of the length, over that at the root; medians
    frizz            median angle to the nearest other hair's direction there [degree]
"""

from __future__ import annotations

import argparse
from pathlib import Path

import numpy as np
from scipy.spatial import KDTree

from hairsim.groom.children import make_children
from hairsim.groom.families import FAMILIES, make_groom
from hairsim.groom.formats.files import read_strands
from hairsim.groom.formats.reshape import in_frame
from hairsim.groom.rods import arc_length, resample
from hairsim.head.parametric import parametric_head
from hairsim.head.scalp import even_subset

MEASURES = ("length", "length spread", "curvature", "clumping", "frizz")
POINTS = 200


def measure(hairs: np.ndarray) -> tuple[float, ...]:
    """Return `MEASURES` of hairs [N, M, 3] [m], root first."""
    length = arc_length(hairs)[:, -1]
    nearest = np.asarray(KDTree(hairs[:, 0]).query(hairs[:, 0], k=9)[1])[:, 1:]
    spread = np.log(length) - np.log(length[nearest]).mean(axis=1)
    place = 3 * hairs.shape[1] // 4
    three_quarters = hairs[:, place]
    apart, other = (np.asarray(a) for a in KDTree(three_quarters).query(three_quarters, k=2))
    at_root = KDTree(hairs[:, 0]).query(hairs[:, 0], k=2)[0][:, 1]
    heading = hairs[:, place + 1] - hairs[:, place - 1]
    heading /= np.linalg.norm(heading, axis=1, keepdims=True)
    cosine = np.clip(np.sum(heading * heading[other[:, 1]], axis=1), -1.0, 1.0)
    return (
        100.0 * float(np.median(length)),
        float(spread.std()),
        float(np.median(curvature(hairs, length))),
        float(np.median(apart[:, 1]) / np.median(at_root)),
        float(np.degrees(np.median(np.arccos(cosine)))),
    )


def curvature(hairs: np.ndarray, length: np.ndarray, spacing: float = 0.01) -> np.ndarray:
    """Return the curvature [N] [1/m] of each hair, mean along it, through points `spacing` apart."""
    step = np.maximum(1, np.round(spacing / (length / (hairs.shape[1] - 1))).astype(int))
    found = np.empty(len(hairs))
    for hair, (points, every) in enumerate(zip(hairs, step, strict=True)):
        a, b, c = points[: -2 * every], points[every:-every], points[2 * every :]
        area = np.linalg.norm(np.cross(b - a, c - a), axis=1)
        sides = [np.linalg.norm(d, axis=1) for d in (b - a, c - b, c - a)]
        found[hair] = (2.0 * area / np.maximum(sides[0] * sides[1] * sides[2], 1e-12)).mean()
    return found


def hairs_of_family(family: str, seed: int, count: int) -> np.ndarray:
    """Return children [N, M, 3] of a family's groom on the built-in head."""
    groom = make_groom(family, parametric_head(), guides=500, seed=seed)
    children = make_children(groom, count=count, seed=seed)
    return _even(list(children.strands(groom.strands)))


def hairs_of_file(path: Path, count: int) -> np.ndarray:
    """Return evenly chosen strands [N, M, 3] of a groom file."""
    strands = in_frame(read_strands(path), "m", "z-up").strands
    strands = [s for s in strands if len(s) > 3 and np.linalg.norm(np.diff(s, axis=0), axis=1).sum() > 0.02]
    chosen = even_subset(np.array([s[0] for s in strands]), count, np.random.default_rng(0))
    return _even([strands[n] for n in chosen])


def _even(strands: list[np.ndarray]) -> np.ndarray:
    everything = np.full(1, np.inf)
    return np.concatenate([resample(s[None].astype(np.float64), everything, POINTS) for s in strands])


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--file", type=Path)
    parser.add_argument("--families", nargs="*", default=list(FAMILIES))
    parser.add_argument("--seeds", nargs="*", type=int, default=[0, 1])
    parser.add_argument("--hairs", type=int, default=2000)
    options = parser.parse_args()
    print("| groom | length [cm] | length spread | curvature [1/m] | clumping | frizz [deg] |")
    print("|---|---|---|---|---|---|")
    rows = {}
    if options.file is not None:
        rows[options.file.name] = measure(hairs_of_file(options.file, options.hairs))
    for family in options.families:
        found = [measure(hairs_of_family(family, seed, options.hairs)) for seed in options.seeds]
        rows[family] = tuple(float(value) for value in np.mean(found, axis=0))
    for name, (length, spread, bend, clumping, frizz) in rows.items():
        print(f"| {name} | {length:.1f} | {spread:.3f} | {bend:.0f} | {clumping:.2f} | {frizz:.1f} |")


if __name__ == "__main__":
    main()
