"""A graph as launch actions. Needs launch and launch_ros, which a full ROS 2 brings.

Launch files declare arguments and end with `described(build, arguments)`; `build` gets the arguments' values
as texts and returns what to start.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from launch import LaunchContext, LaunchDescription, LaunchDescriptionEntity
from launch.actions import DeclareLaunchArgument, ExecuteProcess, OpaqueFunction, Shutdown
from launch.substitutions import LaunchConfiguration
from launch_ros.actions import Node

from hairsim.errors import CombwiseError
from robot_ros.graph import CONFIG, ArmSetup, NodeSpec

Build = Callable[[Mapping[str, str]], Sequence[LaunchDescriptionEntity]]


def described(build: Build, arguments: Mapping[str, tuple[str, str]]) -> LaunchDescription:
    """Return a launch description.

    Args:
        build: returns what to start for the arguments' values.
        arguments: default and one phrase about it, by name.
    """

    def opened(context: LaunchContext) -> list[LaunchDescriptionEntity]:
        given = {name: LaunchConfiguration(name).perform(context) for name in arguments}
        return list(build(given))

    declared = [
        DeclareLaunchArgument(name, default_value=default, description=what)
        for name, (default, what) in arguments.items()
    ]
    return LaunchDescription([*declared, OpaqueFunction(function=opened)])


def started(specs: Sequence[NodeSpec]) -> list[LaunchDescriptionEntity]:
    """Return the nodes of a graph; when one of them ends, everything does."""
    return [
        Node(
            package="robot_ros",
            executable=spec.module,
            parameters=[dict(spec.parameters)],
            remappings=list(spec.remaps.items()),
            output="screen",
            on_exit=Shutdown(reason=f"{spec.module} ended"),
        )
        for spec in specs
    ]


def program(words: Sequence[str], *, last: bool) -> ExecuteProcess:
    """Return a program; with `last` everything ends when it does."""
    end = Shutdown(reason=f"{words[0]} is done") if last else None
    return ExecuteProcess(cmd=list(words), output="screen", on_exit=end)


def rviz(wanted: str, *, simulated: bool) -> list[LaunchDescriptionEntity]:
    """Return RViz with our views if it is wanted ('true')."""
    if not yes(wanted):
        return []
    view = Node(
        package="rviz2",
        executable="rviz2",
        arguments=["-d", str(CONFIG / "combwise.rviz")],
        parameters=[{"use_sim_time": simulated}],
        output="log",
    )
    return [view]


def realsense(setup: ArmSetup) -> list[LaunchDescriptionEntity]:
    """Return the drivers of cameras with a serial number: depth aligned to colour, clocks in step."""
    nodes = []
    for name, camera in setup.cameras.items():
        if camera.serial:
            options: dict[str, Any] = {
                "camera_name": name,
                "serial_no": f"_{camera.serial}",
                "align_depth.enable": True,
                "enable_sync": True,
                "rgb_camera.color_profile": "640x480x15",
                "depth_module.depth_profile": "640x480x15",
            }
            nodes.append(
                Node(
                    package="realsense2_camera",
                    executable="realsense2_camera_node",
                    namespace="camera",
                    name=name,
                    parameters=[options],
                    output="screen",
                )
            )
    return nodes


def yes(text: str) -> bool:
    """Return whether an argument says yes.

    Raises:
        CombwiseError: it says neither yes nor no.
    """
    if text.lower() not in ("true", "false"):
        raise CombwiseError(f"launch argument is '{text}'; expected true or false")
    return text.lower() == "true"


def required_file(text: str, what: str) -> Path:
    """Return the path of a file that must be there.

    Raises:
        CombwiseError: none is given, or there is none.
    """
    path = Path(text).expanduser().absolute()
    if not text or not path.is_file():
        raise CombwiseError(f"{what} is '{text}'; expected a file")
    return path
