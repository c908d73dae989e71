"""Camera to base and board to flange, from poses of a board that the flange carries past a fixed camera.

For every look i the two ways from the board to the base agree:

    flange_to_base_i  board_to_flange  =  camera_to_base  board_to_camera_i

The rotations are solved first, linearly: the equation of rotation matrices is written for all looks as one
homogeneous system in the 18 entries of both unknowns [Shah2013]; its smallest singular vector gives them.
Then the offsets are linear. Both are polished together by least squares on the comb's scale, where noise in
angles and offsets is weighed as it is felt at the board.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy.optimize import least_squares
from scipy.spatial.transform import Rotation

from hairsim.errors import CombwiseError
from robot_ros.frames import inverse, pose_error

LOOKS = 5
"""Fewest looks; 30 are what finds a camera a metre away to 2 mm."""

SPREAD = 0.35
"""The flange must turn by at least this about two different axes over the looks [rad]."""

ARM_LENGTH = 0.1
"""An angle error counts as the offset that it makes at this distance [m]."""


@dataclass(frozen=True)
class HandEye:
    """A calibrated camera and board.

    Attributes:
        camera_to_base: [4, 4].
        board_to_flange: [4, 4].
        offset_rms: disagreement of the looks that is left [m].
        angle_rms: the same for angles [rad].
    """

    camera_to_base: np.ndarray
    board_to_flange: np.ndarray
    offset_rms: float
    angle_rms: float


def hand_eye(flange_to_base: np.ndarray, board_to_camera: np.ndarray) -> HandEye:
    """Solve for camera and board.

    Args:
        flange_to_base: [N, 4, 4] by the arm's kinematics.
        board_to_camera: [N, 4, 4] by the board's detection, of the same looks.

    Raises:
        CombwiseError: too few looks, counts differ, or the flange turned too little to tell.
    """
    flange, board = np.asarray(flange_to_base, np.float64), np.asarray(board_to_camera, np.float64)
    if flange.shape != board.shape or flange.ndim != 3 or flange.shape[1:] != (4, 4):
        raise CombwiseError(
            f"hand-eye calibration of {flange.shape} flange and {board.shape} board poses; "
            "expected the same number of [4, 4] each"
        )
    if len(flange) < LOOKS:
        raise CombwiseError(f"hand-eye calibration from {len(flange)} looks; expected at least {LOOKS}")
    _check_spread(flange)
    camera_turn, board_turn = _rotations(flange[:, :3, :3], board[:, :3, :3])
    camera, mount = _offsets(flange, board, camera_turn, board_turn)
    camera, mount = _polished(flange, board, camera, mount)
    errors = np.array(
        [pose_error(f @ mount, camera @ b) for f, b in zip(flange, board, strict=True)], np.float64
    )
    offset, angle = np.sqrt(np.mean(errors**2, axis=0))
    return HandEye(camera, mount, float(offset), float(angle))


def _check_spread(flange: np.ndarray) -> None:
    """Refuse looks whose flange turns about one axis only: part of the answer would be invented."""
    turns = Rotation.from_matrix(np.swapaxes(flange[:1, :3, :3], -1, -2) @ flange[:, :3, :3]).as_rotvec()
    spread = np.linalg.svd(turns, compute_uv=False)[1] / np.sqrt(len(turns))
    if spread < 0.5 * SPREAD:
        raise CombwiseError(
            f"hand-eye calibration: the flange turns by {spread:.2f} rad about its second axis over the "
            f"looks; expected at least {0.5 * SPREAD:.2f} rad: tilt the board in several directions"
        )


def _rotations(flange: np.ndarray, board: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return the rotations [3, 3] of camera_to_base and board_to_flange from F_i Y = X B_i."""
    rows = [
        np.hstack([np.kron(np.eye(3), f), -np.kron(b.T, np.eye(3))])
        for f, b in zip(flange, board, strict=True)
    ]
    solution = np.linalg.svd(np.concatenate(rows))[2][-1]
    mount, camera = (part.reshape(3, 3, order="F") for part in (solution[:9], solution[9:]))
    sign = np.sign(np.linalg.det(camera))
    return _nearest_rotation(sign * camera), _nearest_rotation(sign * mount)


def _nearest_rotation(matrix: np.ndarray) -> np.ndarray:
    u, _, v = np.linalg.svd(matrix)
    return u @ np.diag([1.0, 1.0, np.linalg.det(u @ v)]) @ v


def _offsets(
    flange: np.ndarray, board: np.ndarray, camera_turn: np.ndarray, board_turn: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """Return both transforms [4, 4], with the offsets that fit given rotations best."""
    rows = np.concatenate([np.hstack([f[:3, :3], -np.eye(3)]) for f in flange])
    right = np.concatenate([camera_turn @ b[:3, 3] - f[:3, 3] for f, b in zip(flange, board, strict=True)])
    solution = np.linalg.lstsq(rows, right, rcond=None)[0]
    camera, mount = np.eye(4), np.eye(4)
    camera[:3, :3], camera[:3, 3] = camera_turn, solution[3:]
    mount[:3, :3], mount[:3, 3] = board_turn, solution[:3]
    return camera, mount


def _polished(
    flange: np.ndarray, board: np.ndarray, camera: np.ndarray, mount: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """Minimise offsets and angles of all looks together, from a good start."""

    def moved(pose: np.ndarray, step: np.ndarray) -> np.ndarray:
        result = pose.copy()
        result[:3, :3] = pose[:3, :3] @ Rotation.from_rotvec(step[3:]).as_matrix()
        result[:3, 3] = pose[:3, 3] + step[:3]
        return result

    def residual(steps: np.ndarray) -> np.ndarray:
        gap = inverse(flange @ moved(mount, steps[6:])) @ moved(camera, steps[:6]) @ board
        turns = Rotation.from_matrix(gap[:, :3, :3]).as_rotvec()
        return np.concatenate([gap[:, :3, 3], ARM_LENGTH * turns], axis=1).ravel()

    steps = least_squares(residual, np.zeros(12), loss="soft_l1", f_scale=0.002).x
    return moved(camera, steps[:6]), moved(mount, steps[6:])
