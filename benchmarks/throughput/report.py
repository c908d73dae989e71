"""Draw the tables and the picture of docs/throughput.md from a result file alone, and print the targets.

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
from benchmarks.throughput.targets import RIGHT, Target, described_target, right, targets
from hairsim.atomic_file import write_text
from hairsim.errors import CombwiseError

BEGIN, END = "<!-- table: begin -->", "<!-- table: end -->"
PICTURE = "throughput.png"
ON_A_GPU = "throughput_gpu.json"

AXES = (("strands", "strands"), ("vertices", "vertices"), ("worlds", "worlds"))
"""Comparisons that are drawn as curves, and the column along which."""


@dataclass(frozen=True)
class ThroughputReport:
    """Where results come from and go to.

    Attributes:
        result: written by `python -m benchmarks.throughput`; rows of a machine with a GPU, where there is a
            throughput_gpu.json beside it, come after its own.
        docs: the folder of throughput.md; the picture goes into its `images`.
    """

    result: Path = Path("benchmarks/results/throughput.json")
    docs: Path = Path("docs")


def main(config: ThroughputReport) -> None:
    """Draw the picture, and put the tables between the marks of docs/throughput.md."""
    if not config.result.exists():
        raise CombwiseError(f"{config.result} is missing; expected a throughput result")
    files = (config.result, config.result.with_name(ON_A_GPU))
    results = [json.loads(path.read_text(encoding="utf-8")) for path in files if path.exists()]
    page = config.docs / "throughput.md"
    before, _, rest = page.read_text(encoding="utf-8").partition(BEGIN)
    _, _, after = rest.partition(END)
    rows = [Row(**row) for result in results for row in result["rows"]]
    picture(rows, config.docs / "images" / PICTURE)
    reached = targets(rows)
    for target in reached:
        print(described_target(target))
    parts = [
        targets_table(reached),
        peers_table(rows, results[0]["not_installed"]),
        f"![throughput](images/{PICTURE})",
        rows_table(rows),
    ]
    write_text(
        page, before + BEGIN + "\n\n" + "\n\n".join([*parts, *map(source, results)]) + "\n\n" + END + after
    )


def targets_table(reached: Sequence[Target]) -> str:
    """Return what the rows say of the targets as Markdown."""
    lines = ["| target | value | wanted | |", "| --- | --- | --- | --- |"]
    for target in reached:
        value = "-" if target.value is None else f"{target.value:.3g}"
        lines.append(f"| {target.name} | {value} | {target.target or '-'} | {target.verdict} |")
    return "\n".join(lines)


def peers_table(rows: Sequence[Row], not_installed: Sequence[str]) -> str:
    """Return each solver on the same free rods, at its fastest that is right, as Markdown.

    Where none of a solver's steps is right, the one that comes nearest is shown, and the line says so.
    """
    ours = [row for row in rows if row.solver == "combwise" and row.purpose == "free rods"]
    ours = [row for row in ours if row.device == "cpu"]
    at_step = {row.dt: row.realtime_factor for row in ours}
    lines = [
        "| solver | step [ms] | iterations | million vertex-steps/s | x real time | Combwise at this step "
        "| memory [MB] | cantilever error | |",
        "| --- | --- | --- | --- | --- | --- | --- | --- | --- |",
    ]
    solvers = dict.fromkeys(row.solver for row in rows if row.solver != "combwise")
    for solver, tried in (
        *([("combwise", ours)] if ours else []),
        *((solver, [row for row in rows if row.solver == solver]) for solver in solvers),
    ):
        good = right(tried)
        row = good[0] if good else min(tried, key=lambda row: row.cantilever_error)
        cells = [
            solver,
            f"{1000.0 * row.dt:.3g}",
            str(row.iterations),
            f"{1e-6 * row.vertex_steps_per_s:.3g}",
            f"{row.realtime_factor:.3g}",
            f"{at_step[row.dt]:.3g}" if row.dt in at_step else "-",
            f"{row.peak_mb:.0f}",
            percent(row.cantilever_error),
            f"fastest right of {len(tried)} tried"
            if good
            else f"none of {len(tried)} tried is right; the nearest",
        ]
        lines.append("| " + " | ".join(cells) + " |")
    return "\n".join(lines + [f"\n{sentence}." for sentence in not_installed])


def rows_table(rows: Sequence[Row]) -> str:
    """Return every row as Markdown; where the cantilever error is marked, speed does not count."""
    lines = [
        "| comparison | solver | device, cores | worlds x strands x vertices | contacts "
        "| step [ms], iterations | million vertex-steps/s | x real time | memory [MB] | cantilever error |",
        "| --- | --- | --- | --- | --- | --- | --- | --- | --- | --- |",
    ]
    for row in rows:
        cells = [
            row.purpose,
            row.solver,
            f"{row.device} x{row.cores}, {row.clock} clock",
            f"{row.worlds} x {row.strands} x {row.vertices}",
            "yes" if row.contacts else "no",
            f"{1000.0 * row.dt:.3g}, {row.iterations}",
            f"{1e-6 * row.vertex_steps_per_s:.3g}",
            f"{row.realtime_factor:.3g}",
            f"{row.peak_mb:.0f}",
            f"{percent(row.cantilever_error)}{'' if row.cantilever_error <= RIGHT else ' (too much)'}",
        ]
        lines.append("| " + " | ".join(cells) + " |")
    return "\n".join(lines)


def percent(error: float) -> str:
    """Return a relative error in percent, to two digits or to whole percents."""
    return f"{100.0 * error:.0f} %" if error >= 0.1 else f"{100.0 * error:.2g} %"


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
