"""Which runs of strokes and which states are scored, and what a model sees of each."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import NamedTuple

import numpy as np
import torch

from dynamics.batches import StateBatch, StrokeBatch, state_batch, stroke_batch
from dynamics.data import SOURCES, Combing, Hair, Source, Store, Window
from hairsim.volume import GridSpec

AIR = 4
"""Voxels of air around the hair of a case."""


class Case(NamedTuple):
    """`horizon` strokes of an episode in a row, from the state before `stroke` on, seen as `source`."""

    split: str
    number: int
    store: Store
    combing: Combing
    stroke: int
    horizon: int
    source: Source


def cases(
    stores: Sequence[Store], splits: Sequence[str], horizons: Sequence[int], *, episodes: int = 0
) -> Iterator[Case]:
    """Yield every case of the splits; of the first `episodes` episodes of each, if that is not 0."""
    for split in splits:
        most = episodes or None  # of each dataset too, or a large one would be read to its end
        found = [(n, store, c) for n, store in enumerate(stores) for c in store.split(split)[:most]]
        for number, store, combing in found[:most]:
            for horizon in horizons:
                for stroke in range(len(combing.paths) - horizon + 1):
                    for source in SOURCES:
                        yield Case(split, number, store, combing, stroke, horizon, source)


def case_batch(case: Case, device: torch.device) -> tuple[StrokeBatch, Window]:
    """Return a case as a batch of one, on the smallest aligned window of all its hair and some air."""
    combing, grid = case.combing, case.store.grid
    window = hair_window(combing.full[case.stroke : case.stroke + case.horizon + 1], grid)
    batch = stroke_batch([(combing, case.stroke, case.source, window)], case.horizon, grid)
    return batch.to(device), window


class State(NamedTuple):
    """State `state` of an episode of dataset `number`, before any stroke when it is 0."""

    split: str
    number: int
    store: Store
    combing: Combing
    state: int


def states(
    stores: Sequence[Store], splits: Sequence[str], *, episodes: int = 0, each: int = 0
) -> Iterator[State]:
    """Yield states of the splits, as many of the first `episodes` episodes of each; 0 stands for all.

    `each` of an episode are spread evenly from the first to the last; one alone is the first.
    """
    for split in splits:
        most = episodes or None  # of each dataset too, or a large one would be read to its end
        found = [(n, store, c) for n, store in enumerate(stores) for c in store.split(split)[:most]]
        for number, store, combing in found[:most]:
            count = len(combing.full)
            chosen = np.linspace(0, count - 1, min(each or count, count)).round()
            for state in chosen.astype(int).tolist():
                yield State(split, number, store, combing, state)


def state_views(found: State, device: torch.device) -> dict[Source, StateBatch]:
    """Return a state as batches of one, of each kind of input, on one window of all its hair and some air."""
    window = hair_window([found.combing.full[found.state]], found.store.grid)
    views: dict[Source, StateBatch] = {}
    for source in SOURCES:
        batch = state_batch([(found.combing, found.state, source, window)])
        views[source] = StateBatch(*(t.to(device) for t in batch))
    return views


def hair_window(hair: Sequence[Hair], grid: GridSpec) -> Window:
    """Return the smallest aligned window of all the hair and `AIR` voxels about it."""
    boxes = [h.box() for h in hair]
    shape = np.asarray(grid.shape)
    # Even corners: cells of V/2 are then those of the whole grid.
    first = np.clip(np.min([b[0] for b in boxes], axis=0) - AIR, 0, shape - 1) // 2 * 2
    last = np.clip(np.max([b[1] for b in boxes], axis=0) + AIR, 0, shape - 1)
    size = np.minimum(-(-(last - first + 1) // 8) * 8, shape)
    x, y, z = (int(n) for n in np.clip(first, 0, shape - size))
    return Window((x, y, z), (int(size[0]), int(size[1]), int(size[2])))
