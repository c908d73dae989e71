"""Eyes and hands of the styling loop in the ROS graph: goal server, hair observer, stroke executor.

Used from the one thread of the loop; messages arrive in the thread of the node's executor. Nothing here
computes. Every wait ends when the user cancels.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from action_msgs.msg import GoalStatus
from combwise_interfaces.action import ExecuteStroke
from combwise_interfaces.msg import HairVolume as HairVolumeMessage
from combwise_interfaces.msg import SafetyState, StrokePlan
from combwise_interfaces.srv import LoadGoal, PlanStroke
from rclpy.node import Node
from sensor_msgs.msg import CompressedImage
from std_srvs.srv import Trigger
from visualization_msgs.msg import Marker, MarkerArray

from hairsim.errors import CombwiseError
from hairsim.head.head import Head
from hairsim.tools.stroke import Stroke
from hairsim.tools.tool import rake_comb
from hairsim.volume import HairVolume
from robot_ros.nodes import convert, markers, names, qos
from robot_ros.nodes.action_client import LockedActionClient
from robot_ros.nodes.hair_messages import (
    from_volume_message,
    to_plan_message,
    to_stroke_message,
    to_volume_message,
)
from robot_ros.planner_process import Trait
from robot_ros.safety.verdict import Mode
from robot_ros.styling import Executed, Outcome

ANSWER = 60.0
"""Longest wall time for an answer that needs no computing to speak of [s]."""

PLANNING = 300.0
"""Longest wall time for the arm's answer about a stroke [s]."""

SILENCE = 5.0
"""Wall time without the stroke executor, or without a word from the supervisor, that ends a stroke [s]."""


@dataclass(frozen=True)
class Wish:
    """What one StyleHair goal asks for.

    Attributes:
        goal: file to load first; empty takes what the goal server has.
        cancelled: whether the user gave up.
        feedback: told the number of the stroke, the phase and the cost as last seen [mm].
        rest: ROS time between a stroke's end and the next look [s].
        look: longest wall time for one look [s].
    """

    goal: str
    cancelled: Callable[[], bool]
    feedback: Callable[[int, str, float], None]
    rest: float = 1.0
    look: float = 300.0


class StylingHands:
    """Talks to the graph; made once, given a new `wish` for each StyleHair goal."""

    def __init__(self, node: Node, head: Head, trait: Trait, planner: str) -> None:
        self._node, self._head, self._trait, self._planner = node, head, trait, planner
        self.wish: Wish | None = None
        self.picture: CompressedImage | None = None
        self._hair: HairVolumeMessage | None = None
        self._goal: HairVolumeMessage | None = None
        self._goals = 0
        self._safety: SafetyState | None = None
        self._heard = 0.0
        self._seen_at = convert.to_time(0.0)
        self._stroke_end = 0.0
        self._leaving = False
        self._drawn: dict[str, list[Marker]] = {}
        subscribe, publish = node.create_subscription, node.create_publisher
        self._inputs = [
            subscribe(HairVolumeMessage, names.HAIR_VOLUME, self._on_hair, qos.LATCHED),
            subscribe(HairVolumeMessage, names.GOAL_VOLUME, self._on_goal, qos.LATCHED),
            subscribe(CompressedImage, names.HAIR_PICTURE, self._on_picture, qos.LATCHED),
            subscribe(SafetyState, names.SAFETY_STATE, self._on_safety, qos.STATE),
        ]
        self._plan_out = publish(StrokePlan, names.STROKE_PLAN, qos.LATCHED)
        self._predicted_out = publish(HairVolumeMessage, names.PREDICTED_VOLUME, qos.LATCHED)
        self._markers_out = publish(MarkerArray, names.MARKERS, qos.LATCHED)
        self._look = node.create_client(Trigger, names.LOOK)
        self._load = node.create_client(LoadGoal, names.LOAD_GOAL)
        self._possible = node.create_client(PlanStroke, names.PLAN_STROKE)
        self._execute = LockedActionClient(node, ExecuteStroke, names.EXECUTE_STROKE)

    def leave(self) -> None:
        """End every wait: nobody hears answers any more."""
        self._leaving = True

    def close(self) -> None:
        """Let go of everything."""
        for subscription in self._inputs:
            self._node.destroy_subscription(subscription)
        for publisher in (self._plan_out, self._predicted_out, self._markers_out):
            self._node.destroy_publisher(publisher)
        for client in (self._look, self._load, self._possible):
            self._node.destroy_client(client)
        self._execute.destroy()

    # ---- what is heard ----

    def _on_hair(self, message: Any) -> None:
        self._hair = message

    def _on_goal(self, message: Any) -> None:
        self._goal, self._goals = message, self._goals + 1

    def _on_picture(self, message: Any) -> None:
        self.picture = message

    def _on_safety(self, message: Any) -> None:
        self._safety, self._heard = message, time.monotonic()

    # ---- what the loop asks, see robot_ros.styling.Hands ----

    def cancelled(self) -> bool:
        """Return whether the user gave up."""
        return self._leaving or (self.wish is not None and self.wish.cancelled())

    def check(self) -> None:
        """Raise CombwiseError if the user gave up."""
        if self.cancelled():
            raise CombwiseError("cancelled")

    def goal(self) -> HairVolume:
        """Return the wanted hair, loaded now if the wish names a file."""
        assert self.wish is not None
        if self.wish.goal:
            before = self._goals
            # The goal server may have been started in another folder.
            request = LoadGoal.Request(path=str(Path(self.wish.goal).absolute()))
            answer = self._ask("the goal server", self._load, request, ANSWER)
            if not answer.success:
                raise CombwiseError(f"the goal cannot be loaded: {answer.message}")
            self._wait("the goal volume", lambda: self._goals > before, ANSWER)
        if self._goal is None:
            self._wait("a goal (name one, or load one: service load_goal)", lambda: self._goal, ANSWER)
        assert self._goal is not None
        volume = self._volume(self._goal, "the goal server")
        stamp = self._goal.header.stamp
        self._draw(markers.GOAL, [markers.hair_marker(volume, markers.GOAL, stamp)])
        return volume

    def look(self) -> HairVolume:
        """Return the hair as it is from now on, at rest."""
        wish = self.wish
        assert wish is not None
        rested = self._stroke_end + wish.rest
        self._wait("rest after the stroke", lambda: self._now() >= rested or self._now() < 1.0, wish.look)
        asked, end = max(rested, self._now()), time.monotonic() + wish.look
        reason = ""
        while time.monotonic() < end:
            answer = self._ask("the hair observer", self._look, Trigger.Request(), ANSWER)
            if answer.success and self._soon(lambda: self._looked_after(asked), min(ANSWER, wish.look)):
                assert self._hair is not None
                self._seen_at = self._hair.header.stamp
                return self._volume(self._hair, "the hair observer")
            reason = answer.message or "it is waiting for pictures"
            self._soon(lambda: False, 0.5)
        raise CombwiseError(f"no look at the hair within {wish.look:g} s; the hair observer says: {reason}")

    def why_not(self, stroke: Stroke) -> str | None:
        """Return why the arm cannot make a stroke, or None."""
        request = PlanStroke.Request(stroke=to_stroke_message(stroke))
        answer = self._ask("the stroke executor", self._possible, request, PLANNING)
        if answer.possible:
            return None
        self._node.get_logger().info(f"the arm cannot make a stroke: {answer.reason}")
        self._draw(
            markers.REFUSED,
            markers.stroke_markers(stroke, self._head, rake_comb(), self._seen_at, refused=True),
        )
        return answer.reason

    def execute(self, stroke: Stroke, predicted_cost: float, prediction: HairVolume | None) -> Executed:
        """Comb; return how it went."""
        stopped = self._not_allowed()
        if stopped:
            return Executed(Outcome.STOPPED, stopped, 0.0)
        plan = to_plan_message(stroke, predicted_cost, self._planner, self._seen_at)
        self._show(stroke, prediction, plan)
        self._wait("the stroke executor", self._execute.server_is_ready, ANSWER)
        sent = self._execute.send_goal_async(ExecuteStroke.Goal(plan=plan))
        self._wait("the stroke executor's word", sent.done, ANSWER)
        handle = sent.result()
        assert handle is not None, "a finished future has a result"
        if not handle.accepted:
            return Executed(Outcome.REFUSED, "the stroke executor did not take the stroke", 0.0)
        return self._see_through(handle)

    def tell(self, number: int, phase: str, cost: float) -> None:
        """Pass on what is being done."""
        assert self.wish is not None
        self.wish.feedback(number, phase, cost)

    # ---- how ----

    def _see_through(self, handle: Any) -> Executed:
        """Wait for the end of a stroke; pass a cancel on."""
        outcome, cancelled, alive = handle.get_result_async(), False, time.monotonic()
        while not outcome.done():
            if self.cancelled() and not cancelled:
                handle.cancel_goal_async()
                cancelled = True
            if self._leaving:
                # The supervisor stops the arm as well: it misses the planner's heartbeat.
                return Executed(Outcome.CANCELLED, "the planner was told to end", 0.0)
            if self._execute.server_is_ready():
                alive = time.monotonic()
            elif time.monotonic() - alive > SILENCE:
                # The supervisor stops the arm by itself: it misses the executor's heartbeat.
                return Executed(Outcome.STOPPED, "the stroke executor is gone", 0.0)
            time.sleep(0.02)
        self._stroke_end = self._now()
        told = outcome.result()
        if told.status == GoalStatus.STATUS_UNKNOWN:
            return Executed(Outcome.STOPPED, "the stroke executor forgot the stroke: it was restarted", 0.0)
        result = told.result
        return Executed(int(result.code), result.message, result.peak_force, result.duration)

    def _not_allowed(self) -> str:
        """Return why the supervisor lets nothing move, or ''."""
        if self._safety is None or time.monotonic() - self._heard > SILENCE:
            return "the safety supervisor is silent"
        mode = Mode(self._safety.mode)
        if mode in (Mode.READY, Mode.SLOWED):
            return ""
        found = "; ".join(finding.text for finding in self._safety.findings)
        return f"mode {mode.name.lower()}" + (f": {found}" if found else "; reset it: service safety/reset")

    def _looked_after(self, asked: float) -> bool:
        """Whether a volume of a moment after `asked` [s] is there, not that of the last look."""
        if self._hair is None or self._hair.header.stamp == self._seen_at:
            return False
        # The observer's clock may have ticked once less than ours.
        return convert.seconds(self._hair.header.stamp) >= asked - 0.1

    def _volume(self, message: Any, whose: str) -> HairVolume:
        volume = from_volume_message(message)
        if volume.grid != self._trait.grid:
            raise CombwiseError(
                f"{whose} gives volumes of {volume.grid.shape} voxels of {1000 * volume.grid.voxel:g} mm; "
                f"expected the model's {self._trait.grid.shape} of {1000 * self._trait.grid.voxel:g} mm "
                "(parameter grid)"
            )
        if message.observer != self._trait.observer:
            raise CombwiseError(
                f"{whose} has version '{message.observer}'; "
                f"the model was trained with '{self._trait.observer}'"
            )
        return volume

    def _show(self, stroke: Stroke, prediction: HairVolume | None, plan: StrokePlan) -> None:
        """Publish a decision for whoever watches or records."""
        self._plan_out.publish(plan)
        seen = plan.header.stamp
        self._drawn.pop(markers.REFUSED, None)
        drawn = markers.stroke_markers(stroke, self._head, rake_comb(), seen)
        if prediction is not None:
            self._predicted_out.publish(to_volume_message(prediction, seen, self._trait.observer))
            self._drawn[markers.PREDICTED] = [markers.hair_marker(prediction, markers.PREDICTED, seen)]
        self._draw(markers.STROKE, drawn, gone=markers.cleared(markers.REFUSED, seen))

    def _draw(self, space: str, drawn: list[Marker], gone: list[Marker] | None = None) -> None:
        """Publish all markers there are: who comes late gets the newest message only."""
        self._drawn[space] = drawn
        everything = [marker for group in self._drawn.values() for marker in group]
        self._markers_out.publish(markers.marker_array(*(gone or []), *everything))

    def _ask(self, whose: str, client: Any, request: Any, seconds: float) -> Any:
        """Call a service and wait for its answer."""
        self._wait(whose, client.service_is_ready, ANSWER)
        future = client.call_async(request)
        self._wait(f"{whose}'s answer", future.done, seconds)
        return future.result()

    def _wait(self, what: str, condition: Callable[[], Any], seconds: float) -> None:
        """Wait for something.

        Raises:
            CombwiseError: it did not come, or the user gave up.
        """
        if not self._soon(condition, seconds):
            raise CombwiseError(f"waited {seconds:g} s for {what} in vain")

    def _soon(self, condition: Callable[[], Any], seconds: float) -> bool:
        end = time.monotonic() + seconds
        while not condition():
            self.check()
            if time.monotonic() > end:
                return False
            time.sleep(0.01)
        return True

    def _now(self) -> float:
        return 1e-9 * self._node.get_clock().now().nanoseconds
