"""From episodes' records to what is published: means, paired differences, where it came from."""

from __future__ import annotations

import dataclasses
import datetime
import os
import platform
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from hairsim.groom.families import FAMILIES, HAIR_CLASSES
from hairsim.version import SIMULATOR_VERSION, code_version
from planner.benchmark.bootstrap import Interval, bootstrap_mean, paired_change, paired_difference
from planner.benchmark.episodes import record_of

METRICS = (
    "moved_mm", "disturbance_mm", "chamfer_mm", "chamfer_moved_mm", "direction_deg", "success_rate",
    "strokes", "peak_force_n", "mean_force_n", "penetration_mm", "planning_seconds",
)  # fmt: skip

COMPARED = ("moved_mm", "disturbance_mm", "chamfer_moved_mm", "direction_deg", "success_rate")
REFERENCES = ("rule_based", "no_stroke", "mppi", "mppi_simulator")
"""Planners that others are compared with, on the same tasks."""

NOT_PUBLISHED = ("out", "weights", "unet", "workers", "ray", "resume", "overwrite", "quick", "videos")
"""Config fields that say where a run was, not what it did."""

Record = dict[str, Any]


def result_of(
    records: Sequence[Record], refused: Sequence[Record], *, what: str, command: str, config: Any
) -> dict[str, Any]:
    """Return the content of metrics.json: rows, paired comparisons, provenance, every episode."""
    return {
        "what": what,
        **provenance(command, config),
        "rows": metric_rows(records),
        "comparisons": comparisons(records),
        "refused": list(refused),
        "episodes": list(records),
    }


def provenance(command: str, config: Any) -> dict[str, Any]:
    """Return what a reader needs to repeat a run."""
    return {
        "command": command,
        "commit": code_version(),
        "simulator_version": SIMULATOR_VERSION,
        "date": datetime.datetime.now(datetime.UTC).date().isoformat(),
        "machine": f"{os.cpu_count()} CPU cores, {platform.machine()}, Python {platform.python_version()}",
        "config": {
            name: value.name if isinstance(value, Path) else value  # where a file lay is nobody's business
            for name, value in dataclasses.asdict(config).items()
            if name not in NOT_PUBLISHED
        },
    }


def metric_rows(records: Sequence[Record], metrics: Sequence[str] = METRICS) -> list[dict[str, Any]]:
    """Return one row for each planner, level and metric, with a 95 % interval; all levels together last."""
    rows = []
    for planner in _distinct(records, "planner"):
        for level, mine in _levels([r for r in records if r["planner"] == planner]):
            for metric in metrics:
                values = np.array([record_of(r, metric) for r in mine])
                rows.append({"planner": planner, "level": level, "metric": metric, **_row(values)})
    for level, all_of_it in _levels(records):
        tasks = {(r["level"], r["seed"]): record_of(r, "moved_mm", "initial") for r in all_of_it}
        values = np.array(list(tasks.values()))
        rows.append({"planner": "start", "level": level, "metric": "moved_mm", **_row(values)})
    return rows


def comparisons(records: Sequence[Record]) -> list[dict[str, Any]]:
    """Return how every planner differs from the references on the same tasks.

    Each row holds the paired difference of the metric with its 95 % interval, and the change of its mean as a
    share (None where the reference's mean is 0).
    """
    found = []
    planners = _distinct(records, "planner")
    for reference in (name for name in REFERENCES if name in planners):
        for planner in (name for name in planners if name != reference):
            for level, pairs in _pairs(records, planner, reference):
                for metric in COMPARED:
                    first = np.array([record_of(mine, metric) for mine, _ in pairs])
                    second = np.array([record_of(other, metric) for _, other in pairs])
                    change = paired_change(first, second)
                    found.append(
                        {
                            "planner": planner, "against": reference, "level": level, "metric": metric,
                            **_rounded(paired_difference(first, second)),
                            "change": None if change is None else _rounded(change),
                        }
                    )  # fmt: skip
    return found


def comparison(
    result: dict[str, Any], planner: str, against: str, metric: str, level: str = "all"
) -> dict[str, Any] | None:
    """Return one comparison of a result; None where it has none."""
    wanted = {"planner": planner, "against": against, "level": level, "metric": metric}
    return next((c for c in result["comparisons"] if all(c[k] == v for k, v in wanted.items())), None)


def verdict(result: dict[str, Any]) -> str:
    """Return the headline: how the first planner did beside the one to beat."""
    pair = _headline_pair(result)
    moved, success = (
        comparison(result, *pair, metric) if pair else None for metric in ("moved_mm", "success_rate")
    )
    if pair is None or moved is None or success is None:
        return "no pair of planners to compare"
    planner, against = pair
    share = "" if moved["change"] is None else f" ({100.0 * moved['change']['mean']:+.0f} %)"
    return (
        f"{planner} ends {moved['mean']:+.1f} mm{share} beside {against} in moved "
        f"(95 % interval {moved['low']:+.1f} .. {moved['high']:+.1f}), "
        f"success {100.0 * success['mean']:+.0f} points, over {moved['episodes']} tasks"
    )


def _headline_pair(result: dict[str, Any]) -> tuple[str, str] | None:
    """Return the first planner of a result and the one to beat; None where there are not two."""
    planners = [row["planner"] for row in result["rows"] if row["planner"] != "start"]
    against = next((name for name in REFERENCES if name in planners and name != planners[0]), None)
    return None if against is None else (planners[0], against)


def markdown(result: dict[str, Any]) -> str:
    """Return the tables of a result as markdown."""
    lines = [f"{verdict(result)}.", ""]
    for level in dict.fromkeys(row["level"] for row in result["rows"]):
        lines += [f"## Level {level}", "", *_table(result, level), ""]
    if result["comparisons"]:
        lines += ["## Paired differences", "", *_comparison_table(result), "", *_class_table(result)]
    for refused in result["refused"]:
        lines += [f"No task {refused['refused']} ({refused['family']}): {refused['why']}.", ""]
    lines.append(f"`{result['command']}`, {result['commit']}, {result['date']}, {result['machine']}.")
    return "\n".join(lines) + "\n"


def _table(result: dict[str, Any], level: str) -> list[str]:
    rows = [row for row in result["rows"] if row["level"] == level]
    metrics = [m for m in METRICS if any(row["metric"] == m for row in rows)]
    lines = [
        "| planner | episodes | " + " | ".join(metrics) + " |",
        "| --- |" + " --- |" * (len(metrics) + 1),
    ]
    for planner in dict.fromkeys(row["planner"] for row in rows):
        mine = {row["metric"]: row for row in rows if row["planner"] == planner}
        cells = []
        for metric in metrics:
            row = mine.get(metric)
            cells.append("" if row is None else f"{row['mean']:.2f} ({row['low']:.2f} .. {row['high']:.2f})")
        lines.append(f"| {planner} | {mine['moved_mm']['episodes']} | " + " | ".join(cells) + " |")
    return lines


def _comparison_table(result: dict[str, Any]) -> list[str]:
    lines = [
        "| planner | against | level | metric | difference (95 % interval) | change | tasks |",
        "| --- | --- | --- | --- | --- | --- | --- |",
    ]
    for c in result["comparisons"]:
        change = "" if c["change"] is None else f"{100.0 * c['change']['mean']:+.0f} %"
        interval = f"{c['mean']:+.2f} ({c['low']:+.2f} .. {c['high']:+.2f})"
        lines.append(
            f"| {c['planner']} | {c['against']} | {c['level']} | {c['metric']} | {interval} | {change} "
            f"| {c['episodes']} |"
        )
    return lines


def _class_table(result: dict[str, Any]) -> list[str]:
    """Return how far the two planners of the verdict leave each hair class, all levels together."""
    pair = _headline_pair(result)
    if pair is None:
        return []
    (_, pairs) = _pairs(result["episodes"], *pair)[-1]
    lines = [
        f"| moved_mm of | {pair[0]} | {pair[1]} | change (95 % interval) | tasks |",
        "| --- | --- | --- | --- | --- |",
    ]
    classes = {name: family.hair_class for name, family in FAMILIES.items()}  # a file's groom has none
    for name in HAIR_CLASSES:
        both = [p for p in pairs if classes.get(p[0]["family"]) == name]
        if both:
            first, second = (np.array([record_of(p[side], "moved_mm") for p in both]) for side in (0, 1))
            change = paired_change(first, second)
            share = "" if change is None else _percent(change)
            lines.append(f"| {name} | {first.mean():.1f} | {second.mean():.1f} | {share} | {len(both)} |")
    return [*lines, ""] if len(lines) > 2 else []


def _percent(change: Interval) -> str:
    """Return a change of a mean in percent, with its interval."""
    return f"{100.0 * change.mean:+.0f} % ({100.0 * change.low:+.0f} .. {100.0 * change.high:+.0f})"


def _pairs(
    records: Sequence[Record], planner: str, reference: str
) -> list[tuple[str, list[tuple[Record, Record]]]]:
    """Return, for each level and for all, the records of two planners on the same tasks."""
    other = {(r["level"], r["seed"]): r for r in records if r["planner"] == reference}
    mine = [r for r in records if r["planner"] == planner and (r["level"], r["seed"]) in other]
    return [
        (level, [(r, other[r["level"], r["seed"]]) for r in some]) for level, some in _levels(mine) if some
    ]


def _levels(records: Sequence[Record]) -> list[tuple[str, list[Record]]]:
    """Return the records of each level, and of all levels together."""
    levels = _distinct(records, "level")
    found = [(level, [r for r in records if r["level"] == level]) for level in levels]
    return [*found, ("all", list(records))]


def _distinct(records: Sequence[Record], key: str) -> list[str]:
    return list(dict.fromkeys(r[key] for r in records))


def _row(values: np.ndarray) -> dict[str, Any]:
    return _rounded(bootstrap_mean(values))


def _rounded(interval: Interval) -> dict[str, Any]:
    return {
        "mean": round(interval.mean, 4),
        "low": round(interval.low, 4),
        "high": round(interval.high, 4),
        "episodes": interval.episodes,
    }
