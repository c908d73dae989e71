"""Measure how often the model's changes of hair come true, and what a margin on them is worth.

    python -m benchmarks.caution --data runs/data --out benchmarks/results/caution.json

Strokes of validation episodes, one ahead. Flips are voxels that the prediction fills or empties; they are
counted by their logit and by their distance from the teeth. For each margin (`dynamics/editing/caution.py`)
the occupancy error on the voxels that change, in truth or in the plain edit, stands beside that of the plain
edit and of no edit. A margin is chosen on episodes of even number and told for those of odd number too.
"""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch
from rich.progress import track
from scipy.ndimage import distance_transform_edt

from benchmarks.provenance import provenance
from dynamics.baselines.predictors import Volume
from dynamics.cases import case_batch, cases
from dynamics.checkpoint import fill_network, load_checkpoint
from dynamics.data import SOURCES, Store
from dynamics.editing.caution import Caution
from dynamics.editing.stroke_raster import swept
from dynamics.evaluation_table import interval
from dynamics.latent.detail import seen_logits
from dynamics.metrics import changed, changed_region, score
from dynamics.model import WEIGHTS, build_model
from dynamics.precision import fast_arithmetic
from hairsim.atomic_file import write_json

LOGITS = (0.0, 0.25, 0.5, 1.0, 2.0, 99.0)
REACHES = (0.0, 1.0, 5.0, 10.0, 999.0)
"""Edges of bins of a flip's logit, and of its distance from the swept voxels [voxels]."""


def measure(data: Path, margins: Sequence[float], every: int, weights: Path | None) -> list[dict[str, Any]]:
    """Return a record for every `every`th stroke of the validation episodes and each kind of input."""
    store, cpu = Store(data), torch.device("cpu")
    path = weights or WEIGHTS / f"{store.info.profile}.safetensors"
    checkpoint = load_checkpoint(path, kind="dynamics", grid=store.grid)
    model = build_model(checkpoint.info)
    fill_network(model, checkpoint, path)
    model.eval()
    found: list[dict[str, Any]] = []
    chosen = [case for case in cases([store], ("validation",), (1,)) if case.stroke % every == 0]
    for case in track(chosen, "measuring"):
        batch, _ = case_batch(case, cpu)
        start, truth = batch.start, Volume(batch.occupancy[0], batch.direction[0])
        with torch.no_grad(), fast_arithmetic(cpu):
            state = model.encode(start.seen, start.seen_direction, start.head_distance)
            edit = model(state, batch.rasters[0])
        after = edit.state
        truly = changed(start.occupancy, start.direction, *truth)
        own = changed(state.occupancy, state.direction, after.occupancy, after.direction)
        region = changed_region(truly, own)
        errors = {"none": score(state.occupancy, state.direction, *truth, region)}
        for margin in margins:
            careful = Caution(margin).applied(state, edit)
            errors[f"{margin:g}"] = score(careful.occupancy, careful.direction, *truth, region)
        flips = (state.occupancy >= 0.5) != (after.occupancy >= 0.5)
        right = flips & ((after.occupancy >= 0.5) == (truth.occupancy >= 0.5))
        away = torch.from_numpy(
            np.asarray(distance_transform_edt(~(swept(batch.rasters[0])[0] > 0.0).numpy()))
        )
        found.append(
            {
                "episode": case.combing.index,
                "stroke": case.stroke,
                "family": case.combing.family,
                "input": case.source,
                "truly": int(((start.occupancy >= 0.5) != (truth.occupancy >= 0.5)).sum()),
                "errors": {name: float(one.occupancy_error) for name, one in errors.items()},
                "by_logit": _counts(flips, right, seen_logits(after.occupancy).abs(), LOGITS),
                "by_distance": _counts(flips, right, away[None], REACHES),
            }
        )
    return found


def _counts(
    flips: torch.Tensor, right: torch.Tensor, value: torch.Tensor, edges: Sequence[float]
) -> list[tuple[int, int]]:
    """Return flips and right ones in bins of a value."""
    bins = [(value >= low) & (value < high) for low, high in zip(edges, edges[1:], strict=False)]
    return [(int((flips & within).sum()), int((right & within).sum())) for within in bins]


def summarise(found: Sequence[dict[str, Any]], margins: Sequence[float]) -> list[dict[str, Any]]:
    """Return rows: for an input, a half of the episodes and a margin, the error beside others [share]."""
    rows = []
    for source in SOURCES:
        for half, parity in (("even", 0), ("odd", 1)):
            ours = [f for f in found if f["input"] == source and f["episode"] % 2 == parity]
            for margin in margins:
                row: dict[str, Any] = {"input": source, "episodes": half, "margin": margin, "n": len(ours)}
                for rival in ("0", "none"):
                    gains = [
                        ((0, f["episode"]), f["errors"][f"{margin:g}"] - f["errors"][rival]) for f in ours
                    ]
                    scale = max(float(np.mean([f["errors"][rival] for f in ours])), 1e-9) if ours else 1.0
                    change = interval(gains, 0)
                    row[f"beside_{rival}"] = [change[end] / scale for end in ("mean", "low", "high")]
                rows.append(row)
    return rows


def flips_in_words(found: Sequence[dict[str, Any]], source: str) -> list[str]:
    """Return lines that say which share of the flips came true."""
    ours = [f for f in found if f["input"] == source]
    quiet = sorted(ours, key=lambda f: f["truly"])[: len(ours) // 4]
    lines = []
    for name, edges in (("by_logit", LOGITS), ("by_distance", REACHES)):
        for n, (low, high) in enumerate(zip(edges, edges[1:], strict=False)):
            flips, right = (sum(f[name][n][k] for f in ours) for k in (0, 1))
            lines.append(f"{source} {name} {low:g} to {high:g}: {right} of {flips} flips came true")
    flips, right = (sum(sum(b[k] for b in f["by_logit"]) for f in quiet) for k in (0, 1))
    lines.append(f"{source}, the {len(quiet)} strokes that flip least: {right} of {flips} flips came true")
    return lines


def main() -> None:
    """Measure, print and write the result."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--margins", type=float, nargs="+", default=(0.0, 0.25, 0.5, 0.75, 1.0, 1.5))
    parser.add_argument("--every", type=int, default=2, help="of the strokes of an episode, every so many")
    parser.add_argument("--weights", type=Path, help="checkpoint of the learned model; default the shipped")
    parser.add_argument("--out", type=Path)
    arguments = parser.parse_args()
    margins = sorted({0.0, *arguments.margins})
    found = measure(arguments.data, margins, arguments.every, arguments.weights)
    rows = summarise(found, margins)
    for row in rows:
        ends = [", ".join(f"{100.0 * x:+.1f}" for x in row[f"beside_{rival}"]) for rival in ("0", "none")]
        print(
            f"{row['input']}, {row['episodes']} episodes, margin {row['margin']:g}: beside the plain edit "
            f"{ends[0]} %, beside no edit {ends[1]} % (mean, 95 % interval)"
        )
    words = [line for source in SOURCES for line in flips_in_words(found, source)]
    print("\n".join(words))
    if arguments.out is not None:
        command = f"python -m benchmarks.caution --data DIR --every {arguments.every}"
        write_json(arguments.out, {**provenance(command), "rows": rows, "flips": words})


if __name__ == "__main__":
    main()
