"""A head of another shape is named once, and everything that sees, plans, moves or guards means that one."""

from __future__ import annotations

import importlib
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from hairsim.errors import CombwiseError
from hairsim.head.head import Head
from hairsim.head.head_file import read_head
from hairsim.head.keep_out import adult_zones, zones_of
from hairsim.head.parametric import EAR_CENTRE, EAR_RADII, HeadShape, head_of, parametric_head
from hairsim.tools.stroke import Stroke
from robot_ros import graph
from robot_ros.nodes import names

SHAPES = {
    "child": HeadShape(size=0.75),
    "large ears": HeadShape(ears=1.4),
    "long nose": HeadShape(nose=1.6, jaw=1.3),
    "broad": HeadShape(size=1.1, breadth=0.178, ears=1.2),
    "narrow and high": HeadShape(breadth=0.128, height=0.148, nose=1.3),
}


def _face_and_ears(head: Head, shape: HeadShape) -> np.ndarray:
    """Return points on the skin [N, 3] of ears, eyes, nose without its bridge, and mouth, by the solids."""
    rng = np.random.default_rng(0)
    box = rng.uniform([-0.05, -0.12, -0.07], [0.13, 0.12, 0.05], (300_000, 3)) * shape.scale
    skin = box[np.abs(head.field.sample(box)) < 0.002]
    x, y, z = (skin / shape.scale).T
    ear = ((np.stack([x, np.abs(y), z], -1) - EAR_CENTRE) / (EAR_RADII * shape.ears)) ** 2
    nose = (x > 0.10) & (np.abs(y) < 0.02) & (z > -0.045) & (z < 0.006)
    eye = (x > 0.075) & (np.abs(np.abs(y) - 0.032) < 0.012) & (z > 0.0) & (z < 0.024)
    mouth = (x > 0.08) & (np.abs(y) < 0.02) & (z > -0.065) & (z < -0.04)
    return skin[(ear.sum(-1) < 1.1) | nose | eye | mouth]


@pytest.mark.parametrize("name", SHAPES)
def test_the_zones_of_another_head_hold_its_ears_eyes_nose_and_mouth(name: str) -> None:
    head = head_of(SHAPES[name])
    points = _face_and_ears(head, SHAPES[name])
    assert len(points) > 1000
    zones = zones_of(head)
    inside = [
        (((points - np.array(zone.centre)) / np.array(zone.radii)) ** 2).sum(-1) < 1.0 for zone in zones
    ]
    assert np.any(inside, axis=0).all()
    crown = np.array([head.centre[0], 0.0, float(head.surface_point(np.array([0.0, 0.0, 1.0]))[2])])
    back = head.surface_point(np.array([-1.0, 0.0, 0.0]))
    assert all(zone.depth(tuple(point)) < 0.0 for zone in zones for point in (crown, back))


def test_the_built_in_head_keeps_its_zones_to_the_bit() -> None:
    assert zones_of(parametric_head()) == adult_zones()


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "child.toml"
    path.write_text("format = 1\n[shape]\nsize = 0.75\n", encoding="utf-8")
    return path


def _specs(tmp_path: Path, file: Path) -> list[graph.NodeSpec]:
    setup = tmp_path / "mine.yaml"
    usual = (graph.CONFIG / "ur5e.yaml").read_text(encoding="utf-8")
    setup.write_text(usual.replace("# head: my_wig_head.toml", f"head: {file.name}"), encoding="utf-8")
    real = graph.real_graph(
        graph.read_arm_setup(setup), calibration=tmp_path / "cell.json", planner={}, bags=tmp_path, goal="g"
    )
    virtual = graph.virtual_graph(robot={"arm": "ur5e", "head": str(file)}, planner={}, bags=tmp_path)
    return [*virtual, *real]


def test_a_head_named_once_reaches_every_node_that_takes_one(tmp_path: Path, file: Path) -> None:
    """And no node of a graph is given a parameter that it does not declare."""
    pytest.importorskip("combwise_interfaces.msg", reason="nodes need make ros")
    pytest.importorskip("pinocchio", reason="arms need the arms extra")
    told = set()
    for spec in _specs(tmp_path, file):
        declared = {p.name for p in importlib.import_module(f"robot_ros.nodes.{spec.module}").PARAMS}
        assert set(spec.parameters) <= declared | {"use_sim_time"}, spec
        if "head" in declared:
            told.add(spec.module)
            assert spec.parameters["head"] == str(file), spec
    eyes_and_goal = {names.HAIR_OBSERVER, names.GOAL_SERVER, names.STYLING_PLANNER}
    assert told >= eyes_and_goal | {names.VIRTUAL_ROBOT, names.SAFETY_SUPERVISOR, names.STROKE_EXECUTOR}


def test_a_setup_whose_head_is_missing_is_refused(tmp_path: Path) -> None:
    with pytest.raises(CombwiseError, match=r"head is 'none\.toml'; expected a file beside it"):
        _specs(tmp_path, tmp_path / "none.toml")


def test_cell_and_hair_of_a_file_have_its_head(file: Path) -> None:
    pytest.importorskip("rcl_interfaces.msg", reason="nodes need make ros")
    pytest.importorskip("pinocchio", reason="arms need the arms extra")
    from robot_ros.nodes.cell_options import make_cell
    from robot_ros.virtual.hair import HairConfig, customer

    wanted = read_head(file)
    cell = make_cell("ur5e", "", str(file))
    head, groom = customer(HairConfig(family="straight_bob", guides=40, vertices=8, head=str(file)))
    for found in (cell.head, head):
        np.testing.assert_array_equal(found.field.values, wanted.field.values)
    assert cell.zones == zones_of(wanted) != adult_zones()
    assert np.abs(wanted.field.sample(groom.strands[:, 0])).max() < 0.003, "hair grows on its skin"


def test_the_arm_combs_a_smaller_head_where_its_skin_is(file: Path) -> None:
    """As the executor's child plans it: the teeth come as near to the skin as the stroke says."""
    pytest.importorskip("pinocchio", reason="arms need the arms extra")
    from robot_ros.arms.arm import arm_named
    from robot_ros.arms.cell import Cell
    from robot_ros.arms.stroke_planner import PlannerConfig, StrokeRequest, make_stroke_planner

    stroke = Stroke(azimuth=3.0, elevation=0.6, heading=0.1, length=0.06, depth=0.015)
    heads: Mapping[str, Any] = {"usual": None, "child": file}
    nearest = {}
    for name, head in heads.items():
        answer = make_stroke_planner(PlannerConfig("ur5e", head=head))(StrokeRequest(stroke))
        assert answer.motion is not None, answer.text
        cell = Cell(arm_named("ur5e"), parametric_head() if head is None else read_head(head))
        nearest[name] = min(cell.skin_distance(q) for q in answer.motion.trajectory.positions[::5])
        other = Cell(arm_named("ur5e"), read_head(file) if head is None else parametric_head())
        gap = min(other.skin_distance(q) for q in answer.motion.trajectory.positions[::5])
        assert (gap > 0.03) if head is None else (gap < 0.0), "on the other head it would be off"
    assert nearest["child"] == pytest.approx(nearest["usual"], abs=0.004)


def _zones_named(head: str, posture: np.ndarray) -> set[str]:
    """Return what the supervisor node says of zones while joints [J] [rad] are measured."""
    import rclpy
    from combwise_interfaces.msg import SafetyState
    from rclpy.executors import SingleThreadedExecutor
    from sensor_msgs.msg import JointState

    from robot_ros.arms.arm import arm_named
    from robot_ros.nodes import qos
    from robot_ros.nodes.safety_supervisor import SafetySupervisor

    rclpy.shutdown()
    rclpy.init(args=["--ros-args", "-p", f"head:={graph.parameter_text(head)}"])
    supervisor, driver, spinner = SafetySupervisor(), rclpy.create_node("driver"), SingleThreadedExecutor()
    spinner.add_node(driver)
    states: list[SafetyState] = []
    driver.create_subscription(SafetyState, names.SAFETY_STATE, states.append, qos.STATE)
    joints = driver.create_publisher(JointState, names.JOINT_STATES, qos.SENSOR)
    told = JointState(name=list(arm_named("ur5e").joints), position=posture.tolist(), velocity=[0.0] * 6)

    def judged() -> list[SafetyState]:
        """States of a supervisor that knows where the joints are."""
        return [state for state in states if all(f.rule != "no joint state yet" for f in state.findings)]

    end = time.monotonic() + 60.0
    while not judged() and time.monotonic() < end:
        told.header.stamp = supervisor.get_clock().now().to_msg()
        joints.publish(told)
        spinner.spin_once(timeout_sec=0.005)
    supervisor.destroy_node()
    driver.destroy_node()
    assert judged(), "the supervisor heard no joints"
    return {f.subject for f in judged()[-1].findings if f.rule == "keep-out zone"}


def test_the_supervisor_node_guards_the_zones_of_its_own_head(file: Path) -> None:
    """A posture beside a child's face, where an adult's is, is free over the child alone."""
    pytest.importorskip("combwise_interfaces.msg", reason="nodes need make ros")
    pytest.importorskip("pinocchio", reason="arms need the arms extra")
    from robot_ros.nodes.cell_options import make_cell
    from robot_ros.safety.zones import intrusions
    from tests.robot.ros_process import ros_domain

    adult, child = make_cell("ur5e", "", ""), make_cell("ur5e", "", str(file))
    rng = np.random.default_rng(1)

    def hit(cell: Any, q: np.ndarray) -> set[str]:
        pose = cell.tool_pose(q)
        points = np.concatenate([cell.comb_points(), np.zeros((1, 3))]) @ pose[:3, :3].T + pose[:3, 3]
        return {finding.subject for finding in intrusions(cell.zones, points.tolist())}

    tried = (rng.uniform(adult.lower, adult.upper) for _ in range(100_000))
    posture = next(q for q in tried if hit(adult, q) and not hit(child, q))
    with ros_domain():
        assert _zones_named("", posture) == hit(adult, posture)
        assert _zones_named(str(file), posture) == set()
