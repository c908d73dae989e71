# pyright: reportInvalidTypeForm=false, reportArgumentType=false, reportOperatorIssue=false
"""The tool in a view: ray against capsule, over the few samples that it can cover."""

from __future__ import annotations

import numpy as np
import warp as wp
from scipy.spatial.transform import Rotation

from hairsim.cameras.camera import Camera
from hairsim.cameras.head_view import TOOL, SolidView
from hairsim.cameras.view import View, view_ray
from hairsim.errors import CombwiseError
from hairsim.tools.tool import Tool

ToolPose = tuple[Tool, np.ndarray, np.ndarray]
"""A tool, its position [3] [m] and its quaternion [4] (x, y, z, w), tool to head."""


def add_tool(solid: SolidView, pose: ToolPose, camera: Camera, view: View, device: str) -> None:
    """Draw a tool into `solid`, in front of what lies behind it.

    Raises:
        CombwiseError: the pose is not finite or the quaternion has no length.
    """
    tool, position, quaternion = pose
    position, quaternion = np.asarray(position, np.float64), np.asarray(quaternion, np.float64)
    if position.shape != (3,) or quaternion.shape != (4,) or not np.isfinite([*position, *quaternion]).all():
        raise CombwiseError(
            f"pose of tool '{tool.name}' is {position}, {quaternion}; expected 3 finite metres and x, y, z, w"
        )
    if not np.linalg.norm(quaternion) > 1e-6:
        raise CombwiseError(f"quaternion of tool '{tool.name}' has no length; expected a unit x, y, z, w")
    turn = Rotation.from_quat(quaternion)
    start, end = turn.apply(tool.start) + position, turn.apply(tool.end) + position
    radius = np.asarray(tool.radius, np.float64)
    pixel, depth = camera.project(np.concatenate([start, end]))
    if depth.min() < 0.05:
        return  # behind the camera, or in its face: nothing sensible to draw
    scale = view.width / camera.width
    reach = np.max(camera.focal * np.tile(radius, 2) / depth) * scale + 2.0
    low = np.maximum(np.floor(pixel.min(axis=0) * scale - reach), 0).astype(int)
    high = np.minimum(np.ceil(pixel.max(axis=0) * scale + reach), [view.width, view.height]).astype(int)
    if (high <= low).any():
        return
    wp.launch(
        trace_tool,
        dim=(int(high[1] - low[1]), int(high[0] - low[0])),
        inputs=[
            wp.array(start, dtype=wp.vec3, device=device),
            wp.array(end, dtype=wp.vec3, device=device),
            wp.array(radius, dtype=wp.float32, device=device),
            view,
            int(low[1]),
            int(low[0]),
        ],
        outputs=[solid.depth, solid.normal, solid.label],
        device=device,
    )


@wp.func
def hit_capsule(origin: wp.vec3, direction: wp.vec3, a: wp.vec3, b: wp.vec3, radius: wp.float32):
    """Return the distance along a unit ray to a capsule, or -1: its cylinder first, then the nearer ball."""
    axis = b - a
    from_a = origin - a
    axis_axis = wp.dot(axis, axis)
    axis_ray = wp.dot(axis, direction)
    axis_from = wp.dot(axis, from_a)
    ray_from = wp.dot(direction, from_a)
    from_from = wp.dot(from_a, from_a)
    q = axis_axis - axis_ray * axis_ray
    h = axis_axis * ray_from - axis_from * axis_ray
    c = axis_axis * from_from - axis_from * axis_from - radius * radius * axis_axis
    inside = h * h - q * c
    found = float(-1.0)
    if inside >= 0.0:
        t = (-h - wp.sqrt(inside)) / wp.max(q, 1.0e-12)
        height = axis_from + t * axis_ray
        if height > 0.0 and height < axis_axis:
            found = t
        else:
            from_end = from_a
            if height > 0.0:
                from_end = origin - b
            half = wp.dot(direction, from_end)
            gap = half * half - wp.dot(from_end, from_end) + radius * radius
            if gap > 0.0:
                found = -half - wp.sqrt(gap)
    return found


@wp.kernel(enable_backward=False)
def trace_tool(
    start: wp.array(dtype=wp.vec3),
    end: wp.array(dtype=wp.vec3),
    radius: wp.array(dtype=wp.float32),
    view: View,
    first_row: wp.int32,
    first_column: wp.int32,
    # out
    depth_out: wp.array2d(dtype=wp.float32),
    normal_out: wp.array2d(dtype=wp.vec3),
    label_out: wp.array2d(dtype=wp.int32),
):
    """Trace one ray to the nearest capsule; write it where it lies before what is there."""
    i, j = wp.tid()
    row = first_row + i
    column = first_column + j
    ray = view_ray(view, wp.float32(column), wp.float32(row))
    stretch = wp.length(ray)
    direction = ray / stretch
    nearest = depth_out[row, column] * stretch
    hit = int(-1)
    for capsule in range(start.shape[0]):
        distance = hit_capsule(view.position, direction, start[capsule], end[capsule], radius[capsule])
        if distance > 0.0 and distance < nearest:
            nearest = distance
            hit = capsule
    if hit >= 0:
        point = view.position + nearest * direction
        axis = end[hit] - start[hit]
        along = wp.dot(point - start[hit], axis) / wp.max(wp.dot(axis, axis), 1.0e-12)
        depth_out[row, column] = nearest / stretch
        normal_out[row, column] = wp.normalize(point - start[hit] - wp.clamp(along, 0.0, 1.0) * axis)
        label_out[row, column] = wp.int32(TOOL)
