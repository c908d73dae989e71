"""Simulate combed heads of hair for training, on this machine or on a Ray cluster.

ros2 launch robot_ros generate_data.launch.py out:=data/mine episodes:=100 ray:=auto
"""

from __future__ import annotations

import sys
from collections.abc import Mapping, Sequence

from launch import LaunchDescription, LaunchDescriptionEntity

from robot_ros.launch_graph import described, program

ARGUMENTS = {
    "out": ("data/set", "folder of the dataset; an interrupted one is continued"),
    "episodes": ("100", "how many"),
    "heads": ("8", "heads stepped side by side"),
    "seed": ("0", "of everything"),
    "device": ("cpu", "cpu or cuda"),
    "ray": ("", "address of a Ray cluster to spread it over, auto for the running one"),
}


def build(given: Mapping[str, str]) -> Sequence[LaunchDescriptionEntity]:
    """Return the generator."""
    words = [sys.executable, "-m", "combwise", "generate", "--resume"]
    for name in ("out", "episodes", "heads", "seed", "device"):
        words += [f"--{name}", given[name]]
    return [program([*words, *(["--ray", given["ray"]] if given["ray"] else [])], last=True)]


def generate_launch_description() -> LaunchDescription:
    """Return what `ros2 launch` starts."""
    return described(build, ARGUMENTS)
