"""Real camera pictures as the planner's camera sees them: one focal length, the middle as principal point.

pixel of ours -> ray -> distorted ray -> pixel of the real camera -> its value
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy.ndimage import map_coordinates

from hairsim.cameras.camera import Camera, Frame
from hairsim.errors import CombwiseError
from hairsim.head.head import Head

SAME = 0.01
"""Intrinsics nearer than this to ours are ours [pixel]."""


@dataclass(frozen=True)
class Lens:
    """Intrinsics of a camera, as CameraInfo gives them.

    Attributes:
        matrix: [3, 3] [pixel].
        distortion: k1, k2, p1, p2, k3 (plumb_bob), then k4, k5, k6 (rational); empty for none.
    """

    matrix: np.ndarray
    distortion: tuple[float, ...] = ()

    def __post_init__(self) -> None:
        matrix = np.asarray(self.matrix)
        whole = matrix.shape == (3, 3) and np.isfinite(matrix).all()
        if not whole or not matrix[0, 0] > 0.0 or not matrix[1, 1] > 0.0:
            raise CombwiseError("lens matrix is not [3, 3] with positive focal lengths")
        if len(self.distortion) not in (0, 4, 5, 8) or not np.isfinite(self.distortion).all():
            raise CombwiseError(
                f"lens has distortion {self.distortion}; expected 0, 4, 5 or 8 finite numbers"
            )

    def project(self, rays: np.ndarray) -> np.ndarray:
        """Return pixels [..., 2] (x, y) of rays [..., 2], x/z and y/z in the optical frame [Brown1966]."""
        x, y = rays[..., 0], rays[..., 1]
        k1, k2, p1, p2, k3, k4, k5, k6 = (*self.distortion, *(8 * [0.0]))[:8]
        r = x * x + y * y
        radial = (1.0 + r * (k1 + r * (k2 + r * k3))) / (1.0 + r * (k4 + r * (k5 + r * k6)))
        bent = np.stack(
            [x * radial + 2.0 * p1 * x * y + p2 * (r + 2.0 * x * x),
             y * radial + p1 * (r + 2.0 * y * y) + 2.0 * p2 * x * y], axis=-1,
        )  # fmt: skip
        m = np.asarray(self.matrix)
        return np.stack([m[0, 0] * bent[..., 0] + m[0, 1] * bent[..., 1] + m[0, 2],
                         m[1, 1] * bent[..., 1] + m[1, 2]], axis=-1)  # fmt: skip

    def camera(self, name: str, width: int, height: int, camera_to_head: np.ndarray) -> Camera:
        """Return the planner's camera of the same size that shows as much as this lens."""
        focal = 0.5 * (float(self.matrix[0, 0]) + float(self.matrix[1, 1]))
        return Camera(name, width, height, focal, np.asarray(camera_to_head, np.float64))

    def is_plain(self, camera: Camera) -> bool:
        """Return whether pictures of this lens need no resampling to be the camera's."""
        centre = np.array(camera.centre)
        gap = np.abs(np.asarray(self.matrix)[:2, 2] - centre).max()
        focal = np.abs(np.diag(self.matrix)[:2] - camera.focal).max()
        return max(gap, focal) < SAME and not np.any(self.distortion)


def rectified(
    lens: Lens, camera: Camera, colour: np.ndarray, depth: np.ndarray, mask: np.ndarray | None
) -> tuple[np.ndarray, np.ndarray, np.ndarray | None]:
    """Resample what a lens gave into the planner's camera.

    Colour is interpolated; depth and mask take the nearest pixel, so that no depth is invented between two
    surfaces. Outside the picture colour is black and depth 0.

    Args:
        lens: of the real camera; depth is aligned to colour.
        camera: from `Lens.camera`.
        colour: [height, width, 3] uint8.
        depth: [height, width] float32 [m].
        mask: [height, width] bool, or None.
    """
    if lens.is_plain(camera):
        return colour, depth, mask
    pixel = lens.project(camera.rays()[..., :2])
    at = np.stack([pixel[..., 1], pixel[..., 0]])

    def sample(image: np.ndarray, order: int) -> np.ndarray:
        return map_coordinates(image, at, order=order, mode="constant", cval=0.0)

    picture = np.stack([sample(colour[..., c].astype(np.float32), 1) for c in range(3)], axis=-1)
    picture = np.clip(np.round(picture), 0, 255).astype(np.uint8)
    shown = None if mask is None else sample(mask.astype(np.uint8), 0) > 0
    return picture, sample(depth, 0).astype(np.float32), shown


HAIR_FROM, HAIR_TO = 0.004, 0.10
"""Height above the skin at which a measured surface counts as hair where nothing labels it [m]."""


def hair_above_skin(depth: np.ndarray, camera: Camera, head: Head) -> np.ndarray:
    """Return which pixels [height, width] bool show something a little above the scalp, by geometry alone.

    For cameras without a segmenter and a head whose shape and pose are known: the face is skin within
    `HAIR_FROM`, the room behind is beyond `HAIR_TO`. It takes hair that lies flatter than that for skin, and
    a hand or the comb near the head for hair: look only while nothing else is there.
    """
    measured = (depth > 0.0) & np.isfinite(depth)
    rays = camera.rays()[measured]
    rotation, translation = camera.camera_to_head[:3, :3], camera.camera_to_head[:3, 3]
    points = (rays * depth[measured][:, None]) @ rotation.T + translation
    height = head.field.sample(points.astype(np.float32))
    inside = np.all((points > -0.35) & (points < 0.30), axis=-1)
    hair = np.zeros(depth.shape, bool)
    hair[measured] = (height > HAIR_FROM) & (height < HAIR_TO) & inside
    return hair


def make_frame(
    name: str,
    lens: Lens,
    colour: np.ndarray,
    depth: np.ndarray,
    mask: np.ndarray | None,
    camera_to_head: np.ndarray,
    head: Head,
) -> Frame:
    """Return a look of a real or virtual camera as the planner takes it.

    Args:
        name: of the camera.
        lens: its intrinsics.
        colour: [height, width, 3] uint8, sRGB.
        depth: [height, width] float32 [m], aligned to colour, 0 where nothing was measured.
        mask: [height, width] bool, which pixels show hair; None finds them by geometry.
        camera_to_head: [4, 4].
        head: whose hair.

    Raises:
        CombwiseError: sizes that do not fit each other.
    """
    height, width = depth.shape
    for what, array, shape in (("colour", colour, (height, width, 3)), ("mask", mask, (height, width))):
        if array is not None and array.shape != shape:
            raise CombwiseError(
                f"camera '{name}': {what} is {array.shape} and depth {depth.shape}; expected {shape}: is "
                "depth aligned to colour?"
            )
    camera = lens.camera(name, width, height, camera_to_head)
    colour, depth, mask = rectified(lens, camera, colour, depth, mask)
    hair = hair_above_skin(depth, camera, head) if mask is None else mask
    return Frame(camera=camera, colour=colour, depth=depth, hair_mask=hair)
