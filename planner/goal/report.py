"""The page of an evaluation of goals of pictures: one HTML file with tables and pictures."""

from __future__ import annotations

import base64
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from importlib import resources
from typing import Any

import jinja2

from hairsim.version import code_version

HEADINGS = {
    "iou": ("IoU", 3),
    "f1": ("F1", 3),
    "median_deg": ("median direction [deg]", 1),
    "direction_deg": ("mean direction [deg]", 1),
}
"""Metrics of the tables: their headings and decimals."""


@dataclass(frozen=True)
class ShownGoal:
    """A PNG: one picture, the true hair, and the hair as each way reads it."""

    family: str
    side: str
    ways: tuple[str, ...]
    picture: bytes

    @property
    def embedded(self) -> str:
        """The picture as a data URI."""
        return "data:image/png;base64," + base64.b64encode(self.picture).decode("ascii")


def render_report(headline: str, rows: Sequence[Mapping[str, Any]], shown: Sequence[ShownGoal]) -> str:
    """Return the page as HTML that needs no other file.

    Args:
        headline: how it went, in a line.
        rows: of `evaluation.goal_rows`.
        shown: the pictures.
    """
    environment = jinja2.Environment(autoescape=True, undefined=jinja2.StrictUndefined)
    template = resources.files("planner.goal").joinpath("report.html").read_text("utf-8")
    style = resources.files("dynamics").joinpath("report.css").read_text("utf-8")
    return environment.from_string(template).render(
        headline=headline,
        tables=list(_tables(rows)),
        headings=[heading for heading, _ in HEADINGS.values()],
        shown=shown,
        style=style,
        code_version=code_version(),
    )


def _tables(rows: Sequence[Mapping[str, Any]]) -> Iterator[tuple[str, list[tuple[str, list[str]]]]]:
    """Yield a title and lines of cells for each split, side and family."""
    tables: dict[str, dict[str, dict[str, str]]] = {}
    for row in rows:
        decimals = HEADINGS[row["metric"]][1]
        mean, low, high = (f"{row[k]:.{decimals}f}" for k in ("mean", "low", "high"))
        title = f"{row['split']}, seen from {row['side']}, {row['family']} hair"
        lines = tables.setdefault(title, {})
        lines.setdefault(row["what"], {})[row["metric"]] = f"{mean} ({low} to {high})"
    for title, lines in tables.items():
        yield title, [(what, [line.get(m, "") for m in HEADINGS]) for what, line in lines.items()]
