"""Where the head is: the mean of measured poses, and only of those in the arm's own base frame."""

from __future__ import annotations

import time

import numpy as np
import pytest

from robot_ros import graph
from robot_ros.frames import pose_error, standing_head
from robot_ros.head_place import HeadPlace
from robot_ros.nodes import names
from robot_ros.safety.verdict import Mode
from tests.robot.bench import Bench

HEAD = standing_head(0.55, 0.0, 0.35, 0.0)


def test_a_head_pose_in_another_frame_is_refused_in_one_sentence_and_changes_nothing() -> None:
    place = HeadPlace("base_link")
    assert place.feed(HEAD, "base_link") == ""
    elsewhere = standing_head(0.0, 0.9, 0.0, 1.0)
    for frame in ("world", "base", ""):
        why = place.feed(elsewhere, frame)
        assert why == place.refused
        assert f"come in frame '{frame}'; expected 'base_link'" in why
    found = place.head_to_base()
    assert found is not None
    assert pose_error(found, HEAD) == pytest.approx((0.0, 0.0), abs=1e-9)
    assert place.feed(HEAD, "base_link") == place.refused == ""


def test_a_head_is_where_most_of_its_newest_poses_say() -> None:
    place = HeadPlace("base")
    assert place.head_to_base() is None
    for number in range(30):
        place.feed(standing_head(9.0, 9.0, 9.0, 2.0) if number < 20 else HEAD, "base")
    place.feed(np.full((4, 4), np.nan), "base")
    found = place.head_to_base()
    assert found is not None
    assert pose_error(found, HEAD) == pytest.approx((0.0, 0.0), abs=1e-9)


def test_a_refused_head_pose_stops_the_arm_until_a_good_one_comes() -> None:
    bench = Bench().ready()
    bench.supervisor.refuse_head("head poses come in frame 'world'; expected 'base'")
    verdict = bench.supervisor.check(bench.now + 0.001, bench.wall)
    assert verdict.mode is Mode.STOPPED
    (said,) = [finding.sentence() for finding in verdict.findings]
    assert said == "head pose refused: head poses come in frame 'world'; expected 'base': stop"
    bench.run(0.2)
    assert bench.supervisor.reset(bench.now, bench.wall)[0] == ""


def test_every_node_that_handles_head_poses_is_told_the_drivers_base_frame() -> None:
    """UR's frame `base` is turned by half a turn against the root of its URDF: a mix-up is no small error."""
    setup = graph.read_arm_setup(graph.CONFIG / "ur5e.yaml")
    specs = graph.real_graph(setup, calibration=graph.CONFIG, planner={}, bags=graph.CONFIG)
    told = {spec.module: spec.parameters.get("base_frame") for spec in specs}
    for module in (names.SAFETY_SUPERVISOR, names.STROKE_EXECUTOR, names.ARM_BRIDGE):
        assert told[module] == "base_link"


def test_the_supervisor_node_says_which_frame_it_refused() -> None:
    pytest.importorskip("combwise_interfaces.msg", reason="nodes need make ros")
    pytest.importorskip("pinocchio", reason="arms need the arms extra")
    import rclpy
    from combwise_interfaces.msg import SafetyState
    from geometry_msgs.msg import PoseStamped
    from rclpy.executors import SingleThreadedExecutor

    from robot_ros.nodes import convert, qos
    from robot_ros.nodes.safety_supervisor import SafetySupervisor
    from tests.robot.ros_process import ros_domain

    with ros_domain():
        supervisor, tracker, spinner = SafetySupervisor(), rclpy.create_node("t"), SingleThreadedExecutor()
        spinner.add_node(tracker)
        states: list[SafetyState] = []
        tracker.create_subscription(SafetyState, names.SAFETY_STATE, states.append, qos.STATE)
        poses = tracker.create_publisher(PoseStamped, names.HEAD_POSE, qos.SENSOR)
        told = PoseStamped(pose=convert.to_pose(HEAD))
        told.header.frame_id = "world"
        wanted = "head pose refused: head poses come in frame 'world'; expected 'base'"

        def said() -> bool:
            return any(finding.text.startswith(wanted) for state in states for finding in state.findings)

        end = time.monotonic() + 30.0
        while not said() and time.monotonic() < end:
            told.header.stamp = supervisor.get_clock().now().to_msg()
            poses.publish(told)
            spinner.spin_once(timeout_sec=0.05)
        supervisor.destroy_node()
        tracker.destroy_node()
    assert said()
