"""From a stroke's parameters to timed tool poses that hug the head."""

from __future__ import annotations

import numpy as np
from scipy.spatial.transform import Rotation

from hairsim.head.head import Head
from hairsim.tools.stroke import Stroke
from hairsim.tools.tool import ToolPath

RETRACTION = 0.07
"""Height above the stroke's depth from which the comb comes and to which it goes [m]."""

APPROACH_SPEED = 0.25
"""Speed of entry and exit [m/s]."""

WALK_STEP = 0.004
"""Distance between poses along the path [m]."""


def stroke_path(stroke: Stroke, head: Head) -> ToolPath:
    """Return the tool's timed path, head frame.

    The tooth tips walk on the surface at `stroke.depth` above the skin: a straight step in the tangent
    plane, then back onto the surface along the distance field's gradient. The teeth point inward. Entry
    and exit are straight along the outward normal.
    """
    direction = np.array(
        [
            np.cos(stroke.elevation) * np.cos(stroke.azimuth),
            np.cos(stroke.elevation) * np.sin(stroke.azimuth),
            np.sin(stroke.elevation),
        ]
    )
    point = head.surface_point(direction, stroke.depth)
    normal = head.field.gradient(point)
    away_from_crown = np.array(
        [
            np.sin(stroke.elevation) * np.cos(stroke.azimuth),
            np.sin(stroke.elevation) * np.sin(stroke.azimuth),
            -np.cos(stroke.elevation),
        ]
    )
    down = _unit(away_from_crown - normal * (away_from_crown @ normal))
    travel = np.cos(stroke.heading) * down + np.sin(stroke.heading) * np.cross(normal, down)

    points, normals, travels = [point], [normal], [travel]
    for _ in range(max(2, round(stroke.length / WALK_STEP))):
        ahead = points[-1] + WALK_STEP * travels[-1]
        for _ in range(3):
            normal = head.field.gradient(ahead)
            ahead = ahead - normal * (head.field.sample(ahead) - stroke.depth)
        travel = _unit(travels[-1] - normal * (travels[-1] @ normal))
        points.append(ahead)
        normals.append(normal)
        travels.append(travel)

    positions = np.array(
        [points[0] + RETRACTION * normals[0], *points, points[-1] + RETRACTION * normals[-1]]
    )
    smooth = _smooth(np.array([normals[0], *normals, normals[-1]]))
    headings = np.array([travels[0], *travels, travels[-1]])
    quaternions = np.array(
        [_tool_pose(n, t, stroke.tilt, stroke.roll) for n, t in zip(smooth, headings, strict=True)]
    )
    pace = np.full(len(positions) - 1, stroke.speed)
    pace[[0, -1]] = APPROACH_SPEED
    seconds = np.linalg.norm(np.diff(positions, axis=0), axis=-1) / pace
    return ToolPath(
        times=np.concatenate([[0.0], np.cumsum(np.maximum(seconds, 1e-4))]),
        positions=positions,
        quaternions=_same_hemisphere(quaternions),
        in_hair=(1, len(positions) - 2),
    )


def _unit(vector: np.ndarray) -> np.ndarray:
    return vector / max(float(np.linalg.norm(vector)), 1e-9)


def _smooth(normals: np.ndarray) -> np.ndarray:
    """Average normals [T, 3] over 2 cm of path: a comb does not follow every bump of an ear."""
    width = 2
    padded = np.concatenate([np.repeat(normals[:1], width, 0), normals, np.repeat(normals[-1:], width, 0)])
    mean = np.mean([padded[i : i + len(normals)] for i in range(2 * width + 1)], axis=0)
    return mean / np.linalg.norm(mean, axis=-1, keepdims=True)


def _tool_pose(normal: np.ndarray, travel: np.ndarray, tilt: float, roll: float) -> np.ndarray:
    """Return the quaternion (x, y, z, w) of a tool whose +z is the normal and +x the travel."""
    x = _unit(travel - normal * (travel @ normal))
    frame = Rotation.from_matrix(np.stack([x, np.cross(normal, x), normal], axis=1))
    return (frame * Rotation.from_euler("ZY", [roll, tilt])).as_quat()


def _same_hemisphere(quaternions: np.ndarray) -> np.ndarray:
    """Flip signs so that neighbouring quaternions interpolate the short way."""
    sign = np.cumprod(np.where(np.sum(quaternions[1:] * quaternions[:-1], axis=-1) < 0.0, -1.0, 1.0))
    return quaternions * np.concatenate([[1.0], sign])[:, None]


def poses_at(path: ToolPath, times: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Interpolate positions [T, 3] [m] and unit quaternions [T, 4] at `times` [T] [s], clamped at the ends."""
    times = np.clip(times, path.times[0], path.times[-1])
    upper = np.clip(np.searchsorted(path.times, times), 1, len(path.times) - 1)
    share = (times - path.times[upper - 1]) / (path.times[upper] - path.times[upper - 1])
    position = path.positions[upper - 1] * (1 - share)[:, None] + path.positions[upper] * share[:, None]
    turn = path.quaternions[upper - 1] * (1 - share)[:, None] + path.quaternions[upper] * share[:, None]
    return position, turn / np.linalg.norm(turn, axis=-1, keepdims=True)
