# pyright: reportInvalidTypeForm=false, reportArgumentType=false, reportOperatorIssue=false
"""Z-buffered rasterisation of strands: which edge of which strand each sample sees, and how far.

A sample's key is its depth's bits (a positive float's bits rise with it) over the edge's number,
so that one atomic minimum keeps the nearest edge whatever the order of threads.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import warp as wp

from hairsim.cameras.fine_strands import FineStrands, strand_hash
from hairsim.cameras.head_view import SolidView
from hairsim.cameras.view import View, project_point

EMPTY_KEY = 0xFFFFFFFFFFFFFFFF
NEAREST = 0.02
SKIN_TOLERANCE = 0.002
"""Hair this far inside the skin [m] is still drawn: roots, and the head's own sampling."""


@dataclass(frozen=True)
class HairView:
    """What a view sees of the hair.

    Attributes:
        key: [height, width] uint64 warp array, depth bits << 32 | edge, `EMPTY_KEY` where no hair is;
            edge = strand * (V - 1) + edge along the strand.
        strands: the strands that the edges belong to.
    """

    key: wp.array
    strands: FineStrands

    def unpack(self) -> tuple[np.ndarray, np.ndarray]:
        """Return depth [height, width] [m] (0 where no hair is) and edge number (-1), as NumPy arrays."""
        key = self.key.numpy()
        empty = key == EMPTY_KEY
        depth = (key >> np.uint64(32)).astype(np.uint32).view(np.float32)
        edge = (key & np.uint64(0xFFFFFFFF)).astype(np.int64)
        return np.where(empty, np.float32(0.0), depth), np.where(empty, -1, edge)


def rasterise_strands(
    strands: FineStrands, solid: SolidView, view: View, *, width: float, ragged: float, device: str
) -> HairView:
    """Draw strands as lines, nearest first, where no solid hides them.

    Args:
        strands: what to draw.
        solid: head and tool of the same view.
        view: from where.
        width: thickness of a line [m]; never thinner than one sample.
        ragged: part of their length by which hairs of one child may end before it does, 0..1.
    """
    key = wp.full((view.height, view.width), EMPTY_KEY, dtype=wp.uint64, device=device)
    wp.launch(
        draw_strand,
        dim=strands.count,
        inputs=[strands.vertices, solid.depth, view, strands.hairs, width, ragged],
        outputs=[key],
        device=device,
    )
    return HairView(key, strands)


def close_holes(hair: HairView, device: str) -> HairView:
    """Fill samples without hair that have hair on at least five of their eight sides with their nearest."""
    key = wp.empty_like(hair.key)
    wp.launch(close_hole, dim=key.shape, inputs=[hair.key], outputs=[key], device=device)
    return HairView(key, hair.strands)


@wp.func
def key_depth(key: wp.uint64):
    """Return the depth [m] in a key."""
    return wp.cast(wp.uint32(key >> wp.uint64(32)), wp.float32)


@wp.func
def key_edge(key: wp.uint64):
    """Return the edge's number in a key."""
    return wp.int32(key & wp.uint64(0xFFFFFFFF))


@wp.func
def draw_edge(
    a: wp.vec3,
    b: wp.vec3,
    edge: wp.int32,
    width: wp.float32,
    solid_depth: wp.array2d(dtype=wp.float32),
    key_out: wp.array2d(dtype=wp.uint64),
):
    """Draw one edge from a to b (x, y [sample], depth [m]), one step a sample along its longer axis."""
    dx = b[0] - a[0]
    dy = b[1] - a[1]
    steep = wp.abs(dy) > wp.abs(dx)
    run = wp.where(steep, dy, dx)
    rise = wp.where(steep, dx, dy)
    from_major = wp.where(steep, a[1], a[0])
    from_minor = wp.where(steep, a[0], a[1])
    long = wp.max(wp.abs(run), 1.0e-4)
    slope = rise / wp.where(wp.abs(run) < 1.0e-4, 1.0e-4, run)
    if long <= 1.0e-4:
        slope = 0.0
    rows = key_out.shape[0]
    columns = key_out.shape[1]
    major_size = wp.where(steep, rows, columns)
    minor_size = wp.where(steep, columns, rows)
    # Half a sample beyond both ends, so that edges of one strand meet without a hole.
    low = wp.max(wp.int32(wp.ceil(wp.min(from_major, from_major + run) - 0.5)), 0)
    high = wp.min(wp.int32(wp.floor(wp.max(from_major, from_major + run) + 0.5)), major_size - 1)
    thick = wp.max(width, 1.0) * wp.sqrt(1.0 + slope * slope)
    if width <= 1.0:
        thick = 1.0
    near_a = 1.0 / a[2]
    near_b = 1.0 / b[2]
    for major in range(low, high + 1):
        ahead = wp.float32(major) - from_major
        t = wp.clamp(wp.abs(ahead) / long, 0.0, 1.0)
        if ahead * run < 0.0:
            t = 0.0
        minor = from_minor + slope * wp.clamp(ahead, wp.min(run, 0.0), wp.max(run, 0.0))
        first = wp.max(wp.int32(wp.ceil(minor - 0.5 * thick)), 0)
        last = wp.min(wp.int32(wp.ceil(minor + 0.5 * thick)) - 1, minor_size - 1)
        depth = 1.0 / wp.lerp(near_a, near_b, t)
        key = (wp.uint64(wp.cast(depth, wp.uint32)) << wp.uint64(32)) | wp.uint64(edge)
        for side in range(first, last + 1):
            row = wp.where(steep, major, side)
            column = wp.where(steep, side, major)
            if key < key_out[row, column] and depth < solid_depth[row, column] + SKIN_TOLERANCE:
                wp.atomic_min(key_out, row, column, key)


@wp.kernel(enable_backward=False)
def draw_strand(
    vertices: wp.array2d(dtype=wp.vec3),
    solid_depth: wp.array2d(dtype=wp.float32),
    view: View,
    hairs: wp.int32,
    width: wp.float32,
    ragged: wp.float32,
    # out
    key_out: wp.array2d(dtype=wp.uint64),
):
    """Draw one strand, edge by edge; all but the first hair of a child end a little early."""
    strand = wp.tid()
    edges = vertices.shape[1] - 1
    end = edges
    if strand % hairs != 0:
        luck = strand_hash(strand, 9)
        end = edges - wp.int32(ragged * wp.float32(edges) * luck * luck)
    a = project_point(view, vertices[strand, 0])
    for edge in range(end):
        b = project_point(view, vertices[strand, edge + 1])
        visible = (
            a[2] > NEAREST
            and b[2] > NEAREST
            and wp.max(a[0], b[0]) > -2.0
            and wp.max(a[1], b[1]) > -2.0
            and wp.min(a[0], b[0]) < wp.float32(view.width) + 1.0
            and wp.min(a[1], b[1]) < wp.float32(view.height) + 1.0
        )
        if visible:
            draw_edge(a, b, strand * edges + edge, width * view.focal / a[2], solid_depth, key_out)
        a = b


@wp.kernel(enable_backward=False)
def close_hole(
    key: wp.array2d(dtype=wp.uint64),
    # out
    key_out: wp.array2d(dtype=wp.uint64),
):
    """Copy a sample's key, or where it is empty and hemmed in by hair, the nearest of its neighbours'."""
    row, column = wp.tid()
    own = key[row, column]
    empty = wp.uint64(EMPTY_KEY)
    if own == empty:
        hemmed = int(0)
        nearest = empty
        for i in range(-1, 2):
            for j in range(-1, 2):
                r = wp.clamp(row + i, 0, key.shape[0] - 1)
                c = wp.clamp(column + j, 0, key.shape[1] - 1)
                side = key[r, c]
                if side != empty:
                    hemmed += 1
                nearest = wp.min(nearest, side)
        if hemmed >= 5:
            own = nearest
    key_out[row, column] = own
