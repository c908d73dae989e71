"""Signs of life, from a thread of their own on the wall clock."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable

from rclpy.node import Node
from std_msgs.msg import Empty

from robot_ros.nodes.names import heartbeat_topic
from robot_ros.nodes.qos import BEAT
from robot_ros.safety.limits import FAST_BEATS, SLOW_BEATS

FAST_RATE, SLOW_RATE = 100.0, 5.0
"""Beats per second of wall time of what can move the arm, and of the rest."""


class Repeated:
    """Calls something again and again from a thread of its own, whatever the rest waits for."""

    def __init__(self, period: float, call: Callable[[], None], *, name: str) -> None:
        """Start calling every `period` seconds of wall time."""
        self._period, self._call = period, call
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._repeat, name=name, daemon=True)
        self._thread.start()

    def stop(self) -> None:
        """Call no more: before what it uses is destroyed."""
        self._ended.set()
        self._thread.join(timeout=1.0)

    def _repeat(self) -> None:
        due = time.monotonic()
        while not self._ended.wait(max(0.0, due - time.monotonic())):
            self._call()
            # After a stall call at once, but do not catch up on calls that nobody missed.
            due = max(due + self._period, time.monotonic())


class Heartbeat(Repeated):
    """Beats for one process. The thread computes nothing; it needs the interpreter for a moment a beat."""

    def __init__(self, node: Node, name: str, *, alive: Callable[[], bool] = lambda: True) -> None:
        """Start beating as `name`, one of FAST_BEATS or SLOW_BEATS; a beat is left out while not `alive`."""
        assert name in (*FAST_BEATS, *SLOW_BEATS), name
        publisher, message = node.create_publisher(Empty, heartbeat_topic(name), BEAT), Empty()
        rate = FAST_RATE if name in FAST_BEATS else SLOW_RATE

        def beat() -> None:
            if alive():
                publisher.publish(message)

        super().__init__(1.0 / rate, beat, name=f"heartbeat of {name}")
