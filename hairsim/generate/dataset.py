"""Episodes on disk: one folder, one JSON that says what it is, one file an episode.

    DIR/dataset.json            what the set is: grid, versions, generation config, families
    DIR/episodes/000123.npz     one episode, written aside and then renamed

A kill at any moment leaves whole episodes only. Nothing in a file is executed (no pickle).
"""

from __future__ import annotations

import itertools
import json
import zipfile
import zlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from hairsim.atomic_file import write_text, written_aside
from hairsim.errors import CombwiseError
from hairsim.tools.tool import Tool, ToolPath
from hairsim.version import SIMULATOR_VERSION
from hairsim.volume import GridSpec, HairVolume

FORMAT = "combwise-episodes-1"
STRAND_STEP = 2.0e-5
"""Strand positions are stored as int16 multiples of this [m]: 20 um steps, +-0.65 m of reach."""


@dataclass(frozen=True)
class SparseVolume:
    """The voxels of a `HairVolume` that hold any hair.

    Attributes:
        index: [M] int32, flat voxel index in C order.
        occupancy: [M] uint8, occupancy times 255.
        direction: [M, 3] int8, unit direction times 127.
    """

    index: np.ndarray
    occupancy: np.ndarray
    direction: np.ndarray

    @staticmethod
    def of(volume: HairVolume) -> SparseVolume:
        """Keep the voxels whose occupancy rounds to at least 1/255."""
        level = np.rint(volume.occupancy.reshape(-1) * 255.0).astype(np.uint8)
        index = np.flatnonzero(level).astype(np.int32)
        heading = np.rint(volume.direction.reshape(-1, 3)[index] * 127.0).astype(np.int8)
        return SparseVolume(index, level[index], heading)

    def dense(self, grid: GridSpec) -> HairVolume:
        """Return the volume on `grid`; directions are made unit again."""
        size = int(np.prod(grid.shape))
        occupancy = np.zeros(size, np.float32)
        direction = np.zeros((size, 3), np.float32)
        occupancy[self.index] = self.occupancy / np.float32(255.0)
        heading = self.direction.astype(np.float32)
        norm = np.linalg.norm(heading, axis=-1, keepdims=True)
        direction[self.index] = np.where(norm > 0.0, heading / np.maximum(norm, 1e-6), 0.0)
        return HairVolume(occupancy.reshape(grid.shape), direction.reshape(*grid.shape, 3), grid)


@dataclass(frozen=True)
class Episode:
    """One head of hair combed K times: state 0, stroke 0, state 1, ..., state K.

    Attributes:
        index: number of the episode in its dataset.
        family: family of the groom.
        head_name: name of the head.
        head_distance: [X, Y, Z] signed distance to the skin at voxel centres [m].
        strands: [K+1, S, V, 3] guide strands of every state [m], head frame, root first.
        hair_count: [S] hairs a guide stands for.
        strokes: [K, 8] `Stroke` vectors.
        tool: the tool that combed.
        paths: K timed tool paths.
        peak_force: [K] largest force on the tool during each stroke [N].
        full: K+1 volumes of all interpolated hair.
        observed: K+1 volumes fused from noisy cameras.
        cameras: [K+1] number of cameras each observed volume was fused from.
        info: anything else worth keeping about the episode (materials, seeds), JSON-able.
    """

    index: int
    family: str
    head_name: str
    head_distance: np.ndarray
    strands: np.ndarray
    hair_count: np.ndarray
    strokes: np.ndarray
    tool: Tool
    paths: tuple[ToolPath, ...]
    peak_force: np.ndarray
    full: tuple[SparseVolume, ...]
    observed: tuple[SparseVolume, ...]
    cameras: np.ndarray
    info: Mapping[str, Any] = field(default_factory=dict)

    def __post_init__(self) -> None:
        count = len(self.strokes)
        lengths = {
            "strands": (len(self.strands), count + 1),
            "paths": (len(self.paths), count),
            "peak_force": (len(self.peak_force), count),
            "full": (len(self.full), count + 1),
            "observed": (len(self.observed), count + 1),
            "cameras": (len(self.cameras), count + 1),
        }
        for name, (got, expected) in lengths.items():
            if got != expected:
                raise CombwiseError(
                    f"episode {self.index} has {count} strokes but {got} {name}; expected {expected}"
                )
        if not np.isfinite(self.strands).all():
            raise CombwiseError(f"episode {self.index}: strands hold NaN or infinite positions")


@dataclass(frozen=True)
class DatasetInfo:
    """What a dataset is, as written to dataset.json.

    Attributes:
        profile: "small" or "base", the grid's name.
        grid: where the volumes' voxels are.
        observer_version: version of the code that fused the observed volumes.
        generation: the exact configuration that made the episodes, JSON-able.
        families: families that the episodes are drawn from.
        count: number of episodes that a finished set holds.
        simulator_version: version of the physics that moved the hair.
    """

    profile: str
    grid: GridSpec
    observer_version: str
    generation: Mapping[str, Any]
    families: tuple[str, ...]
    count: int
    simulator_version: str = SIMULATOR_VERSION


@dataclass(frozen=True)
class EpisodeMeta:
    """What can be known of an episode without reading its arrays."""

    index: int
    family: str
    strokes: int
    path: Path


def create_dataset(folder: Path, info: DatasetInfo) -> None:
    """Make the folder and its dataset.json; an equal one may exist already (a resumed run).

    Raises:
        CombwiseError: the folder holds another dataset.
    """
    target = folder / "dataset.json"
    text = json.dumps(_info_to_json(info), indent=2, sort_keys=True) + "\n"
    if target.exists():
        if json.loads(target.read_text()) != json.loads(text):
            raise CombwiseError(
                f"{folder} holds a dataset of another configuration; expected an empty folder or the same one"
            )
        return
    (folder / "episodes").mkdir(parents=True, exist_ok=True)
    write_text(target, text)


def episode_path(folder: Path, index: int) -> Path:
    """Return where episode `index` of a dataset lives."""
    return folder / "episodes" / f"{index:06d}.npz"


def write_episode(folder: Path, episode: Episode) -> Path:
    """Write one episode aside, then rename it into place; return its path."""
    arrays: dict[str, np.ndarray] = {
        "head_distance": episode.head_distance.astype(np.float16),
        "strands": np.rint(np.asarray(episode.strands, np.float64) / STRAND_STEP).astype(np.int16),
        "hair_count": np.asarray(episode.hair_count, np.float32),
        "strokes": np.asarray(episode.strokes, np.float64).reshape(-1, 8),
        "peak_force": np.asarray(episode.peak_force, np.float32),
        "cameras": np.asarray(episode.cameras, np.int8),
        "tool_start": np.asarray(episode.tool.start, np.float32),
        "tool_end": np.asarray(episode.tool.end, np.float32),
        "tool_radius": np.asarray(episode.tool.radius, np.float32),
        "path_offsets": np.cumsum([0, *(len(p.times) for p in episode.paths)]).astype(np.int64),
        "path_times": np.concatenate([np.zeros(0), *(p.times for p in episode.paths)]).astype(np.float64),
        "path_positions": np.concatenate([np.zeros((0, 3)), *(p.positions for p in episode.paths)]).astype(
            np.float32
        ),
        "path_quaternions": np.concatenate(
            [np.zeros((0, 4)), *(p.quaternions for p in episode.paths)]
        ).astype(np.float32),
        "path_in_hair": np.array([p.in_hair for p in episode.paths], np.int64).reshape(-1, 2),
        "meta": _to_bytes(
            {
                "format": FORMAT,
                "index": episode.index,
                "family": episode.family,
                "head_name": episode.head_name,
                "tool": episode.tool.name,
                "strokes": len(episode.strokes),
                "info": dict(episode.info),
            }
        ),
    }
    for name, volumes in (("full", episode.full), ("observed", episode.observed)):
        arrays[f"{name}_offsets"] = np.cumsum([0, *(len(v.index) for v in volumes)]).astype(np.int64)
        arrays[f"{name}_index"] = np.concatenate([v.index for v in volumes]).astype(np.int32)
        arrays[f"{name}_occupancy"] = np.concatenate([v.occupancy for v in volumes]).astype(np.uint8)
        arrays[f"{name}_direction"] = np.concatenate([v.direction for v in volumes]).astype(np.int8)
    target = episode_path(folder, episode.index)
    target.parent.mkdir(parents=True, exist_ok=True)
    with written_aside(target) as aside:
        np.savez_compressed(aside, allow_pickle=False, **arrays)
    return target


class Dataset:
    """Read a dataset folder.

    Attributes:
        path: the folder.
        info: what the set is.
        episodes: what is known of each finished episode, ordered by index.

    Raises:
        CombwiseError: the folder is not a dataset, or of another format or simulator version.
    """

    def __init__(self, path: Path, *, simulator_version: str | None = SIMULATOR_VERSION) -> None:
        self.path = Path(path)
        self.info = _read_info(self.path)
        if simulator_version is not None and self.info.simulator_version != simulator_version:
            raise CombwiseError(
                f"dataset {self.path} was made by simulator version {self.info.simulator_version}; "
                f"expected {simulator_version}: generate it again"
            )
        self.episodes: tuple[EpisodeMeta, ...] = tuple(self._scan())

    def _scan(self) -> Iterator[EpisodeMeta]:
        for path in sorted((self.path / "episodes").glob("[0-9]*.npz")):
            meta = _meta(path, _load(path, ("meta",)))
            yield EpisodeMeta(int(meta["index"]), str(meta["family"]), int(meta["strokes"]), path)

    def __len__(self) -> int:
        return len(self.episodes)

    def read(self, index: int) -> Episode:
        """Read the episode whose number is `index`.

        Raises:
            CombwiseError: there is none, or its file is truncated or foreign.
        """
        path = episode_path(self.path, index)
        if not path.exists():
            raise CombwiseError(f"dataset {self.path} has no episode {index}; expected {path.name}")
        return read_episode(path)


def read_episode(path: Path) -> Episode:
    """Read one episode file.

    Raises:
        CombwiseError: the file is truncated, foreign, or of another format.
    """
    arrays = _load(path, None)
    meta = _meta(path, arrays)
    try:
        return _episode_from(arrays, meta)
    except (KeyError, IndexError, ValueError, TypeError) as error:
        raise CombwiseError(
            f"{path} is not a whole episode file ({error}); expected one written by Combwise"
        ) from error


def _episode_from(arrays: Mapping[str, np.ndarray], meta: Mapping[str, Any]) -> Episode:
    offsets = arrays["path_offsets"]
    paths = tuple(
        ToolPath(
            times=arrays["path_times"][a:b],
            positions=arrays["path_positions"][a:b],
            quaternions=arrays["path_quaternions"][a:b],
            in_hair=(int(span[0]), int(span[1])),
        )
        for a, b, span in zip(offsets[:-1], offsets[1:], arrays["path_in_hair"], strict=True)
    )
    volumes: dict[str, tuple[SparseVolume, ...]] = {}
    for name in ("full", "observed"):
        cuts = arrays[f"{name}_offsets"]
        volumes[name] = tuple(
            SparseVolume(
                arrays[f"{name}_index"][a:b],
                arrays[f"{name}_occupancy"][a:b],
                arrays[f"{name}_direction"][a:b],
            )
            for a, b in itertools.pairwise(cuts)
        )
    return Episode(
        index=int(meta["index"]),
        family=str(meta["family"]),
        head_name=str(meta["head_name"]),
        head_distance=arrays["head_distance"],
        strands=arrays["strands"].astype(np.float32) * np.float32(STRAND_STEP),
        hair_count=arrays["hair_count"],
        strokes=arrays["strokes"],
        tool=Tool(str(meta["tool"]), arrays["tool_start"], arrays["tool_end"], arrays["tool_radius"]),
        paths=paths,
        peak_force=arrays["peak_force"],
        full=volumes["full"],
        observed=volumes["observed"],
        cameras=arrays["cameras"],
        info=dict(meta["info"]),
    )


def _to_bytes(value: Mapping[str, Any]) -> np.ndarray:
    return np.frombuffer(json.dumps(value, sort_keys=True).encode(), np.uint8)


def _load(path: Path, names: tuple[str, ...] | None) -> dict[str, np.ndarray]:
    try:
        with path.open("rb") as file, np.load(file, allow_pickle=False) as archive:
            return {name: archive[name] for name in (names or archive.files)}
    except (zipfile.BadZipFile, zlib.error, ValueError, KeyError, EOFError, OSError, AttributeError) as error:
        raise CombwiseError(
            f"{path} is truncated or not an episode file ({type(error).__name__}); "
            "expected one written by Combwise: delete it and generate again"
        ) from error


def _meta(path: Path, arrays: Mapping[str, np.ndarray]) -> dict[str, Any]:
    try:
        meta = json.loads(arrays["meta"].tobytes())
        found = meta["format"]
    except (KeyError, ValueError, TypeError) as error:
        raise CombwiseError(
            f"{path} is no episode file: it says nothing of its format; expected {FORMAT}"
        ) from error
    if found != FORMAT:
        raise CombwiseError(f"{path} has format {found}; expected {FORMAT}")
    return meta


def _info_to_json(info: DatasetInfo) -> dict[str, Any]:
    return {
        "format": FORMAT,
        "profile": info.profile,
        "grid": {"origin": info.grid.origin, "voxel": info.grid.voxel, "shape": info.grid.shape},
        "simulator_version": info.simulator_version,
        "observer_version": info.observer_version,
        "generation": dict(info.generation),
        "families": info.families,
        "count": info.count,
    }


def _read_info(folder: Path) -> DatasetInfo:
    source = folder / "dataset.json"
    if not source.exists():
        raise CombwiseError(
            f"{folder} is no dataset: it has no dataset.json; expected a folder made by 'combwise generate'"
        )
    try:
        raw = json.loads(source.read_text())
        if raw["format"] != FORMAT:
            raise CombwiseError(f"dataset {folder} has format {raw['format']}; expected {FORMAT}")
        grid = raw["grid"]
        return DatasetInfo(
            profile=str(raw["profile"]),
            grid=GridSpec(tuple(grid["origin"]), float(grid["voxel"]), tuple(grid["shape"])),
            observer_version=str(raw["observer_version"]),
            generation=raw["generation"],
            families=tuple(raw["families"]),
            count=int(raw["count"]),
            simulator_version=str(raw["simulator_version"]),
        )
    except (ValueError, KeyError, TypeError) as error:
        raise CombwiseError(
            f"{source} is damaged ({error}); expected the file that 'combwise generate' writes"
        ) from error
