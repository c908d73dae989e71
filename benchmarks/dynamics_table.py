"""Draw the table of docs/dynamics.md from the card of the shipped weights alone.

python -m benchmarks.dynamics_table
"""

from __future__ import annotations

import json
import sys
from typing import Any

from benchmarks.tables import ROOT, drawn
from hairsim.atomic_file import write_text

PAGE = ROOT / "docs" / "dynamics.md"
CARD = ROOT / "dynamics" / "weights" / "small.json"

PREDICTED = ("editing", "identity", "reconstruction", "advection", "nearest", "unet", "no_pretraining")
"""Models of combing in the order of the table; those without figures are left out."""


def dynamics_table(card: dict[str, Any]) -> str:
    """Return what the card of shipped weights says of one stroke on the voxels that change."""
    lines = [
        "| input | model | 1 - F1 | Chamfer [mm] | direction [deg] | editing beside it, 1 - F1 |",
        "|---|---|---|---|---|---|",
    ]
    wanted = {"split": "unseen", "horizon": 1, "region": "changed", "hair_class": "all"}
    found = {
        (row["input"], row["model"], row["metric"]): row["mean"]
        for row in card["evaluation"]["rows"]
        if all(row[name] == value for name, value in wanted.items())
    }
    paired = {
        (row["input"], row["against"]): row
        for row in card["evaluation"]["paired"]
        if (row["split"], row["horizon"], row["metric"]) == ("unseen", 1, "occupancy_error")
    }
    for source in ("full", "cameras"):
        for model in PREDICTED:
            if (source, model, "occupancy_error") not in found:
                continue
            error, chamfer, turned = (
                found[source, model, m] for m in ("occupancy_error", "chamfer_mm", "direction_deg")
            )
            beside = _beside(paired[source, model]) if (source, model) in paired else "-"
            lines.append(f"| {source} | {model} | {error:.3f} | {chamfer:.2f} | {turned:.1f} | {beside} |")
    trained = card["training"]
    source_line = (
        f"From the card of the shipped weights, simulator version {card['simulator_version']}, code "
        f"{card['code_version']}: {trained['steps']} steps of {trained['batch']} crops on "
        f"{trained['machine']}."
    )
    return "\n".join([*lines, "", source_line])


def _beside(row: dict[str, Any]) -> str:
    low, high = (100.0 * row[end] / row["rival_mean"] for end in ("low", "high"))
    return f"{100.0 * row['relative']:+.1f} % ({low:+.1f} to {high:+.1f})"


def document() -> str:
    """Return the page as it should be."""
    table = dynamics_table(json.loads(CARD.read_text(encoding="utf-8")))
    return drawn(PAGE.read_text(encoding="utf-8"), "dynamics", table)


def main() -> int:
    """Write the page."""
    write_text(PAGE, document())
    print(PAGE.relative_to(ROOT))
    return 0


if __name__ == "__main__":
    sys.exit(main())
