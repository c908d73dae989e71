"""Where the subjects of a block are made, looked at and told their strokes: here, or in processes of their own.

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
from collections.abc import Sequence
from concurrent.futures import Future, ProcessPoolExecutor
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import TypeVar

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

Of = TypeVar("Of")

BLOCKS_ON_A_GPU = 2
"""Processes that simulate blocks on a GPU: while the subjects of one are looked at, the other's are combed."""


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


class Lookers:
    """Subjects spread over processes, which end with this one."""

    def __init__(self, count: int) -> None:
        context = multiprocessing.get_context("spawn")
        # A pool of one each: what a subject has seen stays in its process.
        self._pools = [ProcessPoolExecutor(1, context, initializer=_obey) for _ in range(count)]
        self._subjects = 0

    def begin(self, looking: Looking, indices: Sequence[int]) -> list[Hair]:
        """As `Bench.begin`; heads that are not measured yet are measured side by side first."""
        self._subjects = len(indices)
        config = looking.config
        if looking.heads is not None:
            numbers = heads_of(config.seed, config.heads, indices)
            if indices[0] // len(indices) % 2:
                numbers.reverse()  # two blocks that start at once meet in the middle
            measured = [
                self._pools[i % len(self._pools)].submit(keep_head, config.seed, number, looking.heads)
                for i, number in enumerate(numbers)
            ]
            for job in measured:
                job.result()
        return self._gathered(
            [pool.submit(_begin, looking, list(own)) for pool, own in self._shares(indices)]
        )

    def look(self, strands: np.ndarray, readings: Sequence[CombReading] | None) -> list[ToolPath]:
        """As `Bench.look`."""
        count = len(self._pools)
        return self._gathered(
            [
                pool.submit(
                    _look, strands[first::count], None if readings is None else list(readings[first::count])
                )
                for first, pool in enumerate(self._pools[: self._subjects])
            ]
        )

    def end(self) -> list[Episode]:
        """As `Bench.end`."""
        return self._gathered([pool.submit(_end) for pool in self._pools[: self._subjects]])

    def _shares(self, indices: Sequence[int]) -> list[tuple[ProcessPoolExecutor, Sequence[int]]]:
        count = len(self._pools)
        return [(pool, indices[i::count]) for i, pool in enumerate(self._pools[: self._subjects])]

    def _gathered(self, jobs: list[Future[list[Of]]]) -> list[Of]:
        """Return what jobs found for their subjects, in the order of all subjects."""
        parts = [job.result() for job in jobs]
        total = sum(len(part) for part in parts)
        return [parts[i % len(parts)][i // len(parts)] for i in range(total)]


def default_lookers(device: str) -> int:
    """Return how many processes look for each block: on a GPU blocks share the cores, else a block has one."""
    if device == "cpu":
        return 0
    return max(1, ((os.cpu_count() or 1) - BLOCKS_ON_A_GPU) // BLOCKS_ON_A_GPU)


@cache
def lookers_of(count: int) -> Lookers:
    """Return this process's lookers; they stay for its next block."""
    return Lookers(count)


def _obey() -> None:
    """End with the process whose looker this is, and leave Ctrl-C to it."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    end_with_driver()


@cache
def _bench() -> Bench:
    """Return the subjects of this looker."""
    return Bench()


def _begin(looking: Looking, indices: list[int]) -> list[Hair]:
    return _bench().begin(looking, indices)


def _look(strands: np.ndarray, readings: list[CombReading] | None) -> list[ToolPath]:
    return _bench().look(strands, readings)


def _end() -> list[Episode]:
    return _bench().end()
