"""The report of an evaluation: one HTML page with the table, the times and pictures side by side."""

from __future__ import annotations

import base64
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from importlib import resources
from typing import Any

import jinja2

from dynamics.baselines.effort import Effort
from dynamics.calibration.figures import draw_calibration
from dynamics.calibration.table import METRICS as CALIBRATION
from hairsim.version import code_version

METRICS = {
    "occupancy_error": ("1 - F1", 3),
    "chamfer_mm": ("Chamfer [mm]", 2),
    "direction_deg": ("direction [deg]", 1),
    "direction_unsigned_deg": ("sign-free [deg]", 1),
}
"""Metrics of the table: their headings and decimals."""


@dataclass(frozen=True)
class Shown:
    """A PNG of hair before, predicted, simulated and their difference, of one family and input."""

    family: str
    source: str
    picture: bytes

    @property
    def embedded(self) -> str:
        """The picture as a data URI."""
        return "data:image/png;base64," + base64.b64encode(self.picture).decode("ascii")


def render_report(
    headline: str,
    rows: Sequence[Mapping[str, Any]],
    paired: Sequence[Mapping[str, Any]],
    shown: Sequence[Shown],
    *,
    calibration: tuple[Sequence[Mapping[str, Any]], Sequence[Mapping[str, Any]]],
    speed: Mapping[str, Any],
    not_run: Mapping[str, str],
    effort: Mapping[str, Effort],
) -> str:
    """Return the page as HTML that needs no other file.

    Args:
        headline: how the models compare, in a line.
        rows: of `evaluation_table.summary_rows`.
        paired: of `evaluation_table.paired_rows`.
        shown: the pictures.
        calibration: rows and figures of `calibration.table`.
        speed: of `measure_speed`.
        not_run: models that the table names, and why they have no figures.
        effort: what each trained model cost.
    """
    return render_page(
        "evaluation_report.html",
        headline=headline,
        tables=_tables(rows),
        headings=[heading for heading, _ in METRICS.values()],
        paired=[row for row in paired if row["metric"] in ("occupancy_error", "direction_deg")],
        shown=shown,
        drawings=draw_calibration(calibration[1]),
        calibration=calibration[0],
        explained=CALIBRATION,
        speed=speed,
        not_run=not_run,
        effort=effort,
    )


def render_page(template: str, **values: Any) -> str:
    """Fill in a template of this package, which may use the style and the version that all reports share."""
    files = resources.files("dynamics")
    environment = jinja2.Environment(autoescape=True, undefined=jinja2.StrictUndefined)
    style = files.joinpath("report.css").read_text("utf-8")
    page = environment.from_string(files.joinpath(template).read_text("utf-8"))
    return page.render(style=style, code_version=code_version(), **values)


def _tables(rows: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """Return one table for each split, input, horizon, region and hair class: titles and lines of cells."""
    tables: dict[tuple[Any, ...], dict[str, dict[str, str]]] = {}
    for row in rows:
        place = tuple(row[k] for k in ("split", "input", "horizon", "region", "hair_class"))
        decimals = METRICS[row["metric"]][1]
        low, high = f"{row['low']:.{decimals}f}", f"{row['high']:.{decimals}f}"
        cell = f"{row['mean']:.{decimals}f} ({low} to {high})"
        tables.setdefault(place, {}).setdefault(row["model"], {})[row["metric"]] = cell
    return [
        {
            "title": f"{split}, {source} input, {horizon} stroke{'s' if horizon > 1 else ''} ahead, "
            f"{region} voxels, {kind} hair",
            "open": region == "changed" and kind == "all",
            "lines": [
                (model, [cells.get(m, "") for m in METRICS])
                for model, cells in sorted(lines.items(), key=lambda line: line[1]["occupancy_error"])
            ],
        }
        for (split, source, horizon, region, kind), lines in tables.items()
    ]
