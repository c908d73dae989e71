"""Measure how many strokes a minute the data engine simulates, worker by worker.

    python -m benchmarks.generate --out benchmarks/results/generate.json

Grooms of 500 strands x 24 vertices, cameras off, every tool and stroke of the data engine's randomisation.
Each worker simulates episodes of its own until its time is up; a stroke's share of settling its groom counts.
Beside the rate by the clock stands the rate by processor time: what the same workers do on idle cores.
"""

from __future__ import annotations

import argparse
import multiprocessing
import os
import resource
import time
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from hairsim.atomic_file import write_json
from hairsim.device import start_warp
from hairsim.generate.comb_episode import comb_block, numbered_head
from hairsim.generate.config import GenerateConfig
from hairsim.version import SIMULATOR_VERSION, code_version

CONFIG = GenerateConfig(episodes=100_000, guides=500, vertices=24, heads=1, blind=True, strokes=6)
TARGETS = {"cpu_two_cores": 20.0, "gpu": 700.0}
"""Strokes a minute to reach."""


def simulate(first: int, seconds: float, strokes: int) -> tuple[int, float, float]:
    """Comb episodes from number `first` on for at least `seconds`; return strokes, seconds and CPU seconds.

    Compiling kernels and measuring the head come before the clock starts.
    """
    config = replace(CONFIG, strokes=strokes)
    start_warp()
    numbered_head(config.seed, 0)
    comb_block(first, replace(CONFIG, strokes=1, settle_seconds=0.05), _unused)
    began, used = time.monotonic(), _cpu()
    done = 0
    while time.monotonic() - began < seconds:
        comb_block(first + done, config, _unused)
        done += 1
    return done * config.strokes, time.monotonic() - began, _cpu() - used


def _cpu() -> float:
    usage = resource.getrusage(resource.RUSAGE_SELF)
    return usage.ru_utime + usage.ru_stime


def _unused(*_: Any) -> Any:
    raise AssertionError("a blind dataset is not observed")


def measure(workers: int, seconds: float, strokes: int) -> dict[str, float]:
    """Return the rates of some workers side by side."""
    context = multiprocessing.get_context("spawn")
    with context.Pool(workers) as pool:
        found = pool.starmap(simulate, [(1000 * w, seconds, strokes) for w in range(workers)])
    return {
        "workers": workers,
        "strokes": sum(strokes for strokes, _, _ in found),
        "strokes_per_minute": 60.0 * sum(strokes / wall for strokes, wall, _ in found),
        "strokes_per_cpu_minute": 60.0 * sum(s for s, _, _ in found) / sum(cpu for _, _, cpu in found),
        "cores_busy": sum(cpu / wall for _, wall, cpu in found),
    }


def table(record: Mapping[str, Any]) -> str:
    """Return the rates as they stand in docs/data.md."""
    lines = [
        "| workers | strokes a minute, by the clock | strokes a minute of processor time | cores it got |",
        "|---|---|---|---|",
    ]
    for row in record["rows"]:
        lines.append(
            f"| {row['workers']} | {row['strokes_per_minute']:.1f} | {row['strokes_per_cpu_minute']:.1f} | "
            f"{row['cores_busy']:.2f} |"
        )
    lines.append(f"| GPU | {record['gpu']} | | |")
    return "\n".join(lines)


def main() -> None:
    """Measure, print and write the table."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--workers", type=int, nargs="*", default=[1, 2])
    parser.add_argument("--seconds", type=float, default=60.0, help="at least so long for each worker count")
    parser.add_argument("--strokes", type=int, default=CONFIG.strokes, help="of an episode")
    parser.add_argument("--out", type=Path)
    arguments = parser.parse_args()
    os.environ["OMP_NUM_THREADS"] = "1"
    load = os.getloadavg()[0]
    rows = [measure(n, arguments.seconds, arguments.strokes) for n in arguments.workers]
    for row in rows:
        print("  ".join(f"{name} {value:.1f}" for name, value in row.items()))
    if arguments.out is None:
        return
    record = {
        "command": "python -m benchmarks.generate",
        "commit": code_version(),
        "date": time.strftime("%Y-%m-%d"),
        "machine": f"{os.uname().machine}, {os.cpu_count()} cores",
        "simulator_version": SIMULATOR_VERSION,
        "load_before": round(load, 1),
        "guides": CONFIG.guides,
        "vertices": CONFIG.vertices,
        "strokes_an_episode": arguments.strokes,
        "targets": TARGETS,
        "rows": [{name: round(value, 2) for name, value in row.items()} for row in rows],
        "gpu": "not run",
    }
    write_json(arguments.out, record)
    print(f"{arguments.out}: {len(rows)} worker counts")


if __name__ == "__main__":
    main()
