"""What is known in some cells of a grid, spread to all of them."""

from __future__ import annotations

import numpy as np
from scipy.ndimage import distance_transform_edt


def nearest_known(known: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return the indices [X, Y, Z] along x, y and z of the nearest known cell.

    Args:
        known: [X, Y, Z] bool; at least one cell is.
    """
    x, y, z = np.asarray(distance_transform_edt(~known, return_distances=False, return_indices=True))
    return x, y, z
