"""What a tool passes through is swept in the raster that the network reads, whatever the tool."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.spatial.transform import Rotation

from dynamics.editing.stroke_raster import rasterise, swept
from hairsim.tools.tool_file import load_tool, shipped_tools
from tests.hair_episodes import GRID, sideways_path


@pytest.mark.parametrize("name", shipped_tools())
def test_every_voxel_that_a_tool_passes_through_is_swept(name: str) -> None:
    tool, path = load_tool(name), sideways_path()
    sweep = swept(rasterise([path], tool, GRID))[0].numpy()
    rng = np.random.default_rng(0)
    capsule = rng.integers(len(tool.radius), size=20_000)
    along = rng.random((len(capsule), 1)).astype(np.float32)
    points = tool.start[capsule] + along * (tool.end - tool.start)[capsule]
    points[:, 1] += rng.uniform(-0.9, 0.9, len(points)) * tool.radius[capsule]
    pose = rng.integers(1, len(path.times) - 1, len(points))
    inside = Rotation.from_quat(path.quaternions[pose]).apply(points) + path.positions[pose]
    voxel, within = GRID.indices(inside)
    assert within.all() and (sweep[tuple(voxel.T)] > 0.0).mean() > 0.95
