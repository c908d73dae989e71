"""Crops of episodes, drawn at random and put together into what networks eat."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
import torch
from torch import Tensor

from dynamics.data import Combing, Source, Split, Window
from hairsim.errors import CombwiseError
from hairsim.groom.families import FAMILIES
from hairsim.volume import GridSpec

CROP = (40, 40, 48)
"""Voxels of a crop that the latent space is trained on: 0.30 x 0.30 x 0.36 m hold a head of medium hair."""

STROKE_CROP = (32, 32, 40)
"""Voxels of a crop that editing is trained on: 0.24 x 0.24 x 0.30 m around a stroke. Hair far from a stroke
does not move, and teaches nothing of it."""


class StateBatch(NamedTuple):
    """Hair to be encoded and the truth about it, all over crops.

    Attributes:
        seen, seen_direction: [B, X, Y, Z], [B, X, Y, Z, 3] the input, full or from cameras.
        head_distance: [B, X, Y, Z] [m].
        occupancy, direction: the full hair.
    """

    seen: Tensor
    seen_direction: Tensor
    head_distance: Tensor
    occupancy: Tensor
    direction: Tensor


class StrokeBatch(NamedTuple):
    """Hair combed H times in a row, over crops.

    Attributes:
        start: the state before the first stroke.
        rasters: H rasters [B, X/2, Y/2, Z/2, 16].
        occupancy, direction: H true states after each stroke.
    """

    start: StateBatch
    rasters: tuple[Tensor, ...]
    occupancy: tuple[Tensor, ...]
    direction: tuple[Tensor, ...]

    def to(self, device: torch.device) -> StrokeBatch:
        """Move a batch."""
        return StrokeBatch(
            StateBatch(*(t.to(device) for t in self.start)),
            tuple(t.to(device) for t in self.rasters),
            tuple(t.to(device) for t in self.occupancy),
            tuple(t.to(device) for t in self.direction),
        )


def draw_window(
    boxes: Sequence[tuple[np.ndarray, np.ndarray]],
    grid: GridSpec,
    shape: tuple[int, int, int],
    rng: np.random.Generator,
) -> Window:
    """Return a window that shows the boxes (first and last voxel each), placed and mirrored at random.

    Where all boxes together are smaller than the window they stay inside, else the window stays inside them.
    """
    first = np.min([box[0] for box in boxes], axis=0)
    after = np.max([box[1] for box in boxes], axis=0) + 1 - np.asarray(shape)
    limit = np.asarray(grid.shape) - np.asarray(shape)
    low = np.clip(np.minimum(first, after), 0, limit)
    high = np.clip(np.maximum(first, after), 0, limit)
    # Even corners, so that one raster of the whole grid serves all windows.
    first, last = np.minimum(-(-low // 2), high // 2), high // 2
    x, y, z = (int(n) for n in 2 * rng.integers(first, last + 1))
    return Window((x, y, z), shape, bool(rng.random() < 0.5))


Row = tuple[Combing, int, Source, Window]
"""A sample to be cut out: episode, state (before its strokes), input, window."""


def state_batch(rows: Sequence[Row]) -> StateBatch:
    """Return states of episodes as (episode, state, input, window)."""
    samples = [
        (*c.seen(source)[state].crop(window), window.of(c.head_distance), *c.full[state].crop(window))
        for c, state, source, window in rows
    ]
    return StateBatch(*(torch.from_numpy(np.stack(column)) for column in zip(*samples, strict=True)))


def stroke_batch(rows: Sequence[Row], horizon: int, grid: GridSpec) -> StrokeBatch:
    """Return `horizon` strokes from a state on, for rows of (episode, state, input, window)."""
    rasters, occupancy, direction = [], [], []
    for step in range(horizon):
        raster = [c.raster(state + step, window, grid) for c, state, _, window in rows]
        rasters.append(torch.from_numpy(np.stack(raster)))
        after = [c.full[state + step + 1].crop(window) for c, state, _, window in rows]
        occupancy.append(torch.from_numpy(np.stack([a[0] for a in after])))
        direction.append(torch.from_numpy(np.stack([a[1] for a in after])))
    return StrokeBatch(state_batch(rows), tuple(rasters), tuple(occupancy), tuple(direction))


def random_states(
    episodes: Sequence[Combing],
    grid: GridSpec,
    rng: np.random.Generator,
    *,
    batch: int,
    shape: tuple[int, int, int] = CROP,
    cameras_share: float = 0.5,
) -> list[Row]:
    """Draw random states, mirrored half of the time, seen by cameras in `cameras_share` of the cases."""
    rows: list[Row] = []
    for _ in range(batch):
        combing = episodes[int(rng.integers(len(episodes)))]
        state = int(rng.integers(len(combing.full)))
        source: Source = "cameras" if rng.random() < cameras_share else "full"
        rows.append((combing, state, source, draw_window([combing.full[state].box()], grid, shape, rng)))
    return rows


def class_chances(families: Sequence[str]) -> np.ndarray:
    """Return chances [E] of episodes of hairstyles to be drawn, such that every hair class comes as often.

    Of the sixteen training families eight are straight and two coily; what combing does to either is as
    hard to learn. Hair of no known family is a class of its own.
    """
    classes = [FAMILIES[name].hair_class if name in FAMILIES else name for name in families]
    count = Counter(classes)
    return np.array([1.0 / (len(count) * count[name]) for name in classes])


def random_strokes(
    episodes: Sequence[Combing],
    grid: GridSpec,
    rng: np.random.Generator,
    *,
    batch: int,
    horizon: int,
    shape: tuple[int, int, int] = STROKE_CROP,
    cameras_share: float = 0.5,
    chances: np.ndarray | None = None,
) -> list[Row]:
    """Draw random runs of `horizon` strokes; the window shows where the comb passes.

    Args:
        episodes, grid: what is drawn from.
        rng: of everything random.
        batch: runs.
        horizon: strokes of each.
        shape: of the windows [voxels].
        cameras_share: share of the runs that cameras look at.
        chances: [E] of the episodes to be drawn, see `class_chances`; equal ones when None.

    Raises:
        CombwiseError: no episode has that many strokes.
    """
    chances = np.full(len(episodes), 1.0 / max(1, len(episodes))) if chances is None else chances
    usable = episodes
    if not isinstance(episodes, Split) or episodes.strokes < horizon:  # a split is not read to be counted
        long_enough = [len(c.paths) >= horizon for c in episodes]
        usable = [c for c, long in zip(episodes, long_enough, strict=True) if long]
        chances = chances[long_enough] / max(float(chances[long_enough].sum()), 1e-12)
    if not usable:
        raise CombwiseError(f"no episode has {horizon} strokes in a row; expected at least one")
    rows: list[Row] = []
    for _ in range(batch):
        combing = usable[int(rng.choice(len(usable), p=chances))]
        first = int(rng.integers(len(combing.paths) - horizon + 1))
        source: Source = "cameras" if rng.random() < cameras_share else "full"
        boxes = [combing.swept(stroke, grid).box() for stroke in range(first, first + horizon)]
        rows.append((combing, first, source, draw_window(boxes, grid, shape, rng)))
    return rows
