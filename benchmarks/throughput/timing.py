"""Time the steps of any solver."""

from __future__ import annotations

import time
from collections.abc import Callable

from benchmarks.throughput.cases import Case

FEWEST = 12
"""Steps of a timed block: two of our searches for neighbours."""

LARGE = 200_000
"""Vertices from which one block of half as many steps must do."""


def fastest_step(advance: Callable[[int], None], case: Case, *, repeats: int, block_seconds: float) -> float:
    """Return seconds of one step: of the fastest of some blocks, since other programs only slow us down.

    Args:
        advance: takes so many steps, and comes back when they are done.
        case: what is timed; it names the clock.
        repeats: blocks after the first; a large case has the first alone.
        block_seconds: length of a block [s].
    """
    steps = FEWEST if case.count < LARGE else FEWEST // 2
    advance(steps)  # compiles, and lets neighbours meet
    first = fastest = _block(advance, case, steps)
    if case.count < LARGE:
        steps *= max(1, round(block_seconds / (first * steps)))
        for _ in range(repeats):
            fastest = min(fastest, _block(advance, case, steps))
    return fastest


def _block(advance: Callable[[int], None], case: Case, steps: int) -> float:
    """Return seconds a step of a block of steps: the process's own on one core, the clock's on more."""
    clock = time.process_time if case.clock == "cpu" else time.perf_counter
    began = clock()
    advance(steps)
    return (clock() - began) / steps
