# pyright: reportInvalidTypeForm=false, reportArgumentType=false, reportOperatorIssue=false
"""How much light reaches each point of the hair: transmittance through a coarse grid of its density.

Hair of length density rho [m/m^3] and diameter d attenuates light along its way s as
exp(-rho d s) [Bertails2005]; the head stops it.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import warp as wp

from hairsim.cameras.fine_strands import FineStrands
from hairsim.cameras.head_view import FieldGrid, sample_field, upload_field
from hairsim.cameras.look import HairLook
from hairsim.groom.groom import HAIRS_ON_A_HEAD
from hairsim.head.head import Head

HAIR_DIAMETER = 8.0e-5
BOX_LOW = (-0.26, -0.26, -0.38)
BOX_SIZE = (0.52, 0.52, 0.60)
LENGTH_UNIT = 1.0e-5
"""Lengths are summed as whole numbers of this [m]: sums are the same whatever the order of threads."""

AMBIENT_DIRECTIONS = (
    (0.0, 0.0, 1.0),
    (0.8, 0.0, 0.6),
    (-0.8, 0.0, 0.6),
    (0.0, 0.8, 0.6),
    (0.0, -0.8, 0.6),
    (0.68, 0.68, -0.25),
    (-0.68, 0.68, -0.25),
    (0.68, -0.68, -0.25),
    (-0.68, -0.68, -0.25),
)


@dataclass(frozen=True)
class LightGrid:
    """Light that arrives at grid points of the hair's box.

    Attributes:
        values: [X, Y, Z] vec4 warp array, parts 0..1 of the three lights and of the ambient light.
        origin: first grid point [m], head frame. voxel: distance between them [m].
    """

    values: wp.array
    origin: tuple[float, float, float]
    voxel: float


def light_hair(strands: FineStrands, head: Head, look: HairLook, *, voxel: float, device: str) -> LightGrid:
    """Return the light that reaches the hair and skin, on a grid of `voxel` [m]."""
    shape = tuple(int(np.ceil(size / voxel)) + 1 for size in BOX_SIZE)
    origin = wp.vec3(*BOX_LOW)
    length = wp.zeros(shape, dtype=wp.int32, device=device)
    inputs = [strands.vertices, strands.hairs, origin, voxel]
    # One hair of each child is enough for so coarse a grid.
    children = strands.count // strands.hairs
    wp.launch(add_strand_length, dim=children, inputs=inputs, outputs=[length], device=device)
    values, grid = upload_field(head.field, device)
    weight = HAIRS_ON_A_HEAD / max(children, 1)
    opacity = float(LENGTH_UNIT * weight * HAIR_DIAMETER * look.shadow / voxel**2)
    depth = wp.empty(shape, dtype=wp.float32, device=device)
    wanted = wp.empty(shape, dtype=wp.int32, device=device)
    wp.launch(
        add_up_opacity,
        dim=shape,
        inputs=[length, values, grid, origin, voxel, opacity],
        outputs=[depth, wanted],
        device=device,
    )
    rays = np.concatenate([look.unit_lights, np.asarray(AMBIENT_DIRECTIONS)]).astype(np.float32)
    directions = wp.array(rays, dtype=wp.vec3, device=device)
    arriving = wp.empty(shape, dtype=wp.vec4, device=device)
    inputs = [depth, wanted, directions]
    wp.launch(march_to_lights, dim=shape, inputs=inputs, outputs=[arriving], device=device)
    soft = wp.empty_like(arriving)
    wp.launch(blur_light, dim=shape, inputs=[arriving, wanted], outputs=[soft], device=device)
    return LightGrid(soft, BOX_LOW, voxel)


@wp.func
def sample_light(
    values: wp.array3d(dtype=wp.vec4), origin: wp.vec3, inverse_voxel: wp.float32, point: wp.vec3
):
    """Return the trilinear light at a point [m], clamped to the box."""
    g = (point - origin) * inverse_voxel
    x = wp.clamp(g[0], 0.0, wp.float32(values.shape[0]) - 1.001)
    y = wp.clamp(g[1], 0.0, wp.float32(values.shape[1]) - 1.001)
    z = wp.clamp(g[2], 0.0, wp.float32(values.shape[2]) - 1.001)
    i = wp.int32(x)
    j = wp.int32(y)
    k = wp.int32(z)
    u = x - wp.float32(i)
    v = y - wp.float32(j)
    w = z - wp.float32(k)
    return (1.0 - u) * (
        (1.0 - v) * ((1.0 - w) * values[i, j, k] + w * values[i, j, k + 1])
        + v * ((1.0 - w) * values[i, j + 1, k] + w * values[i, j + 1, k + 1])
    ) + u * (
        (1.0 - v) * ((1.0 - w) * values[i + 1, j, k] + w * values[i + 1, j, k + 1])
        + v * ((1.0 - w) * values[i + 1, j + 1, k] + w * values[i + 1, j + 1, k + 1])
    )


@wp.kernel(enable_backward=False)
def add_strand_length(
    vertices: wp.array2d(dtype=wp.vec3),
    hairs: wp.int32,
    origin: wp.vec3,
    voxel: wp.float32,
    # out
    length_out: wp.array3d(dtype=wp.int32),
):
    """Share the length of each edge of a child among the eight grid points around its middle."""
    strand = wp.tid() * hairs
    for edge in range(vertices.shape[1] - 1):
        a = vertices[strand, edge]
        b = vertices[strand, edge + 1]
        g = (0.5 * (a + b) - origin) / voxel
        inside = (
            g[0] >= 0.0
            and g[1] >= 0.0
            and g[2] >= 0.0
            and g[0] < wp.float32(length_out.shape[0] - 1)
            and g[1] < wp.float32(length_out.shape[1] - 1)
            and g[2] < wp.float32(length_out.shape[2] - 1)
        )
        if inside:
            amount = wp.length(b - a) / LENGTH_UNIT
            i = wp.int32(g[0])
            j = wp.int32(g[1])
            k = wp.int32(g[2])
            for corner in range(8):
                di = corner & 1
                dj = (corner >> 1) & 1
                dk = corner >> 2
                wx = 1.0 - wp.abs(g[0] - wp.float32(i + di))
                wy = 1.0 - wp.abs(g[1] - wp.float32(j + dj))
                wz = 1.0 - wp.abs(g[2] - wp.float32(k + dk))
                wp.atomic_add(length_out, i + di, j + dj, k + dk, wp.int32(wp.ceil(amount * wx * wy * wz)))


@wp.kernel(enable_backward=False)
def add_up_opacity(
    length: wp.array3d(dtype=wp.int32),
    values: wp.array3d(dtype=wp.float32),
    grid: FieldGrid,
    origin: wp.vec3,
    voxel: wp.float32,
    opacity: wp.float32,
    # out
    depth_out: wp.array3d(dtype=wp.float32),
    wanted_out: wp.array3d(dtype=wp.int32),
):
    """Write the optical depth of one voxel, head included, and whether anything there will be shaded."""
    i, j, k = wp.tid()
    point = origin + voxel * wp.vec3(wp.float32(i), wp.float32(j), wp.float32(k))
    nearest = wp.min(wp.max(point, grid.origin), grid.upper)
    distance = sample_field(values, grid, nearest) + wp.length(point - nearest)
    depth_out[i, j, k] = opacity * wp.float32(length[i, j, k]) + 2.5 * wp.clamp(-distance / voxel, 0.0, 1.0)
    wanted = int(0)
    if length[i, j, k] > 0 or wp.abs(distance) < 2.0 * voxel:
        wanted = 1
    wanted_out[i, j, k] = wanted


@wp.func
def transmittance(
    depth: wp.array3d(dtype=wp.float32), i: wp.int32, j: wp.int32, k: wp.int32, direction: wp.vec3
):
    """Return the part of the light that reaches voxel (i, j, k) from a direction."""
    passed = float(0.0)
    for step in range(1, 256):
        x = i + wp.int32(wp.round(wp.float32(step) * direction[0]))
        y = j + wp.int32(wp.round(wp.float32(step) * direction[1]))
        z = k + wp.int32(wp.round(wp.float32(step) * direction[2]))
        if x < 0 or y < 0 or z < 0 or x >= depth.shape[0] or y >= depth.shape[1] or z >= depth.shape[2]:
            break
        passed += depth[x, y, z]
        if passed > 5.0:
            break
    return wp.exp(-passed)


@wp.kernel(enable_backward=False)
def march_to_lights(
    depth: wp.array3d(dtype=wp.float32),
    wanted: wp.array3d(dtype=wp.int32),
    directions: wp.array(dtype=wp.vec3),
    # out
    arriving_out: wp.array3d(dtype=wp.vec4),
):
    """Write the light that reaches one voxel: of the three lights, and the mean of the ambient ones."""
    i, j, k = wp.tid()
    arriving = wp.vec4(1.0, 1.0, 1.0, 1.0)
    if wanted[i, j, k] > 0:
        for light in range(3):
            arriving[light] = transmittance(depth, i, j, k, directions[light])
        ambient = float(0.0)
        for ray in range(3, directions.shape[0]):
            ambient += transmittance(depth, i, j, k, directions[ray])
        arriving[3] = ambient / wp.float32(directions.shape[0] - 3)
    arriving_out[i, j, k] = arriving


@wp.kernel(enable_backward=False)
def blur_light(
    arriving: wp.array3d(dtype=wp.vec4),
    wanted: wp.array3d(dtype=wp.int32),
    # out
    soft_out: wp.array3d(dtype=wp.vec4),
):
    """Average a voxel with its shaded neighbours, nearer ones more: no voxel's edge shows in a shadow."""
    i, j, k = wp.tid()
    total = 2.0 * arriving[i, j, k]
    weight = float(2.0)
    if wanted[i, j, k] > 0:
        for side in range(27):
            x = i + side // 9 - 1
            y = j + (side // 3) % 3 - 1
            z = k + side % 3 - 1
            inside = (
                x >= 0
                and y >= 0
                and z >= 0
                and x < wanted.shape[0]
                and y < wanted.shape[1]
                and z < wanted.shape[2]
            )
            if inside and wanted[x, y, z] > 0:
                total += arriving[x, y, z]
                weight += 1.0
    soft_out[i, j, k] = total / weight
