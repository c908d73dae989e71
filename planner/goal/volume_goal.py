"""A goal as a volume: of one picture, of another head, of a groom; and its file.

goal.npz    meta       JSON bytes: format, grid, whole, cameras of the pictures, notes
            index, occupancy, direction     the voxels that hold hair, as datasets store them
            colour0, colour1, ...           what people are shown of it
"""

from __future__ import annotations

import json
import zipfile
import zlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from hairsim.atomic_file import written_aside
from hairsim.errors import CombwiseError
from hairsim.generate.episode import SparseVolume
from hairsim.volume import GridSpec, HairVolume
from planner.goal.look import FILE_NAME, Picture, camera_of, camera_record

VOLUME_FORMAT = "combwise goal volume 1"


@dataclass(frozen=True)
class VolumeGoal:
    """The wanted hair as a volume.

    Attributes:
        volume: the hair, head frame.
        whole: whether it holds all hair; else only the shell that cameras see.
        pictures: what people are shown of it.
        notes: the head that it is on (`head` or `registered_to`), and how it was made.
    """

    volume: HairVolume
    whole: bool
    pictures: tuple[Picture, ...] = ()
    notes: Mapping[str, Any] = field(default_factory=dict)


def save_volume_goal(path: Path, goal: VolumeGoal) -> Path:
    """Write a goal as one .npz file, or as goal.npz in a folder; return the file's path.

    Raises:
        CombwiseError: the volume holds no hair.
    """
    if not goal.volume.occupied.any():
        raise CombwiseError("the goal holds no hair; expected a volume with occupied voxels")
    target = path if path.suffix == ".npz" else path / FILE_NAME
    target.parent.mkdir(parents=True, exist_ok=True)
    grid, sparse = goal.volume.grid, SparseVolume.of(goal.volume)
    meta = {
        "format": VOLUME_FORMAT,
        "grid": {"origin": list(grid.origin), "voxel": grid.voxel, "shape": list(grid.shape)},
        "whole": goal.whole,
        "cameras": [camera_record(picture.camera) for picture in goal.pictures],
        "notes": dict(goal.notes),
    }
    arrays = {f"colour{number}": picture.colour for number, picture in enumerate(goal.pictures)}
    with written_aside(target) as aside:
        np.savez_compressed(
            aside,
            allow_pickle=False,
            meta=np.frombuffer(json.dumps(meta).encode(), np.uint8),
            index=sparse.index,
            occupancy=sparse.occupancy,
            direction=sparse.direction,
            **arrays,
        )
    return target


def load_volume_goal(source: Path) -> VolumeGoal:
    """Read what `save_volume_goal` wrote.

    Raises:
        CombwiseError: the file is missing, truncated, of another format, or holds no hair.
    """
    if not source.is_file():
        raise CombwiseError(f"goal {source} does not exist; expected a file made by 'combwise goal make'")
    try:
        with source.open("rb") as file, np.load(file, allow_pickle=False) as archive:
            meta = json.loads(archive["meta"].tobytes())
            if meta["format"] != VOLUME_FORMAT:
                raise CombwiseError(
                    f"goal {source} has format '{meta['format']}'; expected '{VOLUME_FORMAT}'"
                )
            x, y, z = meta["grid"]["origin"]
            a, b, c = meta["grid"]["shape"]
            grid = GridSpec(
                (float(x), float(y), float(z)), float(meta["grid"]["voxel"]), (int(a), int(b), int(c))
            )
            sparse = SparseVolume(archive["index"], archive["occupancy"], archive["direction"])
            goal = VolumeGoal(
                volume=sparse.dense(grid),
                whole=bool(meta["whole"]),
                pictures=tuple(
                    Picture(camera_of(entry, f"goal {source}"), archive[f"colour{number}"])
                    for number, entry in enumerate(meta["cameras"])
                ),
                notes=dict(meta["notes"]),
            )
    except (zipfile.BadZipFile, zlib.error, KeyError, TypeError, ValueError, IndexError, EOFError) as error:
        raise CombwiseError(
            f"goal {source} is truncated or no goal ({type(error).__name__}: {error}); "
            "expected a file made by 'combwise goal make'"
        ) from error
    if not goal.volume.occupied.any():
        raise CombwiseError(f"goal {source} holds no hair; expected a volume with occupied voxels")
    return goal
