"""Whoever wants hair styled: sends StyleHair, hears how it goes, and gives up on request."""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np
import rclpy
from combwise_interfaces.action import StyleHair
from combwise_interfaces.msg import SafetyState
from rclpy.executors import SingleThreadedExecutor
from rclpy.signals import SignalHandlerOptions
from rclpy.utilities import try_shutdown
from sensor_msgs.msg import CompressedImage, PointCloud2

from hairsim.errors import CombwiseError
from robot_ros.demo.processes import domain_environment
from robot_ros.nodes import names, qos
from robot_ros.nodes.action_client import LockedActionClient
from robot_ros.nodes.hair_messages import from_strand_cloud
from robot_ros.safety.verdict import Mode


class StylingClient:
    """A node that asks for styling; use within `in_domain`."""

    def __init__(self, name: str = "styling_client") -> None:
        self.node = rclpy.create_node(name)
        self.pictures: dict[str, bytes] = {}
        self.strands: np.ndarray | None = None
        self.interventions: list[str] = []
        self._mode: Mode | None = None
        subscribe = self.node.create_subscription
        subscribe(SafetyState, names.SAFETY_STATE, self._on_safety, qos.STATE)
        subscribe(CompressedImage, names.HAIR_PICTURE, self._keeps("hair"), qos.LATCHED)
        subscribe(CompressedImage, names.GOAL_PICTURE, self._keeps("goal"), qos.LATCHED)
        subscribe(PointCloud2, names.TRUE_STRANDS, self._on_strands, qos.LATCHED)
        self._style = LockedActionClient(self.node, StyleHair, names.STYLE_HAIR)
        self._executor = SingleThreadedExecutor()
        self._executor.add_node(self.node)
        self._thread = threading.Thread(target=self._executor.spin, name="styling client", daemon=True)
        self._thread.start()

    def close(self) -> None:
        """Let go of the graph."""
        self._executor.shutdown()
        self._thread.join(timeout=5.0)
        self.node.destroy_node()

    def await_ready(self, check: Callable[[], None], *, seconds: float) -> None:
        """Wait until the supervisor lets the arm move and the planner serves.

        Args:
            check: called again and again; raises to give up.
            seconds: longest wall time.

        Raises:
            CombwiseError: it took longer, and what was missing.
        """

        def missing() -> str:
            if self._mode is None:
                return "the safety supervisor is silent"
            if self._mode is not Mode.READY:
                return f"the safety supervisor is in mode {self._mode.name.lower()}"
            return "" if self._style.server_is_ready() else "the styling planner does not serve yet"

        end = time.monotonic() + seconds
        while reason := missing():
            check()
            if time.monotonic() > end:
                raise CombwiseError(f"the robot's graph was not ready within {seconds:g} s: {reason}")
            time.sleep(0.05)

    def begin(self, goal: str, *, strokes: int, seed: int, heard: Callable[[Any], None]) -> Styling:
        """Ask for styling; `heard` takes each feedback.

        Raises:
            CombwiseError: the planner does not answer, or declines.
        """
        request = StyleHair.Goal(goal=goal, strokes=strokes, seed=seed)
        sent = self._style.send_goal_async(request, feedback_callback=lambda m: heard(m.feedback))
        end = time.monotonic() + 30.0
        while not sent.done():
            if time.monotonic() > end:
                raise CombwiseError("the styling planner did not answer within 30 s")
            time.sleep(0.01)
        handle = sent.result()
        if handle is None or not handle.accepted:
            raise CombwiseError("the styling planner did not take the goal")
        return Styling(handle)

    def _keeps(self, name: str) -> Callable[[Any], None]:
        def keep(message: Any) -> None:
            self.pictures[name] = bytes(message.data)

        return keep

    def _on_strands(self, message: Any) -> None:
        self.strands = from_strand_cloud(message)

    def _on_safety(self, message: Any) -> None:
        self._mode = Mode(message.mode)
        self.interventions += [finding.text for finding in message.interventions]


class Styling:
    """A goal under way."""

    def __init__(self, handle: Any) -> None:
        self._handle = handle
        self._outcome = handle.get_result_async()

    @property
    def ended(self) -> bool:
        """Whether its result is there."""
        return self._outcome.done()

    def cancel(self) -> None:
        """Ask for its end; the result still comes."""
        self._handle.cancel_goal_async()

    def result(self, check: Callable[[], None] = lambda: None, *, seconds: float = float("inf")) -> Any:
        """Wait for the end and return the StyleHair result.

        Args:
            check: called again and again; raises to stop waiting.
            seconds: longest wall time.

        Raises:
            CombwiseError: it took longer.
        """
        end = time.monotonic() + seconds
        while not self._outcome.done():
            check()
            if time.monotonic() > end:
                raise CombwiseError(f"styling did not end within {seconds:g} s")
            time.sleep(0.05)
        return self._outcome.result().result


@contextmanager
def in_domain(domain: int) -> Iterator[None]:
    """Have rclpy in this process speak to one domain on this machine, and only while it lasts."""
    told = domain_environment(domain)
    before = {key: os.environ.get(key) for key in told}
    os.environ.update(told)
    # Signals stay ours: an interruption cancels the styling before anything is torn down.
    rclpy.init(args=[], signal_handler_options=SignalHandlerOptions.NO)
    try:
        yield
    finally:
        try_shutdown()
        for key, value in before.items():
            if value is None:
                os.environ.pop(key, None)
            else:
                os.environ[key] = value
