"""An answer that comes before its question is noted down reaches whoever asked."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from typing import Any

import pytest

pytest.importorskip("combwise_interfaces.msg", reason="nodes need make ros")

import rclpy
import rclpy.action.client
from combwise_interfaces.action import ExecuteStroke
from rclpy.action.server import ActionServer
from rclpy.executors import MultiThreadedExecutor
from rclpy.task import Future

from robot_ros.nodes.action_client import LockedActionClient
from tests.robot.ros_process import ros_domain

PATIENCE = 10.0


@pytest.fixture
def client() -> Iterator[LockedActionClient]:
    """Return a client of a server that answers at once; an executor spins both in a thread."""
    with ros_domain():
        node = rclpy.create_node("asks")

        def execute(handle: Any) -> ExecuteStroke.Result:
            handle.succeed()
            return ExecuteStroke.Result(message="combed")

        server = ActionServer(node, ExecuteStroke, "stroke", execute)
        asking = LockedActionClient(node, ExecuteStroke, "stroke")
        executor = MultiThreadedExecutor(num_threads=2)
        executor.add_node(node)
        thread = threading.Thread(target=executor.spin, daemon=True)
        thread.start()
        try:
            assert asking.wait_for_server(PATIENCE)
            yield asking
        finally:
            executor.shutdown()
            thread.join(PATIENCE)
            server.destroy()
            asking.destroy()
            node.destroy_node()


def test_a_quick_answer_is_not_lost(client: LockedActionClient, monkeypatch: pytest.MonkeyPatch) -> None:
    future_of_rclpy = Future

    def late(*args: Any, **kwargs: Any) -> Any:
        """Rclpy makes the future after sending: from here to its noting down an answer found nobody."""
        time.sleep(0.2)
        return future_of_rclpy(*args, **kwargs)

    monkeypatch.setattr(rclpy.action.client, "Future", late)
    handle = _answer(client.send_goal_async(ExecuteStroke.Goal()))
    assert handle.accepted
    assert _answer(handle.get_result_async()).result.message == "combed"


def _answer(future: Any) -> Any:
    end = time.monotonic() + PATIENCE
    while not future.done():
        assert time.monotonic() < end, "the answer was lost"
        time.sleep(0.01)
    return future.result()
