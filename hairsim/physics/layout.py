"""How arrays of all vertices lie in memory: strand by strand for a CPU, vertex by vertex for a GPU.

A thread walks along a strand. On a CPU its strand should lie in one piece. On a GPU the 32 threads of a warp
are at the same vertex of neighbouring strands at once, and their accesses are one where those lie side by
side. Kernels index [strand, vertex] either way; only the strides differ.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import warp as wp


def interleaves(device: str) -> bool:
    """Return whether vertices of different strands lie side by side on a device."""
    return bool(wp.get_device(device).is_cuda)


def zeros_per_vertex(shape: tuple[int, ...], dtype: Any, device: str) -> Any:
    """Return an array of zeros [N, V, ...] that lies as the device likes it."""
    if not interleaves(device):
        return wp.zeros(shape, dtype=dtype, device=device)
    axes = tuple(reversed(range(len(shape))))
    return wp.zeros(tuple(reversed(shape)), dtype=dtype, device=device).transpose(axes)


def per_vertex(values: np.ndarray, dtype: Any, device: str) -> Any:
    """Return an array [N, V, ...] of `values` that lies as the device likes it; vectors are of `dtype`."""
    given = wp.array(values, dtype=dtype, device=device)
    if not interleaves(device):
        return given
    array = zeros_per_vertex(given.shape, dtype, device)
    wp.copy(array, given)
    return array
