"""The comb's tip from touching one point, and the head's pose from touching its landmarks."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy.spatial.transform import Rotation

from hairsim.errors import CombwiseError

CONDITION = 50.0
"""Largest condition number of the tip's equations: beyond, the flange turned too little."""


@dataclass(frozen=True)
class Tip:
    """Where the tip is.

    Attributes:
        in_flange: [3] in the flange frame [m].
        point: [3] the point that was touched, in the base frame [m].
        rms: how far the touches disagree [m].
    """

    in_flange: np.ndarray
    point: np.ndarray
    rms: float


def tip_from_touches(flange_to_base: np.ndarray) -> Tip:
    """Find the tip that touched one fixed point in every pose: R_i tip + p_i = point.

    Args:
        flange_to_base: [N, 4, 4], N at least 4, turned in several directions.

    Raises:
        CombwiseError: too few poses, or turned too little to tell.
    """
    poses = np.asarray(flange_to_base, np.float64)
    if poses.ndim != 3 or poses.shape[1:] != (4, 4) or len(poses) < 4:
        raise CombwiseError(f"tip calibration from poses {poses.shape}; expected at least 4 of [4, 4]")
    rows = np.concatenate([np.hstack([pose[:3, :3], -np.eye(3)]) for pose in poses])
    condition = np.linalg.cond(rows)
    if condition > CONDITION:
        raise CombwiseError(
            f"tip calibration: the poses turn too little (condition {condition:.0f}, at most "
            f"{CONDITION:.0f}); touch the point from several sides"
        )
    right = -poses[:, :3, 3].ravel()
    solution = np.linalg.lstsq(rows, right, rcond=None)[0]
    gaps = (rows @ solution - right).reshape(-1, 3)
    return Tip(solution[:3], solution[3:], float(np.sqrt(np.mean(np.sum(gaps**2, axis=1)))))


@dataclass(frozen=True)
class HeadPose:
    """Where the head is: [4, 4] head_to_base, and how far the landmarks disagree [m]."""

    head_to_base: np.ndarray
    rms: float


def head_from_landmarks(on_head: np.ndarray, touched: np.ndarray) -> HeadPose:
    """Lay landmarks of the head on where they were touched, rigidly, by least squares.

    Args:
        on_head: [N, 3] landmarks in the head frame [m], N at least 3, not in a line.
        touched: [N, 3] the same in the base frame [m].

    Raises:
        CombwiseError: too few, counts differ, in a line, or they do not fit: the head is another one.
    """
    on_head, touched = np.asarray(on_head, np.float64), np.asarray(touched, np.float64)
    if on_head.shape != touched.shape or on_head.ndim != 2 or on_head.shape[1] != 3 or len(on_head) < 3:
        raise CombwiseError(
            f"head pose from {on_head.shape} landmarks and {touched.shape} touches; expected at least 3 each"
        )
    first, second = on_head - on_head.mean(axis=0), touched - touched.mean(axis=0)
    width = np.linalg.svd(first, compute_uv=False)[1] / np.sqrt(len(first))
    if width < 0.02:
        raise CombwiseError(
            f"head pose: the landmarks lie within {1000 * width:.0f} mm of a line; expected at least 20 mm"
        )
    pose = np.eye(4)
    pose[:3, :3] = Rotation.align_vectors(second, first)[0].as_matrix()
    pose[:3, 3] = touched.mean(axis=0) - pose[:3, :3] @ on_head.mean(axis=0)
    gaps = np.linalg.norm(second - first @ pose[:3, :3].T, axis=1)
    if gaps.max() > 0.02:
        raise CombwiseError(
            f"head pose: landmark {int(gaps.argmax())} misses its touch by {1000 * gaps.max():.0f} mm; "
            "expected at most 20 mm: is this the head, and are the landmarks in order?"
        )
    return HeadPose(pose, float(np.sqrt(np.mean(gaps**2))))
