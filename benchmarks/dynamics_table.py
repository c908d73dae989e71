"""The tables of docs/dynamics.md, from a result of `benchmarks.dynamics` alone."""

from __future__ import annotations

from typing import Any

PREDICTED = (
    "editing",
    "cautious",
    "completed",
    "identity",
    "reconstruction",
    "advection",
    "nearest",
    "unet",
    "no_pretraining",
    "occupancy_only",
    "one_level",
    "particle_graph",
)
"""Models of combing in the order of the table."""

HEADS = "| input | strokes | model | 1 - F1 | Chamfer [mm] | direction [deg] | editing beside it, 1 - F1 |"


def dynamics_table(result: dict[str, Any]) -> str:
    """Return how far models are from the truth on the voxels that change, unseen families."""
    wanted = {"split": "unseen", "region": "changed", "hair_class": "all"}
    found = {
        (row["input"], row["horizon"], row["model"], row["metric"]): row["mean"]
        for row in result["rows"]
        if all(row[name] == value for name, value in wanted.items())
    }
    paired = {
        (row["input"], row["horizon"], row["against"]): row
        for row in result["paired"]
        if (row["split"], row["metric"]) == ("unseen", "occupancy_error")
    }
    lines = [HEADS, "|" + "---|" * HEADS.count(" | ") + "---|"]
    for source, horizon in dict.fromkeys((place[0], place[1]) for place in found):
        for model in PREDICTED:
            place = (source, horizon, model)
            if (*place, "occupancy_error") not in found:
                continue
            metrics = (("occupancy_error", 3), ("chamfer_mm", 2), ("direction_deg", 1))
            cells = [f"{found[*place, name]:.{decimals}f}" for name, decimals in metrics]
            beside = _beside(paired[place]) if place in paired else "-"
            lines.append(f"| {source} | {horizon} | {model} | {' | '.join(cells)} | {beside} |")
    lines += [f"| - | - | {name} | not run | - | - | - |" for name in PREDICTED if name in result["not_run"]]
    return "\n".join([*lines, "", _source(result)])


def _beside(row: dict[str, Any]) -> str:
    low, high = (100.0 * row[end] / row["rival_mean"] for end in ("low", "high"))
    return f"{100.0 * row['relative']:+.1f} % ({low:+.1f} to {high:+.1f})"


def _source(result: dict[str, Any]) -> str:
    """Return how the figures were made, and what of."""
    weights = result["weights"]
    trained = weights["training"]
    return (
        f"`{result['command']}`, {result['commit']}, {result['date']}, {result['machine']}. "
        f"Weights of simulator version {weights['simulator_version']}, code {weights['code_version']}: "
        f"{trained['steps']} steps of {trained['batch']} crops on {trained['machine']}."
    )
