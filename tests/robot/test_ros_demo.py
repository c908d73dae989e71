"""The whole virtual graph over real processes: styled toward a goal, cancelled in mid-stroke, recorded."""

from __future__ import annotations

import os
import struct
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import pytest

pytest.importorskip("combwise_interfaces.msg", reason="nodes need make ros")
pytest.importorskip("pinocchio", reason="arms need the arms extra")

from robot_ros.bag import is_whole, read_bag
from robot_ros.demo.client import Styling, StylingClient, in_domain
from robot_ros.demo.config import RosDemoConfig
from robot_ros.demo.demo import graph_parameters, make_goal
from robot_ros.demo.processes import GraphProcesses
from robot_ros.graph import virtual_graph
from robot_ros.nodes import names
from robot_ros.styling import Ending
from robot_ros.virtual.robot import TICK

pytestmark = [pytest.mark.slow, pytest.mark.timeout(1800)]

PATIENCE = 900.0
DOMAIN = 1 + os.getpid() % 100


@dataclass
class Demo:
    """A running graph, whoever asks it, and the goal."""

    graph: GraphProcesses
    client: StylingClient
    goal: Path
    bag: Path
    heard: list[Any] = field(default_factory=list)

    def begin(self, goal: str | None = None, strokes: int = 1) -> Styling:
        self.heard.clear()
        path = str(self.goal) if goal is None else goal
        return self.client.begin(path, strokes=strokes, seed=0, heard=self.heard.append)

    def end(self, styling: Styling) -> Any:
        return styling.result(self.graph.check, seconds=PATIENCE)

    def wait_for_phase(self, styling: Styling, phase: str) -> None:
        end = time.monotonic() + PATIENCE
        while not any(feedback.phase == phase for feedback in self.heard):
            self.graph.check()
            assert not styling.ended, styling.result().message
            assert time.monotonic() < end, f"no phase '{phase}': {[f.phase for f in self.heard]}"
            time.sleep(0.05)


@pytest.fixture(scope="module")
def demo(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Demo]:
    folder = tmp_path_factory.mktemp("demo")
    config = RosDemoConfig(
        out=folder, guides=200, vertices=32, children=1500, camera_rate=1.0, hidden_strokes=2,
    )  # fmt: skip
    goal, truth = make_goal(config, folder)
    assert truth is not None
    robot, planner = graph_parameters(config)
    specs = virtual_graph(robot=robot, planner=planner, bags=folder / "bags", bag="test")
    graph = GraphProcesses(specs, folder / "logs", domain=DOMAIN)
    try:
        with in_domain(DOMAIN):
            client = StylingClient()
            client.await_ready(graph.check, seconds=PATIENCE)
            yield Demo(graph, client, goal, folder / "bags" / "test.mcap")
            client.close()
    finally:
        graph.close()


def test_a_goal_that_is_none_fails_in_a_sentence(demo: Demo, tmp_path: Path) -> None:
    result = demo.end(demo.begin(str(tmp_path / "none.npz")))
    assert result.code == Ending.FAILED
    assert "none.npz does not exist" in result.message
    assert result.strokes == 0


def test_hair_is_combed_toward_the_goal_and_each_step_is_told(demo: Demo) -> None:
    styling = demo.begin()
    demo.wait_for_phase(styling, "plan")
    second = demo.client.begin("", strokes=1, seed=0, heard=lambda _: None).result(seconds=60.0)
    assert second.code == Ending.FAILED
    assert "another styling is under way" in second.message
    before = demo.client.strands
    result = demo.end(styling)
    assert result.code in (Ending.REACHED, Ending.NO_PROGRESS, Ending.STROKE_LIMIT), result.message
    assert result.strokes == 1, result.message
    assert len(result.costs) == 2
    assert np.isfinite(result.costs).all()
    phases = [feedback.phase for feedback in demo.heard]
    assert phases[:2] == ["look", "look"]
    assert phases.index("plan") < phases.index("comb") < len(phases) - 1
    assert all(bytes(f.picture.data[:2]) == b"\xff\xd8" for f in demo.heard if f.phase == "comb")
    assert before is not None
    assert demo.client.strands is not None
    moved = np.linalg.norm(demo.client.strands - before, axis=-1).mean(axis=1)
    assert moved.max() > 0.01


def test_a_cancel_in_mid_stroke_stops_the_arm_and_says_so(demo: Demo) -> None:
    styling = demo.begin()
    demo.wait_for_phase(styling, "comb")
    time.sleep(2.0)
    styling.cancel()
    result = demo.end(styling)
    assert result.code == Ending.CANCELLED, result.message
    assert result.strokes == 0


def test_all_processes_end_in_order_and_the_bag_holds_all_of_it(demo: Demo) -> None:
    statuses = demo.graph.close()
    assert set(statuses.values()) == {0}, statuses
    assert is_whole(demo.bag)
    counts: dict[str, int] = {}
    for message in read_bag(demo.bag):
        topic = message.topic.lstrip("/")
        counts[topic] = counts.get(topic, 0) + 1
    expected = {
        names.JOINT_STATES, names.WRENCH, names.HAIR_VOLUME, names.GOAL_VOLUME, names.PREDICTED_VOLUME,
        names.STROKE_PLAN, names.MARKERS, names.TRUE_STRANDS, names.controller_topic(names.CONTROLLER),
    }  # fmt: skip
    assert expected <= set(counts), expected - set(counts)
    assert counts[names.STROKE_PLAN] >= 2


def test_no_reading_is_missing_in_the_bag(demo: Demo) -> None:
    """Joint states and forces come every 4 ms of ROS time; the bag has each of them, from the first on."""
    stamps: dict[str, list[float]] = {names.JOINT_STATES: [], names.WRENCH: []}
    for message in read_bag(demo.bag):
        topic = message.topic.lstrip("/")
        if topic in stamps:
            seconds, nanoseconds = struct.unpack_from("<iI", message.data, 4)  # CDR: the header comes first
            stamps[topic].append(seconds + 1e-9 * nanoseconds)
    for topic, of in stamps.items():
        gaps = np.diff(of)
        missing = int(np.round(gaps / TICK - 1.0).sum())
        assert missing == 0, f"{topic}: {missing} of {len(of) + missing} readings; gap {gaps.max():.3f} s"
