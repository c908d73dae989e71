"""Nodes as processes without the launch system: they end in order, say why they cannot, outlive no parent."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest

pytest.importorskip("combwise_interfaces.msg", reason="nodes need make ros")

from hairsim.errors import CombwiseError
from robot_ros.demo.processes import GraphProcesses
from robot_ros.graph import NodeSpec
from robot_ros.nodes import names

pytestmark = [pytest.mark.slow, pytest.mark.timeout(600)]
DOMAIN = 1 + os.getpid() % 100


def _wait(what: str, condition: Callable[[], bool], seconds: float = 120.0) -> None:
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end, what
        time.sleep(0.1)


def test_a_graph_ends_in_order_and_its_recording_is_whole(tmp_path: Path) -> None:
    from robot_ros.bag import is_whole

    folder = tmp_path / "it's here"
    recorder = {"folder": str(folder), "name": "short"}
    graph = GraphProcesses([NodeSpec(names.EPISODE_RECORDER, recorder)], tmp_path / "logs", domain=DOMAIN)
    bag = folder / "short.mcap"
    _wait("a bag", bag.is_file)
    graph.check()
    time.sleep(1.0)
    assert graph.close() == {names.EPISODE_RECORDER: 0}
    assert is_whole(bag)


def test_a_node_that_cannot_start_says_why(tmp_path: Path) -> None:
    specs = [NodeSpec(names.GOAL_SERVER, {"grid": "endless"})]
    graph = GraphProcesses(specs, tmp_path, domain=DOMAIN)

    def until_it_fails() -> None:
        end = time.monotonic() + 120.0
        while time.monotonic() < end:
            graph.check()
            time.sleep(0.1)

    with pytest.raises(
        CombwiseError, match=r"goal_server ended with status 2: .*'grid' is 'endless'; expected"
    ):
        until_it_fails()
    graph.close()


def test_nodes_end_with_a_parent_that_was_killed(tmp_path: Path) -> None:
    program = (
        "import time; from pathlib import Path\n"
        "from robot_ros.demo.processes import GraphProcesses; from robot_ros.graph import NodeSpec\n"
        f"spec = NodeSpec('episode_recorder', {{'folder': {str(tmp_path)!r}, 'name': 'orphan'}})\n"
        f"graph = GraphProcesses([spec], Path({str(tmp_path)!r}), domain={DOMAIN})\n"
        "print(graph.process_id('episode_recorder'), flush=True)\n"
        "time.sleep(600)\n"
    )
    parent = subprocess.Popen([sys.executable, "-c", program], stdout=subprocess.PIPE, text=True)
    assert parent.stdout is not None
    child = int(parent.stdout.readline())
    _wait("a running node", (tmp_path / "orphan.mcap").is_file)
    parent.kill()
    parent.wait()
    parent.stdout.close()
    _wait("the node's end", lambda: not Path(f"/proc/{child}").exists() or _is_zombie(child))


def _is_zombie(process: int) -> bool:
    try:
        return Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()[0] == "Z"
    except FileNotFoundError:
        return True
