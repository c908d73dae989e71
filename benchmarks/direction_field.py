"""Compare two ways to say how hair runs through a voxel: its mean direction, and a tensor without sign.

    python -m benchmarks.direction_field --out benchmarks/results/direction_field.json

Where hair parts, at crowns and parting lines, opposite directions cancel in a mean. A tensor, the mean of
d d^T with its main axis, does not cancel, but cannot tell root from tip. For a groom of every training
family, both are held against the hairs that run through each voxel:

    mixed          share of all hair that lies in voxels whose directions nearly cancel (|mean of d| < 0.7)
    axis           mean angle of hair to the line of the mean direction, sign-free [deg]
    tensor axis    the same to the tensor's main axis
    directed       mean angle of hair to the mean direction, sign and all; a tensor cannot say more than
                   its axis with the sign of the mean, which is the last column
"""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.provenance import provenance
from hairsim.atomic_file import write_json
from hairsim.groom.children import make_children
from hairsim.groom.families import TRAINING_FAMILIES, make_groom
from hairsim.head.parametric import parametric_head

EDGES = (0.0075, 0.015, 0.030)
"""Edges of voxels [m]: of a voxel of `small`, and of the cells of V/2 and V/4 that networks see it by."""

MIXED = 0.7
CHILDREN = 4000
PIECES = 3
"""Pieces into which edges of hairs are cut, so that none of them jumps over a voxel."""

COLUMNS = ("hair", "axis", "tensor axis", "directed", "directed tensor")


def samples(strands: np.ndarray, edge: float) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return pieces of hair [S, V, 3] [m]: number of the voxel [M], direction [M, 3], length [M] [m]."""
    step = np.diff(strands, axis=1)
    length = np.linalg.norm(step, axis=-1)
    heading = step / np.maximum(length, 1e-9)[..., None]
    places = [strands[:, :-1] + (n + 0.5) / PIECES * step for n in range(PIECES)]
    cell = np.floor(np.stack(places).reshape(-1, 3) / edge).astype(np.int64)
    _, voxel = np.unique(cell, axis=0, return_inverse=True)
    return (
        voxel.ravel(),
        np.tile(heading.reshape(-1, 3), (PIECES, 1)),
        np.tile(length.ravel() / PIECES, PIECES),
    )


def compare(voxel: np.ndarray, heading: np.ndarray, length: np.ndarray) -> dict[str, dict[str, float]]:
    """Return `COLUMNS` over all voxels and over mixed ones; "hair" is their share of all hair."""
    outer = heading[:, :, None] * heading[:, None, :]
    total = np.bincount(voxel, length)
    mean = np.stack([np.bincount(voxel, length * heading[:, a]) for a in range(3)], axis=-1) / total[:, None]
    tensor = np.stack(
        [np.bincount(voxel, length * outer[:, a, b]) for a in range(3) for b in range(3)], axis=-1
    ).reshape(-1, 3, 3)
    axis = np.linalg.eigh(tensor)[1][..., -1]
    axis *= np.where((axis * mean).sum(-1) < 0.0, -1.0, 1.0)[:, None]
    size = np.linalg.norm(mean, axis=-1)
    directed = mean / np.maximum(size, 1e-9)[:, None]
    found = {}
    for name, where in (("all", np.ones(len(size), bool)), ("mixed", size < MIXED)):
        taken = where[voxel]
        weight = length[taken]
        turns = [_angle(heading[taken], field[voxel[taken]]) for field in (directed, axis)]
        unsigned = [np.minimum(turn, 180.0 - turn) for turn in turns]
        means = [float((turn * weight).sum() / max(weight.sum(), 1e-12)) for turn in (*unsigned, *turns)]
        found[name] = dict(zip(COLUMNS, (float(weight.sum() / length.sum()), *means), strict=True))
    return found


def _angle(a: np.ndarray, b: np.ndarray) -> np.ndarray:
    return np.degrees(np.arccos(np.clip((a * b).sum(-1), -1.0, 1.0)))


def measure(seed: int) -> list[dict[str, Any]]:
    """Return a row for each edge and region, means over the training families."""
    head = parametric_head()
    rows: dict[tuple[float, str], list[dict[str, float]]] = {}
    for family in TRAINING_FAMILIES:
        groom = make_groom(family, head, guides=500, seed=seed)
        strands = np.asarray(make_children(groom, count=CHILDREN, seed=seed).strands(groom.strands))
        for edge in EDGES:
            for region, found in compare(*samples(strands, edge)).items():
                rows.setdefault((edge, region), []).append(found)
    return [
        {"edge_mm": 1000.0 * edge, "voxels": region}
        | {column: float(np.mean([found[column] for found in each])) for column in COLUMNS}
        for (edge, region), each in rows.items()
    ]


def main() -> None:
    """Measure, print a table and write the result."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--out", type=Path)
    arguments = parser.parse_args()
    rows = measure(arguments.seed)
    print("| voxel [mm] | voxels | " + " | ".join(COLUMNS) + " |")
    print("|---" * (2 + len(COLUMNS)) + "|")
    for row in rows:
        cells = [f"{row['edge_mm']:g}", row["voxels"], f"{100.0 * row['hair']:.1f} %"]
        cells += [f"{row[column]:.1f}" for column in COLUMNS[1:]]
        print("| " + " | ".join(cells) + " |")
    if arguments.out is not None:
        command = f"python -m benchmarks.direction_field --seed {arguments.seed}"
        write_json(arguments.out, {**provenance(command), "rows": rows})


if __name__ == "__main__":
    main()
