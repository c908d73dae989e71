"""Style the held-back seeds with every planner: the table that shows whether the learned planner helps.

    python -m planner.benchmark.held_out --out runs/held_out [--resume]

A preset of the styling benchmark: level `any`, the task of `combwise demo`, and a page with every seed.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from hairsim.run_folder import RunFolder
from planner.benchmark.bootstrap import bootstrap_mean, paired_difference
from planner.benchmark.episodes import record_of
from planner.benchmark.styling import GROWS, BenchmarkConfig, try_tasks
from planner.benchmark.tables import metric_rows, provenance

METRICS = ("moved_mm", "disturbance_mm", "chamfer_mm", "direction_deg", "success_rate")


@dataclass(frozen=True, kw_only=True)
class HeldOutConfig(BenchmarkConfig):
    """One run over held-back seeds; see `BenchmarkConfig`."""

    out: Path = Path("runs/held_out")
    few: int = 0
    levels: tuple[str, ...] = ("any",)
    planners: tuple[str, ...] = ("mppi", "no_stroke", "replay")


def run_held_out(config: HeldOutConfig) -> str:
    """Style every seed with every planner; return the line that says how it went.

    Leaves tasks/, episodes/, held_out.json (rows, intervals, command, commit, date, machine) and held_out.md.
    """
    folder = RunFolder.open(config.out, config, resume=config.resume, overwrite=config.overwrite, grows=GROWS)
    records, _ = try_tasks(config, folder.path)
    result = summarise(records, config)
    folder.write_json("held_out.json", result)
    folder.write_text("held_out.md", markdown(result))
    return (
        f"{config.seeds} seeds styled by {', '.join(config.planners)}: {_verdict(result)}; see {config.out}"
    )


def summarise(records: Sequence[dict[str, Any]], config: HeldOutConfig) -> dict[str, Any]:
    """Return the published result: the means, the paired intervals against no_stroke, every episode."""
    rows = [r for r in metric_rows(records, METRICS) if r["level"] == "all" and r["planner"] != "start"]
    result: dict[str, Any] = {
        "what": "final scores on held-back seeds, full loop through noisy cameras",
        **provenance(
            "python -m planner.benchmark.held_out "
            f"--first-seed {config.first_seed} --seeds {config.seeds} --guides {config.guides}",
            config,
        ),
        "rows": rows,
        "episodes": list(records),
    }
    by_planner = {name: [r for r in records if r["planner"] == name] for name in config.planners}
    if {"mppi", "no_stroke"} <= by_planner.keys():
        mine, other = (
            np.array([record_of(r, "moved_mm") for r in by_planner[name]]) for name in ("mppi", "no_stroke")
        )
        start = np.array([record_of(r, "moved_mm", "initial") for r in by_planner["mppi"]])
        result["mppi_minus_no_stroke_moved_mm"] = dataclasses.asdict(paired_difference(mine, other))
        result["mppi_change_of_moved"] = dataclasses.asdict(bootstrap_mean(mine / start - 1.0))
        result["initial_moved_mm"] = float(start.mean())
    return result


def markdown(result: dict[str, Any]) -> str:
    """Return the result as markdown: every episode, then the means."""
    planners = list(dict.fromkeys(row["planner"] for row in result["episodes"]))
    heads = ["seed", "family", "start", *(f"{p}: moved / disturbance" for p in planners), "strokes (mppi)"]
    lines = [
        "Moved and disturbance in millimetres, after the last stroke; a star marks success.",
        "",
        "| " + " | ".join(heads) + " |",
        "|" + " --- |" * len(heads),
    ]
    for seed in dict.fromkeys(row["seed"] for row in result["episodes"]):
        mine = {row["planner"]: row for row in result["episodes"] if row["seed"] == seed}
        first = next(iter(mine.values()))
        cells = [str(seed), first["family"], f"{first['initial']['moved_mm']:.1f}"]
        for name in planners:
            final = mine[name]["final"]
            star = " *" if mine[name]["success"] else ""
            cells.append(f"{final['moved_mm']:.1f} / {final['disturbance_mm']:.1f}{star}")
        cells.append(str(mine["mppi"]["strokes"]) if "mppi" in mine else "-")
        lines.append("| " + " | ".join(cells) + " |")
    lines += ["", "| planner | metric | mean | 95 % interval |", "| --- | --- | --- | --- |"]
    for row in result["rows"]:
        interval = f"{row['low']:.2f} .. {row['high']:.2f}"
        lines.append(f"| {row['planner']} | {row['metric']} | {row['mean']:.2f} | {interval} |")
    lines += ["", f"{_verdict(result)}.", ""]
    lines.append(f"`{result['command']}`, {result['commit']}, {result['date']}, {result['machine']}.")
    return "\n".join(lines) + "\n"


def _verdict(result: dict[str, Any]) -> str:
    if "mppi_minus_no_stroke_moved_mm" not in result:
        return "no pair of planners to compare"
    difference, change = result["mppi_minus_no_stroke_moved_mm"], result["mppi_change_of_moved"]
    return (
        f"mppi ends {difference['mean']:+.1f} mm beside no_stroke in moved "
        f"(95 % interval {difference['low']:+.1f} .. {difference['high']:+.1f}), "
        f"{100.0 * change['mean']:+.0f} % against its start"
    )


if __name__ == "__main__":
    import tyro

    print(run_held_out(tyro.cli(HeldOutConfig, description=__doc__)))
