"""What goes into a message comes out of it."""

from __future__ import annotations

import numpy as np
import pytest

pytest.importorskip("combwise_interfaces.msg", reason="messages need make ros")

from builtin_interfaces.msg import Time
from visualization_msgs.msg import Marker

from hairsim.errors import CombwiseError
from hairsim.head.parametric import parametric_head
from hairsim.tools.stroke import STROKE_HIGH, STROKE_LOW, Stroke
from hairsim.tools.tool import rake_comb
from hairsim.volume import GRIDS, HairVolume
from robot_ros.nodes import markers
from robot_ros.nodes.hair_messages import (
    from_strand_cloud,
    from_stroke_message,
    from_volume_message,
    to_plan_message,
    to_point_cloud,
    to_strand_cloud,
    to_stroke_message,
    to_volume_message,
)

STAMP = Time(sec=7, nanosec=5)


def _volume(seed: int = 0) -> HairVolume:
    rng = np.random.default_rng(seed)
    grid = GRIDS["small"]
    occupancy = np.where(rng.random(grid.shape) < 0.1, rng.random(grid.shape), 0.0).astype(np.float32)
    direction = rng.normal(size=(*grid.shape, 3))
    direction /= np.linalg.norm(direction, axis=-1, keepdims=True)
    direction[occupancy == 0.0] = 0.0
    return HairVolume(occupancy, direction.astype(np.float32), grid)


def test_a_volume_comes_back() -> None:
    """To half a step of 1/255 and 1/127, on the very same grid, with the same voxels counted as hair."""
    volume = _volume()
    back = from_volume_message(to_volume_message(volume, STAMP, "1"))
    assert back.grid == volume.grid
    assert np.abs(back.occupancy - volume.occupancy).max() <= 0.5 / 255.0 + 1e-6
    assert np.array_equal(back.occupied, volume.occupied)
    assert np.abs(back.direction - volume.direction).max() < 0.01
    length = np.linalg.norm(back.direction, axis=-1)
    assert np.allclose(length[volume.occupancy > 0.0], 1.0, atol=1e-6)
    assert not length[volume.occupancy == 0.0].any()


def test_volumes_that_do_not_fit_are_refused() -> None:
    message = to_volume_message(_volume(), STAMP, "1")
    message.shape[0] = 63
    with pytest.raises(CombwiseError, match="values; expected"):
        from_volume_message(message)
    message.shape[:] = 2**20
    with pytest.raises(CombwiseError, match="at most"):
        from_volume_message(message)
    other = to_volume_message(_volume(), STAMP, "1")
    other.header.frame_id = "base"
    with pytest.raises(CombwiseError, match="expected 'head'"):
        from_volume_message(other)


def test_strokes_come_back_to_the_bit() -> None:
    rng = np.random.default_rng(1)
    for _ in range(20):
        stroke = Stroke.from_vector(rng.uniform(STROKE_LOW, STROKE_HIGH))
        assert from_stroke_message(to_stroke_message(stroke)) == stroke
    message = to_stroke_message(Stroke(0.0, 0.5, 0.0, 0.1, 0.01))
    message.depth = float("nan")
    with pytest.raises(CombwiseError, match="stroke depth"):
        from_stroke_message(message)
    plan = to_plan_message(Stroke(0.0, 0.5, 0.0, 0.1, 0.01), float("nan"), "mppi", STAMP)
    assert plan.header.stamp == STAMP
    assert np.isnan(plan.predicted_cost)


def test_a_point_cloud_holds_every_occupied_voxel() -> None:
    volume = _volume()
    cloud = to_point_cloud(volume, STAMP)
    cells = np.frombuffer(cloud.data, np.float32).reshape(cloud.width, -1)
    np.testing.assert_array_equal(cells[:, :3], volume.grid.centres()[volume.occupied])
    np.testing.assert_array_equal(cells[:, 3:6], volume.direction[volume.occupied])
    last = list(cloud.fields)[-1]
    assert (last.name, last.offset + 4) == ("rgb", cloud.point_step)


def test_strands_come_back_from_their_cloud() -> None:
    strands = np.random.default_rng(0).normal(size=(7, 5, 3)).astype(np.float32)
    cloud = to_strand_cloud(strands, STAMP)
    assert (cloud.height, cloud.width, cloud.row_step * cloud.height) == (7, 5, len(cloud.data))
    np.testing.assert_array_equal(from_strand_cloud(cloud), strands)


def test_markers_draw_the_way_and_the_hair() -> None:
    head = parametric_head()
    line, arrow = markers.stroke_markers(Stroke(1.0, 0.5, 0.0, 0.1, 0.01), head, rake_comb(), STAMP)
    points = np.array([(p.x, p.y, p.z) for p in line.points])
    assert np.linalg.norm(np.diff(points, axis=0), axis=1).sum() == pytest.approx(0.1, abs=0.01)
    assert np.abs(head.field.sample(points) - 0.01).max() < 0.003
    assert arrow.type == Marker.ARROW
    hair = markers.hair_marker(_volume(), markers.GOAL, STAMP)
    assert len(hair.points) == 2 * markers.MOST_LINES
    assert hair.ns != markers.hair_marker(_volume(), markers.PREDICTED, STAMP).ns
    assert all(gone.action == Marker.DELETE for gone in markers.cleared(markers.STROKE, STAMP))
