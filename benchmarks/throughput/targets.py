"""What the rows say about the targets: ratios between cases, from the rows alone."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from benchmarks.throughput.measure import Row

RIGHT = 0.01
"""Relative cantilever error up to which the mechanics counts as right."""


@dataclass(frozen=True)
class Target:
    """A figure drawn from the rows, what it should be, and whether it is."""

    name: str
    value: float
    target: str
    ok: bool


def targets(rows: Sequence[Row]) -> list[Target]:
    """Return the targets that these rows can answer."""
    ours = [r for r in rows if r.solver == "combwise" and r.device == "cpu"]
    found: list[Target] = []
    free = [r for r in ours if r.purpose == "free rods" and r.cantilever_error <= RIGHT]
    if free:
        best = max(free, key=lambda r: r.realtime_factor)
        found.append(_at_least("free rods, 64 x 24, one core, x real time", best.realtime_factor, 10.0))
    sizes = [r for r in ours if r.purpose == "vertices"]
    if len(sizes) > 1:
        vertices = np.log([r.vertices for r in sizes])
        seconds = np.log([r.strands * r.vertices / r.vertex_steps_per_s for r in sizes])
        slope = float(np.polyfit(vertices, seconds, 1)[0])
        found.append(_at_most("exponent of the cost in vertices", slope, 1.05))
    for purpose, least in (("cores, many heads", 1.7), ("cores, one head", 1.6)):
        speed = {r.cores: r.vertex_steps_per_s for r in ours if r.purpose == purpose}
        if {1, 2} <= set(speed):
            found.append(_at_least(f"two {purpose}, times one", speed[2] / speed[1], least))
    cost = {r.contacts: 1.0 / r.vertex_steps_per_s for r in ours if r.purpose == "contacts"}
    if len(cost) == 2:
        found.append(_at_most("everything on, times the free rods", cost[True] / cost[False], 3.0))
    large = [r for r in rows if r.purpose == "a large head"]
    if large:
        frames = 60.0 * large[0].realtime_factor
        found.append(
            _at_least("10,000 x 32 on a GPU, everything on, frames of 1/60 s a second", frames, 120.0)
        )
    return found


def _at_least(name: str, value: float, least: float) -> Target:
    return Target(name, value, f"at least {least:g}", value >= least)


def _at_most(name: str, value: float, most: float) -> Target:
    return Target(name, value, f"at most {most:g}", value <= most)
