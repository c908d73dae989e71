"""Between a real arm's drivers and us: axes of the force, and a beat only while the driver speaks."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import pytest

pytest.importorskip("combwise_interfaces.msg", reason="nodes need make ros")
pytest.importorskip("pinocchio", reason="arms need the arms extra")

import rclpy
from geometry_msgs.msg import WrenchStamped
from rclpy.context import Context
from rclpy.executors import SingleThreadedExecutor
from scipy.spatial.transform import Rotation
from sensor_msgs.msg import JointState
from std_msgs.msg import Empty

from robot_ros.arms.arm import arm_named
from robot_ros.frames import comb_mount, standing_head, transform, wrench_in
from robot_ros.graph import parameter_text
from robot_ros.nodes import convert, names, qos
from robot_ros.nodes.arm_bridge import ArmBridge
from tests.robot.ros_process import ros_domain


@pytest.fixture(scope="module", autouse=True)
def _domain() -> Iterator[None]:
    with ros_domain():
        yield


def test_a_wrench_does_the_same_work_in_any_axes() -> None:
    """Power f.v + t.w of a rigid body does not depend on the frame in which it is written."""
    rng = np.random.default_rng(0)
    for _ in range(20):
        pose = transform(rng.normal(size=3), Rotation.from_rotvec(rng.normal(size=3)).as_quat())
        wrench, velocity, spin = rng.normal(size=6), rng.normal(size=3), rng.normal(size=3)
        turn, origin = pose[:3, :3], pose[:3, 3]
        inner = wrench_in(pose, wrench)
        at_child = turn.T @ (velocity + np.cross(spin, origin))
        power = inner[:3] @ at_child + inner[3:] @ (turn.T @ spin)
        assert power == pytest.approx(wrench[:3] @ velocity + wrench[3:] @ spin)


def test_force_is_turned_and_beats_end_with_the_joint_states() -> None:
    bridge, drivers, spinner = ArmBridge(), rclpy.create_node("drivers"), SingleThreadedExecutor()
    spinner.add_node(bridge)
    spinner.add_node(drivers)
    beats: list[float] = []
    felt: list[WrenchStamped] = []
    drivers.create_subscription(
        Empty, names.heartbeat_topic("controller"), lambda _: beats.append(0), qos.BEAT
    )
    drivers.create_subscription(WrenchStamped, names.WRENCH, felt.append, qos.SENSOR)
    joints = drivers.create_publisher(JointState, names.JOINT_STATES, qos.SENSOR)
    force = drivers.create_publisher(WrenchStamped, names.DRIVER_WRENCH, qos.SENSOR)
    bridge.trigger_configure()
    bridge.trigger_activate()
    frames = convert.StaticFrames(drivers)

    def spin(until: Callable[[], bool], publish: Callable[[], None], seconds: float) -> bool:
        end = time.monotonic() + seconds
        while not until() and time.monotonic() < end:
            publish()
            spinner.spin_once(timeout_sec=0.005)
        return until()

    reading = WrenchStamped()
    reading.header.stamp = convert.to_time(12.5)
    reading.wrench.force.z = 3.0
    state = JointState(name=list(arm_named("ur5e").joints), position=[0.0] * 6)
    assert spin(lambda: bool(felt), lambda: force.publish(reading), 20.0)
    assert spin(lambda: frames.child_to_parent(names.COMB, "tool0") is not None, lambda: None, 20.0)
    comb, head = frames.child_to_parent(names.COMB, "tool0"), frames.child_to_parent(names.HEAD, names.BASE)
    assert comb is not None and head is not None
    np.testing.assert_allclose(comb, comb_mount(), atol=1e-9)
    np.testing.assert_allclose(head, standing_head(*arm_named("ur5e").head), atol=1e-9)
    assert not beats, "no joint state yet: the controller is not known to live"
    assert spin(lambda: len(beats) >= 3, lambda: joints.publish(state), 20.0)
    expected = wrench_in(comb_mount(), np.array([0.0, 0.0, 3.0, 0.0, 0.0, 0.0]))
    told = felt[0].wrench
    np.testing.assert_allclose([told.force.x, told.force.y, told.force.z], expected[:3], atol=1e-9)
    np.testing.assert_allclose([told.torque.x, told.torque.y, told.torque.z], expected[3:], atol=1e-9)
    assert convert.seconds(felt[0].header.stamp) == 12.5
    spin(lambda: False, lambda: None, 0.3)
    beats.clear()
    assert not spin(lambda: bool(beats), lambda: None, 0.3), (
        "the driver is silent, the controller must be too"
    )
    bridge.close()
    bridge.destroy_node()
    drivers.destroy_node()


@pytest.mark.parametrize("value", ["it's", "", "a: b", "7", True, 0.25, 3, ["left", "o'right"]])
def test_parameters_reach_a_node_as_they_were_given(value: object) -> None:
    context = Context()
    rclpy.init(args=["--ros-args", "-p", f"given:={parameter_text(value)}"], context=context)
    node = rclpy.create_node("reader", context=context, automatically_declare_parameters_from_overrides=True)
    found: Any = node.get_parameter("given").value
    assert (list(found) if isinstance(value, list) else found) == value
    node.destroy_node()
    context.shutdown()
