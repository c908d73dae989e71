# pyright: reportMissingImports=false, reportAttributeAccessIssue=false
# ROS 2 is an extra: where it is not installed, neither are its types.
"""Signs of life in place of processes that a test does not need: python -m benchmarks.beats NAME ..."""

from __future__ import annotations

import sys
from contextlib import suppress

import rclpy
from rclpy.executors import ExternalShutdownException

from robot_ros.nodes.heartbeat import Heartbeat
from robot_ros.real_time import ask_for_real_time


def main() -> None:
    """Beat until interrupted."""
    names = [word for word in sys.argv[1:] if not word.startswith("-")]
    ask_for_real_time()
    rclpy.init(args=[])
    node = rclpy.create_node("beats_of_" + "_".join(names))
    for name in names:
        Heartbeat(node, name)
    with suppress(KeyboardInterrupt, ExternalShutdownException):
        rclpy.spin(node)


if __name__ == "__main__":
    main()
