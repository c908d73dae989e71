"""Measure seeing against ground truth: how well `planner.observe` finds the visible shell and its directions.

    python benchmarks/observe.py [--families straight_long wavy_bob ...] [--cameras 3] [--seed 1]

Prints one line a family: time on one core, Chamfer distance of the seen voxels to the visible surface [mm],
median angle to the mean visible direction within a voxel [deg], share of flipped directions, and the share of
seen voxels that truly hold hair.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Sequence

import numpy as np
from scipy.spatial import KDTree

from hairsim.cameras.camera import Camera, three_camera_rig
from hairsim.cameras.capture import capture, orientation_image
from hairsim.groom.children import make_children
from hairsim.groom.families import FAMILIES, make_groom
from hairsim.head.head import Head
from hairsim.head.parametric import parametric_head
from hairsim.volume import GRIDS, volume_from_strands
from planner.benchmark.metrics import chamfer_distance
from planner.observe import observe


def visible_hair(hair: np.ndarray, head: Head, cameras: Sequence[Camera]) -> tuple[np.ndarray, np.ndarray]:
    """Return visible points [N, 3] [m] and their directions [N, 3], exact."""
    points, directions = [], []
    for camera, frame in zip(cameras, capture(hair, head, cameras, seed=0, noise=None), strict=True):
        truth = orientation_image(hair, head, camera)
        seen = truth.mask & frame.hair_mask & (frame.depth > 0.0)
        pose = camera.camera_to_head
        points.append((camera.rays() * frame.depth[..., None])[seen] @ pose[:3, :3].T + pose[:3, 3])
        directions.append(truth.direction[seen])
    return np.concatenate(points), np.concatenate(directions)


def measure(family: str, cameras: Sequence[Camera], seed: int) -> dict[str, float]:
    """Measure one groom of a family."""
    grid, head = GRIDS["small"], parametric_head()
    groom = make_groom(family, head, guides=500, seed=seed)
    children = make_children(groom, count=4000)
    hair = children.strands(groom.strands)
    frames = capture(hair, head, cameras, seed=seed)
    observe(frames, head, grid)
    began = time.process_time()
    seen = observe(frames, head, grid)
    seconds = time.process_time() - began
    points, directions = visible_hair(hair, head, cameras)
    shell = grid.centres()[seen.occupied]
    tree = KDTree(points)
    near = tree.query_ball_point(shell, 0.8 * grid.voxel)
    has = np.array([len(found) > 0 for found in near])
    mean = np.array([directions[found].mean(axis=0) for found in near[has]])
    mean /= np.maximum(np.linalg.norm(mean, axis=1, keepdims=True), 1e-9)
    cosine = np.clip(np.sum(mean * seen.direction[seen.occupied][has], axis=1), -1.0, 1.0)
    truth = volume_from_strands(hair, children.hair_count, grid)
    return {
        "seconds": seconds,
        "chamfer_mm": 1000.0 * chamfer_distance(shell, points),
        "direction_deg": float(np.degrees(np.median(np.arccos(cosine)))),
        "flipped": float((cosine < 0.0).mean()),
        "true_hair": float((seen.occupied & truth.occupied).sum() / seen.occupied.sum()),
    }


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--families", nargs="*", default=list(FAMILIES))
    parser.add_argument("--cameras", type=int, default=3, choices=(1, 2, 3))
    parser.add_argument("--seed", type=int, default=1)
    arguments = parser.parse_args()
    cameras = three_camera_rig()[: arguments.cameras]
    rows = []
    for family in arguments.families:
        rows.append(measure(family, cameras, arguments.seed))
        print(
            f"{family:24s}" + "  ".join(f"{name} {value:7.3f}" for name, value in rows[-1].items()),
            flush=True,
        )
    print(f"{'mean':24s}" + "  ".join(f"{name} {np.mean([r[name] for r in rows]):7.3f}" for name in rows[0]))


if __name__ == "__main__":
    main()
