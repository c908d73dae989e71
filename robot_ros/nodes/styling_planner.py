"""The styling planner: the StyleHair action. Look, plan, comb, look again until the hair looks like the goal.

    python -m robot_ros.nodes.styling_planner --ros-args -p use_sim_time:=true -p preset:=cpu

The loop is robot_ros/styling.py in a thread of its own, the search for strokes runs in a child process: this
process only passes messages on, and its heartbeat never stalls.
"""

from __future__ import annotations

import math
import sys
import threading
import time
from pathlib import Path

from combwise_interfaces.action import StyleHair
from sensor_msgs.msg import CompressedImage

from hairsim.errors import CombwiseError
from hairsim.head.head_file import head_or_built_in
from planner.episode import EpisodeConfig
from planner.planners.mppi_config import PRESETS
from robot_ros.nodes import names
from robot_ros.nodes.cell_options import CELL_PARAMS
from robot_ros.nodes.deferred import DeferredGoal, State, serve_deferred
from robot_ros.nodes.node import ManagedNode, run
from robot_ros.nodes.parameters import Param, declare, value
from robot_ros.nodes.styling_hands import StylingHands, Wish
from robot_ros.planner_process import PlannerChoice, PlannerProcess
from robot_ros.styling import Ended, Ending, StylingLoop

PARAMS = (
    *CELL_PARAMS,
    Param("preset", "cpu", "how far MPPI searches", choices=tuple(PRESETS)),
    Param("within_reach", True, "search among the strokes that the arm can make; else it refuses them later"),
    Param("weights", "", "checkpoint of the learned model; empty for the shipped one"),
    Param("device", "cpu", "where the model computes: cpu, cuda or cuda:N"),
    Param("strokes", 5, "most strokes where a goal names none", low=1, high=100, live=True),
    Param("patience", 2, "looks in a row without progress that end it", low=1, high=20, live=True),
    Param("tries", 8, "strokes that the arm is asked about at one look", low=1, high=50, live=True),
    Param("snags", 2, "how often a snagged stroke is tried again, halved", low=0, high=5, live=True),
    Param("rest", 1.0, "time between a stroke and the next look [s]", low=0.0, high=30.0, live=True),
    Param("look_time", 300.0, "longest wall time for one look [s]", low=1.0, high=3600.0, live=True),
)

LOADING = 900.0
"""Longest time to load the model [s]."""

RESULT = StyleHair.Result

STATES = {
    Ending.REACHED: State.SUCCEEDED,
    Ending.NO_PROGRESS: State.SUCCEEDED,
    Ending.STROKE_LIMIT: State.SUCCEEDED,
    Ending.CANCELLED: State.CANCELLED,
    Ending.STOPPED: State.ABORTED,
    Ending.FAILED: State.ABORTED,
}


class StylingPlanner(ManagedNode):
    """Serves StyleHair."""

    BEATS_AS = "planner"

    def __init__(self) -> None:
        super().__init__(names.STYLING_PLANNER)
        self.options = declare(self, PARAMS)
        self._head = head_or_built_in(self.options["head"])
        self._busy = threading.Lock()
        self._cancel = threading.Event()
        self._hands: StylingHands | None = None
        self._phase, self._ended = "", ""

    def start(self) -> None:
        """Load the model, then serve."""
        options = self.options
        weights = Path(options["weights"]) if options["weights"] else None
        placed = Path(options["calibration"]) if options["calibration"] else None
        arm = options["arm"] if options["within_reach"] else ""
        head = Path(options["head"]) if options["head"] else None
        choice = PlannerChoice(options["preset"], weights, options["device"], arm, placed, head)
        self._planner = PlannerProcess(choice, patience=self._check)
        try:
            self._trait = self._planner.await_ready(LOADING)
        except CombwiseError:
            self._planner.close()
            raise
        self._hands = StylingHands(self, self._head, self._trait, f"{self._planner.name} {options['preset']}")
        self._cancel.clear()
        self._server = serve_deferred(self, StyleHair, names.STYLE_HAIR, self._accepted, self._cancel.set)

    def stop(self) -> None:
        """Serve no more; styling under way is cancelled."""
        self._cancel.set()
        if self._hands is not None:
            self._hands.leave()
        end = time.monotonic() + 3.0
        while self._busy.locked() and time.monotonic() < end:
            time.sleep(0.01)
        self._server.destroy()
        if self._hands is not None:
            self._hands.close()
            self._hands = None
        self._planner.close()

    def report(self) -> tuple[bool, str, dict[str, str]]:
        """Tell what is being done, and how the last styling ended."""
        return True, self._phase or "waiting", {"last": self._ended} if self._ended else {}

    def _accepted(self, goal: DeferredGoal) -> None:
        """Style in a thread of its own, or refuse."""
        if not self._busy.acquire(blocking=False):
            goal.finish(State.ABORTED, RESULT(code=RESULT.FAILED, message="another styling is under way"))
            return
        self._cancel.clear()
        threading.Thread(target=self._style, args=(goal,), name="styling", daemon=True).start()

    def _style(self, goal: DeferredGoal) -> None:
        """Run the loop and say how it ended, whatever happens."""
        assert self._hands is not None
        state, result = State.ABORTED, RESULT(code=RESULT.FAILED, message="the planner broke; see its log")
        try:
            ended = self._loop(goal, self._hands)
            self.get_logger().info(f"styling ended: {ended.message}")
            self._ended = ended.message
            finite = [cost for cost in ended.costs if math.isfinite(cost)]
            result = RESULT(code=int(ended.code), message=ended.message, costs=finite, strokes=ended.strokes)
            state = STATES[Ending(ended.code)]
        finally:
            self._phase = ""
            self._busy.release()
            goal.finish(state, result)

    def _loop(self, goal: DeferredGoal, hands: StylingHands) -> Ended:
        request = goal.request

        def feedback(number: int, phase: str, cost: float) -> None:
            self._phase = f"stroke {number + 1}: {phase}"
            picture = hands.picture or CompressedImage()
            goal.feedback(StyleHair.Feedback(stroke=number, phase=phase, cost=cost, picture=picture))

        hands.wish = Wish(
            request.goal, self._cancel.is_set, feedback, value(self, "rest"), value(self, "look_time")
        )
        strokes = request.strokes or value(self, "strokes")
        loop = StylingLoop(
            self._planner, hands, self._head, self._trait.grid,
            EpisodeConfig(strokes=strokes, patience=value(self, "patience")),
            tries=value(self, "tries"), snags=value(self, "snags"),
        )  # fmt: skip
        return loop.run(request.seed)

    def _check(self) -> None:
        if self._hands is not None:
            self._hands.check()


def main() -> int:
    """Run the styling planner."""
    return run(StylingPlanner)


if __name__ == "__main__":
    sys.exit(main())
