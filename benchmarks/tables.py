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


def drawn(text: str, name: str, table: str) -> str:
    """Return a document with the table between its two marks replaced."""
    begin, end = f"<!-- table {name} -->\n", f"<!-- end {name} -->"
    before, rest = text.split(begin)
    return before + begin + table + "\n" + end + rest.split(end)[1]


def documents() -> dict[Path, str]:
    """Return every document as it should be, by path."""
    path = ROOT / "docs" / "safety.md"
    result = json.loads((ROOT / "benchmarks" / "results" / "faults.json").read_text(encoding="utf-8"))
    return {path: drawn(path.read_text(encoding="utf-8"), "faults", faults_table(result))}


def _milli(value: float | None) -> str:
    return "-" if value is None else f"{1000 * value:.0f}"


def _source(result: dict[str, Any]) -> str:
    note = f" Note: {result['note']}." if "note" in result else ""
    return f"`{result['command']}`, {result['commit']}, {result['date']}, {result['machine']}.{note}"


def main() -> int:
    """Write the documents."""
    for path, text in documents().items():
        write_text(path, text)
        print(path.relative_to(ROOT))
    return 0


if __name__ == "__main__":
    sys.exit(main())
