"""The styling planner as a process, before an arm and eyes that do as told: refuse, hold on, stop."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

pytest.importorskip("combwise_interfaces.msg", reason="nodes need make ros")

import rclpy
from combwise_interfaces.action import ExecuteStroke
from combwise_interfaces.msg import HairVolume as HairVolumeMessage
from combwise_interfaces.msg import SafetyFinding, SafetyState, StrokePlan
from combwise_interfaces.srv import LoadGoal, PlanStroke
from rclpy.executors import SingleThreadedExecutor
from std_msgs.msg import Empty
from std_srvs.srv import Trigger
from visualization_msgs.msg import MarkerArray

from hairsim.volume import HairVolume
from planner.observe import OBSERVER_VERSION
from robot_ros.demo.client import Styling, StylingClient
from robot_ros.nodes import markers, names, qos
from robot_ros.nodes.deferred import DeferredGoal, State, serve_deferred
from robot_ros.nodes.hair_messages import from_stroke_message, to_volume_message
from robot_ros.safety.verdict import Mode
from robot_ros.styling import Ending
from tests.planner_scene import Scene, lock_moved, scene
from tests.robot.ros_process import RosProcess, ros_domain

__all__ = ["scene"]  # fixture

pytestmark = [pytest.mark.slow, pytest.mark.timeout(1200)]

PATIENCE = 600.0
RESULT = ExecuteStroke.Result


class Bench:
    """Goal server, observer, executor and supervisor of the test."""

    def __init__(self, hair: HairVolume, goal: HairVolume) -> None:
        self.node = rclpy.create_node("bench")
        self.hair, self.wanted = hair, goal
        self.refusals, self.holds = 0, False
        self.mode, self.finding = Mode.READY, ""
        self.asked: list[Any] = []
        self.combed: list[Any] = []
        self.plans: list[StrokePlan] = []
        self.drawn: list[MarkerArray] = []
        self.beats = 0
        self._goal: DeferredGoal | None = None
        make, node = self.node.create_publisher, self.node
        self._hair_out = make(HairVolumeMessage, names.HAIR_VOLUME, qos.LATCHED)
        self._goal_out = make(HairVolumeMessage, names.GOAL_VOLUME, qos.LATCHED)
        self._safety_out = make(SafetyState, names.SAFETY_STATE, qos.STATE)
        node.create_service(Trigger, names.LOOK, self._look)
        node.create_service(LoadGoal, names.LOAD_GOAL, self._load)
        node.create_service(PlanStroke, names.PLAN_STROKE, self._plan)
        node.create_subscription(StrokePlan, names.STROKE_PLAN, self.plans.append, qos.LATCHED)
        node.create_subscription(MarkerArray, names.MARKERS, self.drawn.append, qos.LATCHED)
        node.create_subscription(Empty, names.heartbeat_topic("planner"), self._beat, qos.BEAT)
        serve_deferred(node, ExecuteStroke, names.EXECUTE_STROKE, self._comb, self._cancel)
        node.create_timer(0.1, self._tell)
        self._executor = SingleThreadedExecutor()
        self._executor.add_node(node)
        threading.Thread(target=self._executor.spin, daemon=True).start()

    def close(self) -> None:
        self._executor.shutdown()
        self.node.destroy_node()

    def _message(self, volume: HairVolume) -> HairVolumeMessage:
        return to_volume_message(volume, self.node.get_clock().now().to_msg(), OBSERVER_VERSION)

    def _look(self, _: Any, response: Any) -> Any:
        self._hair_out.publish(self._message(self.hair))
        response.success = True
        return response

    def _load(self, request: Any, response: Any) -> Any:
        response.success = "wanted" in request.path
        response.message = "" if response.success else f"{request.path} does not exist"
        if response.success:
            self._goal_out.publish(self._message(self.wanted))
        return response

    def _plan(self, request: Any, response: Any) -> Any:
        self.asked.append(request.stroke)
        response.possible = self.refusals == 0
        response.reason = "" if response.possible else "waypoint 3 is out of reach by 20 mm"
        self.refusals = max(0, self.refusals - 1)
        return response

    def _comb(self, goal: DeferredGoal) -> None:
        self.combed.append(goal.request.plan)
        if self.holds:
            self._goal = goal
        else:
            goal.finish(State.SUCCEEDED, RESULT(code=RESULT.DONE, peak_force=0.5, duration=2.0))

    def _cancel(self) -> None:
        goal, self._goal = self._goal, None
        if goal is not None:  # the server marks a goal as cancelled once this has returned
            result = RESULT(code=RESULT.CANCELLED, message="at rest in the hair")
            threading.Timer(0.2, goal.finish, (State.CANCELLED, result)).start()

    def _tell(self) -> None:
        state = SafetyState(mode=int(self.mode), share=1.0)
        if self.finding:
            state.findings = [SafetyFinding(text=self.finding)]
        self._safety_out.publish(state)

    def _beat(self, _: Any) -> None:
        self.beats += 1


class Stage:
    """The bench, the process under test, and who asks."""

    def __init__(self, bench: Bench, process: RosProcess, client: StylingClient) -> None:
        self.bench, self.process, self.client = bench, process, client
        self.heard: list[Any] = []

    def check(self) -> None:
        assert self.process.running, self.process.log.read_text(encoding="utf-8")

    def begin(self, goal: str = "wanted.npz", strokes: int = 1) -> Styling:
        self.heard, self.bench.asked, self.bench.combed = [], [], []
        return self.client.begin(goal, strokes=strokes, seed=1, heard=self.heard.append)

    def end(self, styling: Styling) -> Any:
        return styling.result(self.check, seconds=PATIENCE)

    def wait(self, what: str, condition: Callable[[], bool]) -> None:
        end = time.monotonic() + PATIENCE
        while not condition():
            self.check()
            assert time.monotonic() < end, what
            time.sleep(0.02)

    def phases(self) -> list[str]:
        return [feedback.phase for feedback in self.heard]


@pytest.fixture(scope="module")
def stage(scene: Scene, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stage]:
    with ros_domain():
        log = tmp_path_factory.mktemp("styling") / "planner.log"
        options = {"preset": "quick", "rest": 0.1, "strokes": 2, "within_reach": False}
        process = RosProcess("robot_ros.nodes.styling_planner", options, log)
        bench, client = Bench(scene.volume, lock_moved(scene, 0.05)), StylingClient()
        stage = Stage(bench, process, client)
        try:
            client.await_ready(stage.check, seconds=PATIENCE)
            yield stage
        finally:
            client.close()
            bench.close()
            process.stop()


def test_a_refused_stroke_is_told_and_another_is_combed(stage: Stage) -> None:
    bench = stage.bench
    bench.refusals = 1
    result = stage.end(stage.begin())
    assert result.code in (Ending.STROKE_LIMIT, Ending.NO_PROGRESS), result.message
    assert result.strokes == 1, result.message
    assert "1 refused by the arm" in result.message
    assert len(result.costs) == 2
    assert np.isfinite(result.costs).all()
    assert len(bench.asked) == 2
    assert bench.asked[0] != bench.asked[1] == bench.combed[0].stroke
    from_stroke_message(bench.combed[0].stroke)
    assert bench.combed[0].header.stamp.sec > 0, "when the hair was seen that the stroke was planned for"
    assert stage.phases()[:5] == ["look", "look", "look", "plan", "comb"]
    stage.wait("the plan", lambda: bool(bench.plans))
    assert bench.plans[-1].planner == "mppi quick"
    spaces = {marker.ns for array in bench.drawn for marker in array.markers}
    assert spaces == {markers.GOAL, markers.REFUSED, markers.STROKE, markers.PREDICTED}


def test_a_cancel_is_heard_in_mid_stroke(stage: Stage) -> None:
    stage.bench.holds = True
    styling = stage.begin()
    stage.wait("a stroke", lambda: bool(stage.bench.combed))
    again = stage.client.begin("", strokes=1, seed=0, heard=lambda _: None).result(seconds=60.0)
    assert again.code == Ending.FAILED
    assert "another styling is under way" in again.message
    styling.cancel()
    result = stage.end(styling)
    assert result.code == Ending.CANCELLED
    assert "cancelled in mid-stroke" in result.message
    assert result.strokes == 0
    stage.bench.holds = False


def test_a_cancel_is_heard_while_it_searches_and_the_next_goal_is_served(stage: Stage) -> None:
    styling = stage.begin()
    stage.wait("the search", lambda: "plan" in stage.phases())
    styling.cancel()
    assert stage.end(styling).code == Ending.CANCELLED
    assert not stage.bench.combed
    beats = stage.bench.beats
    assert beats > 0
    assert stage.end(stage.begin()).strokes == 1


def test_what_the_supervisor_says_ends_the_styling(stage: Stage) -> None:
    stage.bench.mode, stage.bench.finding = Mode.STOPPED, "pull of 6 N, limit 5 N"
    try:
        time.sleep(0.5)
        result = stage.end(stage.begin())
    finally:
        stage.bench.mode, stage.bench.finding = Mode.READY, ""
    assert result.code == Ending.STOPPED
    assert "mode stopped: pull of 6 N, limit 5 N" in result.message
    assert not stage.bench.combed


def test_a_goal_that_is_not_there_is_told_in_one_sentence(stage: Stage, tmp_path: Path) -> None:
    result = stage.end(stage.begin(str(tmp_path / "none.npz")))
    assert result.code == Ending.FAILED
    assert "none.npz does not exist" in result.message


def test_it_ends_in_an_orderly_way_in_mid_stroke(stage: Stage) -> None:
    stage.bench.holds = True
    stage.begin()
    stage.wait("a stroke", lambda: bool(stage.bench.combed))
    assert stage.process.stop(60.0) == 0
