"""From a stroke to a motion or a refusal, the head where it is measured: what the executor's child does."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from hairsim.errors import CombwiseError
from hairsim.head.head import Head
from hairsim.head.head_file import head_or_built_in
from hairsim.tools.stroke import Stroke
from hairsim.tools.stroke_path import stroke_path
from robot_ros.arms.arm import arm_named
from robot_ros.arms.cell import Cell
from robot_ros.arms.follow import FollowConfig
from robot_ros.arms.motion import SECTIONS, StrokeMotion, plan_motion, plan_return
from robot_ros.arms.refusal import Refusal, StrokeRefusedError
from robot_ros.calibrate.file import read_calibration
from robot_ros.frames import Calibration, pose_error
from robot_ros.safety.zones import intrusions

HEAD_SHIFT, HEAD_TURN = 0.002, 0.01
"""A head measured farther than this from the cell's gets a new cell [m, rad]."""


ASKING = FollowConfig(starts=6)
"""How whoever only asks after reach has it searched: dozens of strokes are asked about for one that is made,
and one that is missed is one proposal less. The motion itself is searched for thoroughly."""


@dataclass(frozen=True)
class PlannerConfig:
    """The arm, where comb and head were calibrated to be, and the head's file; None for the usual ones.

    `follow` is how postures are searched; None for thoroughly.
    """

    arm: str
    calibration: Calibration | None = None
    head: Path | None = None
    follow: FollowConfig | None = None


@dataclass(frozen=True)
class StrokeRequest:
    """A stroke, the joints [J] to start from (None: ready), head_to_base as measured (None: calibrated).

    No stroke asks for the way to the ready posture, out of the hair first where the comb is in it.
    """

    stroke: Stroke | None
    start: np.ndarray | None = None
    head_to_base: np.ndarray | None = None


@dataclass(frozen=True)
class StrokeAnswer:
    """The motion, or why not: the sentence and, for a refusal, its parts."""

    motion: StrokeMotion | None
    text: str = ""
    reason: Refusal | None = None


def make_stroke_planner(config: PlannerConfig) -> Callable[[StrokeRequest], StrokeAnswer]:
    """Return what plans strokes for one arm over one head."""
    head = head_or_built_in(config.head)
    cells = [Cell(arm_named(config.arm), head, calibration=config.calibration)]

    def plan(request: StrokeRequest) -> StrokeAnswer:
        try:
            cells[0] = cell = _cell_at(cells[0], head, request.head_to_base)
            if request.stroke is None:
                start = np.array(cell.arm.ready) if request.start is None else request.start
                return StrokeAnswer(plan_return(cell, start))
            path = stroke_path(request.stroke, head, cell.tool)
            motion = plan_motion(cell, path, start=request.start, follow_config=config.follow)
            refused = keep_out(cell, motion)
        except StrokeRefusedError as error:
            return StrokeAnswer(None, str(error), error.reason)
        except CombwiseError as error:
            return StrokeAnswer(None, str(error))
        if refused is not None:
            return StrokeAnswer(None, refused.sentence(config.arm), refused)
        return StrokeAnswer(motion)

    return plan


def reach_of(arm: str, calibration: Path | None = None, head: Path | None = None) -> Callable[[Stroke], bool]:
    """Return what says whether an arm can make a stroke over a head from its ready posture, as ASKING finds.

    Args:
        arm: of robot_ros.arms.arm.ARMS.
        calibration: file with where comb and head are; None for the arm's usual places.
        head: file of the head's shape; None for the built-in adult.

    Raises:
        CombwiseError: an arm that is not known, or a file that cannot be read.
    """
    placed = None if calibration is None else read_calibration(calibration)
    plan = make_stroke_planner(PlannerConfig(arm, placed, head, ASKING))
    return lambda stroke: plan(StrokeRequest(stroke)).motion is not None


def keep_out(cell: Cell, motion: StrokeMotion) -> Refusal | None:
    """Return the first keep-out zone of the supervisor that a motion would enter, or None."""
    zones, comb = cell.zones, cell.comb_points()
    for name, (first, last) in zip(SECTIONS, motion.sections, strict=True):
        for number in range(first, last + 1, 2):
            pose = cell.tool_pose(motion.trajectory.positions[number])
            points = np.concatenate([comb, np.zeros((1, 3))]) @ pose[:3, :3].T + pose[:3, 3]
            found = intrusions(zones, points.tolist())
            if found:
                worst = max(found, key=lambda f: f.measured)
                depth = 1000.0 * worst.measured
                return Refusal(
                    "collision", name, number, len(motion.trajectory.times), worst.subject, depth, "mm",
                    f"the comb would come {depth:.1f} mm into the keep-out zone of the {worst.subject}",
                )  # fmt: skip
    return None


def _cell_at(cell: Cell, head: Head, head_to_base: np.ndarray | None) -> Cell:
    """Return the cell with the head where it is measured."""
    if head_to_base is None:
        return cell
    shift, turn = pose_error(cell.calibration.head_to_base, head_to_base)
    if shift < HEAD_SHIFT and turn < HEAD_TURN:
        return cell
    return Cell(cell.arm, head, calibration=replace(cell.calibration, head_to_base=head_to_base))
