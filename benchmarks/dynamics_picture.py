"""Draw how editing does beside its rivals, from a result of `benchmarks.dynamics` alone."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from matplotlib.figure import Figure

from benchmarks.dynamics_table import PREDICTED
from hairsim.atomic_file import written_aside

METRICS = {"occupancy_error": "occupancy error", "direction_deg": "direction error"}
COLOURS = ("#b2182b", "#2166ac")


def draw_beside(result: dict[str, Any], path: Path) -> None:
    """Write a picture: a panel for each input and number of strokes, a line for each rival.

    Dots are editing's error minus the rival's on the same changed voxels, as a share of the rival's, with
    95 % intervals over episodes; left of zero editing is better.
    """
    rows = [row for row in result["paired"] if row["split"] == "unseen" and row["metric"] in METRICS]
    panels = list(dict.fromkeys((row["input"], row["horizon"]) for row in rows))
    rivals = [name for name in PREDICTED if any(row["against"] == name for row in rows)]
    figure = Figure(figsize=(3.6 * len(panels), 1.3 + 0.32 * len(rivals)), layout="constrained")
    axes = figure.subplots(1, len(panels), squeeze=False, sharey=True)[0]
    for axis, (source, horizon) in zip(axes, panels, strict=True):
        for number, (metric, name) in enumerate(METRICS.items()):
            shown = [r for r in rows if (r["input"], r["horizon"], r["metric"]) == (source, horizon, metric)]
            shown = [row for row in shown if row["against"] in rivals]
            place = [rivals.index(row["against"]) + 0.24 * (number - 0.5) for row in shown]
            mean, low, high = (
                [100.0 * row[end] / row["rival_mean"] for row in shown] for end in ("mean", "low", "high")
            )
            axis.hlines(place, low, high, color=COLOURS[number])
            axis.plot(mean, place, "o", color=COLOURS[number], markersize=4, label=name)
        axis.axvline(0.0, color="0.5", linewidth=0.8)
        axis.set_title(f"{source}, {horizon} stroke{'s' if horizon > 1 else ''} ahead", fontsize=9)
        axis.set_xlabel("editing beside it [%]", fontsize=8)
        axis.tick_params(labelsize=8)
    axes[0].set_yticks(range(len(rivals)), rivals)
    axes[0].invert_yaxis()
    handles, names = axes[0].get_legend_handles_labels()
    figure.legend(handles, names, fontsize=8, ncols=len(names), loc="outside lower center")
    with written_aside(path) as aside:
        figure.savefig(aside, dpi=110, format="png")
