"""The report of the latent space: one HTML page with tables, a walk and pictures side by side."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from dynamics.evaluation_report import Shown, render_page

WHATS = {
    "seen": "the input itself",
    "codes": "codes alone",
    "detail": "codes + detail",
    "third": "codes alone, third reconstruction",
}

CLOSENESS = {
    "iou": ("IoU", 3),
    "f1": ("F1", 3),
    "median_deg": ("median direction [deg]", 1),
    "direction_deg": ("mean direction [deg]", 1),
}
"""Metrics against the truth: their headings and decimals."""

DRIFT = {
    "drift": ("1 - IoU", 3),
    "drift_deg": ("median turn [deg]", 1),
    "same_fine": ("same fine entries", 3),
    "same_coarse": ("same coarse entries", 3),
}
"""Metrics of the third reconstruction against the first."""


def render_report(
    headline: str,
    rows: Sequence[Mapping[str, Any]],
    classes: Sequence[Mapping[str, Any]],
    codebooks: Sequence[Mapping[str, Any]],
    shown: Sequence[Shown],
    *,
    ratio: float,
    walk: Shown,
) -> str:
    """Return the page as HTML that needs no other file.

    Args:
        headline: how it went, in a line.
        rows: with `split, input, what, metric, mean, low, high, n`.
        classes: the same for each class of hair, named in `hair_class`.
        codebooks: of `CodebookUse.rows`.
        shown: pictures of the truth and reconstructions.
        ratio: how many times smaller codes are than volumes.
        walk: the walk, its family in words.
    """
    return render_page(
        "latent_report.html",
        headline=headline,
        scores=list(_tables(rows, CLOSENESS)),
        score_headings=[heading for heading, _ in CLOSENESS.values()],
        drifts=list(_tables(rows, DRIFT)),
        drift_headings=[heading for heading, _ in DRIFT.values()],
        classes=list(_tables(classes, CLOSENESS)),
        codebooks=codebooks,
        shown=shown,
        ratio=ratio,
        walk=walk,
    )


def _tables(
    rows: Sequence[Mapping[str, Any]], metrics: Mapping[str, tuple[str, int]]
) -> Iterator[tuple[str, list[tuple[str, list[str]]]]]:
    """Yield a title and lines of cells for each split, input and class of hair."""
    tables: dict[str, dict[str, dict[str, str]]] = {}
    for row in rows:
        if row["metric"] in metrics:
            decimals = metrics[row["metric"]][1]
            mean, low, high = (f"{row[k]:.{decimals}f}" for k in ("mean", "low", "high"))
            kind = f", {row['hair_class']} hair" if "hair_class" in row else ""
            lines = tables.setdefault(f"{row['split']}, {row['input']} input{kind}", {})
            lines.setdefault(row["what"], {})[row["metric"]] = f"{mean} ({low} to {high})"
    for title, lines in tables.items():
        yield title, [(WHATS[what], [line.get(m, "") for m in metrics]) for what, line in lines.items()]
