"""Subscriptions that are read when their owner wants to, in the order that it wants.

An executor hands messages out as they come, one topic after another, so that the newest clock may be judged
before the data of that time. A supervisor must not: it takes the clock first and then everything there is. It
is also much cheaper for topics of hundreds of messages a second.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from rclpy.callback_groups import CallbackGroup
from rclpy.node import Node
from rclpy.qos import QoSProfile


class _NeverByExecutor(CallbackGroup):
    """Keeps executors away."""

    def can_execute(self, entity: Any) -> bool:
        return False

    def beginning_execution(self, entity: Any) -> bool:
        return False

    def ending_execution(self, entity: Any) -> None:
        return


class Polled:
    """A topic that is read by hand, from one thread."""

    def __init__(self, node: Node, kind: Any, topic: str, profile: QoSProfile) -> None:
        self._node = node
        self._subscription = node.create_subscription(
            kind, topic, lambda _: None, profile, callback_group=_NeverByExecutor()
        )

    def close(self) -> None:
        """Listen no more."""
        self._node.destroy_subscription(self._subscription)

    def take(self) -> Iterator[Any]:
        """Return every message that has come since, oldest first; at most as many as the queue holds."""
        subscription = self._subscription
        for _ in range(subscription.qos_profile.depth):
            with subscription.handle:
                taken = subscription.handle.take_message(subscription.msg_type, False)
            if taken is None:
                return
            yield taken[0]

    def newest(self) -> Any | None:
        """Return the newest message since the last call, or None."""
        last = None
        for message in self.take():
            last = message
        return last
