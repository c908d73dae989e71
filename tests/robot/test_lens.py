"""Pictures of real cameras become the planner's, and pictures of one moment find each other."""

from __future__ import annotations

import numpy as np
import pytest

from hairsim.cameras.camera import three_camera_rig
from hairsim.cameras.capture import capture
from hairsim.errors import CombwiseError
from hairsim.groom.children import make_children
from hairsim.groom.families import make_groom
from hairsim.head.parametric import parametric_head
from robot_ros.gather import FrameGatherer
from robot_ros.lens import Lens, hair_above_skin, make_frame

HEAD = parametric_head()
REALSENSE = Lens(
    np.array([[615.1, 0.0, 326.4], [0.0, 615.9, 236.2], [0.0, 0.0, 1.0]]), (0.12, -0.24, 0.001, 0.0005, 0.0)
)


def test_a_plain_lens_changes_nothing() -> None:
    camera = three_camera_rig()[0]
    (cx, cy), f = camera.centre, camera.focal
    lens = Lens(np.array([[f, 0.0, cx], [0.0, f, cy], [0.0, 0.0, 1.0]]), (0.0,) * 5)
    rng = np.random.default_rng(0)
    colour = rng.integers(0, 255, (400, 400, 3), np.uint8)
    depth = rng.uniform(0.5, 1.0, (400, 400)).astype(np.float32)
    frame = make_frame("left", lens, colour, depth, depth > 0.7, camera.camera_to_head, HEAD)
    np.testing.assert_array_equal(frame.colour, colour)
    np.testing.assert_array_equal(frame.depth, depth)
    assert frame.camera.focal == pytest.approx(f)


def test_points_stay_where_they_are_through_a_bent_lens() -> None:
    """A plane z = a x + b y + c seen through the lens is the same plane in the resampled depth."""
    u, v = np.meshgrid(np.arange(640), np.arange(480))
    rays = np.stack([(u - 326.4) / 615.1, (v - 236.2) / 615.9], axis=-1)
    bent = rays.copy()
    for _ in range(20):  # undistort: the ray whose distorted image is this pixel
        pixel = REALSENSE.project(bent)
        bent -= (pixel - np.stack([u, v], axis=-1)) / 615.5
    depth = (0.8 / (1.0 - 0.2 * bent[..., 0] + 0.1 * bent[..., 1])).astype(np.float32)
    colour = np.repeat((100.0 * depth)[..., None], 3, axis=-1).astype(np.uint8)
    frame = make_frame("real", REALSENSE, colour, depth, depth > 0.0, np.eye(4), HEAD)
    ours = frame.camera.rays()
    wanted = 0.8 / (1.0 - 0.2 * ours[..., 0] + 0.1 * ours[..., 1])
    seen = frame.depth > 0.0
    assert seen.mean() > 0.9
    assert np.abs(frame.depth - wanted)[seen].max() < 0.0006  # a pixel's worth of slope
    assert np.array_equal(frame.hair_mask, seen)


def test_hair_is_found_by_geometry_where_nothing_labels_it() -> None:
    groom = make_groom("straight_bob", HEAD, guides=200, seed=0)
    hair = make_children(groom, count=3000).strands(groom.strands)
    for frame in capture(hair, HEAD, three_camera_rig(), seed=0):
        found = hair_above_skin(frame.depth, frame.camera, HEAD)
        truth = frame.hair_mask & (frame.depth > 0.0)
        share = (found & truth).sum() / (found | truth).sum()
        assert share > 0.8, frame.camera.name


def test_what_does_not_fit_is_refused() -> None:
    picture = np.zeros((480, 640, 3), np.uint8)
    with pytest.raises(CombwiseError, match="aligned to colour"):
        make_frame("a", REALSENSE, picture, np.ones((240, 320), np.float32), None, np.eye(4), HEAD)
    with pytest.raises(CombwiseError, match="0, 4, 5 or 8"):
        Lens(np.eye(3), (1.0,))
    with pytest.raises(CombwiseError, match="positive focal"):
        Lens(np.full((3, 3), np.nan))


def test_a_moment_is_complete_in_any_order() -> None:
    gatherer = FrameGatherer(("left", "right"), ("depth", "colour"), slop=0.02)
    assert gatherer.add("right", "colour", 1.01, "rc") is None
    assert gatherer.add("left", "depth", 1.0, "ld") is None
    assert gatherer.add("left", "colour", 1.0, "lc") is None
    assert gatherer.missing(1.2, 1.0) == ["camera 'right' never sent its depth"]
    moment = gatherer.add("right", "depth", 0.99, "rd")
    assert moment is not None
    assert moment.stamp == 1.0
    assert sorted(moment.parts.values()) == ["lc", "ld", "rc", "rd"]
    assert gatherer.add("right", "depth", 0.995, "again") is None


def test_lost_and_late_messages_are_said() -> None:
    gatherer = FrameGatherer(("left",), ("depth", "colour"), slop=0.02)
    moments = 0
    for number in range(20):
        moments += gatherer.add("left", "depth", 0.1 * number, number) is not None
        if number % 2 == 0:  # every second colour is lost
            moments += gatherer.add("left", "colour", 0.1 * number + 0.01, number) is not None
    assert moments == 10
    assert gatherer.missing(1.9, 1.0) == []
    assert gatherer.missing(4.0, 1.0)[0] == "camera 'left' sent its last depth 2.1 s ago"
    apart = FrameGatherer(("left",), ("depth", "colour"), slop=0.02)
    apart.add("left", "depth", 5.0, 0)
    apart.add("left", "colour", 5.5, 0)
    assert "clocks" in apart.missing(5.5, 1.0)[0]
    gatherer.add("left", "depth", 0.0, 0)  # time was set back
    assert gatherer.add("left", "colour", 0.0, 0) is not None
