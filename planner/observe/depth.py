"""Clean a measured depth image and smooth it into a surface that tangents can be taken of."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy.ndimage import distance_transform_edt, gaussian_filter, median_filter


@dataclass(frozen=True)
class DepthSurface:
    """A hair surface seen by one camera, in a crop of its image.

    Attributes:
        valid: [h, w] bool, pixels whose depth is trusted.
        depth: [h, w] float32, smoothed depth z [m]; extrapolated where not valid.
        slope: [h, w, 2] float32, change of depth per pixel along x and y [m/pixel].
    """

    valid: np.ndarray
    depth: np.ndarray
    slope: np.ndarray


def fill_from_nearest(values: np.ndarray, known: np.ndarray) -> np.ndarray:
    """Return values [h, w, ...] in which every unknown pixel copies the nearest known one."""
    if known.all():
        return values
    nearest = np.asarray(distance_transform_edt(~known, return_distances=False, return_indices=True))
    return values[nearest[0], nearest[1]]


def masked_blur(values: np.ndarray, weight: np.ndarray, sigma: float) -> np.ndarray:
    """Return the Gaussian mean of values [h, w] over the pixels with weight [h, w]; sigma in pixels."""
    total = gaussian_filter(values * weight, sigma, truncate=2.5)
    share = gaussian_filter(weight, sigma, truncate=2.5)
    return total / np.maximum(share, 1e-6)


def clean_depth(
    depth: np.ndarray, hair: np.ndarray, *, flying: float = 0.008, sigma: float = 2.0
) -> DepthSurface:
    """Drop flying pixels and smooth what is left.

    A pixel flies when it lies further than `flying` from the median of its 5 x 5 neighbours: stereo and
    time-of-flight sensors interpolate between two surfaces at edges. The smoothing averages only pixels near
    the median surface, so that a lock is not blended into the cheek behind it.

    Args:
        depth: [h, w] float32 [m], 0 where nothing was measured.
        hair: [h, w] bool, pixels that show hair.
        flying: tolerance [m]; twice the strand-to-strand depth scatter of a combed surface.
        sigma: blur of the surface [pixel].
    """
    measured = hair & (depth > 0.0) & np.isfinite(depth)
    if not measured.any():
        nothing = np.zeros(depth.shape, np.float32)
        return DepthSurface(measured, nothing, np.zeros((*depth.shape, 2), np.float32))
    filled = fill_from_nearest(np.where(measured, depth, 0.0).astype(np.float32), measured)
    middle = median_filter(filled, size=5)
    valid = measured & (np.abs(filled - middle) < flying)
    if not valid.any():
        return DepthSurface(valid, middle, np.zeros((*depth.shape, 2), np.float32))
    weight = valid.astype(np.float32)
    # Smoothing the residual against the median keeps the steps at which one lock ends and another begins.
    residual = np.where(valid, filled - middle, 0.0).astype(np.float32)
    surface = gaussian_filter(middle + masked_blur(residual, weight, sigma), 0.5 * sigma)
    slope = np.stack([np.gradient(surface, axis=1), np.gradient(surface, axis=0)], axis=-1)
    return DepthSurface(valid, surface.astype(np.float32), slope.astype(np.float32))
