"""One colour picture, its hair mask and its camera to a goal."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image, ImageOps

from hairsim.cameras.camera import Camera
from hairsim.errors import CombwiseError
from hairsim.head.head import Head
from planner.goal.look import Look, Picture, camera_of
from planner.goal.picture_goal import PictureGoals
from planner.goal.picture_maps import hair_maps
from planner.goal.volume_goal import VolumeGoal

MOST_PIXELS = 64_000_000

SHOWN = 640
"""Longer side of the picture that a goal keeps to be shown [pixel]."""


def picture_goal(
    goals: PictureGoals,
    colour: np.ndarray,
    hair: np.ndarray,
    camera: Camera,
    head: Head,
    *,
    notes: dict[str, Any] | None = None,
) -> VolumeGoal:
    """Return the hair that one picture shows as a goal for a head.

    Args:
        goals: the picture model.
        colour: [height, width, 3] uint8, sRGB.
        hair: [height, width] bool, the pixels that show hair.
        camera: that took it, in the frame of the head.
        head: that is to be styled.
        notes: anything worth keeping.

    Raises:
        CombwiseError: a mask or a camera that cannot be used, or no hair found.
    """
    volume = goals.volume(hair_maps(colour, hair, camera), head)
    if not volume.occupied.any():
        raise CombwiseError(
            f"no hair found in the picture of camera '{camera.name}'; expected a head of hair under the mask"
        )
    kept = {"made_from": "one picture", **(notes or {}), "head": head.name}
    return VolumeGoal(volume, whole=True, pictures=(_shown(colour, camera),), notes=kept)


def picture_of_look(look: Look, name: str) -> tuple[np.ndarray, np.ndarray, Camera]:
    """Return colour, hair mask and camera of one camera of a look.

    Raises:
        CombwiseError: it has no such camera.
    """
    for frame in look.frames:
        if frame.camera.name == name:
            return frame.colour, frame.hair_mask, frame.camera
    known = ", ".join(frame.camera.name for frame in look.frames)
    raise CombwiseError(f"the look has no camera '{name}'; expected one of {known}")


def read_picture(path: Path) -> np.ndarray:
    """Read a colour picture, turned upright as its file says, [height, width, 3] uint8.

    Raises:
        CombwiseError: it is missing, too large, or no picture.
    """
    return np.asarray(_opened(path, "picture", "RGB"))


def read_mask(path: Path, size: tuple[int, int]) -> np.ndarray:
    """Read a hair mask, a picture that is light where hair is, [height, width] bool.

    Args:
        path: the file.
        size: (height, width) of the picture that it belongs to.

    Raises:
        CombwiseError: it is missing, no picture, of another size, or nowhere light.
    """
    light = np.asarray(_opened(path, "mask", "L")) >= 128
    if light.shape != size:
        raise CombwiseError(
            f"mask {path} has {light.shape[1]} x {light.shape[0]} pixels; expected {size[1]} x {size[0]} as "
            "its picture"
        )
    if not light.any():
        raise CombwiseError(f"mask {path} is dark everywhere; expected a picture that is light where hair is")
    return light


def read_camera(path: Path, size: tuple[int, int]) -> Camera:
    """Read a camera from a JSON file: width, height, focal [pixel], camera_to_head [4][4] [m].

    Raises:
        CombwiseError: the file is missing or damaged, or its size (height, width) is not the picture's.
    """
    try:
        entry = {"name": path.stem, **json.loads(path.read_text(encoding="utf-8"))}
        camera = camera_of(entry, f"camera file {path}")
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise CombwiseError(
            f"camera file {path} cannot be read ({type(error).__name__}: {error}); expected JSON with width, "
            "height, focal and camera_to_head"
        ) from error
    if (camera.height, camera.width) != size:
        raise CombwiseError(
            f"camera file {path} is of {camera.width} x {camera.height} pixels; "
            f"expected {size[1]} x {size[0]} as the picture"
        )
    return camera


def _opened(path: Path, what: str, mode: str) -> Image.Image:
    if not path.is_file():
        raise CombwiseError(f"{what} {path} does not exist; expected a .png or .jpg")
    try:
        with Image.open(path) as picture:
            if picture.width * picture.height > MOST_PIXELS:
                raise CombwiseError(
                    f"{what} {path} has {picture.width} x {picture.height} pixels; "
                    f"expected at most {MOST_PIXELS}"
                )
            return ImageOps.exif_transpose(picture).convert(mode)
    except (OSError, ValueError, SyntaxError, Image.DecompressionBombError) as error:
        raise CombwiseError(f"{what} {path} is not a readable picture; expected a .png or .jpg") from error


def _shown(colour: np.ndarray, camera: Camera) -> Picture:
    """Return a picture small enough to keep, with its camera."""
    factor = min(1.0, SHOWN / max(camera.width, camera.height))
    width, height = max(1, round(factor * camera.width)), max(1, round(factor * camera.height))
    small = np.asarray(Image.fromarray(colour).resize((width, height), Image.Resampling.LANCZOS))
    return Picture(
        Camera(camera.name, width, height, camera.focal * width / camera.width, camera.camera_to_head), small
    )
