"""Signs of life, from a thread of their own on the wall clock."""

from __future__ import annotations

import threading
import time

from rclpy.node import Node
from std_msgs.msg import Empty

from robot_ros.nodes.names import heartbeat_topic
from robot_ros.nodes.qos import BEAT
from robot_ros.safety.limits import FAST_BEATS, SLOW_BEATS

FAST_RATE, SLOW_RATE = 100.0, 5.0
"""Beats per second of wall time of what can move the arm, and of the rest."""


class Heartbeat:
    """Beats for one process. The thread computes nothing; it needs the interpreter for a moment a beat."""

    def __init__(self, node: Node, name: str) -> None:
        """Start beating as `name`, one of FAST_BEATS or SLOW_BEATS."""
        assert name in (*FAST_BEATS, *SLOW_BEATS), name
        self._publisher = node.create_publisher(Empty, heartbeat_topic(name), BEAT)
        self._period = 1.0 / (FAST_RATE if name in FAST_BEATS else SLOW_RATE)
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._beat, name=f"heartbeat of {name}", daemon=True)
        self._thread.start()

    def stop(self) -> None:
        """Beat no more: before the node is destroyed."""
        self._ended.set()
        self._thread.join(timeout=1.0)

    def _beat(self) -> None:
        message, due = Empty(), time.monotonic()
        while not self._ended.wait(max(0.0, due - time.monotonic())):
            self._publisher.publish(message)
            # After a stall beat at once, but do not catch up on beats that nobody missed.
            due = max(due + self._period, time.monotonic())
