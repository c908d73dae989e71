"""Where the head is, from many noisy measurements."""

from __future__ import annotations

from collections import deque

import numpy as np

READINGS = 10
"""Measurements that are averaged: a second of a 10 Hz tracker."""


class HeadPlace:
    """Averages the newest measured head poses."""

    def __init__(self) -> None:
        self._recent: deque[np.ndarray] = deque(maxlen=READINGS)

    def feed(self, pose: np.ndarray) -> None:
        """Take a measured head_to_base [4, 4]; one that is no pose is left out."""
        if np.isfinite(pose).all() and abs(np.linalg.det(pose[:3, :3]) - 1.0) < 1e-3:
            self._recent.append(pose)

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
