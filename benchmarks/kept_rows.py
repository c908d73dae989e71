"""A result file of named rows: running some of them again keeps the others, each with how it was made.

A file has `what`, `runs` (by name: command, commit, date, machine) and `rows` (each with its name as `key`).
"""

from __future__ import annotations

import json
import shlex
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any, NamedTuple

from hairsim.atomic_file import write_json


class Kept(NamedTuple):
    """One row, and by what, when and where it was measured (benchmarks/provenance.py)."""

    how: dict[str, Any]
    row: dict[str, Any]


def read_rows(path: Path, key: str) -> dict[str, Kept]:
    """Return the rows of a result file by their name, which is the entry `key`; none without a file."""
    if not path.exists():
        return {}
    held = json.loads(path.read_text(encoding="utf-8"))
    return {row[key]: Kept(held["runs"][row[key]], row) for row in held["rows"]}


def write_rows(path: Path, what: str, kept: dict[str, Kept], order: Iterable[str]) -> None:
    """Write all rows, whole or not at all, in a given order of names; others are dropped."""
    names = [name for name in order if name in kept]
    runs = {name: kept[name].how for name in names}
    write_json(path, {"what": what, "runs": runs, "rows": [kept[name].row for name in names]})


def command(module: str, option: str, chosen: Sequence[str], everything: Sequence[str]) -> str:
    """Return the command that makes the chosen rows again; without the option it makes everything."""
    words = [] if list(chosen) == list(everything) else [option, *chosen]
    return shlex.join(["python", "-m", module, *words])
