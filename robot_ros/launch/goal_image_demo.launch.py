"""The whole demo: a virtual robot styles hair toward a goal, everything is recorded, then all of it ends.

ros2 launch robot_ros goal_image_demo.launch.py goal:=runs/demo/goal.npz

Without a goal one is made first, by combing a copy of the head with strokes that no planner sees.
"""

from __future__ import annotations

import sys
from collections.abc import Mapping, Sequence
from pathlib import Path

from launch import LaunchDescription, LaunchDescriptionEntity

from robot_ros.demo.config import RosDemoConfig
from robot_ros.graph import virtual_graph
from robot_ros.launch_graph import described, program, rviz, started

ARGUMENTS = {
    "goal": ("", "recorded goal, .npz or a demo's folder; empty makes one"),
    "arm": ("ur5e", "ur5e, xarm7 or panda"),
    "family": ("straight_long", "family of the groom, see combwise groom"),
    "head": ("", "file of the head's shape, see docs/robot.md; empty for the built-in adult"),
    "guides": ("400", "simulated strands"),
    "seed": ("0", "of groom, goal, sensors and planner"),
    "strokes": ("3", "most strokes"),
    "speed": ("0.0", "ROS seconds per second of wall time, at most; 0 for what the machine sustains"),
    "preset": ("cpu", "how far the planner searches: quick, cpu or gpu"),
    "device": ("cpu", "where the model computes: cpu or cuda"),
    "out": ("runs/ros_demo", "folder for goal and recording"),
    "rviz": ("false", "show it in RViz"),
}


def build(given: Mapping[str, str]) -> Sequence[LaunchDescriptionEntity]:
    """Return the graph, and the program that asks it for one styling."""
    from robot_ros.demo.demo import graph_parameters, make_goal

    out = Path(given["out"]).absolute()
    config = RosDemoConfig(
        out=out,
        arm=given["arm"],  # pyright: ignore[reportArgumentType]
        family=given["family"],
        head=Path(given["head"]) if given["head"] else None,
        guides=int(given["guides"]),
        seed=int(given["seed"]),
        goal=Path(given["goal"]) if given["goal"] else None,
        strokes=int(given["strokes"]),
        speed=float(given["speed"]),
        preset=given["preset"],  # pyright: ignore[reportArgumentType]
        device=given["device"],
    )
    goal, _ = make_goal(config, out)
    robot, planner = graph_parameters(config)
    ask = [sys.executable, "-m", "robot_ros.demo.request", "--goal", str(goal)]
    ask += ["--strokes", given["strokes"], "--seed", given["seed"]]
    specs = virtual_graph(robot=robot, planner=planner, bags=out / "bags")
    return [*started(specs), program(ask, last=True), *rviz(given["rviz"], simulated=True)]


def generate_launch_description() -> LaunchDescription:
    """Return what `ros2 launch` starts."""
    return described(build, ARGUMENTS)
