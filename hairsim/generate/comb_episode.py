"""Episodes of data: random heads of hair, combed stroke by stroke, seen by noisy cameras."""

from __future__ import annotations

import logging
import time
from pathlib import Path

from hairsim.device import keep_memory, start_warp
from hairsim.generate.config import GenerateConfig
from hairsim.generate.episode import Episode
from hairsim.generate.heads import numbered_head
from hairsim.generate.lookers import Bench, Lookers, Looking, default_lookers, lookers_of
from hairsim.generate.subject import Observe
from hairsim.world import HairWorld

log = logging.getLogger(__name__)


def block_of(block: int, config: GenerateConfig, worlds: int) -> range:
    """Return the numbers of the episodes that are simulated side by side as one block."""
    return range(block * worlds, min((block + 1) * worlds, config.episodes))


def comb_block(
    block: int,
    config: GenerateConfig,
    observe: Observe,
    device: str = "cpu",
    heads: Path | None = None,
    lookers: int | None = None,
) -> list[Episode]:
    """Simulate the episodes of a block, W heads side by side, each with its own material and tool.

    Every episode depends on (seed, number) alone; on a GPU to rounding.

    Args:
        block: its number.
        config: what to simulate.
        observe: camera frames to volume.
        device: where to.
        heads: folder of heads that processes share, see `numbered_head`.
        lookers: processes beside this one that make the heads of hair and look at them, while this one moves
            the hair; 0 for this one alone; None as many as suit the device.
    """
    start_warp()
    keep_memory(device)
    looking = Looking(config, observe, device, heads)
    count = default_lookers(device) if lookers is None else lookers
    bench = lookers_of(count) if count else Bench()
    indices = list(block_of(block, config, config.worlds_on(device)))
    return _comb(bench, looking, indices)


def _comb(bench: Bench | Lookers, looking: Looking, indices: list[int]) -> list[Episode]:
    """Settle and comb the hair of subjects that are made and looked at on a bench."""
    config, watch = looking.config, _Watch()
    subjects = bench.begin(looking, indices)
    watch.lap("grow")
    tools = [subject.tool for subject in subjects]
    world = HairWorld(
        [numbered_head(config.seed, subject.head, looking.heads)[0] for subject in subjects],
        [subject.groom for subject in subjects],
        material=[subject.material for subject in subjects],
        device=looking.device,
        threads=1,
    )
    watch.lap("lay out")
    world.settle(config.settle_seconds)
    strands = world.all_strands()
    watch.lap("settle")
    paths = bench.look(strands, None)
    watch.lap("look")
    for _ in range(config.strokes):
        readings = world.comb(paths, tools, rest_seconds=config.rest_seconds, each_its_own=True)
        strands = world.all_strands()
        watch.lap("comb")
        paths = bench.look(strands, readings)
        watch.lap("look")
    episodes = bench.end()
    watch.lap("collect")
    log.info("%d heads from episode %d on: %s", len(indices), indices[0], watch)
    return episodes


class _Watch:
    """Where the time of a block goes."""

    def __init__(self) -> None:
        self._last = time.monotonic()
        self._laps: dict[str, list[float]] = {}

    def lap(self, name: str) -> None:
        """Count the time since the last lap as that of `name`."""
        now = time.monotonic()
        self._laps.setdefault(name, []).append(now - self._last)
        self._last = now

    def __str__(self) -> str:
        laps = (f"{name} {' '.join(f'{lap:.1f}' for lap in laps)} s" for name, laps in self._laps.items())
        return ", ".join(laps)


__all__ = ["Observe", "block_of", "comb_block"]
