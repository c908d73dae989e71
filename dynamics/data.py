"""Episodes of a dataset, split by groom family; `dynamics.batches` cuts them into what networks eat."""

from __future__ import annotations

import multiprocessing
import os
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from dataclasses import dataclass, field, replace
from functools import cached_property, lru_cache
from pathlib import Path
from typing import Literal, overload

import numpy as np
import torch
from rich.progress import track

from dynamics.editing.stroke_raster import SparseRaster, rasterise
from dynamics.latent.autoencoder import ALIGNMENT
from hairsim.errors import CombwiseError
from hairsim.generate.dataset import Dataset
from hairsim.generate.dataset_info import DatasetInfo
from hairsim.generate.episode import Episode, SparseVolume, dequantised
from hairsim.generate.splits import SPLITS
from hairsim.generate.volume_cache import VolumeCache
from hairsim.tools.tool import Tool, ToolPath
from hairsim.volume import GridSpec

Source = Literal["full", "cameras"]
SOURCES: tuple[Source, ...] = ("full", "cameras")
HAIR_LEVEL = 128
"""Stored occupancy from which a voxel counts as hair: one half."""

KEPT = 512
"""Episodes that stay in memory, of about 4 MB each; the next are read from disk in a tenth of a second."""

HEADS_KEPT = 64

STRANDS_KEPT = 4 * KEPT
"""Episodes whose strands stay in memory, of 0.3 MB each."""


@dataclass(frozen=True)
class Window:
    """A crop of the grid: `shape` voxels from `low` on, shown with left and right swapped if `mirror`."""

    low: tuple[int, int, int]
    shape: tuple[int, int, int]
    mirror: bool = False

    def grid(self, grid: GridSpec) -> GridSpec:
        """Return the grid of what the window shows, in the (mirrored) head frame."""
        x, y, z = self.low
        first = (x, grid.shape[1] - y - self.shape[1] if self.mirror else y, z)
        origin = [o + grid.voxel * n for o, n in zip(grid.origin, first, strict=True)]
        return GridSpec((origin[0], origin[1], origin[2]), grid.voxel, self.shape)

    def of(self, field: np.ndarray) -> np.ndarray:
        """Return what the window shows of a field [X, Y, Z], float32."""
        x, y, z = (slice(a, a + n) for a, n in zip(self.low, self.shape, strict=True))
        return (field[x, y, z][:, ::-1] if self.mirror else field[x, y, z]).astype(np.float32)


@dataclass(frozen=True)
class Hair:
    """One stored volume: voxel coordinates [M, 3] int16, occupancy [M] uint8, direction [M, 3] int8."""

    place: np.ndarray
    occupancy: np.ndarray
    direction: np.ndarray

    @staticmethod
    def of(volume: SparseVolume, grid: GridSpec) -> Hair:
        """Unpack where a stored volume's voxels are."""
        place = np.stack(np.unravel_index(volume.index, grid.shape), axis=1).astype(np.int16)
        return Hair(place, volume.occupancy, volume.direction)

    def box(self) -> tuple[np.ndarray, np.ndarray]:
        """Return the first and the last voxel of hair, [3] each; the grid's corner where there is none."""
        return self._box

    @cached_property
    def _box(self) -> tuple[np.ndarray, np.ndarray]:
        hair = self.place[self.occupancy >= HAIR_LEVEL]
        if len(hair) == 0:
            return np.zeros(3, np.int64), np.zeros(3, np.int64)
        return hair.min(0).astype(np.int64), hair.max(0).astype(np.int64)

    def crop(self, window: Window) -> tuple[np.ndarray, np.ndarray]:
        """Return dense occupancy [X, Y, Z] and unit direction [X, Y, Z, 3] in a window."""
        occupancy = np.zeros(window.shape, np.float32)
        direction = np.zeros((*window.shape, 3), np.float32)
        place = self.place - np.asarray(window.low, np.int16)
        inside = np.all((place >= 0) & (place < np.asarray(window.shape)), axis=1)
        x, y, z = place[inside].T
        heading = self.direction[inside].astype(np.float32)
        heading /= np.maximum(np.linalg.norm(heading, axis=1, keepdims=True), 1e-6)
        occupancy[x, y, z] = self.occupancy[inside] / np.float32(255.0)
        direction[x, y, z] = heading
        if window.mirror:
            return occupancy[:, ::-1], direction[:, ::-1] * np.array([1.0, -1.0, 1.0], np.float32)
        return occupancy, direction


@dataclass(frozen=True)
class Combing:
    """An episode as training sees it: K+1 states, K strokes, one head.

    `rasters` keeps what `raster` has worked out.
    """

    index: int
    family: str
    head_distance: np.ndarray
    full: tuple[Hair, ...]
    cameras: tuple[Hair, ...]
    paths: tuple[ToolPath, ...]
    tool: Tool
    rasters: dict[int, SparseRaster] = field(default_factory=dict, compare=False, repr=False)

    @staticmethod
    def of(
        episode: Episode, full: Sequence[SparseVolume], head_distance: np.ndarray, grid: GridSpec
    ) -> Combing:
        """Unpack a stored episode and the volumes of its K+1 states."""
        return Combing(
            index=episode.index,
            family=episode.family,
            head_distance=head_distance,
            full=tuple(Hair.of(v, grid) for v in full),
            cameras=tuple(Hair.of(v, grid) for v in episode.observed),
            paths=episode.paths,
            tool=episode.tool,
        )

    def raster(self, stroke: int, window: Window, grid: GridSpec) -> np.ndarray:
        """Return the raster of a stroke in a window, [X/2, Y/2, Z/2, 16]."""
        if any(n % 2 for n in window.low):  # cells of V/2 are not those of the whole grid
            path = mirrored_path(self.paths[stroke]) if window.mirror else self.paths[stroke]
            return rasterise([path], self.tool, window.grid(grid))[0].numpy()
        return self.swept(stroke, grid).crop(window.low, window.shape, mirror=window.mirror)

    def swept(self, stroke: int, grid: GridSpec) -> SparseRaster:
        """Return the raster of a stroke over the whole grid."""
        if stroke not in self.rasters:
            self.rasters[stroke] = SparseRaster.of(self.paths[stroke], self.tool, grid)
        return self.rasters[stroke]

    def seen(self, source: Source) -> tuple[Hair, ...]:
        """Return the volumes of one kind of input."""
        return self.full if source == "full" else self.cameras


def mirrored_path(path: ToolPath) -> ToolPath:
    """Swap left and right of a tool path: R' = M R M with M = diag(1, -1, 1)."""
    return ToolPath(
        times=path.times,
        positions=path.positions * np.array([1.0, -1.0, 1.0]),
        quaternions=path.quaternions * np.array([-1.0, 1.0, -1.0, 1.0]),
        in_hair=path.in_hair,
    )


class Split(Sequence[Combing]):
    """The episodes of one split, in the order of their numbers; read when they are asked for.

    Attributes:
        numbers: of the episodes.
        families: the hairstyle of each.
        strokes: of each.
    """

    def __init__(
        self,
        numbers: Sequence[int],
        families: Sequence[str],
        strokes: int,
        load: Callable[[int], Combing],
    ) -> None:
        """Take the episodes' numbers and hairstyles, how many strokes each has, and where they come from."""
        self.numbers = tuple(numbers)
        self.families = tuple(families)
        self._load = load
        self.strokes = strokes

    def __len__(self) -> int:
        return len(self.numbers)

    @overload
    def __getitem__(self, place: int) -> Combing: ...
    @overload
    def __getitem__(self, place: slice) -> list[Combing]: ...
    def __getitem__(self, place: int | slice) -> Combing | list[Combing]:
        if isinstance(place, slice):
            return [self._load(number) for number in self.numbers[place]]
        return self._load(self.numbers[place])

    def __add__(self, other: Sequence[Combing]) -> list[Combing]:
        return [*self, *other]


class Store:
    """A dataset's episodes, the last `KEPT` of them in memory.

    Attributes:
        path: its folder.
        info: what the dataset is.
        grid: where its voxels are.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self._dataset = Dataset(path)
        self.info: DatasetInfo = self._dataset.info
        self.grid = self.info.grid
        if any(n % ALIGNMENT for n in self.grid.shape):
            raise CombwiseError(
                f"dataset {path} has grid {self.grid.shape}; expected multiples of {ALIGNMENT}"
            )
        if self.info.generation.get("blind"):
            raise CombwiseError(f"dataset {path} was made blind; expected one that cameras looked at")
        self._cache = VolumeCache(self._dataset, self.grid)
        self._kept: dict[str, list[Combing]] = {}
        metas = self._dataset.episodes
        self._cache.fill([meta.index for meta in metas])
        load = lru_cache(KEPT)(self._combing)
        self._head_distance = lru_cache(HEADS_KEPT)(self._distance)
        self._stored_strands = lru_cache(STRANDS_KEPT)(self._strands)
        self._splits: dict[str, Split] = {}
        for name in SPLITS:
            found = [m for m in metas if m.split == name]
            numbers, families = [m.index for m in found], [m.family for m in found]
            self._splits[name] = Split(numbers, families, self.info.sizes.strokes, load)

    def _combing(self, number: int) -> Combing:
        episode = self._dataset.read(number)
        return Combing.of(
            episode, self._cache.volumes(episode), self._head_distance(episode.head.number), self.grid
        )

    def _prepared(self, number: int) -> tuple[int, Combing]:
        """Return an episode with all that drawing asks for except the head, after the number of the head."""
        episode = self._dataset.read(number)
        combing = Combing.of(episode, self._cache.volumes(episode), np.empty(0, np.float32), self.grid)
        for hair in (*combing.full, *combing.cameras):
            hair.box()
        for stroke in range(len(combing.paths)):
            combing.swept(stroke, self.grid)
        return episode.head.number, combing

    def read_all(self, name: str) -> list[Combing]:
        """Read the episodes of a split on all cores, rasters included, and keep them in memory.

        Raises:
            CombwiseError: there are none, or a process died.
        """
        if name not in self._kept:
            self._kept[name] = self._read_all(name)
        return self._kept[name]

    def _read_all(self, name: str) -> list[Combing]:
        numbers = self.require(name).numbers
        workers = min(os.cpu_count() or 1, len(numbers))
        # Forked, as the processes need what is open here and would take seconds to import PyTorch.
        context = multiprocessing.get_context("fork")
        heads: dict[int, np.ndarray] = {}
        found: list[Combing] = []
        with ProcessPoolExecutor(workers, context, _begin_reading, (self,)) as pool:
            chunk = max(1, min(8, len(numbers) // workers))
            read: Iterator[tuple[int, Combing]] = pool.map(_read_one, numbers, chunksize=chunk)
            try:
                for head, combing in track(read, f"reading {name} episodes", total=len(numbers)):
                    if head not in heads:
                        heads[head] = self._distance(head)
                    found.append(replace(combing, head_distance=heads[head]))
            except BrokenProcessPool as error:
                raise CombwiseError(
                    f"a process that read {name} episodes died; expected enough memory for "
                    f"{len(numbers)} episodes of 3 MB"
                ) from error
        return found

    def _distance(self, head: int) -> np.ndarray:
        return self._dataset.head(head).distance(self.grid)

    def _strands(self, number: int) -> np.ndarray:
        return self._dataset.arrays(number, ("strands",))["strands"]

    def strands(self, number: int) -> np.ndarray:
        """Return the guide strands of all states of an episode, [K+1, S, V, 3] float32 [m], head frame."""
        return dequantised(self._stored_strands(number))

    def split(self, name: str) -> Split:
        """Return the episodes of one split, in the order of their numbers."""
        return self._splits[name]

    def require(self, name: str) -> Split:
        """Return the episodes of one split.

        Raises:
            CombwiseError: there are none.
        """
        if not self._splits[name]:
            raise CombwiseError(f"the dataset has no episodes of the {name} split; generate more episodes")
        return self._splits[name]


_reading: Store | None = None
"""In a process of `Store.read_all`: what it reads."""


def _begin_reading(store: Store) -> None:
    global _reading
    _reading = store
    torch.set_num_threads(1)  # OpenMP does not survive a fork


def _read_one(number: int) -> tuple[int, Combing]:
    assert _reading is not None
    return _reading._prepared(number)
