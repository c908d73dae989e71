"""What cameras would see of a whole volume of hair: the part of it that an observation would hold.

camera  - - - ->  | # # # # # |     # hair; the first `DEEP` voxels along each ray are kept
                  |-kept-|
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from scipy.ndimage import map_coordinates

from hairsim.cameras.camera import Camera
from hairsim.errors import CombwiseError
from hairsim.head.head import Head
from hairsim.volume import HairVolume

DEEP = 1.25
"""Hair that a ray may cross before a voxel's middle [voxels]: observed shells are one to two voxels thick."""

IN_HEAD = -0.004
"""A ray is blocked where it runs deeper in the head than this [m]."""


def visible_shell(volume: HairVolume, head: Head, cameras: Sequence[Camera]) -> HairVolume:
    """Return the hair of a volume that cameras see, as `observe` would find it.

    Args:
        volume: whole hair.
        head: what it grows on; it hides hair too.
        cameras: the rig.

    Raises:
        CombwiseError: the cameras see none of it.
    """
    grid = volume.grid
    index = np.argwhere(volume.occupied)
    centre = np.asarray(grid.origin) + grid.voxel * (index + 0.5)
    seen = np.zeros(len(index), bool)
    hair = volume.occupied.astype(np.float32)
    for camera in cameras:
        pixel, z = camera.project(centre)
        inside = (z > 0.0) & (pixel >= 0.0).all(1)
        inside &= (pixel <= (camera.width - 1, camera.height - 1)).all(1)
        seen[inside] |= _reached(centre[inside], camera.camera_to_head[:3, 3], hair, volume, head)
    if not seen.any():
        raise CombwiseError("the rig's cameras see none of the goal's hair; expected cameras around the head")
    kept = np.zeros(grid.shape, bool)
    kept[tuple(index[seen].T)] = True
    return HairVolume(
        np.where(kept, volume.occupancy, 0.0).astype(np.float32),
        np.where(kept[..., None], volume.direction, 0.0).astype(np.float32),
        grid,
    )


def _reached(
    points: np.ndarray, eye: np.ndarray, hair: np.ndarray, volume: HairVolume, head: Head
) -> np.ndarray:
    """Return which points [M, 3] the eye sees through less than `DEEP` voxels of hair and no head."""
    grid = volume.grid
    toward = eye - points
    toward = toward / np.linalg.norm(toward, axis=1, keepdims=True)
    step = 0.5 * grid.voxel
    crossed = np.zeros(len(points))
    clear = np.ones(len(points), bool)
    longest = float(np.linalg.norm(grid.voxel * np.asarray(grid.shape)))
    for distance in np.arange(0.5 * step, longest, step):
        at = points + distance * toward
        place = (at - np.asarray(grid.origin)) / grid.voxel - 0.5
        crossed += 0.5 * map_coordinates(hair, place.T, order=0, mode="constant")
        clear &= head.field.sample(at) > IN_HEAD
    return clear & (crossed <= DEEP + 0.5)
