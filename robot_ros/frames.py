"""Rigid transforms as [4, 4] matrices, and the calibration that joins base, head, flange and comb.

    base  <-- head_to_base -- head
    base  <-- (joints) ------ flange <-- tool_to_flange -- tool (the comb's tip, see hairsim.tools)
    base  <-- camera_to_base -- camera (optical frame: +x right, +y down, +z forward)

`a_to_b` takes coordinates in frame a to coordinates in frame b.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np
from scipy.spatial.transform import Rotation

from hairsim.errors import CombwiseError


def transform(position: np.ndarray, quaternion: np.ndarray) -> np.ndarray:
    """Return [..., 4, 4] from positions [..., 3] [m] and unit quaternions [..., 4] (x, y, z, w)."""
    position, quaternion = np.asarray(position, np.float64), np.asarray(quaternion, np.float64)
    matrix = np.zeros((*position.shape[:-1], 4, 4))
    matrix[..., :3, :3] = (
        Rotation.from_quat(quaternion.reshape(-1, 4)).as_matrix().reshape(*quaternion.shape[:-1], 3, 3)
    )
    matrix[..., :3, 3] = position
    matrix[..., 3, 3] = 1.0
    return matrix


def inverse(matrix: np.ndarray) -> np.ndarray:
    """Return the inverse [..., 4, 4] of rigid transforms [..., 4, 4]."""
    turned = np.swapaxes(matrix[..., :3, :3], -1, -2)
    result = np.zeros_like(matrix)
    result[..., :3, :3] = turned
    result[..., :3, 3] = -np.einsum("...ij,...j->...i", turned, matrix[..., :3, 3])
    result[..., 3, 3] = 1.0
    return result


def wrench_in(child_to_parent: np.ndarray, wrench: np.ndarray) -> np.ndarray:
    """Return a wrench about a child's origin, in its axes.

    Args:
        child_to_parent: [4, 4].
        wrench: [6] force and torque about the parent's origin, in the parent's axes [N, N m].
    """
    turn, origin = child_to_parent[:3, :3], child_to_parent[:3, 3]
    force, torque = wrench[:3], wrench[3:]
    return np.concatenate([turn.T @ force, turn.T @ (torque - np.cross(origin, force))])


def pose_error(first: np.ndarray, second: np.ndarray) -> tuple[float, float]:
    """Return the distance [m] and the angle [rad] between two poses [4, 4]."""
    turn = first[:3, :3].T @ second[:3, :3]
    sine = 0.5 * np.linalg.norm([turn[2, 1] - turn[1, 2], turn[0, 2] - turn[2, 0], turn[1, 0] - turn[0, 1]])
    angle = np.arctan2(sine, 0.5 * (np.trace(turn) - 1.0))
    return float(np.linalg.norm(first[:3, 3] - second[:3, 3])), float(angle)


@dataclass(frozen=True)
class Calibration:
    """Static poses that the arm's kinematics do not know.

    Attributes:
        head_to_base: [4, 4] head frame to the arm's base frame.
        tool_to_flange: [4, 4] comb frame to the arm's flange frame.
        cameras: camera_to_base [4, 4] of every calibrated camera, by name.
    """

    head_to_base: np.ndarray
    tool_to_flange: np.ndarray
    cameras: Mapping[str, np.ndarray] = field(default_factory=dict)

    def __post_init__(self) -> None:
        poses = {"head_to_base": self.head_to_base, "tool_to_flange": self.tool_to_flange}
        for name, pose in {**poses, **self.cameras}.items():
            matrix = np.asarray(pose, np.float64)
            rigid = matrix.shape == (4, 4) and np.isfinite(matrix).all()
            rigid = rigid and np.allclose(matrix[:3, :3] @ matrix[:3, :3].T, np.eye(3), atol=1e-6)
            rigid = rigid and np.linalg.det(matrix[:3, :3]) > 0.0
            if not rigid or not np.allclose(matrix[3], [0.0, 0.0, 0.0, 1.0]):
                raise CombwiseError(f"calibration {name} is not a rigid transform; expected [4, 4], det +1")


HANDLE = 0.16
"""Distance from the middle of the flange to the tooth tips, along the comb's handle [m]."""

LEAN = 0.70
"""Lean of the usual mount [rad], 40 degrees. A comb straight ahead of the flange makes the wrist stand
square on the skin: of 24 strokes over the whole scalp a UR5e then reaches 10, with the lean 17."""


def comb_mount(lean: float = LEAN, handle: float = HANDLE) -> np.ndarray:
    """Return the [4, 4] tool_to_flange of a comb whose handle leaves the flange's middle.

    Args:
        lean: angle between the handle and the flange's +z, toward the flange's +x [rad].
        handle: from the flange's middle to the tooth tips [m].
    """
    turn = Rotation.from_euler("y", lean).as_matrix()
    mount = np.eye(4)
    mount[:3, :3] = turn @ np.diag([1.0, -1.0, -1.0])
    mount[:3, 3] = turn @ [0.0, 0.0, handle]
    return mount


def standing_head(x: float, y: float, z: float, yaw: float) -> np.ndarray:
    """Return the [4, 4] head_to_base of an upright head at x, y, z [m], nose turned by yaw [rad]."""
    matrix = np.eye(4)
    matrix[:2, :2] = [[np.cos(yaw), -np.sin(yaw)], [np.sin(yaw), np.cos(yaw)]]
    matrix[:3, 3] = x, y, z
    return matrix
