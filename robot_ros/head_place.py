"""Where the head is, from many noisy measurements."""

from __future__ import annotations

from collections import deque

import numpy as np

READINGS = 10
"""Measurements that are averaged: a second of a 10 Hz tracker."""


class HeadPlace:
    """Averages the newest measured head poses.

    Args:
        base_frame: tf name of the frame in which they must be given, the root of the arm's URDF.

    Attributes:
        refused: why the newest pose was refused, or ''.
    """

    def __init__(self, base_frame: str) -> None:
        self._base_frame = base_frame
        self._recent: deque[np.ndarray] = deque(maxlen=READINGS)
        self.refused = ""

    def feed(self, pose: np.ndarray, frame: str) -> str:
        """Take a measured head_to_base [4, 4]; return why it is refused, or ''.

        A pose in another frame is never taken for one in ours: the head would be elsewhere. One that is no
        pose is left out; that it came is the supervisor's to judge.
        """
        self.refused = ""
        if frame != self._base_frame:
            self.refused = (
                f"head poses come in frame '{frame}'; expected '{self._base_frame}', the root of the arm's "
                "URDF (parameter base_frame)"
            )
        elif np.isfinite(pose).all() and abs(np.linalg.det(pose[:3, :3]) - 1.0) < 1e-3:
            self._recent.append(pose)
        return self.refused

    def head_to_base(self) -> np.ndarray | None:
        """Return the mean [4, 4]: median position, rotation nearest to the mean; None before the first."""
        if not self._recent:
            return None
        poses = np.array(self._recent)
        u, _, v = np.linalg.svd(poses[:, :3, :3].mean(axis=0))
        mean = np.eye(4)
        mean[:3, :3] = u @ np.diag([1.0, 1.0, np.linalg.det(u @ v)]) @ v
        mean[:3, 3] = np.median(poses[:, :3, 3], axis=0)
        return mean
