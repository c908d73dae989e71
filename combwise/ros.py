"""`combwise ros demo`: the whole virtual robot graph as processes, once."""

from __future__ import annotations

from importlib.util import find_spec

from hairsim.errors import CombwiseError
from robot_ros.demo.config import RosDemoConfig

__all__ = ["RosDemoConfig", "demo"]


def demo(config: RosDemoConfig) -> str:
    """Run the graph; return the line that says what it made."""
    for module in ("rclpy", "combwise_interfaces", "control_msgs", "mcap", "pinocchio"):
        if find_spec(module) is None:
            raise CombwiseError(
                f"'combwise ros demo' needs ROS 2 ({module} is not installed); run `make ros`"
            )
    from robot_ros.demo.demo import run_ros_demo  # late: `combwise ros demo --help` needs no ROS

    return run_ros_demo(config)
