"""The parameters from which nodes build their cell: arm, comb and head."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from hairsim.head.head_file import head_or_built_in
from robot_ros.arms.arm import ARMS, arm_named
from robot_ros.arms.cell import Cell
from robot_ros.calibrate.file import read_calibration
from robot_ros.nodes.head_options import HEAD
from robot_ros.nodes.parameters import Param

CELL_PARAMS = (
    Param("arm", "ur5e", "which arm", choices=ARMS),
    Param("calibration", "", "calibration file; empty for the arm's usual head and mount"),
    HEAD,
)


def make_cell(arm: str, calibration: str, head: str) -> Cell:
    """Return the cell of an arm, a calibration file and a head's file; empty names for the usual ones.

    Raises:
        CombwiseError: an arm that is not known, or a file that cannot be read.
    """
    placed = read_calibration(Path(calibration)) if calibration else None
    return Cell(arm_named(arm), head_or_built_in(head), calibration=placed)


def cell_of(options: dict[str, Any]) -> Cell:
    """Return the cell that declared CELL_PARAMS describe."""
    return make_cell(options["arm"], options["calibration"], options["head"])
