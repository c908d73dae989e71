"""Measure how many strokes a minute the data engine simulates, worker by worker.

    python -m benchmarks.generate --out benchmarks/results/generate.json
    python -m benchmarks.generate --device cuda --workers 2 --looking --out generate_gpu.json

Grooms of 500 strands x 24 vertices, cameras off, every tool and stroke of the data engine's randomisation.
Each worker simulates blocks of its own until its time is up; a stroke's share of settling its groom counts.
Beside the rate by the clock stands the rate by processor time: what the same workers do on idle cores. With
`--looking` cameras look at every state, as in a dataset to learn from.
"""

from __future__ import annotations

import argparse
import logging
import multiprocessing
import os
import resource
import time
from collections.abc import Mapping
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import warp

from hairsim.atomic_file import write_json
from hairsim.device import resolve_device, start_warp
from hairsim.generate.comb_episode import comb_block
from hairsim.generate.config import GenerateConfig
from hairsim.generate.generate import compile_kernels
from hairsim.generate.heads import keep_head
from hairsim.generate.lookers import default_lookers
from hairsim.version import SIMULATOR_VERSION, code_version
from planner.observe import observe

CONFIG = GenerateConfig(episodes=1_000_000, guides=500, vertices=24, heads=1, blind=True, strokes=6)
TARGETS = {"cpu_two_cores": 20.0, "gpu": 700.0}
"""Strokes a minute to reach."""


@dataclass(frozen=True)
class Load:
    """What each worker does.

    Attributes:
        config: what it simulates.
        device: where.
        seconds: at least so long.
        heads: folder of the head that all of them comb.
        lookers: processes beside each worker that make grooms and look; None as the device likes.
    """

    config: GenerateConfig
    device: str
    seconds: float
    heads: Path
    lookers: int | None = None


def simulate(first: int, load: Load) -> tuple[int, float, float]:
    """Comb blocks from number `first` on for a while; return strokes, seconds and CPU seconds.

    Loading kernels and the head comes before the clock starts.
    """
    config, device = load.config, load.device
    start_warp()
    logging.basicConfig(level=logging.INFO, format="%(message)s")  # where the time of each block goes
    warm = replace(config, strokes=1, settle_seconds=0.05)
    comb_block(first, warm, observe, device, load.heads, load.lookers)
    began, used = time.monotonic(), _cpu()
    done = 0
    while time.monotonic() - began < load.seconds:
        comb_block(first + done, config, observe, device, load.heads, load.lookers)
        done += 1
    return done * config.worlds_on(device) * config.strokes, time.monotonic() - began, _cpu() - used


def _cpu() -> float:
    usage = resource.getrusage(resource.RUSAGE_SELF)
    return usage.ru_utime + usage.ru_stime


def measure(workers: int, load: Load) -> dict[str, float]:
    """Return the rates of some workers side by side."""
    context = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(workers, context) as pool:
        found = list(pool.map(partial(simulate, load=load), [100 * w for w in range(workers)]))
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
    return "\n".join(lines)


def main() -> None:
    """Measure, print and write the table."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--workers", type=int, nargs="*", default=[1, 2])
    parser.add_argument("--device", default="cpu", help="cpu, cuda or cuda:N")
    parser.add_argument("--worlds", type=int, help="heads of a block; default 1, on a GPU as many as fill it")
    parser.add_argument("--lookers", type=int, help="processes beside each worker that look at its heads")
    parser.add_argument("--guides", type=int, default=CONFIG.guides)
    parser.add_argument("--vertices", type=int, default=CONFIG.vertices)
    parser.add_argument("--looking", action="store_true", help="cameras look at every state")
    parser.add_argument("--seconds", type=float, default=60.0, help="at least so long for each worker count")
    parser.add_argument("--strokes", type=int, default=CONFIG.strokes, help="of an episode")
    parser.add_argument("--out", type=Path)
    arguments = parser.parse_args()
    os.environ["OMP_NUM_THREADS"] = "1"
    load = os.getloadavg()[0]
    device = resolve_device(arguments.device)
    if device != "cpu":
        compile_kernels(device)
    config = replace(
        CONFIG,
        strokes=arguments.strokes,
        worlds=arguments.worlds,
        guides=arguments.guides,
        vertices=arguments.vertices,
        blind=not arguments.looking,
    )
    with TemporaryDirectory() as folder:
        work = Load(config, device, arguments.seconds, Path(folder), arguments.lookers)
        keep_head(config.seed, 0, work.heads)
        rows = [measure(n, work) for n in arguments.workers]
    for row in rows:
        print("  ".join(f"{name} {value:.1f}" for name, value in row.items()))
    if arguments.out is None:
        return
    record = {
        "command": "python -m benchmarks.generate",
        "commit": code_version(),
        "date": time.strftime("%Y-%m-%d"),
        "machine": f"{os.uname().machine}, {os.cpu_count()} cores",
        "device": device if device == "cpu" else warp.get_device(device).name,
        "simulator_version": SIMULATOR_VERSION,
        "load_before": round(load, 1),
        "guides": config.guides,
        "vertices": config.vertices,
        "strokes_an_episode": config.strokes,
        "worlds": config.worlds_on(device),
        "lookers": default_lookers(device) if arguments.lookers is None else arguments.lookers,
        "cameras_look": not config.blind,
        "targets": TARGETS,
        "rows": [{name: round(value, 2) for name, value in row.items()} for row in rows],
    }
    write_json(arguments.out, record)
    print(f"{arguments.out}: {len(rows)} worker counts")


if __name__ == "__main__":
    main()
