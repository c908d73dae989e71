"""Run the experiments and write the table.

python -m benchmarks.physics --out physics.json [--quick] [--break friction|twist|bending]
"""

from __future__ import annotations

import datetime
import json
import os
import platform
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Annotated, Any

import tyro
from rich.console import Console
from rich.markup import escape
from rich.table import Table

from benchmarks.physics.balance import tool_force
from benchmarks.physics.combing import strokes, waiting
from benchmarks.physics.entangled import entangled
from benchmarks.physics.friction import capstan, incline
from benchmarks.physics.laws import Break, Laws, Row
from benchmarks.physics.robustness import many_strokes, many_strokes_on_full_heads
from benchmarks.physics.rods import cantilever, helix, twist, vibration
from benchmarks.physics.styles import part, time_steps
from hairsim.atomic_file import write_text
from hairsim.errors import CombwiseError
from hairsim.version import SIMULATOR_VERSION, code_version

EXPERIMENTS: dict[str, Callable[[Laws], Iterator[Row]]] = {
    "cantilever": cantilever,
    "helix": helix,
    "twist": twist,
    "vibration": vibration,
    "incline": incline,
    "capstan": capstan,
    "tool_force": tool_force,
    "strokes": strokes,
    "waiting": waiting,
    "part": part,
    "entangled": entangled,
    "time_steps": time_steps,
    "many_strokes": many_strokes,
    "many_strokes_on_full_heads": many_strokes_on_full_heads,
}


@dataclass(frozen=True)
class PhysicsBenchmark:
    """What to run.

    Attributes:
        out: the JSON file; with `only`, rows of other experiments that it holds are kept.
        only: names of experiments; all of them when empty.
        quick: fewer and shorter cases, under five minutes.
        broken: a law to break on purpose; the experiment that guards it must then fail.
    """

    out: Path
    only: tuple[str, ...] = ()
    quick: bool = False
    broken: Annotated[Break | None, tyro.conf.arg(name="break")] = None

    def __post_init__(self) -> None:
        unknown = [name for name in self.only if name not in EXPERIMENTS]
        if unknown:
            raise CombwiseError(f"unknown experiments {unknown}; expected some of {list(EXPERIMENTS)}")


def run(config: PhysicsBenchmark) -> list[Row]:
    """Run the experiments, print them as they come, and write the file; return all rows."""
    laws = Laws(config.broken, config.quick)
    found = earlier_runs(config.out) if config.only else {}
    rows: list[Row] = []
    console = Console()
    for name in config.only or EXPERIMENTS:
        began = time.perf_counter()
        table = Table("case", "value", "expected", "error", "target", "", title=name, title_justify="left")
        made = list(EXPERIMENTS[name](laws))
        for r in made:
            numbers = (f"{n:.4g}" for n in (r.value, r.expected, r.error, r.target))
            table.add_row(escape(r.case), *numbers, "ok" if r.ok else "MISSED")
        console.print(table)
        rows += made
        run_of = {**provenance(config), "seconds": round(time.perf_counter() - began, 1), "rows": len(made)}
        found[name] = (run_of, [asdict(r) for r in made])
        write_result(config.out, found)
    console.print(f"{sum(r.ok for r in rows)} of {len(rows)} cases pass; written to {config.out}")
    return rows


Runs = dict[str, tuple[dict[str, Any], list[dict[str, Any]]]]
"""Of every experiment: how it was run, and its rows."""


def provenance(config: PhysicsBenchmark) -> dict[str, Any]:
    """Return by what, when and where an experiment was run."""
    return {
        "command": command(config),
        "commit": code_version(),
        "simulator_version": SIMULATOR_VERSION,
        "date": datetime.datetime.now(datetime.UTC).date().isoformat(),
        "machine": f"{os.cpu_count()} CPU cores, {platform.machine()}, Python {platform.python_version()}",
    }


def earlier_runs(path: Path) -> Runs:
    """Return the experiments that a result file holds; none where there is no file."""
    if not path.exists():
        return {}
    held = json.loads(path.read_text(encoding="utf-8"))
    rows = iter(held["rows"])
    return {name: (how, [next(rows) for _ in range(how["rows"])]) for name, how in held["runs"].items()}


def write_result(path: Path, found: Runs) -> None:
    """Write all rows, and how each experiment was run, in the order of `EXPERIMENTS`."""
    ordered = {name: found[name] for name in EXPERIMENTS if name in found}
    result = {
        "runs": {name: how for name, (how, _) in ordered.items()},
        "rows": [r for _, rows in ordered.values() for r in rows],
    }
    write_text(path, json.dumps(result, indent=1) + "\n")


def command(config: PhysicsBenchmark) -> str:
    """Return the command line that runs the same again."""
    words = ["python -m benchmarks.physics --out", config.out.name]
    words += ["--only", *config.only] if config.only else []
    words += ["--quick"] if config.quick else []
    words += ["--break", config.broken] if config.broken else []
    return " ".join(words)


def main(words: Sequence[str] | None = None) -> int:
    """Run what a command line asks for; return its exit status."""
    try:
        run(tyro.cli(PhysicsBenchmark, args=words, description=__doc__))
    except CombwiseError as error:
        print(error, file=sys.stderr)
        return 2
    return 0


if __name__ == "__main__":
    sys.exit(main())
