"""Find a calibration board in a picture: a chessboard, or a ChArUco board that may be partly hidden.

The board frame lies in the board: origin at its outer corner (ChArUco), or at the inner corner
next to the black outer square (chessboard), +x
along the columns, +y along the rows, +z into the board as a camera in front sees it.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
from scipy.spatial.transform import Rotation

from hairsim.errors import CombwiseError
from robot_ros.lens import Lens

DICTIONARY = "DICT_5X5_100"
FEWEST_CORNERS = 8
"""Fewer corners of a ChArUco board do not fix its pose well."""

LARGEST_ERROR = 1.5
"""Root mean square of the corners' misses at which a look counts as wrongly found [pixel]."""


@dataclass(frozen=True)
class Board:
    """A printed board.

    Attributes:
        kind: of the pattern.
        columns, rows: inner corners of a chessboard, squares of a ChArUco board.
        square: edge of a square [m].
        marker: edge of a ChArUco marker [m]; not used for a chessboard.
    """

    kind: Literal["chessboard", "charuco"] = "charuco"
    columns: int = 8
    rows: int = 6
    square: float = 0.024
    marker: float = 0.018

    def __post_init__(self) -> None:
        if self.kind not in ("chessboard", "charuco"):
            raise CombwiseError(f"board kind is '{self.kind}'; expected chessboard or charuco")
        if min(self.columns, self.rows) < 3 or not self.square > 0.0:
            raise CombwiseError(
                f"board of {self.columns} x {self.rows} with {self.square} m squares; expected at least "
                "3 x 3 and a positive size"
            )
        if self.kind == "charuco" and not 0.0 < self.marker < self.square:
            raise CombwiseError(
                f"board markers of {self.marker} m in squares of {self.square} m; expected smaller markers"
            )
        if self.kind == "chessboard" and (self.columns - self.rows) % 2 == 0:
            raise CombwiseError(
                f"chessboard of {self.columns} x {self.rows} inner corners looks the same upside down; "
                "expected one odd and one even count"
            )


def find_board(picture: np.ndarray, board: Board, lens: Lens) -> np.ndarray | None:
    """Return board_to_camera [4, 4] of the board in a picture, or None where it is not seen well.

    Args:
        picture: [height, width] or [height, width, 3] uint8.
        board: what was printed.
        lens: of the camera.
    """
    cv2 = opencv()
    grey = picture if picture.ndim == 2 else cv2.cvtColor(picture, cv2.COLOR_RGB2GRAY)
    found = _chessboard(cv2, grey, board) if board.kind == "chessboard" else _charuco(cv2, grey, board)
    if found is None:
        return None
    points, pixels = found
    distortion = np.array(lens.distortion, np.float64)
    solved, turn, shift = cv2.solvePnP(points, pixels, lens.matrix, distortion)
    if not solved:
        return None
    turn, shift = cv2.solvePnPRefineLM(points, pixels, lens.matrix, distortion, turn, shift)
    again = cv2.projectPoints(points, turn, shift, lens.matrix, distortion)[0].reshape(-1, 2)
    miss = float(np.sqrt(np.mean(np.sum((again - pixels) ** 2, axis=1))))
    if miss > LARGEST_ERROR or shift[2] <= 0.0:
        return None
    pose = np.eye(4)
    pose[:3, :3] = Rotation.from_rotvec(turn.ravel()).as_matrix()
    pose[:3, 3] = shift.ravel()
    return pose


def draw_board(board: Board, pixels_per_square: int = 60) -> tuple[np.ndarray, np.ndarray]:
    """Return the board's picture [h, w] uint8, for printing, and the [3, 3] map of its pixels to metres.

    The map takes (x, y, 1) in pixels to (x, y, 1) in the board frame [m].
    """
    cv2 = opencv()
    scale = board.square / pixels_per_square
    if board.kind == "charuco":
        size = (board.columns * pixels_per_square, board.rows * pixels_per_square)
        picture = _charuco_board(cv2, board).generateImage(size, marginSize=0)
        border, corner = pixels_per_square // 2, (0.0, 0.0)
    else:
        row, column = np.indices((board.rows + 1, board.columns + 1))
        squares = np.where((row + column) % 2 == 0, 0, 255).astype(np.uint8)
        picture = np.kron(squares, np.ones((pixels_per_square, pixels_per_square), np.uint8))
        border, corner = pixels_per_square, (-board.square, -board.square)
    picture = np.pad(picture, border, constant_values=255)
    to_metres = np.array(
        [[scale, 0.0, corner[0] + scale * (0.5 - border)], [0.0, scale, corner[1] + scale * (0.5 - border)],
         [0.0, 0.0, 1.0]]
    )  # fmt: skip
    return picture, to_metres


def opencv() -> Any:
    """Return OpenCV.

    Raises:
        CombwiseError: it is not installed.
    """
    try:
        import cv2
    except ImportError as error:
        raise CombwiseError(
            "finding a board in pictures needs OpenCV; install Combwise with its calibrate extra"
        ) from error
    return cv2


def _chessboard(cv2: Any, grey: np.ndarray, board: Board) -> tuple[np.ndarray, np.ndarray] | None:
    size = (board.columns, board.rows)
    flags = cv2.CALIB_CB_NORMALIZE_IMAGE | cv2.CALIB_CB_ACCURACY | cv2.CALIB_CB_EXHAUSTIVE
    found, corners = cv2.findChessboardCornersSB(grey, size, flags=flags)
    if not found:
        return None
    row, column = np.indices((board.rows, board.columns))
    points = np.stack([column, row, 0 * row], axis=-1).reshape(-1, 3) * board.square
    # OpenCV begins at the corner next to a white outer square; ours, as drawn, is next to a black one.
    return points.astype(np.float64), corners.reshape(-1, 2)[::-1].astype(np.float64)


def _charuco(cv2: Any, grey: np.ndarray, board: Board) -> tuple[np.ndarray, np.ndarray] | None:
    printed = _charuco_board(cv2, board)
    corners, numbers, _, _ = cv2.aruco.CharucoDetector(printed).detectBoard(grey)
    if numbers is None or len(numbers) < FEWEST_CORNERS:
        return None
    points = np.asarray(printed.getChessboardCorners(), np.float64)[numbers.ravel()]
    if np.linalg.matrix_rank(points[:, :2] - points[:, :2].mean(axis=0)) < 2:
        return None
    return points, corners.reshape(-1, 2).astype(np.float64)


def _charuco_board(cv2: Any, board: Board) -> Any:
    dictionary = cv2.aruco.getPredefinedDictionary(getattr(cv2.aruco, DICTIONARY))
    return cv2.aruco.CharucoBoard((board.columns, board.rows), board.square, board.marker, dictionary)
