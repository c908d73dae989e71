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


@pytest.mark.skipif(not HAS_LAUNCH, reason="launch and launch_ros come with a full ROS 2 only")
@pytest.mark.parametrize("path", LAUNCH, ids=lambda path: path.stem)
def test_a_launch_file_loads(path: Path) -> None:
    spec = importlib.util.spec_from_file_location(path.stem.replace(".", "_"), path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    assert len(module.generate_launch_description().entities) == len(module.ARGUMENTS) + 1


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
