"""Where batches are cut out of episodes: on the CPU as they are read, or on a GPU that holds all of them.

A GPU eats crops faster than sixteen cores cut them. The voxels of hair are few, though: an episode of
six strokes is 1.5 MB, two thousand are 3 GB. So they are laid end to end on the GPU once, and a batch
is a gather of the voxels of its rows and a scatter into their windows:

    voxels    | ep 0, full, state 0 | state 1 | ... | ep 0, cameras, state 0 | ... | ep 1 ...
                            |                                        |
    batch          row 0: first, count, window             row 1: first, count, window

Only the numbers of the rows are sent for a batch, and nothing waits for the GPU. The batches are those
that the CPU cuts.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple, Protocol

import numpy as np
import torch
from torch import Tensor

from dynamics.batches import Row, StateBatch, StrokeBatch, state_batch, stroke_batch
from dynamics.data import SOURCES, Combing, Source, Store
from dynamics.editing.stroke_raster import MIRRORED_CHANNELS, RASTER_CHANNELS
from hairsim.volume import GridSpec


class Cutter(Protocol):
    """What cuts batches out of episodes."""

    def states(self, rows: Sequence[Row]) -> StateBatch:
        """Return states over windows."""
        ...

    def strokes(self, rows: Sequence[Row], horizon: int) -> StrokeBatch:
        """Return `horizon` strokes from a state on, over windows."""
        ...


def training_episodes(store: Store, device: torch.device) -> tuple[Sequence[Combing], Cutter]:
    """Return a dataset's training episodes, and what cuts batches of them for a device.

    Raises:
        CombwiseError: there are none.
    """
    if device.type == "cpu":
        return store.require("training"), FromMemory(store.grid)
    episodes = store.read_all("training")
    return episodes, Resident(episodes, store.grid, device)


class FromMemory:
    """Cut on the CPU."""

    def __init__(self, grid: GridSpec) -> None:
        self._grid = grid

    def states(self, rows: Sequence[Row]) -> StateBatch:
        """Return states over windows."""
        return state_batch(rows)

    def strokes(self, rows: Sequence[Row], horizon: int) -> StrokeBatch:
        """Return `horizon` strokes from a state on, over windows."""
        return stroke_batch(rows, horizon, self._grid)


class _Pieces(NamedTuple):
    """Sparse fields end to end: cells [M, 3] int16, their channels, and where pieces begin, [pieces + 1]."""

    place: Tensor
    channels: tuple[Tensor, ...]
    first: np.ndarray


class _Windows(NamedTuple):
    """Windows of one shape: first voxel [B, 3], whether mirrored [B], shape."""

    low: Tensor
    mirror: Tensor
    shape: tuple[int, int, int]


class Resident:
    """Episodes that a device holds, and cuts batches from."""

    def __init__(self, episodes: Sequence[Combing], grid: GridSpec, device: torch.device) -> None:
        """Lay hair, rasters and heads of episodes end to end on a device."""
        self._device = device
        self._number = {id(combing): n for n, combing in enumerate(episodes)}
        self._episodes = episodes  # kept, or their ids would go to others
        self._states, self._strokes = len(episodes[0].full), len(episodes[0].paths)
        hair = [h for c in episodes for h in (*c.full, *c.cameras)]
        self._hair = self._laid(
            [h.place for h in hair], [h.occupancy for h in hair], [h.direction for h in hair]
        )
        rasters = [c.swept(stroke, grid) for c in episodes for stroke in range(self._strokes)]
        self._rasters = self._laid([r.place for r in rasters], [r.values for r in rasters])
        heads = {id(c.head_distance): c.head_distance for c in episodes}
        place = {key: n for n, key in enumerate(heads)}
        self._head_of = [place[id(c.head_distance)] for c in episodes]
        self._heads = torch.from_numpy(np.stack(list(heads.values()))).to(device)
        self._mirrored = torch.tensor(MIRRORED_CHANNELS, device=device)
        sign = torch.ones(RASTER_CHANNELS)
        sign[[9, 12]] = -1.0
        self._sign = sign.to(device)

    def _laid(self, place: Sequence[np.ndarray], *channels: Sequence[np.ndarray]) -> _Pieces:
        first = np.cumsum([0, *(len(p) for p in place)])
        laid = [torch.from_numpy(np.concatenate(c)).to(self._device) for c in (place, *channels)]
        return _Pieces(laid[0], tuple(laid[1:]), first)

    def states(self, rows: Sequence[Row]) -> StateBatch:
        """Return states over windows."""
        windows = self._windows(rows)
        heads = self._sent([self._head_of[self._number[id(c)]] for c, *_ in rows])
        seen = self._hair_in(windows, [self._piece(c, source, state) for c, state, source, _ in rows])
        full = self._hair_in(windows, [self._piece(c, "full", state) for c, state, _, _ in rows])
        return StateBatch(*seen, self._distance(windows, heads), *full)

    def strokes(self, rows: Sequence[Row], horizon: int) -> StrokeBatch:
        """Return `horizon` strokes from a state on, over windows."""
        windows = self._windows(rows)
        rasters, after = [], []
        for step in range(horizon):
            swept = [self._number[id(c)] * self._strokes + state + step for c, state, _, _ in rows]
            rasters.append(self._rasters_in(windows, swept))
            pieces = [self._piece(c, "full", state + step + 1) for c, state, _, _ in rows]
            after.append(self._hair_in(windows, pieces))
        occupancy, direction = zip(*after, strict=True)
        return StrokeBatch(self.states(rows), tuple(rasters), occupancy, direction)

    def _piece(self, combing: Combing, source: Source, state: int) -> int:
        return (self._number[id(combing)] * len(SOURCES) + SOURCES.index(source)) * self._states + state

    def _sent(self, numbers: Sequence[int] | np.ndarray) -> Tensor:
        """Return whole numbers on the device, without waiting for it where it is a GPU."""
        tensor = torch.from_numpy(np.asarray(numbers, np.int64))
        if self._device.type != "cuda":
            return tensor
        return tensor.pin_memory().to(self._device, non_blocking=True)

    def _windows(self, rows: Sequence[Row]) -> _Windows:
        sent = self._sent(np.array([(*window.low, int(window.mirror)) for *_, window in rows]))
        return _Windows(sent[:, :3], sent[:, 3] > 0, rows[0][3].shape)

    def _hair_in(self, windows: _Windows, pieces: Sequence[int]) -> tuple[Tensor, Tensor]:
        """Return dense occupancy [B, X, Y, Z] and unit direction [B, X, Y, Z, 3]."""
        index, row, flat = self._scattered(self._hair, windows, pieces)
        occupancy, direction = self._hair.channels
        heading = direction[index].float()
        heading = heading / heading.norm(dim=-1, keepdim=True).clamp_min(1e-6)
        swapped = torch.stack([heading[:, 0], -heading[:, 1], heading[:, 2]], dim=-1)
        heading = torch.where(windows.mirror[row][:, None], swapped, heading)
        values = torch.cat([occupancy[index].float()[:, None] / 255.0, heading], dim=-1)
        dense = _dense(values, flat, len(pieces), windows.shape)
        return dense[..., 0].contiguous(), dense[..., 1:].contiguous()

    def _rasters_in(self, windows: _Windows, pieces: Sequence[int]) -> Tensor:
        """Return dense rasters [B, X/2, Y/2, Z/2, 16]."""
        x, y, z = (n // 2 for n in windows.shape)
        half = _Windows(windows.low // 2, windows.mirror, (x, y, z))
        index, row, flat = self._scattered(self._rasters, half, pieces)
        values = self._rasters.channels[0][index].float()
        swapped = values.index_select(1, self._mirrored) * self._sign
        values = torch.where(windows.mirror[row][:, None], swapped, values)
        return _dense(values, flat, len(pieces), half.shape)

    def _scattered(
        self, of: _Pieces, windows: _Windows, pieces: Sequence[int]
    ) -> tuple[Tensor, Tensor, Tensor]:
        """Return the cells of pieces, one piece a row: their index, row, and place in the batch of windows.

        What lies outside of its window gets the place behind the last.
        """
        first = of.first[list(pieces)]
        count = of.first[np.asarray(pieces) + 1] - first
        total = int(count.sum())
        shift, counts = self._sent(np.stack([first - (np.cumsum(count) - count), count]))
        row = torch.arange(len(pieces), device=self._device)
        row = torch.repeat_interleave(row, counts, output_size=total)
        index = torch.arange(total, device=self._device) + shift[row]
        cell = of.place[index].long() - windows.low[row]
        flat, inside = row, torch.ones_like(row, dtype=torch.bool)
        for axis, size in enumerate(windows.shape):
            place = cell[:, axis]
            inside = inside & (place >= 0) & (place < size)
            if axis == 1:
                place = torch.where(windows.mirror[row], size - 1 - place, place)
            flat = flat * size + place
        x, y, z = windows.shape
        return index, row, torch.where(inside, flat, len(pieces) * x * y * z)

    def _distance(self, windows: _Windows, heads: Tensor) -> Tensor:
        """Return the head's distance in windows, [B, X, Y, Z] [m]."""
        x, y, z = (
            windows.low[:, axis, None] + torch.arange(size, device=self._device)
            for axis, size in enumerate(windows.shape)
        )
        y = torch.where(windows.mirror[:, None], y.flip(1), y)
        return self._heads[
            heads[:, None, None, None], x[:, :, None, None], y[:, None, :, None], z[:, None, None]
        ]


def _dense(values: Tensor, flat: Tensor, count: int, shape: tuple[int, int, int]) -> Tensor:
    """Return channels [M, C] at their places in a batch of windows, [B, X, Y, Z, C], zero elsewhere."""
    cells = count * shape[0] * shape[1] * shape[2]
    dense = values.new_zeros(cells + 1, values.shape[1])
    dense[flat] = values
    return dense[:cells].reshape(count, *shape, values.shape[1])
