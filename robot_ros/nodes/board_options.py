"""The parameters that say which calibration board was printed."""

from __future__ import annotations

from typing import Any

from robot_ros.calibrate.board import Board
from robot_ros.nodes.parameters import Param

BOARD = Board()

BOARD_PARAMS = (
    Param("board", BOARD.kind, "pattern", choices=("charuco", "chessboard")),
    Param("columns", BOARD.columns, "squares (ChArUco) or inner corners (chessboard)", low=3, high=50),
    Param("rows", BOARD.rows, "squares (ChArUco) or inner corners (chessboard)", low=3, high=50),
    Param("square", BOARD.square, "edge of a square [m]", low=0.002, high=0.2),
    Param("marker", BOARD.marker, "edge of a ChArUco marker [m]", low=0.001, high=0.2),
)


def board_of(options: dict[str, Any]) -> Board:
    """Return the board that declared BOARD_PARAMS describe.

    Raises:
        CombwiseError: a board that cannot be.
    """
    return Board(options["board"], options["columns"], options["rows"], options["square"], options["marker"])
