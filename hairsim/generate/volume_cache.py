"""The volumes of a dataset's strands at one resolution, kept beside it: making them anew would slow training.

    DIR/cache/<voxel>mm-<children>/000123.npz      K+1 sparse volumes and what they were made from

The cache may be deleted at any time; what is missing, or was made from other strands, is made again.
"""

from __future__ import annotations

import itertools
import multiprocessing
import os
import zipfile
import zlib
from collections.abc import Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor, ThreadPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from functools import cache
from pathlib import Path
from zlib import crc32

import numpy as np
from rich.progress import track

from hairsim.atomic_file import written_aside
from hairsim.errors import CombwiseError
from hairsim.generate.dataset import Dataset
from hairsim.generate.episode import Episode, SparseVolume
from hairsim.generate.workers import end_with_driver
from hairsim.volume import GridSpec

VERSION = 1
"""Raised whenever the same strands would give another volume."""

WORTH_A_PROCESS = 16
"""Episodes a core from which processes are started: threads share one interpreter, and make volumes hardly
faster than one of them alone, but a process takes two seconds to start, in which four episodes are made."""


class VolumeCache:
    """Volumes of a dataset's episodes on one grid."""

    def __init__(self, dataset: Dataset, grid: GridSpec, children: int | None = None) -> None:
        """Choose a resolution and how many interpolated hairs; default as many as cameras saw."""
        self._dataset = dataset
        self._grid = grid
        self._children = children or dataset.info.sizes.children
        shape = "x".join(map(str, grid.shape))
        self.folder = dataset.path / "cache" / f"{1e3 * grid.voxel:g}mm-{shape}-{self._children}"

    def volumes(self, episode: Episode) -> tuple[SparseVolume, ...]:
        """Return the K+1 states of an episode as volumes, from the cache where it has them."""
        path = self.folder / f"{episode.index:06d}.npz"
        made_from = self._made_from(episode)
        kept = _read(path, made_from)
        if kept is not None:
            return kept
        made = episode.volumes(self._grid, self._children)
        try:
            self.folder.mkdir(parents=True, exist_ok=True)
            _write(path, made, made_from)
        except (CombwiseError, OSError):
            pass  # a dataset on a medium that cannot be written to: made again next time
        return made

    def fill(self, numbers: Sequence[int], *, workers: int | None = None) -> int:
        """Make what is missing of some episodes, on all cores; return how many were made."""
        missing = [n for n in numbers if not (self.folder / f"{n:06d}.npz").exists()]
        if missing:
            workers = min(workers or os.cpu_count() or 1, len(missing))
            enough = workers > 1 and len(missing) >= WORTH_A_PROCESS * workers
            made = self._by_processes(missing, workers) if enough else self._by_threads(missing, workers)
            for _ in track(made, "volumes of strands", total=len(missing)):
                pass
        return len(missing)

    def _by_threads(self, missing: Sequence[int], workers: int) -> Iterator[None]:
        with ThreadPoolExecutor(workers) as pool:
            for _ in pool.map(lambda n: self.volumes(self._dataset.read(n)), missing):
                yield

    def _by_processes(self, missing: Sequence[int], workers: int) -> Iterator[None]:
        count = len(missing)
        context = multiprocessing.get_context("spawn")
        with ProcessPoolExecutor(workers, mp_context=context, initializer=end_with_driver) as pool:
            given = ([self._dataset.path] * count, [self._grid] * count, [self._children] * count, missing)
            try:
                yield from pool.map(_make, *given, chunksize=4)
            except BrokenProcessPool as error:
                raise CombwiseError(
                    f"a process that made volumes of {self._dataset.path} died (out of memory?); "
                    "start again: what was made is kept"
                ) from error

    def _made_from(self, episode: Episode) -> np.ndarray:
        parts = (episode.strands, episode.groom.rest, episode.groom.hair_count)
        grid = np.array([*self._grid.origin, self._grid.voxel])
        return np.array(
            [VERSION, episode.groom.seed, *(crc32(np.ascontiguousarray(a).tobytes()) for a in (*parts, grid))]
        )


def _make(path: Path, grid: GridSpec, children: int, number: int) -> None:
    """Make the volumes of an episode in a process of its own, which opens a dataset once."""
    dataset = _opened(path)
    VolumeCache(dataset, grid, children).volumes(dataset.read(number))


@cache
def _opened(path: Path) -> Dataset:
    return Dataset(path)


def _read(path: Path, made_from: np.ndarray) -> tuple[SparseVolume, ...] | None:
    try:
        with path.open("rb") as file, np.load(file, allow_pickle=False) as kept:
            if not np.array_equal(kept["made_from"], made_from):
                return None
            index, occupancy, direction = kept["index"], kept["occupancy"], kept["direction"]
            return tuple(
                SparseVolume(index[a:b], occupancy[a:b], direction[a:b])
                for a, b in itertools.pairwise(kept["offsets"])
            )
    except (OSError, EOFError, KeyError, ValueError, zipfile.BadZipFile, zlib.error):
        return None


def _write(path: Path, volumes: Sequence[SparseVolume], made_from: np.ndarray) -> None:
    with written_aside(path) as aside:
        np.savez_compressed(
            aside,
            allow_pickle=False,
            made_from=made_from,
            offsets=np.cumsum([0, *(len(v.index) for v in volumes)]),
            index=np.concatenate([v.index for v in volumes]),
            occupancy=np.concatenate([v.occupancy for v in volumes]),
            direction=np.concatenate([v.direction for v in volumes]),
        )
