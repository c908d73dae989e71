"""Lift one frame to points with undirected strand directions in the head frame."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from hairsim.cameras.camera import Frame
from planner.observe.depth import clean_depth
from planner.observe.orientation import strand_orientation


@dataclass(frozen=True)
class HairPoints:
    """Hair pixels lifted to the head frame.

    Attributes:
        position: [N, 3] float32 [m], head frame.
        ray: [N, 3] float32, unit viewing ray away from the camera, head frame.
        direction: [N, 3] float32, unit strand direction, sign arbitrary, head frame.
        weight: [N] float32, trust in the direction, 0 .. 1.
        area: [N] float32, face-on area that the pixel covers [m^2].
    """

    position: np.ndarray
    ray: np.ndarray
    direction: np.ndarray
    weight: np.ndarray
    area: np.ndarray


def crop_around(mask: np.ndarray, margin: int) -> tuple[slice, slice]:
    """Return the rows and columns of the box around mask [h, w], grown by margin [pixel]."""
    rows, columns = np.flatnonzero(mask.any(axis=1)), np.flatnonzero(mask.any(axis=0))
    return (
        slice(max(0, rows[0] - margin), rows[-1] + 1 + margin),
        slice(max(0, columns[0] - margin), columns[-1] + 1 + margin),
    )


def lift_frame(frame: Frame, hair: np.ndarray) -> HairPoints:
    """Lift the hair pixels of a frame.

    A strand seen along (du, dv) on the surface z(u, v) runs, in the optical frame, along
    (z du / f + x dz, z dv / f + y dz, dz) with dz = z_u du + z_v dv and (x, y, 1) the pixel's ray.

    Args:
        frame: the look of one camera.
        hair: [height, width] bool, pixels that show hair; at least one.
    """
    rows, columns = crop_around(hair, margin=8)
    hair = hair[rows, columns]
    surface = clean_depth(frame.depth[rows, columns], hair)
    orientation, coherence = strand_orientation(frame.colour[rows, columns], hair)
    valid = surface.valid
    ray = frame.camera.rays()[rows, columns][valid]
    depth = surface.depth[valid].astype(np.float64)
    slope, along = surface.slope[valid], orientation[valid]
    change = np.einsum("nk,nk->n", slope, along)
    local = np.empty((len(depth), 3))
    local[:, :2] = depth[:, None] * along / frame.camera.focal + ray[:, :2] * change[:, None]
    local[:, 2] = change
    local /= np.maximum(np.linalg.norm(local, axis=1, keepdims=True), 1e-12)
    rotation, translation = frame.camera.camera_to_head[:3, :3], frame.camera.camera_to_head[:3, 3]
    pixel_size = depth / frame.camera.focal
    # A surface seen at a slant gives few and badly lifted pixels: trust falls with the cosine to the viewer.
    facing = 1.0 / np.sqrt(1.0 + np.sum((slope / pixel_size[:, None]) ** 2, axis=1))
    return HairPoints(
        position=((ray * depth[:, None]) @ rotation.T + translation).astype(np.float32),
        ray=((ray / np.linalg.norm(ray, axis=1, keepdims=True)) @ rotation.T).astype(np.float32),
        direction=(local @ rotation.T).astype(np.float32),
        weight=(coherence[valid] * facing + 1e-4).astype(np.float32),
        area=(pixel_size**2).astype(np.float32),
    )
