"""The data card: what a dataset holds, measured from it, for people (card.md) and programs (card.json)."""

from __future__ import annotations

from collections import Counter
from pathlib import Path
from typing import Any

import numpy as np

from hairsim.atomic_file import write_json, write_text
from hairsim.generate.dataset import STORE, Dataset
from hairsim.generate.layout import MATERIAL, fields
from hairsim.generate.splits import SPLITS
from hairsim.tools.stroke import Stroke
from hairsim.version import code_version

STROKE = tuple(Stroke.__dataclass_fields__)
MOVED = 0.015
"""A strand counts as moved by a stroke when a vertex goes further than this [m]."""


def describe(dataset: Dataset) -> dict[str, Any]:
    """Return what a dataset holds, JSON-able: versions, sizes, splits and ranges that were really drawn."""
    info, metas = dataset.info, dataset.episodes
    empty = not metas
    strokes = np.zeros((0, len(STROKE))) if empty else dataset.column("strokes").reshape(-1, len(STROKE))
    material = np.zeros((0, len(MATERIAL))) if empty else dataset.column("material")
    peak = np.zeros(0) if empty else np.linalg.norm(dataset.column("force"), axis=-1).max(axis=-1).reshape(-1)
    tools = [] if empty else [info.tools[int(number)].name for number in dataset.column("tool")]
    return {
        "episodes": len(metas),
        "expected": info.count,
        "strokes": len(strokes),
        "splits": {name: sum(meta.split == name for meta in metas) for name in SPLITS},
        "families": dict(sorted(Counter(meta.family for meta in metas).items())),
        "tools": dict(sorted(Counter(tools).items())),
        "heads": 0 if empty else len(np.unique(dataset.column("head"))),
        "stroke_ranges": _ranges(strokes, STROKE),
        "material_ranges": _ranges(material, MATERIAL),
        "peak_force_n": _quantiles(peak),
        "content": dataset.content_hash(),
        "bytes": sum(p.stat().st_size for p in (dataset.path / STORE).rglob("*") if p.is_file()),
        "profile": info.profile,
        "simulator_version": info.simulator_version,
        "observer_version": info.observer_version,
        "generation": dict(info.generation),
    }


def write_card(folder: Path) -> None:
    """Write card.json and card.md beside a dataset."""
    dataset = Dataset(folder)
    card = {"code_version": code_version(), **describe(dataset)}
    write_json(folder / "card.json", card)
    write_text(folder / "card.md", _markdown(card, dataset))


def _ranges(values: np.ndarray, names: tuple[str, ...]) -> dict[str, list[float]]:
    return {
        name: [float(f"{v:.4g}") for v in (column.min(), column.max())]
        for name, column in zip(names, values.T, strict=True)
        if len(column)
    }


def _quantiles(values: np.ndarray) -> dict[str, float]:
    if not len(values):
        return {}
    marks = {"median": 0.5, "p95": 0.95, "most": 1.0}
    return {name: float(f"{np.quantile(values, q):.3g}") for name, q in marks.items()}


def _markdown(card: dict[str, Any], dataset: Dataset) -> str:
    table = fields(dataset.info.sizes, dataset.info.grid)
    sizes = dataset.info.sizes

    def counts(name: str) -> str:
        return ", ".join(f"{word} {count}" for word, count in card[name].items() if count) or "none"

    lines = [
        f"# {card['episodes']} episodes of combed hair",
        "",
        "Simulated by Combwise: random heads of procedural hair, combed stroke by stroke, seen by noisy",
        "virtual cameras. No person was recorded. Written by `combwise generate`; read it with",
        "`hairsim.generate.dataset.Dataset`, or with any reader of Zarr v3.",
        "",
        "| | |",
        "|---|---|",
        f"| episodes | {card['episodes']} of {card['expected']}, {card['strokes']} strokes |",
        f"| splits | {counts('splits')} |",
        f"| families | {counts('families')} |",
        f"| tools | {counts('tools')} |",
        f"| heads | {card['heads']} |",
        f"| hair | {sizes.guides} guides of {sizes.vertices} vertices, {sizes.children} interpolated |",
        f"| simulator, observer, code | {card['simulator_version']}, {card['observer_version']}, "
        f"{card['code_version']} |",
        f"| seed | {card['generation'].get('seed')} |",
        f"| size | {card['bytes'] / 1e6:.1f} MB |",
        f"| content hash | `{card['content'][:16]}` |",
        "",
        "## What was drawn",
        "",
        "| quantity | least | most |",
        "|---|---|---|",
    ]
    for group in ("stroke_ranges", "material_ranges"):
        lines += [f"| {name} | {low:g} | {high:g} |" for name, (low, high) in card[group].items()]
    force = card["peak_force_n"]
    if force:
        lines.append(
            f"\nPeak force on the tool: median {force['median']:g} N, 95 % below {force['p95']:g} N, most "
            f"{force['most']:g} N."
        )
    lines += ["", f"## Arrays in {STORE}", "", "| name | shape | type | what |", "|---|---|---|---|"]
    for name, field in table.items():
        shape = ", ".join(["episode", *(f"{a} {n}" for a, n in zip(field.axes, field.shape, strict=True))])
        lines.append(f"| {name} | {shape} | {field.dtype} | {field.about} |")
    return "\n".join(lines) + "\n"
