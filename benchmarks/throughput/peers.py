"""Other public solvers on the same free rods, where they are installed."""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, version
from typing import Protocol

from benchmarks.throughput.cases import Case
from benchmarks.throughput.timing import fastest_step

PURPOSE = "peers"

FELL_APART = 1.0
"""Cantilever error of rods that did not survive."""

SETTLE = 4.0
"""Simulated time after which a cantilever rests [s]."""


class PeerRods(Protocol):
    """Free rods in somebody else's solver."""

    def advance(self, steps: int) -> None:
        """Take so many steps."""
        ...

    def drop_over_reach(self) -> float:
        """Return how the first rod hangs."""
        ...


@dataclass(frozen=True)
class Peer:
    """A solver to compare with.

    Attributes:
        solver: its name in the rows.
        package: distribution that brings it.
        oldest, before: versions that have it: from this to before that [major, minor].
        steps: time steps [s] and iterations to try, longest step first.
        make: builds so many rods of a case.
    """

    solver: str
    package: str
    oldest: tuple[int, int]
    before: tuple[int, int]
    steps: tuple[tuple[float, int], ...]
    make: Callable[[Case, int], PeerRods]

    @property
    def missing(self) -> str | None:
        """Why it cannot be timed here; None if it can."""
        wanted = "{}.{} up to before {}.{}".format(*self.oldest, *self.before)
        try:
            installed = version(self.package)
        except PackageNotFoundError:
            return f"{self.solver}: {self.package} is not installed; expected {wanted} (the extra `peers`)"
        found = re.match(r"(\d+)\.(\d+)", installed)
        if found is not None and self.oldest <= (int(found[1]), int(found[2])) < self.before:
            return None
        return (
            f"{self.solver}: {self.package} {installed} is installed; expected {wanted} (the extra `peers`)"
        )


def _mujoco_cable(case: Case, strands: int) -> PeerRods:
    from benchmarks.throughput.mujoco_cable import MujocoCable

    return MujocoCable(case, strands)


def _newton(stretch_stiffness: float) -> Callable[[Case, int], PeerRods]:
    def make(case: Case, strands: int) -> PeerRods:
        from benchmarks.throughput.newton_rods import NewtonRods

        return NewtonRods(case, strands, stretch_stiffness)

    return make


PEERS = (
    Peer(
        "MuJoCo cable",
        "mujoco",
        (3, 2),
        (4, 0),
        tuple((1.0 / hz, 1) for hz in (10, 20, 30, 60, 120, 240, 600)),
        _mujoco_cable,
    ),
    Peer(
        "Newton VBD, 2 N a strain",  # as our own rods
        "newton",
        (1, 8),
        (2, 0),
        ((1.0 / 60.0, 10), (1.0 / 240.0, 10), (1.0 / 600.0, 10)),
        _newton(2.0),
    ),
    Peer(
        "Newton VBD, 2 mN a strain",  # so bending does not drown; at its root a hanging hair grows by 0.8 %
        "newton",
        (1, 8),
        (2, 0),
        ((1.0 / 600.0, 10), (1.0 / 1200.0, 4)),
        _newton(0.002),
    ),
)


def peer_cases(*, quick: bool) -> Iterator[Case]:
    """Yield every peer, step and number of iterations; the two longest steps of each alone when `quick`."""
    for peer in PEERS:
        for dt, iterations in peer.steps[:2] if quick else peer.steps:
            yield Case(PURPOSE, solver=peer.solver, dt=dt, iterations=iterations)


def peer_of(case: Case) -> Peer | None:
    """Return whose solver a case asks for; None if it is ours."""
    return next((peer for peer in PEERS if peer.solver == case.solver), None)


def peer_seconds_a_step(peer: Peer, case: Case, *, repeats: int, block_seconds: float) -> float:
    """Return seconds that one step of a peer takes on our free rods."""
    rods = peer.make(case, case.strands)
    return fastest_step(rods.advance, case, repeats=repeats, block_seconds=block_seconds)


def peer_cantilever_error(peer: Peer, case: Case, exact: float) -> float:
    """Return the relative error of a peer's drop over reach, where `exact` is the elastica's."""
    rods = peer.make(case, 1)
    rods.advance(round(SETTLE / case.dt))
    error = abs(rods.drop_over_reach() / exact - 1.0)
    return error if math.isfinite(error) else FELL_APART
