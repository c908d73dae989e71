"""The calibration recorder as a node: what camera and arm say becomes a session that calibrates."""

from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

pytest.importorskip("combwise_interfaces.msg", reason="nodes need make ros")
pytest.importorskip("cv2", reason="boards need the calibrate extra")

import rclpy
from rclpy.executors import SingleThreadedExecutor
from rclpy.parameter import Parameter
from scipy.spatial.transform import Rotation
from sensor_msgs.msg import CameraInfo, Image, JointState
from std_srvs.srv import Trigger

from robot_ros.arms.arm import arm_named
from robot_ros.calibrate.board import Board
from robot_ros.calibrate.session import read_looks, read_touches
from robot_ros.calibrate.virtual_session import LENS, photograph
from robot_ros.frames import transform
from robot_ros.nodes import convert, names, qos
from robot_ros.nodes.calibration_recorder import CalibrationRecorder
from tests.robot.ros_process import ros_domain

ARM = arm_named("ur5e")
BOARD = transform(np.array([-0.10, -0.07, 0.6]), Rotation.from_rotvec((0.3, -0.2, 0.1)).as_quat())


@pytest.fixture(scope="module", autouse=True)
def _domain() -> Iterator[None]:
    with ros_domain():
        yield


def test_looks_and_touches_are_kept_while_the_arm_stands_still(tmp_path: Path) -> None:
    rclpy.shutdown()
    rclpy.init(args=["--ros-args", "-p", f"folder:={tmp_path}"])
    recorder, other, spinner = CalibrationRecorder(), rclpy.create_node("other"), SingleThreadedExecutor()
    spinner.add_node(recorder)
    spinner.add_node(other)
    joints_out = other.create_publisher(JointState, names.JOINT_STATES, qos.SENSOR)
    info_out = other.create_publisher(CameraInfo, names.camera_info_topic("left"), qos.SENSOR)
    picture_out = other.create_publisher(Image, names.colour_topic("left"), qos.SENSOR)
    look = other.create_client(Trigger, names.KEEP_LOOK)
    touch = other.create_client(Trigger, names.KEEP_TOUCH)
    recorder.trigger_configure()
    recorder.trigger_activate()
    assert look.wait_for_service(30.0)
    assert touch.wait_for_service(30.0)
    info = CameraInfo(k=LENS.matrix.ravel(), distortion_model="plumb_bob", width=640, height=480)
    grey = photograph(Board(), BOARD, np.random.default_rng(0))
    colour = np.repeat(grey[..., None], 3, axis=-1)

    def live(seconds: float, turning: float = 0.0) -> None:
        """Let arm and camera speak for a while, the arm turning its first joint at a speed [rad/s]."""
        begin = time.monotonic()
        while time.monotonic() - begin < seconds:
            now = other.get_clock().now().to_msg()
            state = JointState(name=list(ARM.joints), position=list(ARM.ready))
            state.header.stamp = now
            state.position[0] += turning * (time.monotonic() - begin)
            joints_out.publish(state)
            info_out.publish(info)
            picture_out.publish(convert.to_image(colour, "rgb8", "camera", now))
            for _ in range(6):
                spinner.spin_once(timeout_sec=0.005)

    def ask(client: Any) -> Trigger.Response:
        asked = client.call_async(Trigger.Request())
        spinner.spin_until_future_complete(asked, timeout_sec=30.0)
        answer = asked.result()
        assert answer is not None
        return answer

    assert "sends no pictures" in ask(look).message
    live(1.0, turning=0.5)
    assert "a joint moved by" in ask(look).message
    live(1.5)
    answer = ask(look)
    assert answer.success, answer.message
    kept = read_looks(tmp_path / "left")
    np.testing.assert_allclose(kept.joints, [ARM.ready], atol=1e-9)
    live(0.2)
    assert "mark ''" in ask(touch).message
    changes = [Parameter("mark", value="left tooth"), Parameter("at", value=[0.0, 0.04, 0.0])]
    assert all(result.successful for result in recorder.set_parameters(changes))
    live(0.2)
    answer = ask(touch)
    assert answer.success, answer.message
    assert read_touches(tmp_path / "comb.json").at.tolist() == [[0.0, 0.04, 0.0]]
    recorder.close()
    recorder.destroy_node()
    other.destroy_node()
