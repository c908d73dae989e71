"""Calibration sessions as they are recorded: looks at a board, touches of marks; each is kept at once.

What session.py reads, written by an operator at a real arm. A session that is there already is continued.
"""

from __future__ import annotations

from collections import deque
from pathlib import Path

import numpy as np

from hairsim.atomic_file import written_aside
from hairsim.errors import CombwiseError
from robot_ros.calibrate.board import Board, find_board
from robot_ros.calibrate.session import (
    LOOKS_FILE,
    BoardLooks,
    Touches,
    read_looks,
    read_touches,
    write_looks,
    write_touches,
)
from robot_ros.lens import Lens

STILL = 0.5
"""Time for which an arm must have stood still [s]: a picture of before may show another posture."""

STILL_ANGLE = 0.002
"""Most that a joint may move meanwhile [rad]: 2 mm at a metre."""


class StandingStill:
    """Where the arm stands, once it does."""

    def __init__(self) -> None:
        self._heard: deque[tuple[float, np.ndarray]] = deque()

    def feed(self, stamp: float, joints: np.ndarray) -> None:
        """Take measured joints [J] [rad] of a time [s]."""
        if self._heard and stamp < self._heard[-1][0]:
            self._heard.clear()  # time was set back
        self._heard.append((stamp, np.asarray(joints, np.float64)))
        while self._heard[-1][0] - self._heard[0][0] > 2.0 * STILL:
            self._heard.popleft()

    def posture(self, moment: float) -> np.ndarray:
        """Return the mean joints [J] [rad] since STILL before a moment [s].

        Raises:
            CombwiseError: nothing was heard for that long, or a joint moved.
        """
        since = [joints for stamp, joints in self._heard if stamp >= moment - STILL]
        if not since or self._heard[0][0] > moment - STILL:
            raise CombwiseError(f"joint states of less than {STILL:g} s; expected the arm's, all the time")
        moved = float(np.ptp(np.array(since), axis=0).max())
        if moved > STILL_ANGLE:
            raise CombwiseError(
                f"a joint moved by {moved:.4f} rad within {STILL:g} s; expected an arm that stands still "
                f"({STILL_ANGLE:g} rad)"
            )
        return np.mean(since, axis=0)


def add_look(
    folder: Path, arm: str, camera: str, board: Board, lens: Lens, picture: np.ndarray, joints: np.ndarray
) -> str:
    """Add a look at the board on the flange to a session; return a sentence about it.

    Args:
        folder: of the session; made if it is missing.
        arm, camera, board, lens: the same for all looks of a session.
        picture: [height, width] or [height, width, 3] uint8.
        joints: [J] where the arm stands [rad].

    Raises:
        CombwiseError: the board is not seen well, or the session is of something else.
    """
    import imageio.v3 as imageio

    found = find_board(picture, board, lens)
    if found is None:
        raise CombwiseError(
            f"camera '{camera}' does not see a {board.kind} of {board.columns} x {board.rows} well; expected "
            "all of it in the picture, sharp and lit"
        )
    before = read_looks(folder) if (folder / LOOKS_FILE).exists() else None
    if before is not None and (before.arm, before.camera, before.board) != (arm, camera, board):
        raise CombwiseError(
            f"{folder} holds looks of {before.arm}, camera '{before.camera}', {before.board}; "
            f"expected {arm}, '{camera}', {board}: use another folder"
        )
    pictures = () if before is None else before.pictures
    path = folder / f"{len(pictures):02d}.png"
    folder.mkdir(parents=True, exist_ok=True)
    with written_aside(path) as aside:
        imageio.imwrite(aside, picture)
    angles = np.atleast_2d(joints) if before is None else np.concatenate([before.joints, [joints]])
    write_looks(folder, BoardLooks(arm, camera, lens, board, (*pictures, path), angles))
    away = float(np.linalg.norm(found[:3, 3]))
    return f"look {len(pictures) + 1}: the board is {away:.2f} m from camera '{camera}'"


def add_touch(path: Path, arm: str, mark: str, at: np.ndarray, joints: np.ndarray) -> str:
    """Add a touch to a session; return a sentence about it.

    Args:
        path: of the session's file.
        arm: the same for all touches of a session.
        mark: what touches (comb) or is touched (head).
        at: [3] where that is, in the comb's or the head's frame [m].
        joints: [J] where the arm stands [rad].

    Raises:
        CombwiseError: the mark has no name or no place, or the session is of something else.
    """
    at = np.asarray(at, np.float64)
    if not mark or at.shape != (3,) or not np.isfinite(at).all():
        raise CombwiseError(f"mark '{mark}' at {at.tolist()}; expected a name and three numbers [m]")
    before = read_touches(path) if path.exists() else None
    if before is not None and before.arm != arm:
        raise CombwiseError(f"{path} holds touches of {before.arm}; expected {arm}: use another file")
    marks = (*(() if before is None else before.marks), mark)
    places = at[None] if before is None else np.concatenate([before.at, at[None]])
    angles = np.atleast_2d(joints) if before is None else np.concatenate([before.joints, [joints]])
    path.parent.mkdir(parents=True, exist_ok=True)
    write_touches(path, Touches(arm, marks, places, angles))
    return f"touch {len(marks)}: '{mark}', {marks.count(mark)} of it"


__all__ = ["StandingStill", "add_look", "add_touch"]
