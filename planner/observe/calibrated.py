"""Whether a camera knows where it stands: one with a wrong pose shows hair where there is none."""

from __future__ import annotations

import numpy as np

from hairsim.cameras.camera import Camera
from hairsim.errors import CombwiseError
from hairsim.head.head import Head

NEAREST = 0.15
"""No camera stands nearer the middle of the head [m]: a pose that nobody set is often the identity."""


def require_calibrated(camera: Camera, head: Head) -> None:
    """Check that a camera has a pose from which it can look at a head.

    Raises:
        CombwiseError: the pose is no rigid transform, lies in the head, or the focal length is not positive.
    """
    name, pose = camera.name, np.asarray(camera.camera_to_head, np.float64)
    if not _rigid(pose):
        raise CombwiseError(
            f"camera '{name}' is not calibrated: its pose is no rigid 4 x 4 matrix; expected camera_to_head"
        )
    if not (np.isfinite(camera.focal) and camera.focal > 0.0):
        raise CombwiseError(
            f"camera '{name}' is not calibrated: its focal length is {camera.focal}; expected pixels above 0"
        )
    distance = float(np.linalg.norm(pose[:3, 3] - np.asarray(head.centre)))
    if distance < NEAREST:
        raise CombwiseError(
            f"camera '{name}' is not calibrated: its pose lies {100.0 * distance:.0f} cm from the middle of "
            f"the head; expected camera_to_head, {100.0 * NEAREST:.0f} cm away or more"
        )


def _rigid(pose: np.ndarray) -> bool:
    """Return whether a matrix is a rotation and a shift, finite, and no reflection."""
    if pose.shape != (4, 4) or not np.isfinite(pose).all():
        return False
    turn = pose[:3, :3]
    return np.allclose(turn.T @ turn, np.eye(3), atol=1e-3) and float(np.linalg.det(turn)) > 0.0
