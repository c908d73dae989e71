"""Real ROS 2 processes comb, are cancelled, are broken, stop, and go on: one graph for all tests here."""

from __future__ import annotations

import time
from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest

pytest.importorskip("combwise_interfaces.msg", reason="nodes need make ros")
pytest.importorskip("pinocchio", reason="arms need the arms extra")

from combwise_interfaces.action import ExecuteStroke
from rclpy.qos import DurabilityPolicy, ReliabilityPolicy
from sensor_msgs.msg import Image

from benchmarks.faults import FAULTS, approach, measure
from benchmarks.robot_graph import STROKE, RobotGraph
from robot_ros.arms.way_out import CLEAR
from robot_ros.nodes import convert, names, qos
from robot_ros.safety.verdict import Mode
from tests.robot.ros_process import ros_domain

pytestmark = pytest.mark.timeout(900)

STOP_WITHIN = 0.05
"""From a fault's detection limit to the stop command [s]."""

MAIN = ("e-stop", "force frozen", "executor killed", "supervisor killed")
"""Faults that `make test` injects: a button, a sensor, and each of our two processes that move the arm."""

REST_WITHIN = 0.40
"""From the stop command to joint speed zero [s]: 160 ms of braking, then the arm's own lag."""


@pytest.fixture(scope="module")
def graph(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RobotGraph]:
    with ros_domain():
        graph = RobotGraph(tmp_path_factory.mktemp("graph"))
        try:
            graph.await_mode(Mode.READY)
            yield graph
        finally:
            graph.close()


def _execute(graph: RobotGraph) -> tuple[Any, Any]:
    graph.wait("the executor", graph.execute.server_is_ready)
    sent = graph.execute.send_goal_async(graph.stroke_goal(STROKE))
    handle = graph.future("an accepted stroke", sent)
    return handle, handle.get_result_async()


def _stop_in_the_hair(graph: RobotGraph) -> None:
    """Cancel a stroke as soon as its comb is near the skin."""
    handle, future = _execute(graph)
    graph.wait("the comb in the hair", lambda: graph.cell.skin_distance(graph.joints()) < 0.02)
    graph.future("the cancel", handle.cancel_goal_async())
    result = graph.future("the stroke", future).result
    assert result.code == ExecuteStroke.Result.CANCELLED, result.message


def test_a_stroke_is_combed_from_goal_to_result(graph: RobotGraph) -> None:
    _, future = _execute(graph)
    result = graph.future("the stroke", future).result
    assert result.code == ExecuteStroke.Result.DONE, result.message
    np.testing.assert_allclose(graph.joints(), graph.cell.arm.ready, atol=0.02)


def _assert_period(what: str, stamps: list[float], period: float) -> None:
    """Measurements may be lost on the way, but none comes too soon and most come one period apart."""
    apart = np.diff(stamps) / period
    assert len(apart) >= 20, what
    np.testing.assert_allclose(apart, np.round(apart), atol=1e-3, err_msg=what)
    assert np.all(apart > 0.5), what
    assert np.mean(apart < 1.5) > 0.9, what


def test_arm_and_cameras_speak_as_often_as_a_robots_do(graph: RobotGraph) -> None:
    """Joints and force 250 times, each camera's colour and depth 10 times a second of ROS time."""
    heard: dict[str, list[float]] = {}
    listening = []
    for camera in names.CAMERAS:
        for topic in (names.colour_topic(camera), names.depth_topic(camera)):
            heard[topic] = []

            def hear(message: Image, stamps: list[float] = heard[topic]) -> None:
                stamps.append(convert.seconds(message.header.stamp))

            listening.append(graph.node.create_subscription(Image, topic, hear, qos.SENSOR))
    wall = time.monotonic()
    end = graph.now() + 4.0
    graph.wait("four seconds", lambda: graph.now() > end)
    for subscription in listening:
        graph.node.destroy_subscription(subscription)
    for kind in ("joints", "wrench"):
        stamps = [convert.seconds(h.message.header.stamp) for h in graph.probe.since(kind, wall)]
        _assert_period(kind, stamps, 0.004)
    for topic, stamps in heard.items():
        _assert_period(topic, stamps, 0.1)


def test_whoever_speaks_keeps_the_quality_that_its_listeners_need(graph: RobotGraph) -> None:
    latched, lossy = DurabilityPolicy.TRANSIENT_LOCAL, ReliabilityPolicy.BEST_EFFORT
    for topic in (names.SAFETY_STATE, names.FAULT, names.TF_STATIC):
        found = graph.node.get_publishers_info_by_topic(graph.node.resolve_topic_name(topic))
        assert found, topic
        assert {f.qos_profile.durability for f in found} == {latched}, "late comers get the newest"
        assert lossy not in {f.qos_profile.reliability for f in found}
    for topic in (names.JOINT_STATES, names.WRENCH, names.HEAD_POSE):
        (found,) = graph.node.get_publishers_info_by_topic(graph.node.resolve_topic_name(topic))
        assert found.qos_profile.reliability == lossy, "an old measurement is not sent again"
    for topic in (names.controller_topic(names.CONTROLLER), names.E_STOP):
        (found,) = graph.node.get_publishers_info_by_topic(graph.node.resolve_topic_name(topic))
        assert found.qos_profile.reliability == ReliabilityPolicy.RELIABLE, "a command arrives"


def test_a_cancel_stops_in_mid_stroke_and_says_so(graph: RobotGraph) -> None:
    start = graph.joints()
    handle, future = _execute(graph)
    graph.wait("motion", lambda: np.abs(graph.joints() - start).max() > 0.1)
    graph.future("the cancel", handle.cancel_goal_async())
    result = graph.future("the stroke", future).result
    assert result.code == ExecuteStroke.Result.CANCELLED, result.message
    here = graph.joints()
    end = graph.now() + 0.3
    graph.wait("a moment", lambda: graph.now() > end)
    np.testing.assert_allclose(graph.joints(), here, atol=1e-3)
    assert graph.mode is Mode.READY


def test_after_a_cancel_the_arm_goes_home_out_of_the_hair(graph: RobotGraph) -> None:
    _stop_in_the_hair(graph)
    wall = time.monotonic()
    there, why = graph.go_ready()
    assert there, why
    np.testing.assert_allclose(graph.joints(), graph.cell.arm.ready, atol=0.02)
    postures = [np.array(heard.message.position) for heard in graph.probe.since("joints", wall)]
    distance = np.array([graph.cell.skin_distance(q) for q in postures[::25]])
    assert distance[0] < CLEAR
    clear = int(np.argmax(distance >= CLEAR))
    assert np.all(np.diff(distance[: clear + 1]) > -1e-3), "straight out of the hair"


def test_a_stroke_after_a_cancel_begins_with_the_way_out(graph: RobotGraph) -> None:
    _stop_in_the_hair(graph)
    _, future = _execute(graph)
    result = graph.future("the stroke", future).result
    assert result.code == ExecuteStroke.Result.DONE, result.message


@pytest.fixture(scope="module")
def way(graph: RobotGraph) -> np.ndarray:
    """The way through the hair [T, J], at whose begin the comb is."""
    return approach(graph)


@pytest.mark.parametrize(
    "name", [*MAIN, *(pytest.param(name, marks=pytest.mark.slow) for name in FAULTS if name not in MAIN)]
)
def test_a_fault_in_the_hair_stops_the_arm_and_it_goes_on_without_a_jump(
    graph: RobotGraph, way: np.ndarray, name: str
) -> None:
    row = measure(graph, name, way)
    assert FAULTS[name].rule in row.rule or name == "supervisor killed", row
    assert row.reaction <= STOP_WITHIN, row
    # Joints that are not heard of cannot be seen to rest.
    assert name == "joints stopped" or (row.rest is not None and row.rest <= REST_WITHIN), row
    assert row.jump is None or row.jump < 0.005, row
