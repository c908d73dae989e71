"""The stroke executor: a stroke becomes a joint motion, or is refused with the reason.

A cancel or a stop in mid-stroke leaves the comb where it is. The next stroke begins with the way out of the
hair; the service `go_ready` brings the arm to its ready posture without one.

    python -m robot_ros.nodes.stroke_executor --ros-args -p arm:=ur5e -p use_sim_time:=true

Motions are planned in a child process: this one computes nothing, and its heartbeat never stalls.
"""

from __future__ import annotations

import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
from combwise_interfaces.action import ExecuteStroke
from combwise_interfaces.msg import SafetyState
from combwise_interfaces.srv import PlanStroke
from control_msgs.action import FollowJointTrajectory
from geometry_msgs.msg import PoseStamped, WrenchStamped
from rclpy.clock import Clock
from rclpy.clock_type import ClockType
from rclpy.executors import SingleThreadedExecutor
from rclpy.node import Node
from sensor_msgs.msg import JointState
from std_srvs.srv import Trigger

from hairsim.errors import CombwiseError
from hairsim.tools.stroke import Stroke
from robot_ros.arms.arm import arm_named
from robot_ros.arms.motion import SECTIONS, StrokeMotion
from robot_ros.arms.stroke_planner import PlannerConfig, StrokeAnswer, StrokeRequest, make_stroke_planner
from robot_ros.calibrate.file import read_calibration
from robot_ros.head_place import HeadPlace
from robot_ros.nodes import convert, names, qos
from robot_ros.nodes.action_client import LockedActionClient
from robot_ros.nodes.cell_options import CELL_PARAMS
from robot_ros.nodes.deferred import DeferredGoal, State, serve_deferred
from robot_ros.nodes.follow_server import write_trajectory
from robot_ros.nodes.head_options import BASE_FRAME
from robot_ros.nodes.node import ManagedNode, run
from robot_ros.nodes.parameters import declare
from robot_ros.nodes.polled import Polled
from robot_ros.safety.verdict import Mode
from robot_ros.worker import Worker

PARAMS = (*CELL_PARAMS, BASE_FRAME)

SILENCE = 5.0
"""Wall time without a word from the supervisor after which a stroke is given up [s]; the arm comes to rest
after a fifth of a second by itself."""

HEAR = 0.05
"""Wall time between two looks at what was measured [s]."""

PLANNING = 300.0
"""Longest time to plan one motion [s]."""

STARTING = 900.0
"""Longest time for the planning process to start [s]."""

RESULT = ExecuteStroke.Result


class StrokeExecutor(ManagedNode):
    """Serves ExecuteStroke and PlanStroke; asks the supervisor to move."""

    BEATS_AS = "executor"

    def __init__(self) -> None:
        super().__init__(names.STROKE_EXECUTOR)
        self._options = declare(self, PARAMS)
        self._head = HeadPlace(self._options["base_frame"])
        self._joints: np.ndarray | None = None
        self._force = self._peak = 0.0
        self._safety: Any | None = None
        self._heard = 0.0
        self._busy = threading.Lock()
        self._asking = threading.Lock()
        self._cancel = threading.Event()
        self._stopping = False

    def start(self) -> None:
        """Start the planning process, then serve."""
        arm, file = self._options["arm"], self._options["calibration"]
        self._arm = arm_named(arm)
        head = Path(self._options["head"]) if self._options["head"] else None
        config = PlannerConfig(arm, read_calibration(Path(file)) if file else None, head)
        self._planner: Worker[PlannerConfig, StrokeRequest, StrokeAnswer] = Worker(
            make_stroke_planner, config, name="stroke planner"
        )
        self._planner.await_ready(STARTING)
        self._measured = Polled(self, JointState, names.JOINT_STATES, qos.SENSOR)
        self._felt = Polled(self, WrenchStamped, names.WRENCH, qos.SENSOR)
        self._seen = Polled(self, PoseStamped, names.HEAD_POSE, qos.SENSOR)
        self._state = self.create_subscription(SafetyState, names.SAFETY_STATE, self._on_safety, qos.STATE)
        wall = Clock(clock_type=ClockType.STEADY_TIME)
        self._timer = self.create_timer(HEAR, self._hear, clock=wall)
        self._desk = Desk(self.get_namespace(), self._on_plan, self._on_ready)
        self._follow = LockedActionClient(self, FollowJointTrajectory, names.FOLLOW)
        self._server = serve_deferred(
            self, ExecuteStroke, names.EXECUTE_STROKE, self._accepted, self._cancel.set
        )

    def stop(self) -> None:
        """Serve no more; a stroke under way is cancelled."""
        self._cancel.set()
        # A stroke under way asks the supervisor to stop before its clients are gone.
        self._stopping = not self._soon(lambda: not self._busy.locked(), 2.0)
        self._server.destroy()
        self._follow.destroy()
        self._desk.close()
        self.destroy_subscription(self._state)
        self.destroy_timer(self._timer)
        for polled in (self._measured, self._felt, self._seen):
            polled.close()
        self._planner.close()

    def report(self) -> tuple[bool, str, dict[str, str]]:
        """Tell whether a stroke is under way, and what would keep one from being planned."""
        if self._head.refused:
            return False, self._head.refused, {}
        return True, "combing" if self._busy.locked() else "waiting", {}

    # ---- what is heard ----

    def _hear(self) -> None:
        """Take what was measured since the last time."""
        joints = self._measured.newest()
        if joints is not None:
            order = {name: number for number, name in enumerate(joints.name)}
            if all(name in order for name in self._arm.joints):
                self._joints = np.array([joints.position[order[name]] for name in self._arm.joints])
        for wrench in self._felt.take():
            f = wrench.wrench.force
            self._force = float(np.sqrt(f.x**2 + f.y**2 + f.z**2))
            self._peak = max(self._peak, self._force)
        for head in self._seen.take():
            self._head.feed(convert.from_pose(head.pose), head.header.frame_id)

    def _on_safety(self, message: Any) -> None:
        self._safety, self._heard = message, time.monotonic()

    # ---- planning ----

    def _on_plan(self, request: Any, response: Any) -> Any:
        answer = self._plan(request.stroke)
        response.possible, response.reason = answer.motion is not None, answer.text
        if answer.motion is not None:
            response.duration = float(answer.motion.trajectory.times[-1])
            response.hair_speed = float(answer.motion.hair_speed)
        elif answer.reason is not None:
            response.kind, response.waypoint = answer.reason.kind, answer.reason.waypoint
            response.excess, response.unit = float(answer.reason.excess), answer.reason.unit
        return response

    def _plan(self, message: Any | None) -> StrokeAnswer:
        """Ask the child for the motion of a Stroke message, or back to ready, from where the arm is."""
        fields = ("azimuth", "elevation", "heading", "length", "depth", "tilt", "roll", "speed")
        if self._head.refused:
            return StrokeAnswer(None, self._head.refused)
        try:
            stroke = None if message is None else Stroke(*(getattr(message, name) for name in fields))
            with self._asking:
                self._planner.ask(StrokeRequest(stroke, self._joints, self._head.head_to_base()))
                return self._planner.answer(PLANNING)
        except CombwiseError as error:
            return StrokeAnswer(None, str(error))

    def _on_ready(self, _: Any, response: Any) -> Any:
        """Bring the arm to its ready posture; answer when it is there."""
        if not self._busy.acquire(blocking=False):
            response.message = "a stroke is under way; cancel it first"
            return response
        self._cancel.clear()
        try:
            result = self._move(None, convert.to_time(0.0), lambda _: None)
        finally:
            self._busy.release()
        self.get_logger().info(f"going to the ready posture ended with code {result.code}: {result.message}")
        response.success, response.message = result.code == RESULT.DONE, result.message
        return response

    # ---- combing ----

    def _accepted(self, goal: DeferredGoal) -> None:
        """Take a stroke on in a thread of its own, or refuse it."""
        if not self._busy.acquire(blocking=False):
            goal.finish(State.ABORTED, RESULT(code=RESULT.REFUSED, message="another stroke is under way"))
            return
        self._cancel.clear()
        threading.Thread(target=self._execute, args=(goal,), name="stroke", daemon=True).start()

    def _execute(self, goal: DeferredGoal) -> None:
        """Comb one stroke and say how it ended."""
        try:
            plan = goal.request.plan
            result = self._move(plan.stroke, plan.header.stamp, goal.feedback)
        finally:
            self._busy.release()
        self.get_logger().info(f"stroke ended with code {result.code}: {result.message}")
        states = {RESULT.DONE: State.SUCCEEDED, RESULT.CANCELLED: State.CANCELLED}
        goal.finish(states.get(result.code, State.ABORTED), result)

    def _move(self, stroke: Any | None, stamp: Any, tell: Callable[[Any], None]) -> Any:
        """Plan a stroke, or with none the way to ready, and see it through; return the result.

        Args:
            stroke: Stroke message.
            stamp: when the head was seen that it was planned for; zero for now.
            tell: takes feedback.
        """
        refusal = self._not_ready()
        if refusal:
            return RESULT(code=RESULT.REFUSED, message=refusal)
        answer = self._plan(stroke)
        if answer.motion is None:
            return RESULT(code=RESULT.REFUSED, message=answer.text)
        if self._cancel.is_set():
            return RESULT(code=RESULT.CANCELLED, message="cancelled before anything moved")
        t = answer.motion.trajectory
        if len(t.times) < 2:
            return RESULT(code=RESULT.DONE, message="the arm is there already")
        goal = FollowJointTrajectory.Goal(
            trajectory=write_trajectory(t.joints, t.times, t.positions, t.velocities)
        )
        goal.trajectory.header.stamp = stamp
        return self._follow_through(answer.motion, goal, tell)

    def _not_ready(self) -> str:
        """Return why no stroke can start now, or ''; a node that just came up hears others a moment later."""
        self._soon(lambda: self._joints is not None and self._safety is not None, SILENCE)
        if self._joints is None:
            return "no joint state yet"
        if self._safety is None or time.monotonic() - self._heard > SILENCE:
            return "the safety supervisor is silent; nothing moves without it"
        if self._safety.mode not in (Mode.READY, Mode.SLOWED):
            mode = Mode(self._safety.mode).name.lower()
            found = "; ".join(f.text for f in self._safety.findings)
            return f"the safety supervisor is in mode {mode}" + (f": {found}" if found else "; reset it")
        if not self._follow.server_is_ready():
            return "the safety supervisor serves no motions"
        return ""

    def _follow_through(self, motion: StrokeMotion, goal: Any, tell: Callable[[Any], None]) -> Any:
        """Send the motion to the supervisor and see it through."""
        progress = _Progress(motion)
        sent = self._follow.send_goal_async(goal, feedback_callback=progress.hear)
        if not self._soon(sent.done, SILENCE):
            sent.add_done_callback(lambda late: late.result().accepted and late.result().cancel_goal_async())
            return RESULT(code=RESULT.STOPPED, message="the safety supervisor did not answer")
        following = sent.result()
        assert following is not None, "a finished future has a result"
        outcome = following.get_result_async()
        self._peak, cancelled = 0.0, False
        while not outcome.done():
            if self._cancel.is_set() and not cancelled:
                following.cancel_goal_async()
                cancelled = True
            if self._stopping:
                return RESULT(code=RESULT.STOPPED, message="the executor was told to end")
            if time.monotonic() - self._heard > SILENCE:
                return RESULT(
                    code=RESULT.STOPPED, peak_force=self._peak, duration=progress.tau,
                    message=f"the safety supervisor has been silent for {SILENCE:g} s; the arm came to rest",
                )  # fmt: skip
            section, share = progress.where()
            tell(ExecuteStroke.Feedback(section=section, progress=share, force=self._force))
            time.sleep(0.05)
        told = outcome.result().result
        code = {
            FollowJointTrajectory.Result.SUCCESSFUL: RESULT.CANCELLED if cancelled else RESULT.DONE,
            names.FOLLOW_STOPPED: RESULT.STOPPED,
            names.FOLLOW_SNAGGED: RESULT.SNAGGED,
        }.get(told.error_code, RESULT.CONTROLLER)
        if code == RESULT.CANCELLED and not told.error_string:
            code = RESULT.DONE  # it was over before the cancel arrived
        return RESULT(code=code, message=told.error_string, peak_force=self._peak, duration=progress.tau)

    @staticmethod
    def _soon(condition: Any, seconds: float = 1.0) -> bool:
        """Wait a moment for a condition; return whether it came."""
        end = time.monotonic() + seconds
        while not condition():
            if time.monotonic() > end:
                return False
            time.sleep(0.002)
        return True


class _Progress:
    """Where along a motion the supervisor's feedback says that the arm is."""

    def __init__(self, motion: StrokeMotion) -> None:
        times = motion.trajectory.times
        self._ends = [float(times[last]) for _, last in motion.sections]
        self.tau = 0.0

    def hear(self, message: Any) -> None:
        """Take the supervisor's feedback."""
        self.tau = convert.seconds(message.feedback.desired.time_from_start)

    def where(self) -> tuple[str, float]:
        """Return the section and the share of the whole motion."""
        number = next((n for n, end in enumerate(self._ends) if self.tau <= end), len(SECTIONS) - 1)
        return SECTIONS[number], min(1.0, self.tau / max(self._ends[-1], 1e-9))


class Desk:
    """Answers services from a thread of its own: planning takes seconds, and no cancel waits for it."""

    def __init__(
        self, namespace: str, plan: Callable[[Any, Any], Any], ready: Callable[[Any, Any], Any]
    ) -> None:
        self._node = Node("stroke_desk", namespace=namespace, use_global_arguments=False)
        self._node.create_service(PlanStroke, names.PLAN_STROKE, plan)
        self._node.create_service(Trigger, names.GO_READY, ready)
        self._executor = SingleThreadedExecutor()
        self._executor.add_node(self._node)
        self._thread = threading.Thread(target=self._executor.spin, name="stroke desk", daemon=True)
        self._thread.start()

    def close(self) -> None:
        """Answer no more."""
        self._executor.shutdown(timeout_sec=1.0)
        self._thread.join(timeout=1.0)
        self._node.destroy_node()


def main() -> int:
    """Run the executor."""
    return run(StrokeExecutor, real_time=True)


if __name__ == "__main__":
    sys.exit(main())
