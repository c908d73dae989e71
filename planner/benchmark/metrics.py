"""How well the hair was styled: scores from corresponding strands (DESIGN section 7).

Every score compares strands in the simulator, never a model's opinion. Strand s, vertex v is the same
piece of hair before, after and in the goal.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Literal

import numpy as np
from scipy.spatial import KDTree

from hairsim.errors import CombwiseError

MOVED_THRESHOLD = 0.015
"""A strand had to move when its mean vertex distance between start and goal exceeds this [m]."""

TASK_SHARE, TASK_DISTANCE = 0.08, 0.030
"""A goal is a task when at least this share of strands must move, by this much on average [m]."""

SUCCESS_RATIO, SUCCESS_MOVED, SUCCESS_DISTURBANCE = 0.5, 15.0, 5.0
"""Success: moved at most half of its start value and at most 15 mm, disturbance at most 5 mm."""


@dataclass(frozen=True)
class Scores:
    """The scores of one state against its goal.

    Attributes:
        moved_mm: mean vertex distance over the strands that had to move [mm]; the primary score.
        disturbance_mm: the same over the strands that had to stay [mm].
        chamfer_mm: symmetric Chamfer distance of all vertices [mm].
        chamfer_moved_mm: the same, of the strands that had to move [mm].
        direction_deg: mean angle between corresponding edges of the strands that had to move [deg].
    """

    moved_mm: float
    disturbance_mm: float
    chamfer_mm: float
    chamfer_moved_mm: float
    direction_deg: float

    def to_dict(self) -> dict[str, float]:
        """Return the scores by name, rounded to a micrometre."""
        return {name: round(float(value), 3) for name, value in asdict(self).items()}


Backend = Literal["scipy", "pytorch3d"]
"""Who searches nearest neighbours. Published scores are SciPy's; PyTorch3D is for GPUs, in float32."""


def nearest_distances(points: np.ndarray, among: np.ndarray, *, backend: Backend = "scipy") -> np.ndarray:
    """Return the distance [N] [m] of each point [N, 3] to the nearest of others [M, 3].

    Raises:
        CombwiseError: the backend is not installed.
    """
    if backend == "scipy":
        return np.asarray(KDTree(among).query(points)[0])
    try:
        import torch
        from pytorch3d.ops import knn_points  # pyright: ignore[reportMissingImports]
    except ImportError as error:
        raise CombwiseError(
            "nearest neighbours by pytorch3d were asked for and it is not installed; "
            "install it, or use the backend scipy"
        ) from error
    device = "cuda" if torch.cuda.is_available() else "cpu"
    first, second = (torch.as_tensor(p, dtype=torch.float32, device=device)[None] for p in (points, among))
    return knn_points(first, second, K=1).dists[0, :, 0].sqrt().double().cpu().numpy()


def chamfer_distance(first: np.ndarray, second: np.ndarray, *, backend: Backend = "scipy") -> float:
    """Return the symmetric Chamfer distance of two point sets: the mean of both mean nearest distances.

    Args:
        first: [N, 3] [m].
        second: [M, 3] [m].
        backend: who searches the nearest neighbours.

    Returns:
        Distance [m], 0 for equal sets; NaN when a set is empty.
    """
    if len(first) == 0 or len(second) == 0:
        return float("nan")
    there = nearest_distances(first, second, backend=backend)
    back = nearest_distances(second, first, backend=backend)
    return 0.5 * float(np.mean(there) + np.mean(back))


def strand_distance(first: np.ndarray, second: np.ndarray) -> np.ndarray:
    """Return the mean vertex distance [S] [m] between corresponding strands [S, V, 3]."""
    return np.linalg.norm(np.asarray(first, np.float64) - second, axis=-1).mean(axis=-1)


def strands_to_move(start: np.ndarray, goal: np.ndarray) -> np.ndarray:
    """Return which strands [S] bool lie more than 15 mm from their goal at the start."""
    check_corresponding(start=start, goal=goal)
    return strand_distance(start, goal) > MOVED_THRESHOLD


def is_task(start: np.ndarray, goal: np.ndarray) -> bool:
    """Return whether a goal asks for enough: 8 % of the strands to move, by 30 mm on average."""
    to_move = strands_to_move(start, goal)
    if to_move.mean() < TASK_SHARE:
        return False
    return bool(strand_distance(start, goal)[to_move].mean() >= TASK_DISTANCE)


def score(current: np.ndarray, start: np.ndarray, goal: np.ndarray) -> Scores:
    """Return the scores of a state.

    Args:
        current: [S, V, 3] [m], the strands now.
        start: [S, V, 3] [m], before the first stroke; it decides which strands had to move.
        goal: [S, V, 3] [m].

    Raises:
        CombwiseError: the shapes differ, or a position is not finite.
    """
    check_corresponding(current=current, start=start, goal=goal)
    to_move = strands_to_move(start, goal)
    distance = 1000.0 * strand_distance(current, goal)
    edges, wanted = np.diff(current[to_move], axis=1), np.diff(goal[to_move], axis=1)
    lengths = np.linalg.norm(edges, axis=-1) * np.linalg.norm(wanted, axis=-1)
    cosine = np.sum(edges * wanted, axis=-1) / np.maximum(lengths, 1e-12)
    angle = np.degrees(np.arccos(np.clip(cosine, -1.0, 1.0)))
    moved_points, wanted_points = current[to_move].reshape(-1, 3), goal[to_move].reshape(-1, 3)
    return Scores(
        moved_mm=float(distance[to_move].mean()) if to_move.any() else 0.0,
        disturbance_mm=float(distance[~to_move].mean()) if not to_move.all() else 0.0,
        chamfer_mm=1000.0 * chamfer_distance(current.reshape(-1, 3), goal.reshape(-1, 3)),
        chamfer_moved_mm=1000.0 * chamfer_distance(moved_points, wanted_points) if to_move.any() else 0.0,
        direction_deg=float(angle.mean()) if to_move.any() else 0.0,
    )


def is_success(final: Scores, initial: Scores) -> bool:
    """Return whether moved fell to half and to 15 mm with at most 5 mm of disturbance."""
    return (
        final.moved_mm <= SUCCESS_RATIO * initial.moved_mm
        and final.moved_mm <= SUCCESS_MOVED
        and final.disturbance_mm <= SUCCESS_DISTURBANCE
    )


def check_corresponding(**strands: np.ndarray) -> None:
    """Check that sets of strands correspond.

    Raises:
        CombwiseError: one is not [S, V, 3], its shape differs from the first one's, or it is not finite.
    """
    expected = next(iter(strands.values())).shape
    for name, positions in strands.items():
        if positions.ndim != 3 or positions.shape[2] != 3 or positions.shape != expected:
            raise CombwiseError(
                f"{name} strands have shape {positions.shape}; expected corresponding [S, V, 3] = {expected}"
            )
        if not np.isfinite(positions).all():
            raise CombwiseError(f"{name} strands hold NaN or infinite positions; expected finite metres")
