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
from collections.abc import Sequence
from concurrent.futures import Executor, ProcessPoolExecutor, ThreadPoolExecutor
from functools import lru_cache, partial
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

PROCESSES_FROM = 64
"""Episodes from which on processes make volumes: each takes seconds to start."""


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
        if not missing:
            return 0
        with _pool(len(missing), workers) as pool:
            made = pool.map(partial(_make, self._dataset.path, self._grid, self._children), missing)
            for _ in track(made, "volumes of strands", total=len(missing)):
                pass
        return len(missing)

    def _made_from(self, episode: Episode) -> np.ndarray:
        parts = (episode.strands, episode.groom.rest, episode.groom.hair_count)
        grid = np.array([*self._grid.origin, self._grid.voxel])
        return np.array(
            [VERSION, episode.groom.seed, *(crc32(np.ascontiguousarray(a).tobytes()) for a in (*parts, grid))]
        )


def _pool(count: int, workers: int | None) -> Executor:
    """Return what makes so many volumes: processes, whose work overlaps entirely, where they are worth it."""
    if count < PROCESSES_FROM:
        return ThreadPoolExecutor(workers)
    os.environ.setdefault("OMP_NUM_THREADS", "1")
    context = multiprocessing.get_context("spawn")
    return ProcessPoolExecutor(workers, mp_context=context, initializer=end_with_driver)


def _make(folder: Path, grid: GridSpec, children: int, number: int) -> None:
    cache, dataset = _opened(folder, grid, children)
    cache.volumes(dataset.read(number))


@lru_cache(maxsize=1)
def _opened(folder: Path, grid: GridSpec, children: int) -> tuple[VolumeCache, Dataset]:
    dataset = Dataset(folder)
    return VolumeCache(dataset, grid, children), dataset


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
