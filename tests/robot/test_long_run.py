"""Ten minutes of combing over real processes, with nothing wrong: nothing trips."""

from __future__ import annotations

import time
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

pytest.importorskip("combwise_interfaces.msg", reason="nodes need make ros")
pytest.importorskip("pinocchio", reason="arms need the arms extra")

from combwise_interfaces.action import ExecuteStroke

from benchmarks.random_strokes import random_stroke
from benchmarks.robot_graph import RobotGraph
from hairsim.head.parametric import parametric_head
from hairsim.tools.stroke import Stroke
from robot_ros.arms.stroke_planner import reach_of
from robot_ros.safety.verdict import Level, Mode
from tests.robot.ros_process import ros_domain

pytestmark = [pytest.mark.slow, pytest.mark.timeout(3600)]

MINUTES = 10.0
"""Of ROS time."""

STROKES = 6


def _strokes() -> list[Stroke]:
    """Return gentle strokes all over the arm's reach: what pulls hard is stopped for a reason."""
    reach, head, rng = reach_of("ur5e"), parametric_head(), np.random.default_rng(7)
    found: list[Stroke] = []
    while len(found) < STROKES:
        stroke = replace(random_stroke(rng, head), depth=0.02)
        if reach(stroke):
            found.append(stroke)
    return found


def told_since(graph: RobotGraph, wall: float) -> list[Any]:
    """Return the supervisor's interventions since a time of the wall clock."""
    return [f for h in graph.probe.since("safety", wall) for f in h.message.interventions]


def test_ten_minutes_of_combing_trip_nothing(tmp_path: Path) -> None:
    strokes = _strokes()
    with ros_domain():
        graph = RobotGraph(tmp_path, speed=0.0)
        try:
            graph.await_mode(Mode.READY)
            began, wall, combed = graph.now(), time.monotonic(), 0
            while graph.now() - began < 60.0 * MINUTES:
                graph.wait("the executor", graph.execute.server_is_ready)
                sent = graph.execute.send_goal_async(graph.stroke_goal(strokes[combed % STROKES]))
                future = graph.future("an accepted stroke", sent).get_result_async()
                result = graph.future("the stroke", future, seconds=600.0).result
                why = [result.message, *(finding.text for finding in told_since(graph, wall))]
                assert result.code == ExecuteStroke.Result.DONE, f"stroke {combed}: {why}"
                combed += 1
                graph.probe.forget("joints", "wrench", "head", "pieces")
            told = told_since(graph, wall)
            passed = graph.now() - began
        finally:
            graph.close()
    print(f"{combed} strokes in {passed:.0f} s of ROS time, {time.monotonic() - wall:.0f} s of wall time")
    assert [finding.text for finding in told if finding.level >= Level.STOP] == []
    assert {finding.rule for finding in told} <= {"pull", "press", "force rate"}, (
        "only hair that pulls may slow the arm down"
    )
