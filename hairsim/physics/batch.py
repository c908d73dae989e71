# pyright: reportInvalidTypeForm=false
"""Worlds side by side: where they lie in the one grid that is searched, and which of them time passes in."""

from __future__ import annotations

import numpy as np
import warp as wp

CELLS = (128, 64, 64)
"""Cells of the hash grid of one world."""

APART = 0.5
"""Between worlds of a batch in the hash grid [m]: hair in the way of its neighbours is few tips."""

MOST_CELLS = 512
"""Of the hash grid of a batch along an axis; beyond that, worlds share cells, and a search meets hair of
other worlds that it must pass over."""


def grid_of_worlds(worlds: int, cell: float) -> tuple[np.ndarray, tuple[int, int, int]]:
    """Return where worlds lie in a hash grid [W, 3] [m] of cells of width `cell` [m], and its size in cells.

    A grid wraps around, so that a world at its edge reaches into the other side's. Near the origin all
    places are exact to a micrometre.
    """
    if worlds == 1:
        return np.zeros((1, 3), np.float32), CELLS
    y = round(worlds ** (1.0 / 3.0))
    x = y
    z = -(-worlds // (x * y))
    number = np.arange(worlds)
    place = APART * np.stack([number % x, number // x % y, number // (x * y)], axis=-1).astype(np.float32)
    cells = [min(max(CELLS[1], round(APART * along / cell)), MOST_CELLS) for along in (x, y, z)]
    return place, (cells[0], cells[1], cells[2])


@wp.kernel(enable_backward=False)
def choose_worlds(
    step: int,
    until: wp.array(dtype=int),
    phase: wp.array(dtype=int),
    every: int,
    # out
    awake_out: wp.array(dtype=int),
    searching_out: wp.array(dtype=int),
):
    """Say of every world whether it takes part in this step, and in a search for neighbours before it."""
    world = wp.tid()
    awake = int(0)
    searching = int(0)
    if step < until[world]:
        awake = 1
        if (phase[world] + step) % every == 0:
            searching = 1
    awake_out[world] = awake
    searching_out[world] = searching
