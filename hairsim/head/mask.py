"""A scalp painted on a mesh: a picture over its texture coordinates, light where hair grows."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import trimesh
from PIL import Image

from hairsim.errors import CombwiseError

CANDIDATES = 60_000
"""Points drawn evenly over the mesh before the mask decides."""

LIGHT = 0.5
"""Brightness from which on a pixel counts as scalp, 0 black .. 1 white."""

LEAST_POINTS = 200
"""A mask that leaves fewer of the drawn points is no scalp."""

MOST_PIXELS = 64_000_000


def painted_points(mesh_path: Path, mask_path: Path) -> np.ndarray:
    """Return points [N, 3] spread evenly over the painted part of a mesh, in the coordinates of its file.

    The mask's first row is v = 1, its first column u = 0, as textures are painted; coordinates beyond 0 .. 1
    repeat it.

    Raises:
        CombwiseError: no such picture, a mesh without texture coordinates, or hardly anything painted.
    """
    mask = _mask(mask_path)
    mesh = trimesh.load(mesh_path, force="mesh", process=False)
    uv = np.asarray(getattr(getattr(mesh, "visual", None), "uv", None), np.float64)
    faces = np.asarray(getattr(mesh, "faces", np.empty((0, 3))), np.int64).reshape(-1, 3)
    vertices = np.asarray(getattr(mesh, "vertices", np.empty((0, 3))), np.float64)
    if uv.shape != (len(vertices), 2) or len(faces) == 0:
        raise CombwiseError(
            f"head file '{mesh_path}' has no texture coordinates, over which a scalp mask is painted; "
            "expected a mesh with them, or the groom's roots instead"
        )
    rng = np.random.default_rng(2014)
    corner = vertices[faces]
    area = np.linalg.norm(np.cross(corner[:, 1] - corner[:, 0], corner[:, 2] - corner[:, 0]), axis=1)
    drawn = rng.choice(len(faces), CANDIDATES, p=area / area.sum())
    share = rng.dirichlet((1.0, 1.0, 1.0), CANDIDATES)
    place = np.einsum("nk,nkc->nc", share, uv[faces[drawn]])
    finite = np.isfinite(place).all(axis=1)
    turned = np.where(finite[:, None], place, 0.0) % 1.0
    height, width = mask.shape
    column = np.minimum((turned[:, 0] * width).astype(int), width - 1)
    row = np.minimum(((1.0 - turned[:, 1]) * height).astype(int), height - 1)
    painted = finite & (mask[row, column] >= LIGHT)
    if painted.sum() < LEAST_POINTS:
        raise CombwiseError(
            f"scalp mask '{mask_path}' is light on {100.0 * painted.mean():.1f} % of '{mesh_path}'; expected "
            "white where hair grows, painted over the texture coordinates of this mesh"
        )
    return np.einsum("nk,nkc->nc", share, corner[drawn])[painted]


def _mask(path: Path) -> np.ndarray:
    """Return a picture's brightness [height, width], 0..1."""
    if not path.is_file():
        raise CombwiseError(f"scalp mask '{path}' does not exist; expected a picture, white where hair grows")
    try:
        with Image.open(path) as picture:
            width, height = picture.size
            if width * height > MOST_PIXELS:
                raise CombwiseError(
                    f"scalp mask '{path}' has {width} x {height} pixels; expected at most {MOST_PIXELS}"
                )
            return np.asarray(picture.convert("L"), np.float64) / 255.0
    except (OSError, ValueError, SyntaxError, Image.DecompressionBombError) as error:
        raise CombwiseError(
            f"scalp mask '{path}' is not a readable picture; expected a .png or .jpg"
        ) from error
