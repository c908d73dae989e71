"""What the rows say about the targets: ratios between cases, from the rows alone."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np

from benchmarks.throughput.measure import Row

RIGHT = 0.01
"""Relative cantilever error up to which the mechanics counts as right."""


@dataclass(frozen=True)
class Target:
    """A figure drawn from the rows, and what it should be.

    Attributes:
        name: what the figure is.
        value: the figure; None where the rows cannot say it.
        target: what it should be, in words; empty where nothing is asked.
        ok: whether it is; None where there is no figure, or nothing is asked.
    """

    name: str
    value: float | None
    target: str
    ok: bool | None

    @property
    def verdict(self) -> str:
        """One word or two on the figure."""
        if self.value is None:
            return "not measured"
        return "" if self.ok is None else ("ok" if self.ok else "MISSED")


def targets(rows: Sequence[Row]) -> list[Target]:
    """Return every target, with its figure where these rows hold it."""
    ours = [r for r in rows if r.solver == "combwise" and r.device == "cpu"]
    return [*_free_rods(rows, ours), *_ratios(ours), *_large_head(rows), *_memory(ours)]


def described_target(target: Target) -> str:
    """Return one printed line of a target."""
    value = "-" if target.value is None else f"{target.value:.3g}"
    asked = f", target {target.target}" if target.target else ""
    return f"{target.name}: {value}{asked} {target.verdict}".rstrip()


def right(rows: Sequence[Row]) -> list[Row]:
    """Return the rows whose mechanics is right, fastest first."""
    good = [row for row in rows if row.cantilever_error <= RIGHT]
    return sorted(good, key=lambda row: row.realtime_factor, reverse=True)


def _free_rods(rows: Sequence[Row], ours: Sequence[Row]) -> Iterator[Target]:
    """Yield our speed on free rods, and how much that is beside the fastest peer that is right."""
    fastest = next((r.realtime_factor for r in right([r for r in ours if r.purpose == "free rods"])), None)
    yield _at_least("64 x 24 free rods, one core, times real time", fastest, 10.0)
    peer = next((r.realtime_factor for r in right([r for r in rows if r.solver != "combwise"])), None)
    yield _at_least("the same, times the fastest peer that is right", _over(fastest, peer), 20.0)


def _ratios(ours: Sequence[Row]) -> Iterator[Target]:
    """Yield how cost grows with vertices, what a second core gives and what contacts cost."""
    sizes = [r for r in ours if r.purpose == "vertices"]
    slope = None
    if len(sizes) > 1:
        vertices = np.log([r.vertices for r in sizes])
        seconds = np.log([r.strands * r.vertices / r.vertex_steps_per_s for r in sizes])
        slope = float(np.polyfit(vertices, seconds, 1)[0])
    yield _at_most("exponent of the cost in vertices", slope, 1.05)
    for purpose, least in (("cores, many heads", 1.7), ("cores, one head", 1.6)):
        speed = {r.cores: r.vertex_steps_per_s for r in ours if r.purpose == purpose}
        yield _at_least(f"two {purpose}, times one", _over(speed.get(2), speed.get(1)), least)
    speed = {r.contacts: r.vertex_steps_per_s for r in ours if r.purpose == "contacts"}
    yield _at_most("everything on, times the free rods' cost", _over(speed.get(False), speed.get(True)), 3.0)


def _large_head(rows: Sequence[Row]) -> Iterator[Target]:
    """Yield how fast a GPU is with one large head."""
    large = next((60.0 * r.realtime_factor for r in rows if r.purpose == "a large head"), None)
    yield _at_least("10,000 x 32 on a GPU, everything on, frames of 1/60 s a second", large, 120.0)


def _memory(ours: Sequence[Row]) -> Iterator[Target]:
    """Yield what the smallest and the largest head of hair take; nothing is asked of them."""
    heads = sorted((r for r in ours if r.purpose == "strands" and r.contacts), key=lambda r: r.strands)
    for row in heads[:: max(1, len(heads) - 1)]:
        yield Target(
            f"peak memory of {row.strands} x {row.vertices}, everything on [MB]", row.peak_mb, "", None
        )


def _over(value: float | None, by: float | None) -> float | None:
    return None if value is None or by is None else value / by


def _at_least(name: str, value: float | None, least: float) -> Target:
    return _judged(name, value, "at least", least)


def _at_most(name: str, value: float | None, most: float) -> Target:
    return _judged(name, value, "at most", most)


def _judged(name: str, value: float | None, sense: Literal["at least", "at most"], bound: float) -> Target:
    ok = None if value is None else (value >= bound if sense == "at least" else value <= bound)
    return Target(name, value, f"{sense} {bound:g}", ok)
