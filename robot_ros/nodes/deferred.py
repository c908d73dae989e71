"""Action goals that are worked on outside the executor and answered when they are over.

rclpy's executors either block a thread for every goal under way or spin at full speed while a coroutine
waits. Neither may happen where heartbeats and set-points are due, so goals are put aside when they are
accepted and are executed, in rclpy's words, only when there is a result to return.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from enum import Enum
from typing import Any

from rclpy.action.server import ActionServer, CancelResponse
from rclpy.node import Node


class State(Enum):
    """How a goal ended."""

    SUCCEEDED = "succeeded"
    ABORTED = "aborted"
    CANCELLED = "cancelled"


class DeferredGoal:
    """One accepted goal; used from any thread."""

    def __init__(self, handle: Any) -> None:
        self._handle = handle
        self._lock = threading.Lock()
        self._over = False

    @property
    def request(self) -> Any:
        """The goal message."""
        return self._handle.request

    def feedback(self, message: Any) -> None:
        """Send feedback, unless the goal is over."""
        with self._lock:
            if not self._over:
                self._handle.publish_feedback(message)

    def finish(self, state: State, result: Any) -> None:
        """Answer the client; the first answer counts."""
        with self._lock:
            if self._over:
                return
            self._over = True

        def settle(handle: Any) -> Any:
            if state is State.SUCCEEDED:
                handle.succeed()
            elif state is State.CANCELLED and handle.is_cancel_requested:
                handle.canceled()
            else:
                handle.abort()
            return result

        self._handle.execute(settle)


def serve_deferred(
    node: Node,
    kind: Any,
    name: str,
    accepted: Callable[[DeferredGoal], None],
    cancel: Callable[[], None],
) -> ActionServer:
    """Serve an action: `accepted` takes a goal on and returns at once, `cancel` asks for its end."""

    def on_cancel(_: Any) -> CancelResponse:
        cancel()
        return CancelResponse.ACCEPT

    def never(_: Any) -> Any:
        raise AssertionError("a deferred goal brings its own callback")

    return ActionServer(
        node,
        kind,
        name,
        never,
        handle_accepted_callback=lambda handle: accepted(DeferredGoal(handle)),
        cancel_callback=on_cancel,
    )
