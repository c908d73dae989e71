# pyright: reportInvalidTypeForm=false, reportArgumentType=false, reportCallIssue=false, reportOperatorIssue=false
"""One formula, one function: the laws that the kernels index, call and store."""

from __future__ import annotations

import warp as wp


@wp.func
def curvature_between(before: wp.vec3, after: wp.vec3) -> wp.vec3:
    """Rotation vector [rad] that turns unit tangent `before` into `after` along the shortest arc.

    Its length is the angle itself: the energy is quadratic in theta, which on coarse strands is closer to
    the elastica than (2 tan(theta / 2))^2.
    """
    axis = wp.cross(before, after)
    sine = wp.length(axis)
    angle = wp.atan2(sine, wp.dot(before, after))
    scale = float(1.0)
    if sine > 1.0e-6:
        scale = angle / sine
    return axis * scale


@wp.func
def shortest_rotation(before: wp.vec3, after: wp.vec3) -> wp.quat:
    """Quaternion of the shortest rotation from unit vector `before` to `after`."""
    axis = wp.cross(before, after)
    w = 1.0 + wp.dot(before, after)
    if w < 1.0e-5:
        return wp.quat_identity()
    return wp.normalize(wp.quat(axis[0], axis[1], axis[2], w))


@wp.func
def tangent_at(position: wp.array2d(dtype=wp.vec3), strand: int, v: int, last: int) -> wp.vec3:
    """Unit tangent at a vertex: from the vertex before to the one after."""
    return wp.normalize(position[strand, wp.min(v + 1, last)] - position[strand, wp.max(v - 1, 0)])


@wp.func
def friction_stiffness(coefficient: float, normal: float, offset: float, slip: float) -> float:
    """Secant stiffness [N/m] of Coulomb friction at tangential displacement `offset` [m].

    Below `slip` it is a spring that reaches the Coulomb limit mu N there; beyond, the force is mu N.
    """
    return coefficient * normal / wp.max(offset, slip)


@wp.func
def inverse_symmetric(a: wp.mat33d) -> wp.mat33d:
    """Inverse of a symmetric positive definite matrix, by cofactors."""
    c00 = a[1, 1] * a[2, 2] - a[1, 2] * a[1, 2]
    c01 = a[0, 2] * a[1, 2] - a[0, 1] * a[2, 2]
    c02 = a[0, 1] * a[1, 2] - a[0, 2] * a[1, 1]
    c11 = a[0, 0] * a[2, 2] - a[0, 2] * a[0, 2]
    c12 = a[0, 1] * a[0, 2] - a[0, 0] * a[1, 2]
    c22 = a[0, 0] * a[1, 1] - a[0, 1] * a[0, 1]
    r = wp.float64(1.0) / (a[0, 0] * c00 + a[0, 1] * c01 + a[0, 2] * c02)
    return wp.mat33d(c00 * r, c01 * r, c02 * r, c01 * r, c11 * r, c12 * r, c02 * r, c12 * r, c22 * r)


@wp.func
def field_distance(field: wp.array4d(dtype=float), world: int, cell: wp.vec3) -> wp.vec4:
    """Trilinear distance and its gradient per sample spacing (x, y, z, value) at sample coordinates."""
    x = wp.clamp(cell[0], 0.0, float(field.shape[1]) - 1.001)
    y = wp.clamp(cell[1], 0.0, float(field.shape[2]) - 1.001)
    z = wp.clamp(cell[2], 0.0, float(field.shape[3]) - 1.001)
    i = int(x)
    j = int(y)
    k = int(z)
    u = x - float(i)
    v = y - float(j)
    w = z - float(k)
    f000 = field[world, i, j, k]
    f001 = field[world, i, j, k + 1]
    f010 = field[world, i, j + 1, k]
    f011 = field[world, i, j + 1, k + 1]
    f100 = field[world, i + 1, j, k]
    f101 = field[world, i + 1, j, k + 1]
    f110 = field[world, i + 1, j + 1, k]
    f111 = field[world, i + 1, j + 1, k + 1]
    x00 = f000 + (f100 - f000) * u
    x01 = f001 + (f101 - f001) * u
    x10 = f010 + (f110 - f010) * u
    x11 = f011 + (f111 - f011) * u
    xy0 = x00 + (x10 - x00) * v
    xy1 = x01 + (x11 - x01) * v
    gx0 = (f100 - f000) * (1.0 - v) + (f110 - f010) * v
    gx1 = (f101 - f001) * (1.0 - v) + (f111 - f011) * v
    gy0 = x10 - x00
    gy1 = x11 - x01
    return wp.vec4(gx0 + (gx1 - gx0) * w, gy0 + (gy1 - gy0) * w, xy1 - xy0, xy0 + (xy1 - xy0) * w)


@wp.func
def closest_between_segments(p0: wp.vec3, p1: wp.vec3, q0: wp.vec3, q1: wp.vec3) -> wp.vec2:
    """Parameters (s, t) in 0..1 of the closest points of segments p and q [Ericson2005, 5.1.9]."""
    d1 = p1 - p0
    d2 = q1 - q0
    r = p0 - q0
    a = wp.max(wp.dot(d1, d1), 1.0e-12)
    e = wp.max(wp.dot(d2, d2), 1.0e-12)
    f = wp.dot(d2, r)
    c = wp.dot(d1, r)
    b = wp.dot(d1, d2)
    denominator = a * e - b * b
    s = float(0.5)
    if denominator > 1.0e-6 * a * e:
        s = wp.clamp((b * f - c * e) / denominator, 0.0, 1.0)
    t = wp.clamp((b * s + f) / e, 0.0, 1.0)
    s = wp.clamp((b * t - c) / a, 0.0, 1.0)
    return wp.vec2(s, t)
