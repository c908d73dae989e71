"""Measure one case in a process of its own, so that its peak memory is its own."""

from __future__ import annotations

import multiprocessing
import resource
import sys
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass, fields

from benchmarks.throughput.cases import Case


@dataclass(frozen=True)
class Row:
    """One line of the table.

    Attributes:
        solver, device, cores, worlds, strands, vertices, contacts, dt, iterations: the case.
        vertex_steps_per_s: vertices times steps, per wall second.
        realtime_factor: simulated seconds per wall second.
        peak_mb: most memory that the process held, the libraries' about 250 MB included [MB].
        cantilever_error: of one rod of 25 cm under its weight, relative; how right the mechanics is.
        purpose: the comparison that the case belongs to.
        clock: whether seconds were counted by the "wall" clock or are the process's own, "cpu" (one core).
    """

    solver: str
    device: str
    cores: int
    worlds: int
    strands: int
    vertices: int
    contacts: bool
    dt: float
    iterations: int
    vertex_steps_per_s: float
    realtime_factor: float
    peak_mb: float
    cantilever_error: float
    purpose: str
    clock: str


def case_of(row: Row) -> Case:
    """Return the case that a row answers."""
    return Case(**{field.name: getattr(row, field.name) for field in fields(Case)})


def measure(case: Case, *, quick: bool) -> Row:
    """Time a case in a fresh process and return its row."""
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload(["benchmarks.throughput.rods"])
    with ProcessPoolExecutor(1, mp_context=context) as pool:
        seconds, error, peak = pool.submit(_timed, case, quick).result()
    return Row(
        case.solver,
        case.device,
        case.cores,
        case.worlds,
        case.strands,
        case.vertices,
        case.contacts,
        case.dt,
        case.iterations,
        case.count / seconds,
        case.dt / seconds,
        peak,
        error,
        case.purpose,
        case.clock,
    )


def _timed(case: Case, quick: bool) -> tuple[float, float, float]:
    """Return seconds a step, cantilever error, and peak memory [MB] of this process."""
    from benchmarks.throughput import rods
    from benchmarks.throughput.peers import peer_cantilever_error, peer_of, peer_seconds_a_step

    repeats, block_seconds = (2, 0.1) if quick else (3, 0.4)
    peer = peer_of(case)
    if peer is None:
        seconds = rods.seconds_a_step(case, repeats=repeats, block_seconds=block_seconds)
        error = rods.cantilever_error(case.vertices, case.dt, case.device)
    else:
        seconds = peer_seconds_a_step(peer, case, repeats=repeats, block_seconds=block_seconds)
        exact = rods.heavy_rod_ratio(rods.free_length(case.vertices))
        error = peer_cantilever_error(peer, case, exact)
    kilobytes = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return seconds, error, kilobytes / (1024.0 if sys.platform != "darwin" else 1024.0**2)
