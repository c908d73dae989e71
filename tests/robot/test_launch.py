"""Launch files: sound where there is no launch system, loaded where there is; arm setups; ament."""

from __future__ import annotations

import ast
import importlib.util
import json
import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import pytest

from hairsim.errors import CombwiseError
from robot_ros import graph
from robot_ros.arms.arm import ARMS, arm_named
from robot_ros.nodes import names

ROBOT = Path(graph.__file__).parent
LAUNCH = sorted((ROBOT / "launch").glob("*.launch.py"))
EXPECTED = {
    "generate_data", "goal_image_demo", "record_calibration", "replay", "styling_real", "styling_virtual",
}  # fmt: skip
HAS_LAUNCH = importlib.util.find_spec("launch_ros") is not None


def test_every_promised_launch_file_is_there() -> None:
    assert {path.name.removesuffix(".launch.py") for path in LAUNCH} == EXPECTED


@pytest.mark.parametrize("path", LAUNCH, ids=lambda path: path.stem)
def test_a_launch_file_parses_and_uses_exactly_the_arguments_it_declares(path: Path) -> None:
    tree = ast.parse(path.read_text(encoding="utf-8"))
    assert any(isinstance(n, ast.FunctionDef) and n.name == "generate_launch_description" for n in tree.body)
    declared, used = set(), set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Assign) and getattr(node.targets[0], "id", "") == "ARGUMENTS":
            declared = set(ast.literal_eval(node.value))
        if isinstance(node, ast.Subscript) and getattr(node.value, "id", "") == "given":
            used |= {node.slice.value} if isinstance(node.slice, ast.Constant) else set()
        if isinstance(node, ast.For):  # for name in ("out", "seed"): given[name]
            used |= {c.value for c in ast.walk(node.iter) if isinstance(c, ast.Constant)}
    assert used == declared


@pytest.mark.slow
@pytest.mark.skipif(HAS_LAUNCH, reason="they are loaded instead")
def test_launch_files_are_sound_types_and_all(tmp_path: Path) -> None:
    """Type errors of our own count; what the missing launch packages would say does not."""
    config = tmp_path / "pyrightconfig.json"
    files = [*map(str, LAUNCH), str(ROBOT / "launch_graph.py"), str(ROBOT / "graph.py")]
    config.write_text(
        json.dumps(
            {
                "include": files,
                "extraPaths": [str(ROBOT.parent)],
                "typeCheckingMode": "standard",
                "pythonVersion": "3.11",
                "reportMissingImports": False,
                "reportMissingModuleSource": False,
            }
        )
    )
    done = subprocess.run(
        [sys.executable, "-m", "basedpyright", "-p", str(config), "--pythonpath", sys.executable],
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stdout[-3000:]


def _loaded(path: Path) -> Any:
    spec = importlib.util.spec_from_file_location(path.stem.replace(".", "_"), path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.mark.skipif(not HAS_LAUNCH, reason="launch and launch_ros come with a full ROS 2 only")
@pytest.mark.parametrize("path", LAUNCH, ids=lambda path: path.stem)
def test_a_launch_file_loads(path: Path) -> None:
    module = _loaded(path)
    assert len(module.generate_launch_description().entities) == len(module.ARGUMENTS) + 1


@pytest.mark.skipif(not HAS_LAUNCH, reason="launch and launch_ros come with a full ROS 2 only")
@pytest.mark.parametrize(
    ("name", "given", "nodes", "programs"),
    [
        ("styling_virtual", {"rviz": "true"}, 8, 0),
        ("styling_real", {"calibration": "FILE", "setup": "SETUP"}, 8, 0),
        ("record_calibration", {"robot": "xarm7", "camera": "right"}, 1, 0),
        ("generate_data", {"ray": "auto"}, 0, 1),
        ("replay", {"bag": "FILE"}, 1, 1),
    ],
)
def test_a_launch_file_makes_its_graph(
    tmp_path: Path, name: str, given: dict[str, str], nodes: int, programs: int
) -> None:
    """With arguments as a user types them; a camera with a serial number gets its driver."""
    from launch import LaunchContext
    from launch.actions import DeclareLaunchArgument, ExecuteProcess
    from launch_ros.actions import Node

    (tmp_path / "file").write_text("")
    setup = (graph.CONFIG / "ur5e.yaml").read_text(encoding="utf-8")
    (tmp_path / "mine.yaml").write_text(setup.replace('serial: ""', 'serial: "0123"', 1))
    places = {"FILE": str(tmp_path / "file"), "SETUP": str(tmp_path / "mine.yaml")}
    context = LaunchContext()
    context.launch_configurations.update({key: places.get(value, value) for key, value in given.items()})
    *declared, opened = _loaded(ROBOT / "launch" / f"{name}.launch.py").generate_launch_description().entities
    for argument in declared:
        assert isinstance(argument, DeclareLaunchArgument)
        argument.execute(context)
    made = opened.execute(context)
    started = [action for action in made if isinstance(action, Node)]
    assert len(started) == nodes
    assert len([action for action in made if isinstance(action, ExecuteProcess)]) == nodes + programs


@pytest.mark.skipif(not HAS_LAUNCH, reason="launch and launch_ros come with a full ROS 2 only")
def test_launch_hands_parameters_on_with_the_types_that_they_have() -> None:
    """An empty text stays a text: launch_ros reads values as YAML, where it would be nothing."""
    from launch import LaunchContext
    from launch_ros.utilities import evaluate_parameters, normalize_parameters

    setup = graph.read_arm_setup(graph.CONFIG / "ur5e.yaml")
    specs = graph.virtual_graph(robot={"arm": "ur5e", "speed": 0.0, "seed": 0}, planner={}, bags=Path("/b"))
    specs += graph.real_graph(setup, calibration=Path("/c.json"), planner={}, bags=Path("/b"))
    for spec in specs:
        (made,) = evaluate_parameters(LaunchContext(), normalize_parameters([dict(spec.parameters)]))
        assert isinstance(made, dict)
        for name, value in spec.parameters.items():
            got = list(made[name]) if isinstance(value, list) else made[name]
            assert (got, type(got)) == (value, type(value)), f"{spec.module}: {name}"


@pytest.mark.parametrize("arm", ARMS)
def test_every_arm_has_a_setup_from_which_a_graph_is_made(arm: str) -> None:
    setup = graph.read_arm_setup(graph.CONFIG / f"{arm}.yaml")
    assert arm_named(setup.arm).name == arm
    specs = graph.real_graph(setup, calibration=Path("cell.json"), planner={}, bags=Path("bags"))
    assert {spec.module for spec in specs} >= {
        names.ARM_BRIDGE,
        names.SAFETY_SUPERVISOR,
        names.STYLING_PLANNER,
    }
    supervisor = next(spec for spec in specs if spec.module == names.SAFETY_SUPERVISOR)
    assert supervisor.parameters["real_robot"] is True
    own = names.controller_topic(names.CONTROLLER)
    assert supervisor.remaps[own] == names.controller_topic(setup.controller)
    assert names.VIRTUAL_ROBOT not in {spec.module for spec in specs}


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (("wrench_sign: 1 ", "wrench_sign: 2 "), "expected 1 or -1"),
        (("controller:", "controler:"), "controler"),
        (("cameras:", "cameras: ["), "not an arm's setup"),
        (
            ("# head_board: {camera: back,", "head_board: {camera: top,"),
            "seen by camera 'top'; expected one of left",
        ),
    ],
)
def test_a_wrong_setup_is_refused_in_one_sentence(tmp_path: Path, change: tuple[str, str], said: str) -> None:
    path = tmp_path / "mine.yaml"
    path.write_text((graph.CONFIG / "ur5e.yaml").read_text(encoding="utf-8").replace(*change, 1))
    with pytest.raises(CombwiseError, match=said):
        graph.read_arm_setup(path)
    with pytest.raises(CombwiseError, match="cannot read"):
        graph.read_arm_setup(tmp_path / "none.yaml")


def test_a_board_on_the_stand_is_tracked_where_the_setup_names_one(tmp_path: Path) -> None:
    path = tmp_path / "mine.yaml"
    usual = (graph.CONFIG / "ur5e.yaml").read_text(encoding="utf-8")
    for text, tracked in ((usual, False), (usual.replace("# head_board:", "head_board:"), True)):
        path.write_text(text)
        setup = graph.read_arm_setup(path)
        specs = graph.real_graph(setup, calibration=Path("cell.json"), planner={}, bags=Path("bags"))
        trackers = [spec for spec in specs if spec.module == names.HEAD_TRACKER]
        assert len(trackers) == tracked
        if tracked:
            assert trackers[0].parameters["camera"] == "back"
            assert trackers[0].parameters["base_frame"] == setup.base_frame
            assert trackers[0].parameters["mount"] == "cell_head_board.json"
            assert trackers[0].remaps[names.HEAD_POSE] == setup.head_pose


def test_every_node_of_a_graph_is_a_module_and_an_executable() -> None:
    setup = graph.read_arm_setup(graph.CONFIG / "ur5e.yaml")
    specs = graph.virtual_graph(robot={}, planner={}, bags=Path("bags"))
    specs += graph.real_graph(setup, calibration=Path("c"), planner={}, bags=Path("b"))
    specs += graph.calibration_graph(setup, camera="left", folder=Path("s"))
    modules = {*(spec.module for spec in specs), names.HEAD_TRACKER}
    assert all((ROBOT / "nodes" / f"{module}.py").is_file() for module in modules)
    scripts = (ROBOT / "setup.py").read_text(encoding="utf-8")
    project = (ROBOT.parent / "pyproject.toml").read_text(encoding="utf-8")
    for module in modules:
        assert f'"{module}",' in scripts
        assert f'combwise-{module.replace("_", "-")} = "robot_ros.nodes.{module}:main"' in project


def test_the_ament_package_installs_what_ros2_launch_looks_for(tmp_path: Path) -> None:
    source, prefix = tmp_path / "robot_ros", tmp_path / "install"
    shutil.copytree(ROBOT, source, ignore=shutil.ignore_patterns("__pycache__", "*.egg-info", "build"))
    words = [sys.executable, "setup.py", "-q", "install", "--prefix", str(prefix)]
    words += ["--single-version-externally-managed", "--record", str(tmp_path / "record.txt")]
    environment = {**os.environ, "PYTHONWARNINGS": "ignore"}
    done = subprocess.run(words, cwd=source, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr[-2000:]
    share = prefix / "share" / "robot_ros"
    assert (prefix / "share" / "ament_index" / "resource_index" / "packages" / "robot_ros").is_file()
    assert {path.name for path in (share / "launch").iterdir()} == {path.name for path in LAUNCH}
    assert {f"{arm}.yaml" for arm in ARMS} <= {path.name for path in (share / "config").iterdir()}
    assert (share / "urdf" / "ur5e.urdf").is_file()
    assert (prefix / "lib" / "robot_ros" / names.VIRTUAL_ROBOT).is_file()
    package = ElementTree.parse(share / "package.xml").getroot()
    assert package.findtext("name") == "robot_ros"
    assert package.findtext("export/build_type") == "ament_python"
