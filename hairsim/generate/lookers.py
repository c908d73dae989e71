"""Where the subjects of a block are made, looked at and told their strokes: here or in other processes.

One process moves the hair of a whole block, a batch that fills a GPU. What else an episode takes, grooms,
cameras and strokes, is a processor's work, a third of a second a state, and each subject's own:

    block's process      strands [W, S, V, 3]  ------>  looker 0: subjects 0, P, 2P, ...
    HairWorld on a GPU   paths of the tools    <------  looker 1: subjects 1, P + 1, ...
                         episodes, at the end  <------  ...
"""

from __future__ import annotations

import multiprocessing
import os
import signal
from collections.abc import Callable, Sequence
from concurrent.futures.process import BrokenProcessPool
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any, Protocol

import numpy as np

from hairsim.cameras.camera import three_camera_rig
from hairsim.device import keep_memory, start_warp
from hairsim.generate.config import GenerateConfig
from hairsim.generate.episode import Episode
from hairsim.generate.heads import heads_of, keep_head
from hairsim.generate.subject import Observe, Subject
from hairsim.generate.workers import end_with_driver
from hairsim.groom.groom import Groom
from hairsim.physics.material import Material
from hairsim.tools.tool import Tool, ToolPath
from hairsim.world import CombReading

BLOCKS_ON_A_GPU = 2
"""Processes that simulate blocks on a GPU: while one's subjects are looked at, the other's are combed."""


@dataclass(frozen=True)
class Looking:
    """What subjects are made from: see `comb_block`."""

    config: GenerateConfig
    observe: Observe
    device: str
    heads: Path | None


@dataclass(frozen=True)
class Hair:
    """What it takes to move a subject's hair.

    Attributes:
        head: number of the head.
        groom: as it grows.
        material: of the hair.
        tool: that combs it.
    """

    head: int
    groom: Groom
    material: Material
    tool: Tool


class Bench:
    """Subjects, in this process."""

    def __init__(self) -> None:
        self._rig = three_camera_rig()
        self._looking: Looking | None = None
        self._subjects: list[Subject] = []

    def begin(self, looking: Looking, indices: Sequence[int]) -> list[Hair]:
        """Make the subjects of some episodes; those before are forgotten."""
        start_warp()
        keep_memory(looking.device)
        self._looking = looking
        self._subjects = [Subject(index, looking.config, looking.heads) for index in indices]
        return [Hair(s.number, s.groom, s.material, s.tool) for s in self._subjects]

    def look(self, strands: np.ndarray, readings: Sequence[CombReading] | None) -> list[ToolPath]:
        """Look at all subjects, and plan their next strokes but after the last.

        Args:
            strands: [subjects, S, V, 3] guides [m].
            readings: what each subject's comb felt on the way; None at the start.

        Returns:
            A path each, or none.
        """
        at = self._looking
        assert at is not None
        paths: list[ToolPath] = []
        for number, (subject, guides) in enumerate(zip(self._subjects, strands, strict=True)):
            if readings is not None:
                subject.readings.append(readings[number])
            subject.look(guides, self._rig, at.observe, at.device)
            if len(subject.paths) < at.config.strokes:
                paths.append(subject.plan())
        return paths

    def end(self) -> list[Episode]:
        """Return the episodes, and forget the subjects."""
        episodes = [subject.episode() for subject in self._subjects]
        self._subjects = []
        return episodes


class _Connection(Protocol):
    """One end of a pipe."""

    def send(self, obj: Any, /) -> None: ...
    def recv(self) -> Any: ...


class Lookers:
    """Subjects spread over processes, which end with this one."""

    def __init__(self, count: int) -> None:
        context = multiprocessing.get_context("spawn")
        self._ends: list[_Connection] = []
        for _ in range(count):
            own, other = context.Pipe()
            context.Process(target=_attend, args=(other,), daemon=True).start()
            other.close()
            self._ends.append(own)
        self._used = 0

    def begin(self, looking: Looking, indices: Sequence[int]) -> list[Hair]:
        """As `Bench.begin`; heads that are not measured yet are measured side by side first."""
        config, count = looking.config, len(self._ends)
        if looking.heads is not None:
            numbers = heads_of(config.seed, config.heads, indices)
            if indices[0] // len(indices) % 2:
                numbers.reverse()  # two blocks that start at once meet in the middle
            measure = [(config.seed, numbers[i::count], looking.heads) for i in range(count)]
            self._answers("measure", measure)
        self._used = min(count, len(indices))
        return _dealt(self._answers("begin", [(looking, indices[i::count]) for i in range(self._used)]))

    def look(self, strands: np.ndarray, readings: Sequence[CombReading] | None) -> list[ToolPath]:
        """As `Bench.look`."""
        count = len(self._ends)
        return _dealt(
            self._answers(
                "look",
                [
                    (strands[i::count], None if readings is None else readings[i::count])
                    for i in range(self._used)
                ],
            )
        )

    def end(self) -> list[Episode]:
        """As `Bench.end`."""
        return _dealt(self._answers("end", [()] * self._used))

    def _answers(self, name: str, arguments: Sequence[tuple[Any, ...]]) -> list[Any]:
        """Let the first lookers do something each, side by side.

        Raises:
            BrokenProcessPool: a looker died.
        """
        asked = self._ends[: len(arguments)]
        try:
            for end, of_one in zip(asked, arguments, strict=True):
                end.send((name, of_one))
            answers = [end.recv() for end in asked]
        except (EOFError, OSError) as error:
            raise BrokenProcessPool("a process that looks at hair died") from error
        for answer in answers:
            if isinstance(answer, Exception):
                raise answer
        return answers


def _dealt(hands: list[list[Any]]) -> list[Any]:
    """Return what was dealt out in turn, in order."""
    total = sum(len(hand) for hand in hands)
    return [hands[i % len(hands)][i // len(hands)] for i in range(total)]


def default_lookers(device: str) -> int:
    """Return how many processes look for each block: on a GPU blocks share the cores."""
    if device == "cpu":
        return 0
    return max(1, ((os.cpu_count() or 1) - BLOCKS_ON_A_GPU) // BLOCKS_ON_A_GPU)


@cache
def lookers_of(count: int) -> Lookers:
    """Return this process's lookers; they stay for its next block."""
    return Lookers(count)


def _attend(end: _Connection) -> None:
    """Be a looker: do what is asked for at a connection until the process at its other end is gone."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    end_with_driver()
    bench = Bench()
    while True:
        try:
            name, arguments = end.recv()
        except EOFError:
            return
        try:
            answer = _WHAT[name](bench, *arguments)
        except Exception as error:  # for the process that asked
            answer = error
        end.send(answer)


def _measure(_bench: Bench, seed: int, numbers: Sequence[int], heads: Path) -> None:
    for number in numbers:
        keep_head(seed, number, heads)


_WHAT: dict[str, Callable[..., Any]] = {
    "measure": _measure,
    "begin": Bench.begin,
    "look": Bench.look,
    "end": Bench.end,
}
