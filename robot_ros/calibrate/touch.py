"""The comb's mount from touching one point with its marks; the head from touching its landmarks."""

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
    pose, gaps = _laid_on(on_head, touched, "head pose", "landmarks")
    if gaps.max() > 0.02:
        raise CombwiseError(
            f"head pose: landmark {int(gaps.argmax())} misses its touch by {1000 * gaps.max():.0f} mm; "
            "expected at most 20 mm: is this the head, and are the landmarks in order?"
        )
    return HeadPose(pose, float(np.sqrt(np.mean(gaps**2))))


@dataclass(frozen=True)
class Mount:
    """How the comb sits at the flange: [4, 4] tool_to_flange, and how far its marks disagree [m]."""

    tool_to_flange: np.ndarray
    rms: float


def mount_from_marks(in_tool: np.ndarray, in_flange: np.ndarray) -> Mount:
    """Lay marks of the comb, as drawn, on where they were found at the flange.

    Args:
        in_tool: [N, 3] marks in the comb's frame [m], N at least 3, not in a line.
        in_flange: [N, 3] the same in the flange frame [m], each by `tip_from_touches`.

    Raises:
        CombwiseError: too few, counts differ, in a line, or they do not fit: the comb is another one.
    """
    pose, gaps = _laid_on(in_tool, in_flange, "comb mount", "marks")
    if gaps.max() > 0.005:
        raise CombwiseError(
            f"comb mount: mark {int(gaps.argmax())} lies {1000 * gaps.max():.1f} mm beside where it should; "
            "expected at most 5 mm: is this the comb, and are the marks in order?"
        )
    return Mount(pose, float(np.sqrt(np.mean(gaps**2))))


def _laid_on(first: np.ndarray, second: np.ndarray, what: str, points: str) -> tuple[np.ndarray, np.ndarray]:
    """Return the rigid transform [4, 4] that lays points on points [N, 3] best, and their gaps [N] [m]."""
    first, second = np.asarray(first, np.float64), np.asarray(second, np.float64)
    if first.shape != second.shape or first.ndim != 2 or first.shape[1] != 3 or len(first) < 3:
        raise CombwiseError(
            f"{what} from {first.shape} {points} and {second.shape} touches; expected at least 3 each"
        )
    here, there = first - first.mean(axis=0), second - second.mean(axis=0)
    width = np.linalg.svd(here, compute_uv=False)[1] / np.sqrt(len(here))
    if width < 0.02:
        raise CombwiseError(
            f"{what}: the {points} lie within {1000 * width:.0f} mm of a line; expected at least 20 mm"
        )
    pose = np.eye(4)
    pose[:3, :3] = Rotation.align_vectors(there, here)[0].as_matrix()
    pose[:3, 3] = second.mean(axis=0) - pose[:3, :3] @ first.mean(axis=0)
    return pose, np.linalg.norm(there - here @ pose[:3, :3].T, axis=1)
