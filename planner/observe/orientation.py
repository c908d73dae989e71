"""Strand orientation in a colour image, by the structure tensor at two scales.

    strands   one or two pixels wide     -> fine tensor    \\
                                                             -> orientation, coherence
    locks     a dozen pixels wide        -> coarse tensor  /

What is seen of straight, wavy and curly hair is strands, and they say which way it runs. Coils show short
marks that run across it and contradict each other; what runs along such hair are its locks, light and
dark side by side. So the locks are asked where the strands do not agree.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from scipy.ndimage import gaussian_filter

from planner.observe.depth import fill_from_nearest, masked_blur

GREY = np.array([0.299, 0.587, 0.114], np.float32)


@dataclass(frozen=True)
class Scale:
    """Sizes of what a structure tensor looks at, all standard deviations [pixel].

    Attributes:
        fine: blur before the gradient.
        window: blur of the tensor.
        mean: of the local mean, which is removed: shading and highlight bands run across strands.
        contrast: of the local contrast, which is divided by.
    """

    fine: float
    window: float
    mean: float
    contrast: float


STRANDS = Scale(fine=0.6, window=2.5, mean=3.0, contrast=4.0)
LOCKS = Scale(fine=3.0, window=8.0, mean=15.0, contrast=20.0)

AGREEMENT_WINDOW = 8.0
"""Blur of the fine tensor [pixel] over which strands agree or not: about a turn of a coil."""

AGREEMENT = (0.18, 0.28)
"""Coherence of the strands over that window up to which locks alone are asked, and from which strands alone.

Its median on looks at grooms of the training families: coily 0.12 to 0.17, curly 0.4, the others from 0.6.
"""


class StructureTensor(NamedTuple):
    """The windowed products of the gradient, [h, w] each."""

    j11: np.ndarray
    j22: np.ndarray
    j12: np.ndarray

    @property
    def anisotropy(self) -> tuple[np.ndarray, np.ndarray]:
        """Return (J11 - J22, 2 J12) over the trace: along twice the gradient's angle, as long as coherent."""
        trace = np.maximum(self.j11 + self.j22, 1e-9)
        return (self.j11 - self.j22) / trace, 2.0 * self.j12 / trace

    def blurred(self, window: float) -> StructureTensor:
        """Return the tensor over a larger window [pixel]."""
        return StructureTensor(*(gaussian_filter(part, window, truncate=2.5) for part in self))


def structure_tensor(grey: np.ndarray, hair: np.ndarray, scale: Scale) -> StructureTensor:
    """Return the structure tensor G_window * (grad I grad I^T) of the texture of hair.

    Args:
        grey: [h, w], filled outside the hair.
        hair: [h, w] bool.
        scale: what to look at.
    """
    weight = np.ones_like(grey)
    local_mean = masked_blur(grey, weight, scale.mean)
    contrast = np.sqrt(masked_blur((grey - local_mean) ** 2, weight, scale.contrast)) + 2.0
    texture = gaussian_filter((grey - local_mean) / contrast, scale.fine)
    along_x = np.gradient(texture, axis=1) * hair
    along_y = np.gradient(texture, axis=0) * hair
    products = StructureTensor(along_x * along_x, along_y * along_y, along_x * along_y)
    return products.blurred(scale.window)


def strand_orientation(
    colour: np.ndarray, hair: np.ndarray, *, locks: Scale | None = LOCKS
) -> tuple[np.ndarray, np.ndarray]:
    """Return the undirected strand orientation and its coherence at each pixel.

    The structure tensor has its small eigenvector along the strands. With J11 - J22 = A and 2 J12 = B the
    strand angle is atan2(B, A) / 2 + pi / 2 and the coherence sqrt(A^2 + B^2) / (J11 + J22) [Bigun1987].

    Args:
        colour: [h, w, 3] uint8 sRGB.
        hair: [h, w] bool, pixels that show hair.
        locks: the scale that is asked where strands contradict each other; None for strands alone.

    Returns:
        orientation: [h, w, 2] float32, unit image vector (x right, y down), sign arbitrary.
        coherence: [h, w] float32, 0 (no orientation) .. 1 (one orientation), 0 outside the hair.
    """
    # Outside the hair the nearest hair pixel is repeated, so that the silhouette makes no gradient.
    grey = fill_from_nearest(colour.astype(np.float32) @ GREY, hair)
    fine = structure_tensor(grey, hair, STRANDS)
    across, slanted = fine.anisotropy
    if locks is not None:
        low, high = AGREEMENT
        agreement = np.hypot(*fine.blurred(AGREEMENT_WINDOW).anisotropy)
        share = np.clip((high - agreement) / (high - low), 0.0, 1.0)
        if share.any():
            coarse = structure_tensor(grey, hair, locks).anisotropy
            across, slanted = (
                (1.0 - share) * a + share * b for a, b in zip((across, slanted), coarse, strict=True)
            )
    angle = 0.5 * np.arctan2(slanted, across) + 0.5 * np.pi
    orientation = np.stack([np.cos(angle), np.sin(angle)], axis=-1)
    coherence = np.where(hair, np.hypot(across, slanted), 0.0)
    return orientation.astype(np.float32), coherence.astype(np.float32)
