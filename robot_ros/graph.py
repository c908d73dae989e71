"""The nodes of a graph and their parameters: said once, started as processes (demo/) or by launch files.

virtual   virtual robot, supervisor, executor, observer, goal server, planner, recorder
real      arm bridge,    supervisor, executor, observer, goal server, planner, recorder, beside the drivers
sessions  calibration recorder, beside the drivers
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from hairsim.errors import CombwiseError
from robot_ros.nodes import names

CONFIG = Path(__file__).parent / "config"
"""Where the setups of the arms are."""


@dataclass(frozen=True)
class NodeSpec:
    """One node.

    Attributes:
        module: of robot_ros.nodes; also the name of its executable.
        parameters: by name.
        remaps: topics of ours that have another name here.
    """

    module: str
    parameters: Mapping[str, Any] = field(default_factory=dict)
    remaps: Mapping[str, str] = field(default_factory=dict)


def parameter_text(value: Any) -> str:
    """Return a parameter's value as ROS 2 reads it on a command line: YAML, texts quoted."""
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, str):
        return "'" + value.replace("'", "''") + "'"
    if isinstance(value, (list, tuple)):
        return "[" + ", ".join(parameter_text(item) for item in value) + "]"
    return str(value)


def virtual_graph(
    *, robot: Mapping[str, Any], planner: Mapping[str, Any], bags: Path, bag: str = "", pictures: float = 1.0
) -> list[NodeSpec]:
    """Return the whole virtual graph, in the order in which it is started; ended in reverse.

    Args:
        robot: parameters of the virtual robot; its `arm` and `head` are everybody's.
        planner: parameters of the styling planner.
        bags, bag: folder and name of the recording; an empty name is the time of day.
        pictures: ROS time between kept pictures [s].
    """
    simulated = {"use_sim_time": True}
    head = {"head": str(robot.get("head", ""))}
    arm = {"arm": robot.get("arm", "ur5e"), **head, **simulated}
    recorder = {"folder": str(bags), "name": bag, "pictures": pictures, **simulated}
    return [
        NodeSpec(names.VIRTUAL_ROBOT, robot),
        NodeSpec(names.EPISODE_RECORDER, recorder),
        NodeSpec(names.SAFETY_SUPERVISOR, {"real_robot": False, **arm}),
        NodeSpec(names.STROKE_EXECUTOR, arm),
        NodeSpec(names.HAIR_OBSERVER, {"reliable": True, **head, **simulated}),
        NodeSpec(names.GOAL_SERVER, {**head, **simulated}),
        NodeSpec(names.STYLING_PLANNER, {**planner, **arm}),
    ]


@dataclass(frozen=True)
class CameraSetup:
    """One RGB-D camera: its topics, and its serial number where our launch files start its driver."""

    color: str
    depth: str
    info: str
    serial: str = ""


@dataclass(frozen=True)
class ArmSetup:
    """How a real arm's drivers call things: a file of config/.

    Attributes:
        arm: of robot_ros.arms.arm.ARMS.
        base_frame: the drivers' tf frame at the root of the arm's URDF, in which head poses are given.
        controller: namespace of its joint_trajectory_controller; must take trajectories from its topic.
        joint_states: topic of its joints.
        wrench: topic of its force sensor, in the flange's axes.
        wrench_sign: 1 where the driver gives what acts on the arm, -1 where what the arm exerts.
        head_pose: topic of the head tracker.
        e_stop: topic of the e-stop's contact.
        cameras: by name.
        head_board: parameters of our head tracker (camera, board, columns, rows, square, marker), which then
            publishes `head_pose`; empty where the head is tracked by something else.
        head: file of the head's shape, beside the setup's; empty for the built-in adult.
    """

    arm: str
    base_frame: str
    controller: str
    joint_states: str
    wrench: str
    wrench_sign: float
    head_pose: str
    e_stop: str
    cameras: Mapping[str, CameraSetup]
    head_board: Mapping[str, Any] = field(default_factory=dict)
    head: str = ""


def read_arm_setup(path: Path) -> ArmSetup:
    """Read a file of config/.

    Raises:
        CombwiseError: it cannot be read, or a key is missing, unknown or of the wrong kind.
    """
    import yaml

    try:
        content = yaml.safe_load(path.read_text(encoding="utf-8"))
        cameras = {str(name): CameraSetup(**entry) for name, entry in content.pop("cameras").items()}
        setup = ArmSetup(cameras=cameras, **content)
    except OSError as error:
        raise CombwiseError(f"cannot read arm setup {path}: {error.strerror}") from error
    except (yaml.YAMLError, TypeError, KeyError, AttributeError) as error:
        raise CombwiseError(
            f"{path} is not an arm's setup ({type(error).__name__}: {error}); see the files in {CONFIG}"
        ) from error
    if setup.wrench_sign not in (1, -1):
        raise CombwiseError(f"{path}: wrench_sign is {setup.wrench_sign}; expected 1 or -1")
    if setup.head_board and setup.head_board.get("camera") not in setup.cameras:
        raise CombwiseError(
            f"{path}: head_board is seen by camera '{setup.head_board.get('camera')}'; "
            f"expected one of {', '.join(setup.cameras)}"
        )
    if not 1 <= len(setup.cameras) <= 4:
        raise CombwiseError(f"{path}: {len(setup.cameras)} cameras; expected one to four")
    if not setup.head:
        return setup
    shape = path.absolute().parent / str(setup.head)
    if not shape.is_file():
        raise CombwiseError(
            f"{path}: head is {setup.head!r}; expected a file beside it that describes a head"
        )
    return replace(setup, head=str(shape))


def driver_names(setup: ArmSetup) -> dict[str, str]:
    """Return what the drivers call our topics."""
    remaps = {
        names.JOINT_STATES: setup.joint_states,
        names.HEAD_POSE: setup.head_pose,
        names.E_STOP: setup.e_stop,
        names.controller_topic(names.CONTROLLER): names.controller_topic(setup.controller),
    }
    for name, camera in setup.cameras.items():
        remaps[names.colour_topic(name)] = camera.color
        remaps[names.depth_topic(name)] = camera.depth
        remaps[names.camera_info_topic(name)] = camera.info
    return remaps


def calibration_graph(setup: ArmSetup, *, camera: str, folder: Path) -> list[NodeSpec]:
    """Return what records calibration sessions beside a real arm's drivers.

    Raises:
        CombwiseError: the setup has no such camera.
    """
    if camera not in setup.cameras:
        raise CombwiseError(f"camera '{camera}' is not in the setup; expected {', '.join(setup.cameras)}")
    options = {"arm": setup.arm, "camera": camera, "folder": str(folder)}
    return [NodeSpec(names.CALIBRATION_RECORDER, options, driver_names(setup))]


def real_graph(
    setup: ArmSetup, *, calibration: Path, planner: Mapping[str, Any], bags: Path, goal: str = ""
) -> list[NodeSpec]:
    """Return our nodes beside a real arm's drivers, in the order in which they are started.

    Args:
        setup: how the drivers call things.
        calibration: file with head, comb and every camera.
        planner: parameters of the styling planner.
        bags: folder of the recordings.
        goal: goal to load at the start; empty for none.
    """
    head = {"head": setup.head}
    cell = {"arm": setup.arm, "calibration": str(calibration), **head}
    base = {"base_frame": setup.base_frame}
    cameras, remaps = {"cameras": list(setup.cameras)}, driver_names(setup)
    bridge = {**cell, **base, "sign": float(setup.wrench_sign)}
    eyes = {"calibration": str(calibration), "masks": False, **head, **cameras}
    specs = [
        NodeSpec(names.ARM_BRIDGE, bridge, {names.DRIVER_WRENCH: setup.wrench}),
        NodeSpec(names.EPISODE_RECORDER, {"folder": str(bags), **cameras}),
        NodeSpec(names.SAFETY_SUPERVISOR, {"real_robot": True, **cell, **base}),
        NodeSpec(names.STROKE_EXECUTOR, {**cell, **base}),
        NodeSpec(names.HAIR_OBSERVER, eyes),
        NodeSpec(names.GOAL_SERVER, {**head, **({"goal": goal} if goal else {})}),
        NodeSpec(names.STYLING_PLANNER, {**planner, **cell}),
    ]
    if setup.head_board:
        mount = calibration.with_name(f"{calibration.stem}_head_board.json")
        places = {"calibration": str(calibration), "mount": str(mount)}
        specs.insert(1, NodeSpec(names.HEAD_TRACKER, {**places, **base, **setup.head_board}))
    return [NodeSpec(spec.module, spec.parameters, {**remaps, **spec.remaps}) for spec in specs]
