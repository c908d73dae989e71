"""A first sieve for strokes, without a model: would the comb push hair the way the goal lies?

Where state and goal both have hair, with directions d and g, the part of g across d is the way in which the
strand has to be turned; a comb that travels along t turns it that way to first order by t . (g - (d . g) d).
Summed over what the teeth sweep, for about 3 ms a stroke. It knows nothing of roots, friction or what happens
downstream: it proposes and has a say, the model decides with it (see `mppi`).
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from scipy.ndimage import gaussian_filter
from scipy.spatial.transform import Rotation

from hairsim.head.head import Head
from hairsim.tools.stroke import Stroke
from hairsim.tools.stroke_path import stroke_paths
from hairsim.tools.tool import Tool, ToolPath, rake_comb
from hairsim.volume import HairVolume


class SweepScreen:
    """Scores strokes by how far their sweep turns hair towards the goal.

    Args:
        state: the hair now, as it was seen: completed hair differs from a completed goal by what was made up.
        goal: the wanted hair, seen the same way.
        head: that strokes turn into paths on.
        tool: what combs; default the rake comb.
    """

    def __init__(self, state: HairVolume, goal: HairVolume, head: Head, tool: Tool | None = None) -> None:
        self._head = head
        self._grid = state.grid
        here, there = _blurred(state), _blurred(goal)
        across = there - np.sum(here * there, axis=-1, keepdims=True) * here
        both = (state.occupied & goal.occupied)[..., None]
        self._turn = np.where(both, across, 0.0).reshape(-1, 3)
        self._asked = max(float(np.linalg.norm(self._turn, axis=-1).sum()), 1e-6)
        self._tool = tool or rake_comb()
        self._swept = _swept_points(self._tool, self._grid.voxel)

    def scores(self, strokes: Sequence[Stroke]) -> np.ndarray:
        """Return the scores [N] of strokes: the turn they give over all the turn that the goal asks for."""
        return np.array([self._score(path) for path in stroke_paths(strokes, self._head, self._tool)])

    def _score(self, path: ToolPath) -> float:
        first, last = path.in_hair
        positions = path.positions[first : last + 1]
        travel = np.gradient(positions, axis=0)
        travel /= np.maximum(np.linalg.norm(travel, axis=1, keepdims=True), 1e-9)
        turn = Rotation.from_quat(path.quaternions[first : last + 1]).as_matrix()
        points = np.einsum("tij,pj->tpi", turn, self._swept) + positions[:, None]
        index, inside = self._grid.indices(points)
        voxel = np.ravel_multi_index(tuple(index[inside].T), self._grid.shape)
        when = np.broadcast_to(np.arange(len(positions))[:, None], inside.shape)[inside]
        voxel, at = np.unique(voxel, return_index=True)  # each voxel counts once, as it is met
        return float(np.sum(travel[when[at]] * self._turn[voxel])) / self._asked


def _blurred(volume: HairVolume) -> np.ndarray:
    """Return unit directions [X, Y, Z, 3] averaged over about a voxel: single voxels are noisy."""
    field = volume.occupancy[..., None] * volume.direction
    mean = np.stack([gaussian_filter(field[..., axis], 1.0) for axis in range(3)], axis=-1)
    return mean / np.maximum(np.linalg.norm(mean, axis=-1, keepdims=True), 1e-6)


def _swept_points(tool: Tool, spacing: float) -> np.ndarray:
    """Return points [P, 3] [m], tool frame, on the plane that the teeth sweep: their row by their length."""
    low = np.minimum(tool.start, tool.end).min(axis=0)
    high = np.maximum(tool.start, tool.end).max(axis=0)
    row = np.arange(low[1], high[1] + 0.5 * spacing, spacing)
    up = np.arange(max(0.0, float(low[2])), high[2], spacing)
    y, z = np.meshgrid(row, up, indexing="ij")
    return np.stack([np.zeros(y.size), y.ravel(), z.ravel()], axis=-1)
