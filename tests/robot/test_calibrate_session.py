"""Recorded sessions of a virtual cell: known offsets are found again from pictures and touches."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from combwise.main import run
from hairsim.errors import CombwiseError
from robot_ros.calibrate.board import Board, draw_board, find_board
from robot_ros.calibrate.file import read_calibration
from robot_ros.calibrate.session import read_looks, read_touches
from robot_ros.calibrate.virtual_session import LENS, VirtualSession, record_virtual_session
from robot_ros.frames import pose_error
from robot_ros.lens import Lens


def _seen_straight(board: Board, distance: float) -> np.ndarray:
    """Return a picture [480, 640] of a board square before the camera."""
    import cv2

    printed, to_metres = draw_board(board)
    pose = np.eye(4)
    pose[:3, 3] = -0.5 * board.square * board.columns, -0.5 * board.square * board.rows, distance
    plane = LENS.matrix @ pose[:3][:, [0, 1, 3]] @ to_metres
    return cv2.warpPerspective(printed, plane, (640, 480), borderValue=128)


@pytest.mark.parametrize("board", [Board(), Board("chessboard", 8, 5, 0.024)], ids=lambda b: b.kind)
def test_a_board_is_found_where_it_was_drawn(board: Board) -> None:
    found = find_board(_seen_straight(board, 0.6), board, LENS)
    assert found is not None
    wanted = np.eye(4)
    wanted[:3, 3] = -0.5 * board.square * board.columns, -0.5 * board.square * board.rows, 0.6
    offset, angle = pose_error(found, wanted)
    assert offset < 0.003
    assert angle < np.radians(1.0)


def test_what_is_no_board_is_not_found() -> None:
    noise = np.random.default_rng(0).integers(0, 255, (480, 640, 3), np.uint8)
    assert find_board(noise, Board(), LENS) is None
    assert find_board(noise, Board("chessboard", 8, 5), LENS) is None


@pytest.mark.parametrize(
    ("wrong", "words"),
    [
        ({"kind": "chessboard", "columns": 7, "rows": 5}, "upside down"),
        ({"marker": 0.03}, "smaller markers"),
        ({"columns": 2}, "at least 3 x 3"),
        ({"kind": "paper"}, "chessboard or charuco"),
    ],
)
def test_boards_that_cannot_be_are_refused(wrong: dict[str, object], words: str) -> None:
    with pytest.raises(CombwiseError, match=words):
        Board(**wrong)  # pyright: ignore[reportArgumentType]
    with pytest.raises(CombwiseError, match="positive focal"):
        Lens(np.zeros((3, 3)))


def test_recorded_sessions_find_the_cell_again(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Camera, comb and head to 2 mm and 0.5 degrees, by the commands that a user types."""
    truth = record_virtual_session(VirtualSession(looks=15, seed=3), tmp_path)
    cell = tmp_path / "cell.json"
    for work, session in (("camera", "camera"), ("comb", "comb.json"), ("head", "head.json")):
        assert run(["calibrate", work, str(tmp_path / session), "--calibration", str(cell)]) == 0
        assert capsys.readouterr().out.startswith(str(cell))
    found = read_calibration(cell)
    for one, other in (
        (found.cameras["left"], truth.cameras["left"]),
        (found.tool_to_flange, truth.tool_to_flange),
        (found.head_to_base, truth.head_to_base),
    ):
        offset, angle = pose_error(one, other)
        assert offset < 0.002
        assert angle < np.radians(0.5)


def test_a_damaged_session_is_refused_by_name(tmp_path: Path) -> None:
    path = tmp_path / "looks.json"
    for text in ("", "[]", '{"format": "x"}', '{"format": "combwise board looks 1"}'):
        path.write_text(text, encoding="utf-8")
        with pytest.raises(CombwiseError, match=r"looks\.json"):
            read_looks(tmp_path)
    with pytest.raises(CombwiseError, match="cannot read"):
        read_touches(tmp_path / "nothing.json")
    touches = {
        "format": "combwise touches 1",
        "arm": "ur5e",
        "touches": [{"mark": "a", "at": [0], "joints": []}],
    }
    path.write_text(json.dumps(touches), encoding="utf-8")
    with pytest.raises(CombwiseError, match="three numbers"):
        read_touches(path)


@pytest.mark.slow
@pytest.mark.parametrize("arm", ["xarm7", "panda"])
def test_every_arm_finds_its_cell(tmp_path: Path, arm: str) -> None:
    from robot_ros.calibrate import session
    from robot_ros.calibrate.file import write_calibration

    truth = record_virtual_session(VirtualSession(arm, looks=15), tmp_path)
    cell = tmp_path / "cell.json"
    for work, recorded in (("camera", "camera"), ("comb", "comb.json"), ("head", "head.json")):
        write_calibration(cell, getattr(session, f"calibrate_{work}")(tmp_path / recorded, cell).calibration)
    found = read_calibration(cell)
    for one, other in (
        (found.cameras["left"], truth.cameras["left"]),
        (found.head_to_base, truth.head_to_base),
    ):
        offset, angle = pose_error(one, other)
        assert offset < 0.002
        assert angle < np.radians(0.5)
