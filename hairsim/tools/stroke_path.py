"""From a stroke's parameters to timed tool poses that hug the head and keep clear of it."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from scipy.spatial.transform import Rotation

from hairsim.head.head import Head
from hairsim.tools.clearance import clear_paths
from hairsim.tools.stroke import Stroke
from hairsim.tools.tool import Tool, ToolPath

RETRACTION = 0.07
"""Height above the stroke's depth from which the comb comes and to which it goes [m]."""

APPROACH_SPEED = 0.25
"""Speed of entry and exit [m/s]."""

WALK_STEP = 0.004
"""Distance between poses along the path [m]."""


def stroke_path(stroke: Stroke, head: Head, tool: Tool) -> ToolPath:
    """Return the tool's timed path, head frame.

    The tooth tips walk on the surface at `stroke.depth` above the skin: a straight step in the tangent
    plane, then back onto the surface along the distance field's gradient. The teeth point inward. Entry
    and exit are straight along the outward normal. Where another part of the tool would meet ears, nape or
    nose, it keeps clear of them (`clear_paths`).
    """
    return stroke_paths([stroke], head, tool)[0]


def stroke_paths(strokes: Sequence[Stroke], head: Head, tool: Tool) -> list[ToolPath]:
    """Return the paths of many strokes over one head, walked side by side: planners ask for hundreds."""
    if not strokes:
        return []
    points, normals, travels = _walk(strokes, head)
    steps = [_steps(stroke) for stroke in strokes]
    paths = [
        _timed_path(stroke, points[: count + 1, n], normals[: count + 1, n], travels[: count + 1, n])
        for n, (stroke, count) in enumerate(zip(strokes, steps, strict=True))
    ]
    return clear_paths(paths, tool, head)


def _steps(stroke: Stroke) -> int:
    return max(2, round(stroke.length / WALK_STEP))


def _walk(strokes: Sequence[Stroke], head: Head) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return points, outward normals and unit travel of N strokes, each [steps of the longest + 1, N, 3]."""
    azimuth, elevation, heading, _, depth = np.array([s.to_vector()[:5] for s in strokes]).T
    level, rise = np.cos(elevation), np.sin(elevation)
    direction = np.stack([level * np.cos(azimuth), level * np.sin(azimuth), rise], axis=-1)
    away_from_crown = np.stack([rise * np.cos(azimuth), rise * np.sin(azimuth), -level], axis=-1)
    # Each stroke on its own offset surface: the field is sampled once for all of them.
    point = np.stack([head.surface_point(d, float(h)) for d, h in zip(direction, depth, strict=True)])
    normal = head.field.gradient(point)
    down = _unit(away_from_crown - normal * _dot(away_from_crown, normal))
    travel = np.cos(heading)[:, None] * down + np.sin(heading)[:, None] * np.cross(normal, down)

    points, normals, travels = [point], [normal], [travel]
    for _ in range(max(_steps(stroke) for stroke in strokes)):
        ahead = points[-1] + WALK_STEP * travels[-1]
        for _ in range(3):
            normal = head.field.gradient(ahead)
            ahead = ahead - normal * (head.field.sample(ahead) - depth)[:, None]
        travel = _unit(travels[-1] - normal * _dot(travels[-1], normal))
        points.append(ahead)
        normals.append(normal)
        travels.append(travel)
    return np.array(points), np.array(normals), np.array(travels)


def _timed_path(stroke: Stroke, points: np.ndarray, normals: np.ndarray, travels: np.ndarray) -> ToolPath:
    """Add entry, exit, orientation and time to a walk [T, 3]."""
    positions = np.array(
        [points[0] + RETRACTION * normals[0], *points, points[-1] + RETRACTION * normals[-1]]
    )
    smooth = _smooth(np.array([normals[0], *normals, normals[-1]]))
    headings = np.array([travels[0], *travels, travels[-1]])
    quaternions = _tool_poses(smooth, headings, stroke.tilt, stroke.roll)
    pace = np.full(len(positions) - 1, stroke.speed)
    pace[[0, -1]] = APPROACH_SPEED
    seconds = np.linalg.norm(np.diff(positions, axis=0), axis=-1) / pace
    return ToolPath(
        times=np.concatenate([[0.0], np.cumsum(np.maximum(seconds, 1e-4))]),
        positions=positions,
        quaternions=_same_hemisphere(quaternions),
        in_hair=(1, len(positions) - 2),
    )


def _dot(first: np.ndarray, second: np.ndarray) -> np.ndarray:
    """Return the dot products [..., 1] of vectors [..., 3]."""
    return np.sum(first * second, axis=-1, keepdims=True)


def _unit(vector: np.ndarray) -> np.ndarray:
    return vector / np.maximum(np.linalg.norm(vector, axis=-1, keepdims=True), 1e-9)


def _smooth(normals: np.ndarray) -> np.ndarray:
    """Average normals [T, 3] over 2 cm of path: a comb does not follow every bump of an ear."""
    width = 2
    padded = np.concatenate([np.repeat(normals[:1], width, 0), normals, np.repeat(normals[-1:], width, 0)])
    mean = np.mean([padded[i : i + len(normals)] for i in range(2 * width + 1)], axis=0)
    return mean / np.linalg.norm(mean, axis=-1, keepdims=True)


def _tool_poses(normal: np.ndarray, travel: np.ndarray, tilt: float, roll: float) -> np.ndarray:
    """Return quaternions [T, 4] (x, y, z, w) of tools whose +z is the normal and +x the travel [T, 3]."""
    x = _unit(travel - normal * _dot(travel, normal))
    frame = Rotation.from_matrix(np.stack([x, np.cross(normal, x), normal], axis=-1))
    return (frame * Rotation.from_euler("ZY", [roll, tilt])).as_quat()


def _same_hemisphere(quaternions: np.ndarray) -> np.ndarray:
    """Flip signs so that neighbouring quaternions interpolate the short way."""
    sign = np.cumprod(np.where(np.sum(quaternions[1:] * quaternions[:-1], axis=-1) < 0.0, -1.0, 1.0))
    return quaternions * np.concatenate([[1.0], sign])[:, None]


def poses_at(path: ToolPath, times: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Interpolate positions [T, 3] [m] and unit quaternions [T, 4] at `times` [T] [s], clamped."""
    times = np.clip(times, path.times[0], path.times[-1])
    upper = np.clip(np.searchsorted(path.times, times), 1, len(path.times) - 1)
    share = (times - path.times[upper - 1]) / (path.times[upper] - path.times[upper - 1])
    position = path.positions[upper - 1] * (1 - share)[:, None] + path.positions[upper] * share[:, None]
    turn = path.quaternions[upper - 1] * (1 - share)[:, None] + path.quaternions[upper] * share[:, None]
    return position, turn / np.linalg.norm(turn, axis=-1, keepdims=True)
