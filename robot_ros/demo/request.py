"""Ask a running graph for one styling, and say how it goes.

python -m robot_ros.demo.request --goal runs/demo/goal.npz --strokes 3
"""

from __future__ import annotations

import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import rclpy
import tyro
from rclpy.signals import SignalHandlerOptions
from rclpy.utilities import try_shutdown

from hairsim.errors import CombwiseError
from robot_ros.demo.client import StylingClient
from robot_ros.styling import Ending


@dataclass(frozen=True)
class Request:
    """One styling.

    Attributes:
        goal: recorded goal; None takes the one that the goal server has.
        strokes: most strokes; 0 takes the planner's default.
        seed: of the planner.
        wait: longest wall time until the robot is ready [s].
    """

    goal: Path | None = None
    strokes: int = 0
    seed: int = 0
    wait: float = 1800.0


def ask(request: Request) -> int:
    """Ask, wait, and return 0 if the styling came to its end, 1 if it was stopped, cancelled or failed."""

    def heard(feedback: Any) -> None:
        print(f"stroke {feedback.stroke + 1}: {feedback.phase}, {feedback.cost:.2f} mm as seen", flush=True)

    client = StylingClient("styling_request")
    try:
        client.await_ready(lambda: None, seconds=request.wait)
        goal = "" if request.goal is None else str(request.goal.absolute())
        styling = client.begin(goal, strokes=request.strokes, seed=request.seed, heard=heard)
        try:
            result = styling.result()
        except KeyboardInterrupt:
            styling.cancel()
            result = styling.result(seconds=30.0)
        print(f"{Ending(result.code).name.lower().replace('_', ' ')}: {result.message}")
        return 0 if result.code in (Ending.REACHED, Ending.NO_PROGRESS, Ending.STROKE_LIMIT) else 1
    finally:
        client.close()


def main() -> int:
    """Parse the options and ask."""
    request = tyro.cli(Request, description="Ask a running robot graph for one styling.")
    rclpy.init(args=[], signal_handler_options=SignalHandlerOptions.NO)
    try:
        return ask(request)
    except CombwiseError as error:
        print(f"request: error: {error}", file=sys.stderr)
        return 2
    finally:
        try_shutdown()


if __name__ == "__main__":
    sys.exit(main())
