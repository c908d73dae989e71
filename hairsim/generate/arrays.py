"""An episode as the arrays of `layout`, and back."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict
from zlib import crc32

import numpy as np

from hairsim.errors import CombwiseError
from hairsim.generate.dataset_info import DatasetInfo
from hairsim.generate.episode import (
    Episode,
    GroomRecord,
    HeadRecord,
    SparseVolume,
    dequantised,
    quantised,
)
from hairsim.generate.layout import FRAMES, MATERIAL, Field, fields
from hairsim.physics.material import Material
from hairsim.tools.tool import ToolPath


def to_arrays(episode: Episode, info: DatasetInfo) -> dict[str, np.ndarray]:
    """Return what is stored of an episode, by the names of `layout.fields`.

    Raises:
        CombwiseError: the episode does not fit the dataset: other sizes, an unknown family or tool.
    """
    tools = [tool.name for tool in info.tools]
    for what, word, known in (("family", episode.family, info.families), ("tool", episode.tool.name, tools)):
        if word not in known:
            raise CombwiseError(
                f"episode {episode.index} has {what} '{word}'; expected one of {', '.join(known)}"
            )
    occupancy, direction = _dense(episode.observed, info)
    arrays = {
        "strands": quantised(episode.strands),
        "groom": quantised(episode.groom.rest),
        "hair_count": episode.groom.hair_count,
        "groom_seed": np.asarray(episode.groom.seed),
        "children_check": episode.groom.check,
        "family": np.asarray(info.families.index(episode.family)),
        "head": np.asarray(episode.head.number),
        "tool": np.asarray(tools.index(episode.tool.name)),
        "material": np.array([asdict(episode.material)[name] for name in MATERIAL]),
        "strokes": episode.strokes,
        "path_poses": np.array([len(path.times) for path in episode.paths]),
        "path_times": _padded([p.times for p in episode.paths], info.sizes.poses, "poses"),
        "path_positions": _padded([p.positions for p in episode.paths], info.sizes.poses, "poses"),
        "path_quaternions": _padded([p.quaternions for p in episode.paths], info.sizes.poses, "poses"),
        "path_in_hair": np.array([path.in_hair for path in episode.paths]),
        "force_readings": np.array([len(times) for times in episode.force_times]),
        "force_times": _padded(episode.force_times, info.sizes.readings, "readings"),
        "force": _padded(episode.force, info.sizes.readings, "readings"),
        "cameras": episode.cameras,
        "observed_occupancy": occupancy,
        "observed_direction": direction,
    }
    if info.sizes.pixels:
        arrays |= _frame_arrays(episode, info)
    stored = {}
    for name, field in fields(info.sizes, info.grid).items():
        value = np.asarray(arrays[name], dtype=field.dtype, order="C")
        if value.shape != field.shape:
            raise CombwiseError(
                f"episode {episode.index}: {name} has shape {value.shape}; expected {field.shape}"
            )
        stored[name] = value
    return stored


def from_arrays(index: int, arrays: Mapping[str, np.ndarray], info: DatasetInfo, head: HeadRecord) -> Episode:
    """Return the episode that `to_arrays` took apart; its frames are left out."""
    poses, readings = arrays["path_poses"], arrays["force_readings"]
    paths = tuple(
        ToolPath(
            times=arrays["path_times"][k, :n],
            positions=arrays["path_positions"][k, :n],
            quaternions=arrays["path_quaternions"][k, :n],
            in_hair=(int(arrays["path_in_hair"][k, 0]), int(arrays["path_in_hair"][k, 1])),
        )
        for k, n in enumerate(poses)
    )
    observed = []
    for occupancy, direction in zip(arrays["observed_occupancy"], arrays["observed_direction"], strict=True):
        level = occupancy.reshape(-1)
        place = np.flatnonzero(level).astype(np.int32)
        observed.append(SparseVolume(place, level[place], direction.reshape(-1, 3)[place]))
    return Episode(
        index=index,
        family=info.families[int(arrays["family"])],
        head=head,
        groom=GroomRecord(
            rest=dequantised(arrays["groom"]),
            hair_count=arrays["hair_count"],
            seed=int(arrays["groom_seed"]),
            family=info.families[int(arrays["family"])],
            children=info.sizes.children,
            check=arrays["children_check"],
        ),
        material=Material(**dict(zip(MATERIAL, map(float, arrays["material"]), strict=True))),
        strands=dequantised(arrays["strands"]),
        strokes=arrays["strokes"],
        tool=info.tools[int(arrays["tool"])],
        paths=paths,
        force_times=tuple(arrays["force_times"][k, :n] for k, n in enumerate(readings)),
        force=tuple(arrays["force"][k, :n] for k, n in enumerate(readings)),
        observed=tuple(observed),
        cameras=arrays["cameras"],
    )


def digests(arrays: Mapping[str, np.ndarray], names: Mapping[str, Field]) -> np.ndarray:
    """Return the CRC-32 of each array that is at hand, [arrays] uint32; 0 for one that is not."""
    return np.array([crc32(arrays[name].tobytes()) if name in arrays else 0 for name in names], np.uint32)


def _dense(volumes: Sequence[SparseVolume], info: DatasetInfo) -> tuple[np.ndarray, np.ndarray]:
    """Return occupancy [K+1, X, Y, Z] uint8 and direction [K+1, X, Y, Z, 3] int8."""
    shape = (len(volumes), *info.grid.shape)
    occupancy, direction = np.zeros(shape, np.uint8), np.zeros((*shape, 3), np.int8)
    for state, volume in enumerate(volumes):
        occupancy[state].reshape(-1)[volume.index] = volume.occupancy
        direction[state].reshape(-1, 3)[volume.index] = volume.direction
    return occupancy, direction


def _padded(values: tuple[np.ndarray, ...] | list[np.ndarray], length: int, what: str) -> np.ndarray:
    """Return arrays [n, ...] of different n as one [K, length, ...], zero behind their ends."""
    longest = max(len(value) for value in values)
    if longest > length:
        raise CombwiseError(f"a stroke has {longest} {what}; the dataset holds {length} at most")
    out = np.zeros((len(values), length, *values[0].shape[1:]))
    for k, value in enumerate(values):
        out[k, : len(value)] = value
    return out


def _frame_arrays(episode: Episode, info: DatasetInfo) -> dict[str, np.ndarray]:
    table = fields(info.sizes, info.grid)
    out = {name: np.zeros(table[name].shape, table[name].dtype) for name in FRAMES}
    for state, frames in enumerate(episode.frames):
        for number, frame in zip(np.flatnonzero(episode.cameras[state]), frames, strict=True):
            out["colour"][state, number] = frame.colour
            out["depth"][state, number] = np.clip(np.rint(frame.depth * 1e4), 0, 65535)
            out["hair_mask"][state, number] = frame.hair_mask
    return out
