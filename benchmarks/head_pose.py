"""Measure how well the pose of a head is found from the skin in view (`planner.observe.head_pose`).

    python -m benchmarks.head_pose --out benchmarks/results/head_pose.json [--open3d]

Heads with hair of the training families are moved by 1 cm and turned by 5 degrees about random axes. The rig
looks at them and believes that they stand where it was calibrated. Errors are of the pose that is found:

    shift_mm    of the middle of the head [mm]
    turn_deg    of its orientation [deg]
    off_mm      median distance of the points used from the skin: what the observer itself knows [mm]
    seconds     on one core, clean depth included [s]

With --open3d the same points are registered by Open3D's point-to-plane ICP too, where it is installed.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
from rich.progress import track
from scipy.spatial.transform import Rotation

from benchmarks.observe import LEVELS
from benchmarks.provenance import provenance
from hairsim.atomic_file import write_json
from hairsim.cameras.camera import Frame, three_camera_rig
from hairsim.cameras.capture import capture
from hairsim.device import start_warp
from hairsim.errors import CombwiseError
from hairsim.groom.children import make_children
from hairsim.groom.families import TRAINING_FAMILIES, make_groom
from hairsim.head.head import Head
from hairsim.head.parametric import parametric_head, random_head
from hairsim.head.scalp import onto_skin
from planner.observe.head_pose import HeadPoseConfig, head_pose, skin_points

SHIFT, TURN = 0.010, float(np.radians(5.0))
"""How far heads are moved [m] and turned [rad]."""

VIEWS = {"all three": (0, 1, 2), "left and right": (0, 1), "left": (0,)}
"""Cameras by what they are called in the table; the one behind sees too little skin by itself."""

FAR = 0.03
"""Open3D's largest distance of a correspondence [m]; then a third of it."""


def moved(rng: np.random.Generator) -> np.ndarray:
    """Return a random head_to_rig [4, 4]: `SHIFT` along one axis, `TURN` about another."""
    axes = rng.standard_normal((2, 3))
    axes /= np.linalg.norm(axes, axis=1, keepdims=True)
    pose = np.eye(4)
    pose[:3, :3] = Rotation.from_rotvec(TURN * axes[0]).as_matrix()
    pose[:3, 3] = SHIFT * axes[1]
    return pose


def looks(hair: np.ndarray, head: Head, head_to_rig: np.ndarray, level: str, seed: int) -> list[Frame]:
    """Return what the rig sees of a moved head, with the poses that it was calibrated to have."""
    rig, to_head = three_camera_rig(), np.linalg.inv(head_to_rig)
    true = [replace(camera, camera_to_head=to_head @ camera.camera_to_head) for camera in rig]
    frames = capture(hair, head, true, seed=seed, noise=LEVELS[level])
    return [replace(frame, camera=camera) for frame, camera in zip(frames, rig, strict=True)]


def errors(found: np.ndarray, head_to_rig: np.ndarray, head: Head) -> dict[str, float]:
    """Return how far a found head_to_rig [4, 4] is from the true one, at the middle of the head."""
    apart = np.linalg.inv(head_to_rig) @ found
    middle = np.asarray(head.centre)
    shift = apart[:3, :3] @ middle + apart[:3, 3] - middle
    turn = Rotation.from_matrix(apart[:3, :3]).magnitude()
    return {"shift_mm": 1000.0 * float(np.linalg.norm(shift)), "turn_deg": float(np.degrees(turn))}


def by_open3d(points: np.ndarray, head: Head) -> np.ndarray:
    """Return head_to_rig [4, 4] by Open3D's point-to-plane ICP with Tukey's loss, coarse then fine.

    Raises:
        CombwiseError: it is not installed.
    """
    try:
        import open3d  # pyright: ignore[reportMissingImports]
    except ImportError as error:
        raise CombwiseError("Open3D is not installed; leave --open3d out") from error
    rng = np.random.default_rng(0)
    box = rng.uniform((-0.12, -0.11, -0.20), (0.14, 0.11, 0.16), (60_000, 3))
    skin = onto_skin(head.field, box[np.abs(head.field.sample(box)) < 0.02])
    clouds = [open3d.geometry.PointCloud(open3d.utility.Vector3dVector(p)) for p in (points, skin)]
    clouds[1].normals = open3d.utility.Vector3dVector(head.field.gradient(skin))
    registration = open3d.pipelines.registration
    pose = np.eye(4)
    for far in (FAR, FAR / 3.0):
        kernel = registration.TukeyLoss(k=far)
        estimation = registration.TransformationEstimationPointToPlane(kernel)
        pose = registration.registration_icp(*clouds, far, pose, estimation).transformation
    return np.linalg.inv(pose)


def measure(number: int, turns: int, with_open3d: bool) -> list[dict[str, Any]]:
    """Return the errors on one head, one row for each move, level of noise, set of cameras and method."""
    head = parametric_head() if number == 0 else random_head(np.random.default_rng(number))
    family = TRAINING_FAMILIES[number % len(TRAINING_FAMILIES)]
    groom = make_groom(family, head, guides=400, seed=number)
    hair = make_children(groom, count=4000, seed=number).strands(groom.strands)
    rows = []
    for turn in range(turns):
        truth = moved(np.random.default_rng([number, turn]))
        for level in LEVELS:
            frames = looks(hair, head, truth, level, seed=turn)
            for view, chosen in VIEWS.items():
                some = [frames[index] for index in chosen]
                began = time.process_time()
                found = head_pose(some, head)
                seconds = time.process_time() - began
                same = {"head": number, "family": family, "move": turn, "noise": level, "cameras": view}
                scores = {**errors(found.head_to_rig, truth, head), "off_mm": 1000.0 * found.off_skin}
                rows.append({**same, "method": "distance field", **_rounded(scores), "seconds": seconds})
                if with_open3d:
                    began = time.process_time()
                    other = by_open3d(skin_points(some, head, HeadPoseConfig()), head)
                    seconds = time.process_time() - began
                    scores = errors(other, truth, head)
                    rows.append({**same, "method": "Open3D", **_rounded(scores), "seconds": seconds})
    return rows


def summarise(rows: Sequence[dict[str, Any]]) -> list[dict[str, Any]]:
    """Return median and worst errors over heads and moves, for each level, set of cameras and method."""
    found = []
    keys = ("noise", "cameras", "method")
    for key in dict.fromkeys(tuple(row[k] for k in keys) for row in rows):
        mine = [row for row in rows if tuple(row[k] for k in keys) == key]
        entry: dict[str, Any] = {**dict(zip(keys, key, strict=True)), "looks": len(mine)}
        for name in ("shift_mm", "turn_deg"):
            values = np.array([row[name] for row in mine])
            entry[name] = [round(float(np.median(values)), 3), round(float(values.max()), 3)]
        entry["seconds"] = round(float(np.median([row["seconds"] for row in mine])), 2)
        found.append(entry)
    return found


def _rounded(values: dict[str, float]) -> dict[str, float]:
    return {name: round(value, 4) for name, value in values.items()}


def main() -> None:
    """Look, register, print, write."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--heads", type=int, default=3, help="the first is the built-in one")
    parser.add_argument("--moves", type=int, default=2)
    parser.add_argument("--open3d", action="store_true", help="register with Open3D too")
    parser.add_argument("--out", type=Path)
    arguments = parser.parse_args()
    if not 1 <= arguments.heads <= 100 or arguments.moves < 1:
        parser.error("expected --heads 1 .. 100, seeds below 100, and --moves of at least 1")
    start_warp()
    rows: list[dict[str, Any]] = []
    for number in track(range(arguments.heads), description="registering"):
        rows += measure(number, arguments.moves, arguments.open3d)
    found = summarise(rows)
    for row in found:
        print(row)
    if arguments.out is not None:
        more = " --open3d" if arguments.open3d else ""
        command = f"python -m benchmarks.head_pose --heads {arguments.heads} --moves {arguments.moves}{more}"
        moves = {"shift_mm": 1000.0 * SHIFT, "turn_deg": float(np.degrees(TURN))}
        write_json(arguments.out, {**provenance(command), "moved": moves, "summary": found, "rows": rows})


if __name__ == "__main__":
    main()
