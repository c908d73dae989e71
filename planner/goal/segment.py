"""Which pixels of a photograph are hair, where nobody says so: graph cuts on colour, seeded by the head.

    head, camera -> scalp, face, surroundings in a picture -> GrabCut [Rother2004] -> what hangs on it

No network: weights that label hair were trained on faces that may not be used freely, or are downloads of
their own. A better segmenter has one method (`Segmenter`); its mask goes in with `--mask`.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np
from PIL import Image
from scipy.ndimage import binary_dilation, binary_fill_holes, label
from scipy.spatial import KDTree

from hairsim.cameras.camera import Camera
from hairsim.cameras.head_view import trace_head
from hairsim.cameras.view import make_view
from hairsim.errors import CombwiseError
from hairsim.head.head import Head
from planner.observe.lift import crop_around

LONGER_SIDE = 480
"""Pictures are cut at this size [pixel]: colour tells hair from skin, and no single hair is asked for."""

ON_SCALP = 0.012
"""Skin nearer than this to a point of the scalp grows hair [m]."""

FROM_SCALP, FRONT = 0.03, 0.055
"""Skin further than this from the scalp, and further forward than this, is face that shows [m]."""

AROUND = 0.25
"""Hair hangs no further than this from the head [m]."""


class Segmenter(Protocol):
    """Anything that finds hair in a picture."""

    def mask(self, colour: np.ndarray, camera: Camera, head: Head) -> np.ndarray:
        """Return the hair pixels [height, width] bool of a picture [height, width, 3] uint8, sRGB."""
        ...


@dataclass(frozen=True)
class GraphCut:
    """Hair by its colour, as far as it hangs on the scalp.

    Attributes:
        iterations: of GrabCut: colours learned and pixels cut anew.
    """

    iterations: int = 6

    def __post_init__(self) -> None:
        if self.iterations < 1:
            raise CombwiseError(f"graph cut with {self.iterations} iterations; expected at least 1")

    def mask(self, colour: np.ndarray, camera: Camera, head: Head) -> np.ndarray:
        """Return the hair pixels of a picture; see `Segmenter`.

        Raises:
            CombwiseError: OpenCV is not installed, the camera does not show the head's scalp, or no hair is
                found.
        """
        cv2 = _opencv()
        small = _smaller(camera)
        picture = np.asarray(
            Image.fromarray(colour).resize((small.width, small.height), Image.Resampling.BOX), np.uint8
        )
        scalp, face, near = head_parts(small, head)
        seeds = np.full(scalp.shape, cv2.GC_BGD, np.uint8)
        seeds[near] = cv2.GC_PR_BGD
        seeds[scalp] = cv2.GC_PR_FGD
        seeds[face] = cv2.GC_BGD
        cv2.setRNGSeed(0)  # its colour clusters begin at random
        models = np.zeros((1, 65)), np.zeros((1, 65))
        cv2.grabCut(
            np.ascontiguousarray(picture[..., ::-1]), seeds, None, *models, self.iterations,
            cv2.GC_INIT_WITH_MASK,
        )  # fmt: skip
        hair = _hanging_on((seeds == cv2.GC_FGD) | (seeds == cv2.GC_PR_FGD), scalp, face)
        large = Image.fromarray(hair.astype(np.uint8) * 255).resize(
            (camera.width, camera.height), Image.Resampling.BILINEAR
        )
        return np.asarray(large) >= 128


def head_parts(camera: Camera, head: Head) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return where a camera would see a bald head's scalp, its face, and what is near enough for hair.

    Face is what hair seldom covers: eyes, nose and mouth.

    Returns:
        Three masks [height, width] bool; scalp and face are parts of the third.

    Raises:
        CombwiseError: the scalp is not in the picture.
    """
    depth = trace_head(head, make_view(camera), "cpu").depth.numpy()
    hit = depth < 10.0
    points = camera.rays()[hit] * depth[hit][:, None]
    pose = camera.camera_to_head
    points = points @ pose[:3, :3].T + pose[:3, 3]
    far = np.asarray(KDTree(head.scalp.points).query(points)[0]) if len(points) else np.zeros(0)
    scalp, face = np.zeros_like(hit), np.zeros_like(hit)
    scalp[hit] = far < ON_SCALP
    face[hit] = (far >= FROM_SCALP) & (points[:, 0] > FRONT)
    if not scalp.any():
        raise CombwiseError(
            f"camera '{camera.name}' does not show the scalp of '{head.name}'; expected a picture of the "
            "head, and the camera that took it"
        )
    distance = float(np.linalg.norm(pose[:3, 3] - np.asarray(head.centre)))
    reach = max(1, round(AROUND * camera.focal / distance))
    rows, columns = crop_around(hit, reach)
    near = np.zeros_like(hit)
    near[rows, columns] = True
    return scalp, face, near


def _smaller(camera: Camera) -> Camera:
    factor = min(1.0, LONGER_SIDE / max(camera.width, camera.height))
    width, height = max(1, round(factor * camera.width)), max(1, round(factor * camera.height))
    return Camera(camera.name, width, height, camera.focal * width / camera.width, camera.camera_to_head)


def _hanging_on(hair: np.ndarray, scalp: np.ndarray, face: np.ndarray) -> np.ndarray:
    """Return the parts of a mask that touch the scalp, without holes but those that show the face."""
    parts = _parts(binary_dilation(hair))
    kept = np.isin(parts, np.unique(parts[scalp & hair])) & (parts > 0) & hair
    if not kept.any():
        raise CombwiseError(
            "no hair found in the picture; expected hair whose colour differs from skin and background, or "
            "its mask with --mask"
        )
    holes = _parts(np.asarray(binary_fill_holes(kept)) & ~kept)
    return kept | ((holes > 0) & ~np.isin(holes, np.unique(holes[face])))


def _parts(mask: Any) -> np.ndarray:
    """Return the number of the connected part that each pixel [height, width] belongs to, 0 for none."""
    numbers: Any = label(mask)
    return np.asarray(numbers[0])


def _opencv() -> Any:
    try:
        import cv2
    except ImportError as error:
        raise CombwiseError(
            "finding hair in a picture needs OpenCV; install Combwise with its calibrate extra, or give the "
            "hair's mask with --mask"
        ) from error
    return cv2
