"""Time the strand solver and write the table.

python -m benchmarks.throughput --out throughput.json [--quick] [--resume]
"""

from __future__ import annotations

import datetime
import json
import os
import platform
import shlex
import time
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import tyro
import warp as wp
from rich.console import Console

from benchmarks.throughput.cases import Case, plan
from benchmarks.throughput.measure import Row, case_of, measure
from benchmarks.throughput.peers import PEERS, peer_cases
from benchmarks.throughput.targets import Target, described_target, targets
from hairsim.atomic_file import write_text
from hairsim.errors import CombwiseError
from hairsim.version import SIMULATOR_VERSION, code_version

COPIED = 4_000_000_000
"""Bytes that are copied to see what a GPU's memory can do."""


@dataclass(frozen=True)
class ThroughputBenchmark:
    """What to time.

    Attributes:
        out: the JSON file, written after every case.
        quick: few and small cases, a minute or two.
        resume: keep the cases that the file already holds, of this simulator version, and time the others.
        only: purposes of cases to time; all of them when empty.
        devices: where; the CPU, and a CUDA device if there is one, when empty.
    """

    out: Path
    quick: bool = False
    resume: bool = False
    only: tuple[str, ...] = ()
    devices: tuple[str, ...] = ()


def run(config: ThroughputBenchmark) -> tuple[list[Row], list[Target]]:
    """Time every case, print rows as they come, and write the file after each."""
    console = Console()
    devices = config.devices or (("cpu", "cuda:0") if wp.is_cuda_available() else ("cpu",))
    gpu = _gpu(devices)
    known = {case_of(row): row for row in earlier_rows(config.out)} if config.resume else {}
    missing = {peer.solver: peer.missing for peer in PEERS if peer.missing}
    planned = [*plan(quick=config.quick, devices=devices)]
    if "cpu" in devices:
        planned += peer_cases(quick=config.quick)
        for sentence in missing.values():
            console.print(sentence, highlight=False)
    cases = [
        case
        for case in planned
        if case in known or (case.solver not in missing and (not config.only or case.purpose in config.only))
    ]
    for case in cases:
        if case in known:
            continue
        known[case] = measure(case, quick=config.quick)
        console.print(described(case, known[case]), highlight=False)
        rows = [known[c] for c in cases if c in known]
        write_text(config.out, json.dumps(result(config, rows, gpu), indent=1) + "\n")
    rows = [known[case] for case in cases]
    reached = targets(rows)
    for target in reached:
        console.print(described_target(target), highlight=False)
    console.print(f"{len(rows)} rows in {config.out}" if rows else "no case was timed")
    return rows, reached


def command(config: ThroughputBenchmark) -> str:
    """Return the command line that times the same cases again."""
    words = ["python", "-m", "benchmarks.throughput", "--out", config.out.name]
    words += ["--quick"] if config.quick else []
    words += ["--only", *config.only] if config.only else []
    words += ["--devices", *config.devices] if config.devices else []
    return shlex.join(words)


def result(config: ThroughputBenchmark, rows: Sequence[Row], gpu: dict[str, object] | None) -> dict[str, Any]:
    """Return what the file holds: how and where it was run, what the rows say of the targets, the rows."""
    timed = {row.solver for row in rows}
    return {
        "command": command(config),
        "commit": code_version(),
        "simulator_version": SIMULATOR_VERSION,
        "date": datetime.datetime.now(datetime.UTC).date().isoformat(),
        "machine": f"{os.cpu_count()} CPU cores, {platform.machine()}, Python {platform.python_version()}",
        "load_average": [round(load, 1) for load in os.getloadavg()],
        "gpu": gpu,
        "not_installed": [peer.missing for peer in PEERS if peer.missing and peer.solver not in timed],
        "targets": [asdict(target) for target in targets(rows)],
        "rows": [asdict(row) for row in rows],
    }


def earlier_rows(path: Path) -> list[Row]:
    """Return the rows that a result file holds; none where there is no file.

    Raises:
        CombwiseError: they were timed with another version of the simulator.
    """
    if not path.exists():
        return []
    held = json.loads(path.read_text(encoding="utf-8"))
    if held["simulator_version"] != SIMULATOR_VERSION:
        raise CombwiseError(
            f"{path} holds rows of simulator version {held['simulator_version']}; this is "
            f"{SIMULATOR_VERSION}: run without --resume to time all cases again"
        )
    return [Row(**row) for row in held["rows"]]


def _gpu(devices: Sequence[str]) -> dict[str, object] | None:
    """Return a CUDA device's name and what copying within its memory reads and writes [GB/s]."""
    cuda = [device for device in devices if device != "cpu"]
    if not cuda:
        return None
    first, second = (wp.zeros(COPIED // 4, dtype=float, device=cuda[0]) for _ in range(2))
    seconds = []
    for _ in range(8):
        wp.synchronize_device(cuda[0])
        began = time.perf_counter()
        wp.copy(second, first)
        wp.synchronize_device(cuda[0])
        seconds.append(time.perf_counter() - began)
    rate = round(2e-9 * COPIED / min(seconds))
    return {"name": wp.get_device(cuda[0]).name, "copies_gb_per_s": rate}


def described(case: Case, row: Row) -> str:
    """Return one printed line of a row."""
    touching = "contacts" if case.contacts else "free"
    return (
        f"{case.purpose:18s} {case.solver} {case.device} x{case.cores}, {case.worlds} x {case.strands} x "
        f"{case.vertices} {touching}, dt 1/{1.0 / case.dt:.0f}, {case.iterations} it: "
        f"{row.vertex_steps_per_s / 1e6:.3g} M vertex-steps/s, {row.realtime_factor:.3g} x real time, "
        f"{row.peak_mb:.0f} MB, cantilever {100.0 * row.cantilever_error:.2g} %"
    )


if __name__ == "__main__":
    run(tyro.cli(ThroughputBenchmark, description=__doc__))
