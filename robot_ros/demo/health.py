"""Is a graph alive? Exit status 0 if its safety supervisor reports within ten seconds; for containers.

python -m robot_ros.demo.health
"""

from __future__ import annotations

import sys
import time
from typing import Any

import rclpy
from combwise_interfaces.msg import SafetyState
from rclpy.utilities import try_shutdown

from robot_ros.nodes import names, qos
from robot_ros.safety.verdict import Mode

PATIENCE = 10.0
"""Wall time [s]."""


def main() -> int:
    """Listen for the supervisor; say what it says."""
    rclpy.init(args=[])
    try:
        node, heard = rclpy.create_node("health"), []

        def hear(message: Any) -> None:
            heard.append(Mode(message.mode))

        node.create_subscription(SafetyState, names.SAFETY_STATE, hear, qos.STATE)
        end = time.monotonic() + PATIENCE
        while not heard and time.monotonic() < end:
            rclpy.spin_once(node, timeout_sec=0.2)
        print(f"the safety supervisor is {'silent' if not heard else 'in mode ' + heard[-1].name.lower()}")
        return 0 if heard else 1
    finally:
        try_shutdown()


if __name__ == "__main__":
    sys.exit(main())
