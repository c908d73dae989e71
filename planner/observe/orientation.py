"""Strand orientation in a colour image, by the structure tensor."""

from __future__ import annotations

import numpy as np
from scipy.ndimage import gaussian_filter

from planner.observe.depth import fill_from_nearest, masked_blur


def strand_orientation(
    colour: np.ndarray, hair: np.ndarray, *, fine: float = 0.6, window: float = 2.5
) -> tuple[np.ndarray, np.ndarray]:
    """Return the undirected strand orientation and its coherence at each pixel.

    The structure tensor J = G_window * (grad I grad I^T) has its small eigenvector along the strands. With
    J11 - J22 = A and 2 J12 = B the strand angle is atan2(B, A) / 2 + pi / 2 and the coherence
    sqrt(A^2 + B^2) / (J11 + J22) [Bigun1987].

    Args:
        colour: [h, w, 3] uint8 sRGB.
        hair: [h, w] bool, pixels that show hair.
        fine: blur before the gradient [pixel]; strands are one or two pixels wide.
        window: blur of the tensor [pixel].

    Returns:
        orientation: [h, w, 2] float32, unit image vector (x right, y down), sign arbitrary.
        coherence: [h, w] float32, 0 (no orientation) .. 1 (one orientation), 0 outside the hair.
    """
    grey = colour.astype(np.float32) @ np.array([0.299, 0.587, 0.114], np.float32)
    # Outside the hair the nearest hair pixel is repeated, so that the silhouette makes no gradient; the local
    # mean is removed, so that shading and highlight bands, which run across strands, do not count either.
    grey = fill_from_nearest(grey, hair)
    weight = np.ones_like(grey)
    local_mean = masked_blur(grey, weight, 3.0)
    contrast = np.sqrt(masked_blur((grey - local_mean) ** 2, weight, 4.0)) + 2.0
    texture = gaussian_filter((grey - local_mean) / contrast, fine)
    along_x = np.gradient(texture, axis=1) * hair
    along_y = np.gradient(texture, axis=0) * hair
    j11 = gaussian_filter(along_x * along_x, window, truncate=2.5)
    j22 = gaussian_filter(along_y * along_y, window, truncate=2.5)
    j12 = gaussian_filter(along_x * along_y, window, truncate=2.5)
    anisotropy = np.hypot(j11 - j22, 2.0 * j12)
    angle = 0.5 * np.arctan2(2.0 * j12, j11 - j22) + 0.5 * np.pi
    orientation = np.stack([np.cos(angle), np.sin(angle)], axis=-1)
    coherence = np.where(hair, anisotropy / np.maximum(j11 + j22, 1e-9), 0.0)
    return orientation.astype(np.float32), coherence.astype(np.float32)
