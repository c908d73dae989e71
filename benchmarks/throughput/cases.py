"""What is timed: sizes, cores, contacts, and the solvers that are asked."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

STEP = 1.0 / 120.0
"""The step that data is made with [s]."""

LONGEST_STEPS = tuple(1.0 / hz for hz in (10.0, 20.0, 30.0, 60.0, 120.0, 240.0, 600.0))
"""Steps [s] among which the largest that hangs right is looked for."""


@dataclass(frozen=True)
class Case:
    """One thing to time.

    Attributes:
        purpose: the comparison it belongs to.
        solver: whose.
        device: a Warp device.
        cores: threads that may run; the process is held to as many cores.
        worlds: heads stepped as one batch, W.
        strands: of a head, S.
        vertices: of a strand, V.
        contacts: whether hair touches the head and other hair.
        dt: time step [s].
        iterations: of the solver in a step.
    """

    purpose: str
    solver: str = "combwise"
    device: str = "cpu"
    cores: int = 1
    worlds: int = 1
    strands: int = 64
    vertices: int = 24
    contacts: bool = False
    dt: float = STEP
    iterations: int = 1

    @property
    def clock(self) -> str:
        """What is counted: on one core the process's own "cpu" seconds, which others cannot blur; elsewhere
        "wall" seconds.
        """
        return "cpu" if self.cores == 1 and self.device == "cpu" else "wall"

    @property
    def count(self) -> int:
        """Vertices of all worlds together."""
        return self.worlds * self.strands * self.vertices


def plan(*, quick: bool, devices: tuple[str, ...]) -> Iterator[Case]:
    """Yield every case of our own solver, small ones first within a comparison."""
    for device in devices:
        for dt in LONGEST_STEPS[3:5] if quick else LONGEST_STEPS:
            yield Case("free rods", device=device, dt=dt)
        for vertices in (8, 32) if quick else (8, 16, 32, 64, 128):
            yield Case("vertices", device=device, strands=512, vertices=vertices)
        for contacts in (False, True):
            yield Case("contacts", device=device, strands=500, contacts=contacts)
            for strands in (250, 1000) if quick else (250, 1000, 4000, 16000, 64000):
                yield Case("strands", device=device, strands=strands, contacts=contacts)
        for worlds in (1, 4) if quick else (1, 4, 16, 64, 256):
            yield Case("worlds", device=device, worlds=worlds, vertices=16, contacts=True)
        if device != "cpu":
            yield Case("a large head", device=device, strands=10_000, vertices=32, contacts=True)
            yield Case("many large heads", device=device, worlds=256, strands=1000, contacts=True)
        for cores in (1, 2) if device == "cpu" else ():
            yield Case("cores, many heads", cores=cores, worlds=8, strands=250, contacts=True)
            yield Case("cores, one head", cores=cores, strands=1000, contacts=True)
