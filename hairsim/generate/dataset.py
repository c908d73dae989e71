"""A dataset on disk: one Zarr v3 store of sharded arrays, see `layout`; one process writes, any may read.

An episode's arrays are written first and its mark in `complete` last; files are replaced whole. So a kill at
any moment leaves whole episodes and, at worst, arrays that nobody reads and the next run overwrites.
Nothing in a dataset is executed.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cached_property
from hashlib import sha256
from pathlib import Path
from shutil import rmtree
from typing import Any

import numpy as np
import zarr
from zarr.codecs import BloscCodec
from zarr.storage import LocalStore

from hairsim.atomic_file import make_folder
from hairsim.cameras.camera import Frame
from hairsim.errors import CombwiseError
from hairsim.generate.arrays import digests, from_arrays, to_arrays
from hairsim.generate.dataset_info import DatasetInfo
from hairsim.generate.episode import Episode, HeadRecord
from hairsim.generate.layout import FRAMES, TOGETHER, Field, fields
from hairsim.generate.splits import split_of
from hairsim.head.head import DistanceField
from hairsim.version import SIMULATOR_VERSION

STORE = "dataset.zarr"
MARK_CHUNK = 65536
"""Episodes a chunk of `complete`: one small file that says what is there."""


@dataclass(frozen=True)
class EpisodeMeta:
    """What can be known of an episode without reading its big arrays."""

    index: int
    family: str
    strokes: int

    @property
    def split(self) -> str:
        """Which split it belongs to."""
        return split_of(self.index, self.family)


def create_dataset(folder: Path, info: DatasetInfo) -> None:
    """Make the empty store; an equal one may exist already (a resumed run), or a smaller one, which grows.

    Raises:
        CombwiseError: the folder holds another dataset.
    """
    target = folder / STORE
    wanted = json.loads(json.dumps(info.as_json()))
    if (target / "zarr.json").exists():
        found = dict(_open(target, "r").attrs)
        if {name: found.get(name) for name in wanted} == wanted:
            return
        if not _is_longer(wanted, found):
            raise CombwiseError(
                f"{folder} holds a dataset of another configuration; expected an empty folder or the same one"
            )
        _grow(_open(target, "r+"), info, wanted)
        return
    make_folder(folder)
    aside = folder / f"{STORE}.new"
    rmtree(aside, ignore_errors=True)
    root = zarr.create_group(LocalStore(aside), zarr_format=3, attributes=wanted)
    codec = BloscCodec(cname="zstd", clevel=5, shuffle="bitshuffle")
    table = fields(info.sizes, info.grid)
    for name, field in table.items():
        _create(root, name, info.count, field, codec)
    root.create_group("heads")
    root.create_array("digest", shape=(info.count, len(table)), chunks=(TOGETHER, len(table)), dtype="uint32")
    root.create_array("complete", shape=(info.count,), chunks=(min(info.count, MARK_CHUNK),), dtype="uint8")
    aside.rename(target)


def _is_longer(wanted: Mapping[str, Any], found: Mapping[str, Any]) -> bool:
    """Return whether a set differs from one that is there by more episodes and by nothing else."""
    if not isinstance(found.get("count"), int) or wanted["count"] < found["count"]:
        return False
    same = {**wanted, "count": found["count"]}
    before = found.get("generation")
    if isinstance(before, Mapping) and "episodes" in before:
        same["generation"] = {**wanted["generation"], "episodes": before["episodes"]}
    return {name: found.get(name) for name in wanted} == same


def _grow(root: zarr.Group, info: DatasetInfo, wanted: Mapping[str, Any]) -> None:
    """Make room for more episodes; what the set says of itself changes last, so that a kill leaves no lie."""
    for name in (*fields(info.sizes, info.grid), "digest", "complete"):
        array = _array(root, name)
        array.resize((info.count, *array.shape[1:]))
    root.attrs.update(dict(wanted))


def _create(root: zarr.Group, name: str, count: int, field: Field, codec: BloscCodec) -> None:
    root.create_array(
        name,
        shape=(count, *field.shape),
        chunks=field.chunk,
        shards=field.shard,
        dtype=field.dtype,
        compressors=codec,
        fill_value=False if field.dtype == "bool" else 0,
        dimension_names=("episode", *field.axes),
        attributes={"about": field.about},
    )


class DatasetWriter:
    """The one process that writes a dataset."""

    def __init__(self, folder: Path) -> None:
        """Open a dataset that `create_dataset` made; what a killed writer left half-done is removed."""
        self.info = Dataset(folder).info
        self._root = _open(folder / STORE, "r+")
        for left in list((folder / STORE).rglob("*.partial")):
            left.unlink(missing_ok=True)
        self._table = fields(self.info.sizes, self.info.grid)
        self._arrays = {name: _array(self._root, name) for name in (*self._table, "digest", "complete")}
        self._complete = np.asarray(self._arrays["complete"][:]) > 0
        kept = np.asarray(self._arrays["head"][:])[self._complete]
        self._heads = {int(number) for number in np.unique(kept)}

    def missing(self) -> list[int]:
        """Return the numbers of the episodes that are still to come."""
        return [int(index) for index in np.flatnonzero(~self._complete)]

    def write(self, episode: Episode) -> None:
        """Write an episode; one that is there already is left as it is."""
        if self._complete[episode.index]:
            return
        arrays = to_arrays(episode, self.info)
        if episode.head.number not in self._heads:
            self._write_head(episode.head)
        for name, value in arrays.items():
            self._arrays[name][episode.index] = value
        self._arrays["digest"][episode.index] = digests(arrays, self._table)
        self._arrays["complete"][episode.index] = 1
        self._complete[episode.index] = True

    def _write_head(self, head: HeadRecord) -> None:
        values = head.field.values.astype(np.float16)
        self._root.create_array(
            f"heads/{head.number:06d}",
            data=values,
            chunks=values.shape,
            overwrite=True,
            dimension_names=("x", "y", "z"),
            attributes={
                "name": head.name,
                "centre": [float(c) for c in head.centre],
                "origin": [float(o) for o in head.field.origin],
                "spacing": float(head.field.spacing),
                "shape": {name: float(value) for name, value in head.shape.items()},
                "about": "signed distance to the skin [m]",
            },
        )
        self._heads.add(head.number)


class Dataset:
    """Read a dataset folder.

    Attributes:
        path: the folder.
        info: what the set is.

    Raises:
        CombwiseError: the folder is not a dataset, or of another format or simulator version.
    """

    def __init__(self, path: Path, *, simulator_version: str | None = SIMULATOR_VERSION) -> None:
        self.path = Path(path)
        store = self.path / STORE
        if not (store / "zarr.json").exists():
            if (self.path / "dataset.json").exists():
                raise CombwiseError(
                    f"dataset {self.path} has an old format, one file an episode; expected {STORE}: "
                    "generate it again"
                )
            raise CombwiseError(
                f"{self.path} is no dataset: it has no {STORE}; expected a folder made by 'combwise generate'"
            )
        self._root = _open(store, "r")
        self.info = DatasetInfo.from_json(dict(self._root.attrs), f"dataset {self.path}")
        if simulator_version is not None and self.info.simulator_version != simulator_version:
            raise CombwiseError(
                f"dataset {self.path} was made by simulator version {self.info.simulator_version}; "
                f"expected {simulator_version}: generate it again"
            )
        self._table = fields(self.info.sizes, self.info.grid)
        self._heads: dict[int, HeadRecord] = {}

    @cached_property
    def episodes(self) -> tuple[EpisodeMeta, ...]:
        """What is known of each finished episode, ordered by number."""
        with _named(self.path, "its marks"):
            complete = np.asarray(_array(self._root, "complete")[:]) > 0
            family = np.asarray(_array(self._root, "family")[:])
        return tuple(
            EpisodeMeta(int(i), self.info.families[int(family[i])], self.info.sizes.strokes)
            for i in np.flatnonzero(complete)
        )

    @cached_property
    def _numbers(self) -> frozenset[int]:
        return frozenset(meta.index for meta in self.episodes)

    def __len__(self) -> int:
        return len(self.episodes)

    def column(self, name: str) -> np.ndarray:
        """Return one array of every finished episode, [episodes, ...]; for small arrays."""
        with _named(self.path, name):
            whole = np.asarray(_array(self._root, name)[:])
        return whole[[meta.index for meta in self.episodes]]

    def arrays(self, index: int, names: tuple[str, ...] | None = None) -> dict[str, np.ndarray]:
        """Return what is stored of an episode, checked against its digests; without frames unless named.

        Raises:
            CombwiseError: there is no such episode, or it is not what was written.
        """
        if index not in self._numbers:
            raise CombwiseError(f"dataset {self.path} has no episode {index}; it holds {len(self)}")
        wanted = names or tuple(name for name in self._table if name not in FRAMES)
        with _named(self.path, f"episode {index}"):
            found = {name: np.asarray(_array(self._root, name)[index]) for name in wanted}
            stored = np.asarray(_array(self._root, "digest")[index])
        got = digests(found, self._table)
        wrong = [
            name
            for name, a, b in zip(self._table, got, stored, strict=True)
            if name in found and int(a) != int(b)
        ]
        if wrong:
            raise CombwiseError(
                f"dataset {self.path}: episode {index} is not what was written ({', '.join(wrong)}); "
                "expected an unchanged store: generate it again"
            )
        return found

    def read(self, index: int) -> Episode:
        """Read an episode; errors as in `arrays`."""
        found = self.arrays(index)
        return from_arrays(index, found, self.info, self.head(int(found["head"])))

    def frames(self, index: int, state: int) -> tuple[Frame, ...]:
        """Return what the cameras saw of a state, where frames are kept.

        Raises:
            CombwiseError: frames are not kept, or cannot be read.
        """
        if not self.info.sizes.pixels:
            raise CombwiseError(
                f"dataset {self.path} keeps no camera frames; expected one made with --frames"
            )
        looked = self.arrays(index, ("cameras",))["cameras"][state]
        with _named(self.path, f"frames of episode {index}"):
            colour, depth, mask = (np.asarray(_array(self._root, name)[index, state]) for name in FRAMES)
        return tuple(
            Frame(self.info.cameras[c], colour[c], depth[c].astype(np.float32) * np.float32(1e-4), mask[c])
            for c in np.flatnonzero(looked)
        )

    def head(self, number: int) -> HeadRecord:
        """Return a head of the set; kept once read."""
        if number not in self._heads:
            with _named(self.path, f"head {number}"):
                array = _array(self._root, f"heads/{number:06d}")
                told: dict[str, Any] = dict(array.attrs)
                origin, centre = told["origin"], told["centre"]
                self._heads[number] = HeadRecord(
                    number,
                    str(told["name"]),
                    DistanceField(
                        np.asarray(array[:]).astype(np.float32),
                        (float(origin[0]), float(origin[1]), float(origin[2])),
                        float(told["spacing"]),
                    ),
                    (float(centre[0]), float(centre[1]), float(centre[2])),
                    dict(told["shape"]),
                )
        return self._heads[number]

    def content_hash(self) -> str:
        """Return a hash of all that is stored of the finished episodes, whatever the order of writing."""
        digest = self.column("digest")
        numbers = np.array([meta.index for meta in self.episodes], np.int64)
        return sha256(numbers.tobytes() + np.ascontiguousarray(digest).tobytes()).hexdigest()


def _open(store: Path, mode: Any) -> zarr.Group:
    with _named(store.parent, "its store"):
        return zarr.open_group(LocalStore(store, read_only=mode == "r"), mode=mode, zarr_format=3)


def _array(root: zarr.Group, name: str) -> Any:
    """Return an array of a group; typed loosely, as indexing gives arrays, scalars or buffers."""
    found = root[name]
    assert isinstance(found, zarr.Array)
    return found


@contextmanager
def _named(folder: Path, what: str) -> Iterator[None]:
    """Turn whatever a damaged store makes Zarr raise into one sentence."""
    try:
        yield
    except CombwiseError:
        raise
    except Exception as error:  # codecs raise RuntimeError, stores OSError, metadata ValueError and more
        raise CombwiseError(
            f"dataset {folder}: {what} cannot be read ({type(error).__name__}: {error}); "
            "expected a store that 'combwise generate' wrote"
        ) from error
