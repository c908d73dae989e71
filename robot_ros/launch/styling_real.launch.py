"""Everything that styles hair, beside a real arm's own drivers, which are started before. Wigs only.

ros2 launch robot_ros styling_real.launch.py robot:=ur5e calibration:=cell.json

Nothing moves before the e-stop was pressed and released once, and safety/reset was called: docs/safety.md.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

from launch import LaunchDescription, LaunchDescriptionEntity

from robot_ros.graph import CONFIG, read_arm_setup, real_graph
from robot_ros.launch_graph import described, realsense, required_file, rviz, started, yes

ARGUMENTS = {
    "robot": ("ur5e", "ur5e, xarm7 or panda: a file of config/"),
    "setup": ("", "your own file in place of config/ROBOT.yaml"),
    "calibration": ("", "calibration file with head, comb and every camera (combwise calibrate)"),
    "goal": ("", "goal to load at the start"),
    "preset": ("cpu", "how far the planner searches: quick, cpu or gpu"),
    "device": ("cpu", "where the model computes: cpu or cuda"),
    "bags": ("bags", "folder of the recordings"),
    "cameras": ("true", "start the RealSense drivers of cameras that have a serial number"),
    "rviz": ("false", "show it in RViz"),
}


def build(given: Mapping[str, str]) -> Sequence[LaunchDescriptionEntity]:
    """Return our nodes, and the cameras' drivers."""
    setup = read_arm_setup(Path(given["setup"] or CONFIG / f"{given['robot']}.yaml"))
    specs = real_graph(
        setup,
        calibration=required_file(given["calibration"], "launch argument calibration"),
        planner={"preset": given["preset"], "device": given["device"]},
        bags=Path(given["bags"]).absolute(),
        goal=given["goal"],
    )
    eyes = realsense(setup) if yes(given["cameras"]) else []
    return [*eyes, *started(specs), *rviz(given["rviz"], simulated=False)]


def generate_launch_description() -> LaunchDescription:
    """Return what `ros2 launch` starts."""
    return described(build, ARGUMENTS)
