"""Static frames: any two of one tree have a pose, as tf2 would tell it."""

from __future__ import annotations

import numpy as np
from scipy.spatial.transform import Rotation

from robot_ros.frame_tree import FrameTree
from robot_ros.frames import inverse, transform


def _poses(count: int) -> list[np.ndarray]:
    rng = np.random.default_rng(3)
    return [transform(rng.normal(size=3), Rotation.random(rng=rng).as_quat()) for _ in range(count)]


def test_frames_are_found_through_their_common_ancestor_both_ways() -> None:
    """Head and stand in the base, mount on the stand, camera on the mount: as cells and drivers tell it."""
    head, stand, mount, camera = _poses(4)
    tree = FrameTree()
    tree.hang("camera", "mount", camera)
    tree.hang("head", "base", head)
    tree.hang("mount", "stand", mount)
    tree.hang("stand", "base", stand)
    found, back = tree.pose("camera", "head"), tree.pose("head", "camera")
    assert found is not None
    assert back is not None
    np.testing.assert_allclose(found, inverse(head) @ stand @ mount @ camera, atol=1e-12)
    np.testing.assert_allclose(back @ found, np.eye(4), atol=1e-12)
    assert tree.pose("camera", "elsewhere") is None


def test_a_frame_that_is_hung_again_has_moved() -> None:
    first, second = _poses(2)
    tree = FrameTree()
    tree.hang("camera", "head", first)
    tree.hang("camera", "base", second)
    assert tree.pose("camera", "head") is None
    np.testing.assert_array_equal(tree.pose("camera", "base"), second)


def test_a_ring_of_frames_ends() -> None:
    there, back = _poses(2)
    tree = FrameTree()
    tree.hang("a", "b", there)
    tree.hang("b", "a", back)
    assert tree.pose("a", "c") is None
