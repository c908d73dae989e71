# pyright: reportInvalidTypeForm=false, reportArgumentType=false, reportOperatorIssue=false
"""From child strands to the fine strands that are drawn: smoother curves, and several hairs a child."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import warp as wp

from hairsim.errors import CombwiseError

SCRAMBLE_A = wp.constant(wp.uint32(747796405))
SCRAMBLE_B = wp.constant(wp.uint32(2654435769))
SCRAMBLE_C = wp.constant(wp.uint32(0x7FEB352D))
SCRAMBLE_D = wp.constant(wp.uint32(0x846CA68B))


@dataclass(frozen=True)
class FineStrands:
    """Strands as they are drawn.

    Attributes:
        vertices: [S, V] vec3 warp array [m], head frame, root first.
        hairs: fine strands per child; fine strand i belongs to child i // hairs.
    """

    vertices: wp.array
    hairs: int

    @property
    def count(self) -> int:
        """Number of fine strands."""
        return int(self.vertices.shape[0])


def check_strands(strands: np.ndarray) -> np.ndarray:
    """Return strands as contiguous float32 [S, V, 3].

    Raises:
        CombwiseError: wrong shape, or NaN or infinite positions.
    """
    strands = np.ascontiguousarray(strands, np.float32)
    if strands.ndim != 3 or strands.shape[2] != 3 or strands.shape[1] < 2:
        raise CombwiseError(f"strands to draw have shape {strands.shape}; expected [S, V >= 2, 3]")
    if not np.isfinite(strands).all():
        bad = int((~np.isfinite(strands).all(axis=(1, 2))).sum())
        raise CombwiseError(
            f"{bad} of {len(strands)} strands to draw hold NaN or infinite positions; expected finite metres"
        )
    return strands


def refine_strands(
    strands: np.ndarray, *, pieces: int, hairs: int, spread: float, device: str
) -> FineStrands:
    """Cut every edge of strands [S, V, 3] [m] into `pieces` and draw `hairs` beside each other.

    Hair 0 of a child is the child itself; the others lie within about `spread` [m] of it, each
    at an offset of its own that depends on the child's index alone, so that pictures agree
    between views and over time.

    Raises:
        CombwiseError: strands of wrong shape or not finite.
    """
    strands = check_strands(strands)
    coarse = wp.array(strands, dtype=wp.vec3, device=device)
    if pieces == 1 and hairs == 1:
        return FineStrands(coarse, 1)
    count, length = strands.shape[0] * hairs, (strands.shape[1] - 1) * pieces + 1
    fine = wp.empty((count, length), dtype=wp.vec3, device=device)
    wp.launch(
        grow_fine_strand, dim=count, inputs=[coarse, pieces, hairs, spread], outputs=[fine], device=device
    )
    return FineStrands(fine, hairs)


@wp.func
def catmull_rom(a: wp.vec3, b: wp.vec3, c: wp.vec3, d: wp.vec3, t: wp.float32):
    """Return the uniform Catmull-Rom curve between b and c at t in 0..1 [CatmullRom1974]."""
    t2 = t * t
    t3 = t2 * t
    quadratic = 2.0 * a - 5.0 * b + 4.0 * c - d
    cubic = 3.0 * b - a - 3.0 * c + d
    return 0.5 * (2.0 * b + t * (c - a) + t2 * quadratic + t3 * cubic)


@wp.func
def strand_hash(index: wp.int32, channel: wp.int32):
    """Return a number in 0..1 that depends on a strand's index and a channel alone."""
    state = wp.uint32(index) * SCRAMBLE_A + wp.uint32(channel) * SCRAMBLE_B + wp.uint32(1)
    state = (state ^ (state >> wp.uint32(16))) * SCRAMBLE_C
    state = (state ^ (state >> wp.uint32(15))) * SCRAMBLE_D
    state = state ^ (state >> wp.uint32(16))
    return wp.float32(state >> wp.uint32(8)) / 16777216.0


@wp.kernel(enable_backward=False)
def grow_fine_strand(
    coarse: wp.array2d(dtype=wp.vec3),
    pieces: wp.int32,
    hairs: wp.int32,
    spread: wp.float32,
    # out
    fine_out: wp.array2d(dtype=wp.vec3),
):
    """Write one fine strand: the smooth curve of its child, offset by a slow wander of its own."""
    strand = wp.tid()
    child = strand // hairs
    last = coarse.shape[1] - 1
    # The offset stays the same along the hair but for a slow swing, so that neighbours run parallel and
    # cross now and then, as combed hairs do; a few run away further than the rest.
    angle = 6.2831853 * strand_hash(strand, 1)
    high = 2.0 * strand_hash(strand, 2) - 1.0
    flat = wp.sqrt(1.0 - high * high)
    aside = wp.vec3(flat * wp.cos(angle), flat * wp.sin(angle), high)
    swing_angle = 6.2831853 * strand_hash(strand, 3)
    swing = wp.vec3(wp.cos(swing_angle), wp.sin(swing_angle), 2.0 * strand_hash(strand, 4) - 1.0)
    phase = 6.2831853 * strand_hash(strand, 5)
    turns = 3.0 + 5.0 * strand_hash(strand, 6)
    reach = spread * wp.sqrt(strand_hash(strand, 7))
    if strand_hash(strand, 8) > 0.97:
        reach = 2.5 * reach
    if strand % hairs == 0:
        reach = 0.0
    total = fine_out.shape[1]
    for vertex in range(total):
        edge = wp.min(vertex // pieces, last - 1)
        t = wp.float32(vertex - edge * pieces) / wp.float32(pieces)
        b = coarse[child, edge]
        c = coarse[child, edge + 1]
        a = 2.0 * b - c
        if edge > 0:
            a = coarse[child, edge - 1]
        d = 2.0 * c - b
        if edge + 2 <= last:
            d = coarse[child, edge + 2]
        along = wp.float32(vertex) / wp.float32(total - 1)
        wander = aside + 0.6 * along * wp.sin(turns * along + phase) * swing
        fine_out[strand, vertex] = catmull_rom(a, b, c, d, t) + reach * (0.5 + along) * wander
