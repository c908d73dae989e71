"""The parameters from which nodes build their cell: arm, comb and head."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from hairsim.head.parametric import parametric_head
from robot_ros.arms.arm import ARMS, arm_named
from robot_ros.arms.cell import Cell
from robot_ros.calibrate.file import read_calibration
from robot_ros.nodes.parameters import Param

CELL_PARAMS = (
    Param("arm", "ur5e", "which arm", choices=ARMS),
    Param("calibration", "", "calibration file; empty for the arm's usual head and mount"),
)


def make_cell(arm: str, calibration: str) -> Cell:
    """Return the cell of the built-in head.

    Raises:
        CombwiseError: an arm that is not known, or a calibration file that cannot be read.
    """
    placed = read_calibration(Path(calibration)) if calibration else None
    return Cell(arm_named(arm), parametric_head(), calibration=placed)


def cell_of(options: dict[str, Any]) -> Cell:
    """Return the cell that declared CELL_PARAMS describe."""
    return make_cell(options["arm"], options["calibration"])
