"""The virtual robot and everything that styles its hair, waiting for a StyleHair goal.

ros2 launch robot_ros styling_virtual.launch.py arm:=ur5e rviz:=true
ros2 action send_goal --feedback style_hair combwise_interfaces/action/StyleHair "{goal: /path/to/goal.npz}"
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

from launch import LaunchDescription, LaunchDescriptionEntity

from robot_ros.graph import virtual_graph
from robot_ros.launch_graph import described, required_file, rviz, started

ARGUMENTS = {
    "arm": ("ur5e", "ur5e, xarm7 or panda"),
    "family": ("straight_long", "family of the groom, see combwise groom"),
    "head": ("", "file of the head's shape, see docs/robot.md; empty for the built-in adult"),
    "guides": ("400", "simulated strands"),
    "seed": ("0", "of groom and sensors"),
    "speed": ("0.0", "ROS seconds per second of wall time, at most; 0 for what the machine sustains"),
    "preset": ("cpu", "how far the planner searches: quick, cpu or gpu"),
    "device": ("cpu", "where the model computes: cpu or cuda"),
    "bags": ("bags", "folder of the recordings"),
    "rviz": ("false", "show it in RViz"),
}


def build(given: Mapping[str, str]) -> Sequence[LaunchDescriptionEntity]:
    """Return the graph."""
    robot = {
        "arm": given["arm"],
        "family": given["family"],
        "head": str(required_file(given["head"], "launch argument head")) if given["head"] else "",
        "guides": int(given["guides"]),
        "seed": int(given["seed"]),
        "speed": float(given["speed"]),
    }
    planner = {"preset": given["preset"], "device": given["device"]}
    specs = virtual_graph(robot=robot, planner=planner, bags=Path(given["bags"]).absolute())
    return [*started(specs), *rviz(given["rviz"], simulated=True)]


def generate_launch_description() -> LaunchDescription:
    """Return what `ros2 launch` starts."""
    return described(build, ARGUMENTS)
