"""Record calibration sessions at a real arm, whose drivers are started before; you move the arm.

ros2 launch robot_ros record_calibration.launch.py robot:=ur5e camera:=left folder:=session
ros2 service call /calibration/look std_srvs/srv/Trigger
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

from launch import LaunchDescription, LaunchDescriptionEntity

from robot_ros.graph import CONFIG, calibration_graph, read_arm_setup
from robot_ros.launch_graph import described, realsense, started, yes

ARGUMENTS = {
    "robot": ("ur5e", "ur5e, xarm7 or panda: a file of config/"),
    "setup": ("", "your own file in place of config/ROBOT.yaml"),
    "camera": ("left", "which camera looks at the board on the flange"),
    "folder": ("calibration_session", "folder of the sessions; what is there already is continued"),
    "cameras": ("true", "start the RealSense drivers of cameras that have a serial number"),
}


def build(given: Mapping[str, str]) -> Sequence[LaunchDescriptionEntity]:
    """Return the recorder, and the cameras' drivers."""
    setup = read_arm_setup(Path(given["setup"] or CONFIG / f"{given['robot']}.yaml"))
    specs = calibration_graph(setup, camera=given["camera"], folder=Path(given["folder"]).absolute())
    eyes = realsense(setup) if yes(given["cameras"]) else []
    return [*eyes, *started(specs)]


def generate_launch_description() -> LaunchDescription:
    """Return what `ros2 launch` starts."""
    return described(build, ARGUMENTS)
