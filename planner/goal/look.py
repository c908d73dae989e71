"""A look: the frames of one rig at one moment, and its file. A goal may be a look at the wanted style.

goal.npz    meta     JSON bytes: format, cameras (name, size, focal, camera_to_head), notes
            colour0, depth0, mask0, colour1, ...   one set a camera
"""

from __future__ import annotations

import json
import zipfile
import zlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Protocol

import numpy as np

from hairsim.atomic_file import written_aside
from hairsim.cameras.camera import Camera, Frame
from hairsim.errors import CombwiseError

FORMAT = "combwise look 1"
FILE_NAME = "goal.npz"


class HasNotes(Protocol):
    """Anything with notes: a goal of either kind."""

    @property
    def notes(self) -> Mapping[str, Any]:
        """What is known of it, JSON-able."""
        ...


@dataclass(frozen=True)
class Picture:
    """A colour picture and where it was taken from.

    Attributes:
        camera: intrinsics and pose.
        colour: [height, width, 3] uint8, sRGB.
    """

    camera: Camera
    colour: np.ndarray


@dataclass(frozen=True)
class Look:
    """What all cameras of a rig saw at one moment.

    Attributes:
        frames: one for each camera.
        notes: anything worth keeping (head name, seed); never strands or strokes.
    """

    frames: tuple[Frame, ...]
    notes: Mapping[str, Any] = field(default_factory=dict)

    @property
    def pictures(self) -> tuple[Picture, ...]:
        """What people are shown of it."""
        return tuple(Picture(frame.camera, frame.colour) for frame in self.frames)


def save_look(path: Path, frames: Sequence[Frame], notes: Mapping[str, Any] | None = None) -> Path:
    """Write a look as one .npz file, or as goal.npz in a folder; return the file's path."""
    target = path if path.suffix == ".npz" else path / FILE_NAME
    target.parent.mkdir(parents=True, exist_ok=True)
    meta = {
        "format": FORMAT,
        "notes": dict(notes or {}),
        "cameras": [camera_record(frame.camera) for frame in frames],
    }
    arrays: dict[str, np.ndarray] = {"meta": np.frombuffer(json.dumps(meta).encode(), np.uint8)}
    for number, frame in enumerate(frames):
        arrays[f"colour{number}"] = frame.colour
        arrays[f"depth{number}"] = frame.depth.astype(np.float32)
        arrays[f"mask{number}"] = frame.hair_mask
    with written_aside(target) as aside:
        np.savez_compressed(aside, allow_pickle=False, **arrays)
    return target


def load_look(path: Path) -> Look:
    """Read a look from a .npz file, or from the folder that holds its goal.npz.

    Raises:
        CombwiseError: the file is missing, truncated, or no look; a camera is missing or not calibrated.
    """
    source = path / FILE_NAME if path.is_dir() else path
    if not source.is_file():
        raise CombwiseError(
            f"goal {source} does not exist; expected a look saved by 'combwise demo' or 'combwise goal make'"
        )
    try:
        with source.open("rb") as file, np.load(file, allow_pickle=False) as archive:
            meta = json.loads(archive["meta"].tobytes())
            if meta["format"] != FORMAT:
                raise CombwiseError(f"goal {source} has format '{meta['format']}'; expected '{FORMAT}'")
            frames = tuple(
                Frame(
                    camera=camera_of(entry, f"goal {source}"),
                    colour=archive[f"colour{number}"],
                    depth=archive[f"depth{number}"],
                    hair_mask=archive[f"mask{number}"],
                )
                for number, entry in enumerate(meta["cameras"])
            )
            return Look(frames, dict(meta["notes"]))
    except (zipfile.BadZipFile, zlib.error, KeyError, TypeError, ValueError, EOFError, OSError) as error:
        # NumPy's own words would advise to read pickles.
        raise CombwiseError(
            f"goal {source} is truncated or not a look; expected a .npz saved by Combwise"
        ) from error


def require_head(goal: HasNotes, head: str) -> None:
    """Check that a goal is in the frame of a head: taken of it, or registered to it.

    Args:
        goal: its notes name the head that it was taken of (`head`), or registered to (`registered_to`).
        head: name of the head that is to be styled.

    Raises:
        CombwiseError: the goal was taken of another head and nobody registered it.
    """
    taken_of = goal.notes.get("registered_to", goal.notes.get("head", head))
    if taken_of != head:
        raise CombwiseError(
            f"the goal was taken of head '{taken_of}', the hair grows on '{head}'; expected a goal of the "
            f"same head, or one registered to it (notes: registered_to = '{head}')"
        )


def camera_record(camera: Camera) -> dict[str, Any]:
    """Return a camera as plain JSON values; `camera_of` reads them."""
    return {
        "name": camera.name,
        "width": camera.width,
        "height": camera.height,
        "focal": camera.focal,
        "camera_to_head": np.asarray(camera.camera_to_head, np.float64).tolist(),
    }


def camera_of(entry: Mapping[str, Any], where: str) -> Camera:
    """Return the camera that `camera_record` wrote down; `where` begins the complaint.

    Raises:
        CombwiseError: its pose is no finite 4 x 4 matrix.
    """
    pose = np.array(entry["camera_to_head"], np.float64)
    if pose.shape != (4, 4) or not np.isfinite(pose).all():
        raise CombwiseError(f"{where}: camera '{entry['name']}' is not calibrated; expected a 4 x 4 pose")
    return Camera(str(entry["name"]), int(entry["width"]), int(entry["height"]), float(entry["focal"]), pose)
