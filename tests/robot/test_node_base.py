"""What all nodes share: lifecycle, parameters with bounds, beats on the wall clock, conversions."""

from __future__ import annotations

import time
from collections.abc import Iterator

import numpy as np
import pytest

pytest.importorskip("tf2_msgs.msg", reason="nodes need make ros")

import rclpy
from rclpy.executors import SingleThreadedExecutor
from rclpy.parameter import Parameter
from std_msgs.msg import Empty
from tf2_msgs.msg import TFMessage

from hairsim.cameras.camera import three_camera_rig
from hairsim.errors import CombwiseError
from robot_ros.nodes import convert, names
from robot_ros.nodes.node import ManagedNode
from robot_ros.nodes.parameters import Param, declare, value
from robot_ros.nodes.qos import BEAT, TF_STATIC
from tests.robot.ros_process import ros_domain


@pytest.fixture(scope="module", autouse=True)
def _domain() -> Iterator[None]:
    with ros_domain():
        yield


class _Clerk(ManagedNode):
    BEATS_AS = "goal"

    def __init__(self) -> None:
        super().__init__("clerk")
        self.calls: list[str] = []

    def start(self) -> None:
        self.calls.append("start")

    def stop(self) -> None:
        self.calls.append("stop")


def test_a_managed_node_starts_beats_and_stops() -> None:
    node, spinner = _Clerk(), SingleThreadedExecutor()
    spinner.add_node(node)
    beats: list[float] = []
    node.create_subscription(
        Empty, names.heartbeat_topic("goal"), lambda _: beats.append(time.monotonic()), BEAT
    )
    node.trigger_configure()
    assert node.calls == []
    node.trigger_activate()
    while len(beats) < 3:
        spinner.spin_once(timeout_sec=1.0)
    node.trigger_deactivate()
    assert node.calls == ["start", "stop"]
    node.trigger_activate()
    node.close()
    node.close()
    assert node.calls == ["start", "stop"] * 2
    node.destroy_node()


def test_parameters_keep_their_bounds_and_choices() -> None:
    node = rclpy.create_node("bounded")
    params = [
        Param("speed", 1.0, "how fast [1]", low=0.1, high=2.0, live=True),
        Param("arm", "ur5e", "which arm", choices=("ur5e", "panda"), live=True),
        Param("seed", 3, "of chance", low=0, high=10),
    ]
    assert declare(node, params) == {"speed": 1.0, "arm": "ur5e", "seed": 3}

    def change(name: str, to: object) -> bool:
        return node.set_parameters([Parameter(name, value=to)])[0].successful

    assert change("speed", 1.5) and value(node, "speed") == 1.5
    assert not change("speed", 2.5)
    assert not change("speed", "fast")
    assert not change("arm", "tentacle")
    assert change("arm", "panda")
    assert not change("seed", 4)
    assert node.describe_parameter("speed").description == "how fast [1]"
    node.destroy_node()


def test_a_wrong_start_value_is_one_sentence() -> None:
    override = [Parameter("arm", value="tentacle"), Parameter("speed", value=9.0)]
    node = rclpy.create_node("wrong", parameter_overrides=override)
    with pytest.raises(CombwiseError, match="'arm' is 'tentacle'; expected one of 'ur5e'"):
        declare(node, [Param("arm", "ur5e", "which arm", choices=("ur5e",))])
    with pytest.raises(CombwiseError, match="'speed' of wrong"):
        declare(node, [Param("speed", 1.0, "how fast", low=0.1, high=2.0)])
    node.destroy_node()


@pytest.mark.parametrize("encoding", ["rgb8", "mono8", "16UC1", "32FC1"])
def test_images_come_back_as_they_were(encoding: str) -> None:
    kind = {"16UC1": np.uint16, "32FC1": np.float32}.get(encoding, np.uint8)
    shape = (5, 7, 3) if encoding == "rgb8" else (5, 7)
    array = np.random.default_rng(1).integers(0, 255, shape).astype(kind)
    message = convert.to_image(array, encoding, "lens", convert.to_time(3.25))
    np.testing.assert_array_equal(convert.from_image(message), array)
    assert convert.seconds(message.header.stamp) == 3.25


def test_rows_with_padding_and_another_byte_order_are_read() -> None:
    array = np.arange(6, dtype=np.uint16).reshape(2, 3) * 1000
    message = convert.to_image(array, "16UC1", "lens", convert.to_time(0.0))
    padded = np.concatenate([array, np.full((2, 1), 9, np.uint16)], axis=1).astype(">u2")
    message.data = padded.tobytes()
    message.step, message.is_bigendian = 8, 1
    np.testing.assert_array_equal(convert.from_image(message), array)
    np.testing.assert_allclose(convert.depth_metres(message), array / 1000.0)


def test_unknown_encodings_and_wrong_sizes_are_told() -> None:
    message = convert.to_image(np.zeros((2, 2), np.uint8), "mono8", "lens", convert.to_time(0.0))
    message.encoding = "yuv422"
    with pytest.raises(CombwiseError, match="'yuv422'; expected one of"):
        convert.from_image(message)
    message.encoding, message.height = "mono8", 3
    with pytest.raises(CombwiseError, match="expected 3 rows"):
        convert.from_image(message)


def test_poses_and_static_frames_come_back_as_they_were() -> None:
    camera = three_camera_rig()[0]
    pose = camera.camera_to_head
    np.testing.assert_allclose(convert.from_pose(convert.to_pose(pose)), pose, atol=1e-12)
    node, spinner = rclpy.create_node("frames"), SingleThreadedExecutor()
    spinner.add_node(node)
    frame = names.camera_frame(camera.name)
    publisher = node.create_publisher(TFMessage, names.TF_STATIC, TF_STATIC)
    sent = convert.to_transform(pose, names.HEAD, frame, convert.to_time(0.0))
    publisher.publish(TFMessage(transforms=[sent]))
    known = convert.StaticFrames(node)
    while known.child_to_parent(frame, names.HEAD) is None:
        spinner.spin_once(timeout_sec=1.0)
    found = known.child_to_parent(frame, names.HEAD)
    assert found is not None
    np.testing.assert_allclose(found, pose, atol=1e-12)
    assert convert.to_camera_info(camera, convert.to_time(0.0)).k[0] == camera.focal
    node.destroy_node()
