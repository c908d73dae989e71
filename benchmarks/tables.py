"""Draw the tables of docs/ from benchmarks/results/ alone.

python -m benchmarks.tables
"""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

from hairsim.atomic_file import write_text

ROOT = Path(__file__).resolve().parents[1]


def faults_table(result: dict[str, Any]) -> str:
    """Return the table of reactions to faults, in milliseconds."""
    lines = [
        "| fault | rule that stopped | clock | detection limit [ms] | stop after it [ms] | at rest after the "
        "stop [ms] | jump on resume [mrad] |",
        "|---|---|---|---|---|---|---|",
    ]
    for row in result["rows"]:
        cells = [row["fault"], row["rule"], row["clock"], *(_milli(row[k]) for k in ("limit", "reaction"))]
        jump = "-" if row["jump"] is None else f"{1000 * row['jump']:.2f}"
        lines.append("| " + " | ".join([*cells, _milli(row["rest"]), jump]) + " |")
    return "\n".join([*lines, "", _source(result)])


def reach_table(result: dict[str, Any]) -> str:
    """Return the table of random strokes that each arm makes."""
    kinds = sorted({kind for row in result["rows"] for kind in row["refused"]})
    head = ["arm", "strokes", "planned", *(f"refused: {kind}" for kind in kinds), "violations of a limit"]
    head += ["planning, median and worst [s]", "speed in the hair / wished, median"]
    lines = ["| " + " | ".join(head) + " |", "|" + "---|" * len(head)]
    for row in result["rows"]:
        cells = [row["arm"], row["strokes"], row["planned"], *(row["refused"].get(kind, 0) for kind in kinds)]
        seconds = (row["planning_seconds_median"], row["planning_seconds_worst"])
        speed = row["hair_speed_of_wished_median"]
        cells += [len(row["violations"]), " and ".join(f"{value:.2g}" for value in seconds)]
        cells.append("-" if speed is None else f"{speed:.2f}")
        lines.append("| " + " | ".join(str(cell) for cell in cells) + " |")
    return "\n".join([*lines, "", _source(result)])


def drawn(text: str, name: str, table: str) -> str:
    """Return a document with the table between its two marks replaced."""
    begin, end = f"<!-- table {name} -->\n", f"<!-- end {name} -->"
    before, rest = text.split(begin)
    return before + begin + table + "\n" + end + rest.split(end)[1]


def documents() -> dict[Path, str]:
    """Return every document as it should be, by path."""
    found = {}
    for page, name, table in TABLES:
        path, held = ROOT / "docs" / page, ROOT / "benchmarks" / "results" / f"{name}.json"
        if held.exists():
            result = json.loads(held.read_text(encoding="utf-8"))
            found[path] = drawn(found.get(path, path.read_text(encoding="utf-8")), name, table(result))
    return found


def _milli(value: float | None) -> str:
    return "-" if value is None else f"{1000 * value:.0f}"


def _source(result: dict[str, Any]) -> str:
    """Return how the rows were made: a line where all were made alike, a line for each way otherwise."""
    names: dict[str, list[str]] = {}
    for name, how in result["runs"].items():
        line = f"`{how['command']}`, {how['commit']}, {how['date']}, {how['machine']}."
        names.setdefault(line, []).append(name)
    if len(names) == 1:
        return next(iter(names))
    last = max(names, key=lambda line: len(names[line]))
    parts = [f"{', '.join(of)}: {line}" for line, of in names.items() if line != last]
    return " ".join([*parts, f"All others: {last}"])


TABLES = (("safety.md", "faults", faults_table), ("robot.md", "reach", reach_table))
"""Page, name of the result file and of the marks in the page, and what draws it."""


def main() -> int:
    """Write the documents."""
    for path, text in documents().items():
        write_text(path, text)
        print(path.relative_to(ROOT))
    return 0


if __name__ == "__main__":
    sys.exit(main())
