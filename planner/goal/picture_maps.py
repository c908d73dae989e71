"""One colour picture as a network sees it: hair and strand orientation, from a camera set straight.

The picture is turned about its own pinhole (an exact homography) until the camera looks at the middle of the
head, upright, and zoomed until the hair box fills it. So the network meets one lens, one roll and one
framing; of the camera only its position is left to know.

    given picture --homography--> 384^2 --structure tensor--> mask, c, c cos 2a, c sin 2a --mean--> 96^2
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy.ndimage import map_coordinates

from hairsim.cameras.camera import Camera, look_at
from hairsim.errors import CombwiseError
from planner.observe.orientation import strand_orientation

MAPS_VERSION = "1"
"""Travels inside the weights that read maps; raised whenever the same picture would give other maps."""

MAP = 96
"""Width and height of the maps [pixel]: 5 mm of the head each, less than a voxel of `small`."""

DETAIL = 4
"""Picture pixels along a map pixel; orientation is measured on pixels of 1.3 mm, as in our rig."""

SPAN = 0.50
"""What the maps show of the world at the head [m]: the hair box, seen from any side but very near."""

TARGET = np.array([0.0, 0.0, -0.07])
"""What the straightened camera looks at [m], head frame: the middle of the hair box, on the middle plane."""

NEAREST, FURTHEST = 0.45, 4.0
"""Distances of the camera from the head that were trained for [m]."""

LEAST_HAIR = 0.01
"""Share of the maps that hair must fill."""


@dataclass(frozen=True)
class HairMaps:
    """What one picture says of hair.

    Attributes:
        maps: [4, MAP, MAP] float32: share of hair, and coherence c, c cos 2a, c sin 2a of the strands; the
            angle a runs from +x (right) towards +y (down) in the straightened picture, and means a + pi too.
        camera: the straightened camera, of MAP x MAP pixels.
    """

    maps: np.ndarray
    camera: Camera


def straightened(camera: Camera) -> Camera:
    """Return the camera at the same place that looks at the head, upright, MAP x MAP pixels.

    Raises:
        CombwiseError: no finite rigid pose, or too near, too far, or straight above.
    """
    pose = np.asarray(camera.camera_to_head, np.float64)
    rigid = pose.shape == (4, 4) and np.isfinite(pose).all()
    if not rigid or not np.allclose(pose[:3, :3].T @ pose[:3, :3], np.eye(3), atol=1e-3):
        raise CombwiseError(
            f"camera '{camera.name}' is not calibrated; expected a rigid 4 x 4 camera_to_head"
        )
    if not (np.isfinite(camera.focal) and camera.focal > 0.0):
        raise CombwiseError(
            f"camera '{camera.name}' has focal length {camera.focal}; expected a positive number of pixels"
        )
    position = pose[:3, 3]
    away = position - TARGET
    distance = float(np.linalg.norm(away))
    if not NEAREST <= distance <= FURTHEST:
        raise CombwiseError(
            f"camera '{camera.name}' is {distance:.2f} m from the head; expected {NEAREST} .. {FURTHEST} m"
        )
    if np.hypot(away[0], away[1]) < 0.2 * distance:
        raise CombwiseError(
            f"camera '{camera.name}' looks straight down or up at the head; expected a view from a side"
        )
    return Camera(camera.name, MAP, MAP, MAP * distance / SPAN, look_at(position, TARGET))


def finer(camera: Camera) -> Camera:
    """Return a straightened camera with DETAIL times the pixels on each side."""
    return Camera(
        camera.name, DETAIL * MAP, DETAIL * MAP, DETAIL * camera.focal, np.asarray(camera.camera_to_head)
    )


def hair_maps(colour: np.ndarray, hair: np.ndarray, camera: Camera) -> HairMaps:
    """Return the maps of a picture taken by any camera.

    Args:
        colour: [height, width, 3] uint8, sRGB.
        hair: [height, width] bool, the pixels that show hair.
        camera: that took it, as calibrated.

    Raises:
        CombwiseError: shapes that do not fit, a camera that cannot be used, or hardly any hair.
    """
    size = (camera.height, camera.width)
    if colour.shape != (*size, 3) or hair.shape != size:
        raise CombwiseError(
            f"picture {colour.shape} and mask {hair.shape} do not fit the camera; "
            f"expected {(*size, 3)} and {size}"
        )
    straight = straightened(camera)
    fine = finer(straight)
    seen, mask = _turned(colour, hair, camera, fine)
    if mask.mean() < LEAST_HAIR:
        raise CombwiseError(
            f"the mask shows hair on {100 * mask.mean():.1f} % of the view of the head; expected at least "
            f"{100 * LEAST_HAIR:.0f} %: is the camera's pose right, and the mask light where hair is?"
        )
    return maps_of(seen, mask, straight)


def maps_of(colour: np.ndarray, hair: np.ndarray, straight: Camera) -> HairMaps:
    """Return the maps of a picture that `finer(straight)` took, [DETAIL MAP, DETAIL MAP, 3]."""
    if not hair.any():
        return HairMaps(np.zeros((4, MAP, MAP), np.float32), straight)
    # Strands alone: the shipped network learned on such maps, before locks were asked about coils.
    orientation, coherence = strand_orientation(colour, hair, locks=None)
    cosine, sine = orientation[..., 0], orientation[..., 1]
    share = hair.astype(np.float32)
    layers = (
        np.stack([share, coherence, coherence * (2.0 * cosine**2 - 1.0), coherence * 2.0 * cosine * sine])
        * share
    )
    pooled = layers.reshape(4, MAP, DETAIL, MAP, DETAIL).mean(axis=(2, 4))
    # Orientation is the mean over the hair of a pixel, not over the pixel: borders are as sure as the middle.
    pooled[1:] /= np.maximum(pooled[:1], 1.0 / DETAIL**2)
    return HairMaps(pooled.astype(np.float32), straight)


def mirrored(maps: HairMaps) -> HairMaps:
    """Return the maps of the picture's mirror image: of a mirrored head, from the mirrored side."""
    swapped = maps.maps[:, :, ::-1] * np.array([1.0, 1.0, 1.0, -1.0], np.float32)[:, None, None]
    position = maps.camera.camera_to_head[:3, 3] * np.array([1.0, -1.0, 1.0])
    camera = maps.camera
    return HairMaps(swapped, Camera(camera.name, MAP, MAP, camera.focal, look_at(position, TARGET)))


def _turned(
    colour: np.ndarray, hair: np.ndarray, camera: Camera, fine: Camera
) -> tuple[np.ndarray, np.ndarray]:
    """Return picture and mask as the straightened camera sees them: both pinholes are one point."""
    to_given = np.asarray(camera.camera_to_head)[:3, :3].T @ fine.camera_to_head[:3, :3]
    ray = fine.rays() @ to_given.T
    depth = ray[..., 2]
    cx, cy = camera.centre
    safe = np.where(depth > 1e-6, depth, 1.0)
    column = camera.focal * ray[..., 0] / safe + cx
    row = camera.focal * ray[..., 1] / safe + cy
    ahead = (depth > 1e-6) & (column >= -0.5) & (column <= camera.width - 0.5)
    ahead &= (row >= -0.5) & (row <= camera.height - 0.5)
    # Pixels that shrink are averaged first, else fine strands alias into another direction.
    shrink = camera.focal / fine.focal
    source, cover = colour.astype(np.float32), hair.astype(np.float32)
    factor = max(1, int(shrink + 0.5))
    if factor > 1:
        height, width = (n // factor * factor for n in hair.shape)
        source = (
            source[:height, :width].reshape(height // factor, factor, width // factor, factor, 3).mean((1, 3))
        )
        cover = cover[:height, :width].reshape(height // factor, factor, width // factor, factor).mean((1, 3))
        row, column = (row + 0.5) / factor - 0.5, (column + 0.5) / factor - 0.5
    place = np.stack([row, column])
    seen = np.stack(
        [map_coordinates(source[..., c], place, order=1, mode="nearest") for c in range(3)], axis=-1
    )
    mask = map_coordinates(cover, place, order=1, mode="nearest") >= 0.5
    return np.clip(seen, 0.0, 255.0).astype(np.uint8), mask & ahead
