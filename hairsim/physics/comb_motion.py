"""Where a comb's capsules are at every step, as the contact kernels read it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import warp as wp
from scipy.spatial.transform import Rotation

from hairsim.physics.arrays import CombMotion
from hairsim.tools.stroke_path import poses_at
from hairsim.tools.tool import Tool, ToolPath

AWAY = 100.0
"""Coordinates of a comb that is not there [m]."""


def comb_motion(
    paths: Sequence[ToolPath | None], tool: Tool, steps: int, time_step: float, device: str
) -> Any:
    """Return the `CombMotion` of a tool along one path per world; where there is none, far away."""
    times = (np.arange(steps) + 1) * time_step
    start = np.full((steps, len(paths), len(tool.radius), 3), AWAY)
    end = np.full_like(start, AWAY + 0.1)
    for world, path in enumerate(paths):
        if path is None:
            continue
        start[:, world], end[:, world] = capsules_at(tool, *poses_at(path, times))
        gone = times > path.times[-1]
        start[gone, world] = AWAY
        end[gone, world] = AWAY + 0.1
    return motion_of(start, end, tool, device)


def capsules_at(tool: Tool, position: np.ndarray, quaternion: np.ndarray) -> np.ndarray:
    """Return the ends [2, T, C, 3] of the tool's capsules at poses [T, 3], [T, 4]."""
    rotation = Rotation.from_quat(quaternion).as_matrix()
    ends = np.stack([tool.start, tool.end])
    return np.einsum("tij,ecj->etci", rotation, ends) + position[:, None]


def motion_of(start: np.ndarray, end: np.ndarray, tool: Tool, device: str) -> Any:
    """Return the `CombMotion` of capsules whose ends move along [T, W, C, 3]."""
    corners = np.concatenate([start, end], axis=2)
    centre = 0.5 * (corners.min(axis=2) + corners.max(axis=2))
    size = np.concatenate([tool.start, tool.end])
    middle = 0.5 * (size.min(axis=0) + size.max(axis=0))
    reach = np.linalg.norm(size - middle, axis=-1).max() + tool.radius.max() + 0.02
    motion = CombMotion()
    motion.start = wp.array(start.astype(np.float32), dtype=wp.vec3, device=device)
    motion.end = wp.array(end.astype(np.float32), dtype=wp.vec3, device=device)
    motion.radius = wp.array(tool.radius.astype(np.float32), dtype=float, device=device)
    motion.centre = wp.array(centre.astype(np.float32), dtype=wp.vec3, device=device)
    motion.reach = float(reach)
    return motion
