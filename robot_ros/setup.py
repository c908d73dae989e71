"""What colcon builds of robot_ros: its entry in the ament index, launch files, arm setups, node scripts.

The Python that they run is the pip package combwise (pyproject.toml one folder up), so that it exists once.
"""

from pathlib import Path

from setuptools import setup

NAME = "robot_ros"
NODES = (
    "arm_bridge",
    "calibration_recorder",
    "episode_recorder",
    "goal_server",
    "hair_observer",
    "head_tracker",
    "safety_supervisor",
    "stroke_executor",
    "styling_planner",
    "virtual_robot",
)


def files(folder: str, pattern: str) -> tuple[str, list[str]]:
    """Return where files of a folder go below the install prefix, and which they are."""
    return f"share/{NAME}/{folder}", [path.as_posix() for path in sorted(Path(folder).glob(pattern))]


setup(
    name=NAME,
    version="0.1.0",
    packages=[],
    data_files=[
        ("share/ament_index/resource_index/packages", [f"resource/{NAME}"]),
        (f"share/{NAME}", ["package.xml"]),
        files("launch", "*.launch.py"),
        files("config", "*.yaml"),
        files("config", "*.rviz"),
        files("urdf", "*.urdf"),
    ],
    entry_points={"console_scripts": [f"{node} = {NAME}.nodes.{node}:main" for node in NODES]},
    zip_safe=True,
)
