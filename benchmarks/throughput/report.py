"""Draw the tables and the picture of docs/throughput.md from a result file alone.

python -m benchmarks.throughput.report [--result benchmarks/results/throughput.json] [--docs docs]
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import matplotlib.pyplot as plt
import tyro

from benchmarks.throughput.measure import Row
from benchmarks.throughput.targets import RIGHT
from hairsim.atomic_file import write_text
from hairsim.errors import CombwiseError

BEGIN, END = "<!-- table: begin -->", "<!-- table: end -->"
PICTURE = "throughput.png"

AXES = (("strands", "strands"), ("vertices", "vertices"), ("worlds", "worlds"))
"""Comparisons that are drawn as curves, and the column along which."""


@dataclass(frozen=True)
class ThroughputReport:
    """Where results come from and go to.

    Attributes:
        result: written by `python -m benchmarks.throughput`.
        docs: the folder of throughput.md; the picture goes into its `images`.
    """

    result: Path = Path("benchmarks/results/throughput.json")
    docs: Path = Path("docs")


def main(config: ThroughputReport) -> None:
    """Draw the picture, and put the tables between the marks of docs/throughput.md."""
    if not config.result.exists():
        raise CombwiseError(f"{config.result} is missing; expected a throughput result")
    result = json.loads(config.result.read_text(encoding="utf-8"))
    page = config.docs / "throughput.md"
    before, _, rest = page.read_text(encoding="utf-8").partition(BEGIN)
    _, _, after = rest.partition(END)
    rows = [Row(**row) for row in result["rows"]]
    picture(rows, config.docs / "images" / PICTURE)
    parts = [targets_table(result["targets"]), f"![throughput](images/{PICTURE})", rows_table(rows)]
    write_text(page, before + BEGIN + "\n\n" + "\n\n".join([*parts, source(result)]) + "\n\n" + END + after)


def targets_table(targets: Sequence[dict[str, Any]]) -> str:
    """Return what the rows say of the targets as Markdown."""
    lines = ["| target | value | wanted | |", "| --- | --- | --- | --- |"]
    for target in targets:
        met = "ok" if target["ok"] else "MISSED"
        lines.append(f"| {target['name']} | {target['value']:.3g} | {target['target']} | {met} |")
    return "\n".join(lines)


def rows_table(rows: Sequence[Row]) -> str:
    """Return every row as Markdown; where the cantilever error is marked, speed does not count."""
    lines = [
        "| comparison | device, cores | worlds x strands x vertices | contacts | step [ms] "
        "| million vertex-steps/s | x real time | memory [MB] | cantilever error |",
        "| --- | --- | --- | --- | --- | --- | --- | --- | --- |",
    ]
    for row in rows:
        cells = [
            row.purpose,
            f"{row.device} x{row.cores}, {row.clock} clock",
            f"{row.worlds} x {row.strands} x {row.vertices}",
            "yes" if row.contacts else "no",
            f"{1000.0 * row.dt:.3g}",
            f"{1e-6 * row.vertex_steps_per_s:.3g}",
            f"{row.realtime_factor:.3g}",
            f"{row.peak_mb:.0f}",
            f"{100.0 * row.cantilever_error:.2g} %{'' if row.cantilever_error <= RIGHT else ' (too much)'}",
        ]
        lines.append("| " + " | ".join(cells) + " |")
    return "\n".join(lines)


def source(result: dict[str, Any]) -> str:
    """Return how the rows were made."""
    gpu = result["gpu"]
    card = f", {gpu['name']} (copies {gpu['copies_gb_per_s']} GB/s)" if gpu else ""
    return (
        f"`{result['command']}`, {result['commit']}, simulator {result['simulator_version']}, "
        f"{result['date']}, {result['machine']}{card}; load average at the end {result['load_average']}."
    )


def picture(rows: Sequence[Row], path: Path) -> None:
    """Draw speed against strands, vertices and worlds, a curve for each device, with and without contacts."""
    figure, panels = plt.subplots(1, len(AXES), figsize=(12.0, 3.6), squeeze=False)
    for panel, (purpose, column) in zip(panels[0], AXES, strict=True):
        chosen = [row for row in rows if row.purpose == purpose]
        for device, contacts in sorted({(row.device, row.contacts) for row in chosen}):
            curve = [row for row in chosen if (row.device, row.contacts) == (device, contacts)]
            label = f"{device}, {'contacts' if contacts else 'free'}"
            speed = [1e-6 * row.vertex_steps_per_s for row in curve]
            panel.loglog([getattr(row, column) for row in curve], speed, "o-", label=label)
        panel.set_xlabel(column, fontsize=8)
        panel.grid(visible=True, which="both", alpha=0.3)
        if chosen:
            panel.legend(fontsize=7)
    panels[0][0].set_ylabel("million vertex-steps a second", fontsize=8)
    figure.tight_layout()
    path.parent.mkdir(parents=True, exist_ok=True)
    figure.savefig(path, dpi=90)
    plt.close(figure)


if __name__ == "__main__":
    main(tyro.cli(ThroughputReport, description=__doc__))
