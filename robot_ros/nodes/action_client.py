"""An action client whose answers cannot be lost when another thread spins."""

from __future__ import annotations

import threading
from typing import Any

from rclpy.action.client import ActionClient


class LockedActionClient(ActionClient):
    """An action client that may be asked from any thread while an executor spins in another.

    rclpy sends a request first and notes down afterwards who waits for its answer. An answer that is quicker
    is dropped with the words "Ignoring unexpected goal response", and whoever asked waits for ever. Here an
    answer is looked at only when no request is being noted down.
    """

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        self._asking = threading.RLock()
        super().__init__(*args, **kwargs)

    def send_goal_async(self, *args: Any, **kwargs: Any) -> Any:
        """Send a goal; return the future of its handle."""
        with self._asking:
            return super().send_goal_async(*args, **kwargs)

    def _cancel_goal_async(self, goal_handle: Any) -> Any:
        with self._asking:
            return super()._cancel_goal_async(goal_handle)

    def _get_result_async(self, goal_handle: Any) -> Any:
        with self._asking:
            return super()._get_result_async(goal_handle)

    async def execute(self, taken_data: Any) -> None:
        """Hand answers to those who wait for them."""
        with self._asking:
            pass
        await super().execute(taken_data)
