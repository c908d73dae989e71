# pyright: reportInvalidTypeForm=false, reportArgumentType=false, reportOperatorIssue=false
"""The solid things of a view, head and tool: depth, normal and label of each sample.

The head is sphere traced through its distance field [Hart1996]. Tiles of 8 x 8 samples first march
one cone, which tells where their rays may start, or that they all miss.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import warp as wp

from hairsim.cameras.view import View, view_ray
from hairsim.head.head import DistanceField, Head

BACKGROUND, SKIN, TOOL = 0, 1, 2
"""Labels of samples that are not hair."""

TILE = 8
FAR = 1.0e9
LEAP_BELOW = 0.006
"""Nearer to the skin than this [m] a ray may step further than the distance, up to 2.5 times."""

HIT_WIDTH = 0.2
"""A ray has arrived when the skin is nearer than this part of a sample's width."""


@dataclass(frozen=True)
class SolidView:
    """What a view sees behind the hair.

    Attributes:
        depth: [height, width] float32 warp array, z [m], `FAR` where nothing is.
        normal: [height, width] vec3 warp array, outward, head frame.
        label: [height, width] int32 warp array: BACKGROUND, SKIN or TOOL.
    """

    depth: wp.array
    normal: wp.array
    label: wp.array


@wp.struct
class FieldGrid:
    """Where the samples of a distance field lie, head frame [m]."""

    origin: wp.vec3
    upper: wp.vec3
    inverse_spacing: wp.float32


def upload_field(field: DistanceField, device: str) -> tuple[wp.array, FieldGrid]:
    """Return a distance field's values [X, Y, Z] on a device, and its grid."""
    values = wp.array(np.ascontiguousarray(field.values, np.float32), dtype=wp.float32, device=device)
    grid = FieldGrid()
    upper = np.asarray(field.origin) + field.spacing * (np.asarray(field.values.shape) - 1)
    grid.origin = wp.vec3(*(float(x) for x in field.origin))
    grid.upper = wp.vec3(*(float(x) for x in upper))
    grid.inverse_spacing = 1.0 / float(field.spacing)
    return values, grid


def trace_head(head: Head, view: View, device: str, *, block: int = 1) -> SolidView:
    """Return depth, normal and label of the head in a view.

    With `block` above 1 (a divisor of 8), one ray is traced for block x block samples, which share the
    tangent plane where it lands: faster, and still good to a fraction of a millimetre.
    """
    values, grid = upload_field(head.field, device)
    height, width = int(view.height), int(view.width)
    tiles = (-(-height // TILE), -(-width // TILE))
    start = wp.empty(tiles, dtype=wp.float32, device=device)
    solid = SolidView(
        depth=wp.empty((height, width), dtype=wp.float32, device=device),
        normal=wp.empty((height, width), dtype=wp.vec3, device=device),
        label=wp.empty((height, width), dtype=wp.int32, device=device),
    )
    wp.launch(march_tile, dim=tiles, inputs=[values, grid, view], outputs=[start], device=device)
    wp.launch(
        trace_block,
        dim=(-(-height // block), -(-width // block)),
        inputs=[values, grid, view, start, block],
        outputs=[solid.depth, solid.normal, solid.label],
        device=device,
    )
    return solid


@wp.func
def sample_field(values: wp.array3d(dtype=wp.float32), grid: FieldGrid, point: wp.vec3):
    """Return the trilinear signed distance at a point [m], clamped to the field's box."""
    g = (point - grid.origin) * grid.inverse_spacing
    nx = wp.float32(values.shape[0] - 1)
    ny = wp.float32(values.shape[1] - 1)
    nz = wp.float32(values.shape[2] - 1)
    x = wp.clamp(g[0], 0.0, nx - 0.001)
    y = wp.clamp(g[1], 0.0, ny - 0.001)
    z = wp.clamp(g[2], 0.0, nz - 0.001)
    i = wp.int32(x)
    j = wp.int32(y)
    k = wp.int32(z)
    u = x - wp.float32(i)
    v = y - wp.float32(j)
    w = z - wp.float32(k)
    near = wp.lerp(
        wp.lerp(values[i, j, k], values[i, j, k + 1], w),
        wp.lerp(values[i, j + 1, k], values[i, j + 1, k + 1], w),
        v,
    )
    far = wp.lerp(
        wp.lerp(values[i + 1, j, k], values[i + 1, j, k + 1], w),
        wp.lerp(values[i + 1, j + 1, k], values[i + 1, j + 1, k + 1], w),
        v,
    )
    return wp.lerp(near, far, u)


@wp.func
def field_normal(values: wp.array3d(dtype=wp.float32), grid: FieldGrid, point: wp.vec3):
    """Return the unit outward normal, from the field at the corners of a tetrahedron a sample wide."""
    step = 0.6 / grid.inverse_spacing
    a = wp.vec3(1.0, -1.0, -1.0)
    b = wp.vec3(-1.0, -1.0, 1.0)
    c = wp.vec3(-1.0, 1.0, -1.0)
    d = wp.vec3(1.0, 1.0, 1.0)
    return wp.normalize(
        sample_field(values, grid, point + step * a) * a
        + sample_field(values, grid, point + step * b) * b
        + sample_field(values, grid, point + step * c) * c
        + sample_field(values, grid, point + step * d) * d
    )


@wp.func
def ray_in_box(origin: wp.vec3, direction: wp.vec3, low: wp.vec3, high: wp.vec3):
    """Return where a ray enters and leaves a box, in multiples of `direction` (enter > leave: it misses)."""
    enter = float(0.0)
    leave = float(1.0e9)
    for axis in range(3):
        slope = direction[axis]
        if wp.abs(slope) < 1.0e-9:
            slope = 1.0e-9
        a = (low[axis] - origin[axis]) / slope
        b = (high[axis] - origin[axis]) / slope
        enter = wp.max(enter, wp.min(a, b))
        leave = wp.min(leave, wp.max(a, b))
    return wp.vec2(enter, leave)


@wp.kernel(enable_backward=False)
def march_tile(
    values: wp.array3d(dtype=wp.float32),
    grid: FieldGrid,
    view: View,
    # out
    start_out: wp.array2d(dtype=wp.float32),
):
    """March the cone around a tile's rays; write the depth up to which it is surely empty, or FAR."""
    row, column = wp.tid()
    middle = 0.5 * wp.float32(TILE - 1)
    ray = view_ray(view, wp.float32(column * TILE) + middle, wp.float32(row * TILE) + middle)
    stretch = wp.length(ray)
    widening = 0.75 * wp.float32(TILE) / view.focal
    reach = wp.length(0.5 * (grid.upper + grid.origin) - view.position) + wp.length(grid.upper - grid.origin)
    margin = widening * reach
    pad = wp.vec3(margin, margin, margin)
    span = ray_in_box(view.position, ray, grid.origin - pad, grid.upper + pad)
    depth = span[0]
    found = float(FAR)
    if span[0] < span[1]:
        for _ in range(128):
            point = view.position + depth * ray
            inside = wp.min(wp.max(point, grid.origin), grid.upper)
            empty = sample_field(values, grid, inside) - wp.length(point - inside) - widening * depth
            if empty < 1.0e-3:
                found = depth
                break
            depth += empty / (stretch + widening)
            if depth > span[1]:
                break
    start_out[row, column] = found


@wp.kernel(enable_backward=False)
def trace_block(
    values: wp.array3d(dtype=wp.float32),
    grid: FieldGrid,
    view: View,
    start: wp.array2d(dtype=wp.float32),
    block: wp.int32,
    # out
    depth_out: wp.array2d(dtype=wp.float32),
    normal_out: wp.array2d(dtype=wp.vec3),
    label_out: wp.array2d(dtype=wp.int32),
):
    """Trace one ray to the skin, and meet the rays of its block with the tangent plane there."""
    block_row, block_column = wp.tid()
    found = float(FAR)
    normal = wp.vec3(0.0, 0.0, 0.0)
    label = wp.int32(BACKGROUND)
    middle = 0.5 * wp.float32(block - 1)
    row = block_row * block
    column = block_column * block
    ray = view_ray(view, wp.float32(column) + middle, wp.float32(row) + middle)
    first = start[row // TILE, column // TILE]
    if first < FAR:
        stretch = wp.length(ray)
        span = ray_in_box(view.position, ray, grid.origin, grid.upper)
        depth = wp.max(first, span[0])
        close = HIT_WIDTH / view.focal
        step = float(0.0)
        before = float(0.0)
        for _ in range(160):
            if depth > span[1]:
                break
            distance = sample_field(values, grid, view.position + depth * ray)
            if distance < 0.0:
                # Overstepped, or entered the box inside the head: between here and the point before.
                found = depth + step * distance / wp.max(before - distance, 1.0e-9)
                break
            if distance < close * depth:
                found = depth + distance / stretch
                break
            # Rays that come in at a slant would creep: near the skin go where the last two distances lead.
            longer = float(0.95)
            if step > 0.0 and distance < LEAP_BELOW:
                slope = (before - distance) / (step * stretch)
                longer = wp.clamp(1.0 / wp.max(slope, 0.1), 0.95, 2.5)
            before = distance
            step = longer * distance / stretch
            depth += step
        if found < FAR:
            normal = field_normal(values, grid, view.position + found * ray)
            label = wp.int32(SKIN)
    for i in range(row, wp.min(row + block, depth_out.shape[0])):
        for j in range(column, wp.min(column + block, depth_out.shape[1])):
            own = found
            if label == SKIN and block > 1:
                slope = wp.dot(view_ray(view, wp.float32(j), wp.float32(i)), normal)
                plane = found * wp.dot(ray, normal) / wp.min(slope, -1.0e-3)
                own = wp.clamp(plane, found - 0.004, found + 0.004)
            depth_out[i, j] = own
            normal_out[i, j] = normal
            label_out[i, j] = label
