"""Play a recorded episode and watch it. Nothing in it reaches a robot: commands are left out.

ros2 launch robot_ros replay.launch.py bag:=runs/ros_demo/bags/episode.mcap
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from launch import LaunchDescription, LaunchDescriptionEntity

from robot_ros.launch_graph import described, program, required_file, rviz

ARGUMENTS = {
    "bag": ("", "the .mcap file"),
    "rate": ("1.0", "times real time"),
    "rviz": ("true", "show it in RViz"),
}

COMMANDS = r".*/joint_trajectory$|.*heartbeat/.*|.*e_stop$"
"""Topics that a robot that happens to be there would obey or believe."""


def build(given: Mapping[str, str]) -> Sequence[LaunchDescriptionEntity]:
    """Return the player and RViz."""
    bag = str(required_file(given["bag"], "launch argument bag"))
    play = ["ros2", "bag", "play", "-s", "mcap", bag, "--rate", given["rate"], "--exclude-regex", COMMANDS]
    return [program(play, last=True), *rviz(given["rviz"], simulated=True)]


def generate_launch_description() -> LaunchDescription:
    """Return what `ros2 launch` starts."""
    return described(build, ARGUMENTS)
