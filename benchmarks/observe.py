"""Measure seeing against ground truth: how well `planner.observe` finds the visible shell and its directions.

    python -m benchmarks.observe --out benchmarks/results/observe.json --picture docs/images/seeing.jpg

Grooms of the training families are looked at by one, two and three cameras of the rig, whose noise and
miscalibration rise in four levels. What they should have seen is known: the surface and the strand directions
behind every pixel, and the voxels of true hair that begin there. Scores of one observation:

    iou             of its voxels with those of true hair that pixels' rays enter, as deep as a shell goes
    chamfer_mm      of its voxels' middles with the visible surface [mm]
    direction_deg   median angle to the mean visible direction within a voxel, sign included [deg]
    flow_deg        the same to the mean direction of all hair in the voxel, seen or not: which way locks run,
                    whatever their coils do [deg]
    flipped         share of its voxels that point from the tip to the root
    true_hair       share of its voxels that hold hair
    seconds         on one core [s]
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from rich.progress import track
from scipy.spatial import KDTree

from benchmarks.provenance import provenance
from hairsim.atomic_file import write_json
from hairsim.cameras.camera import Camera, Frame, three_camera_rig
from hairsim.cameras.capture import capture, orientation_image
from hairsim.cameras.depth_noise import MILD_NOISE, DepthNoise
from hairsim.device import start_warp
from hairsim.groom.children import make_children
from hairsim.groom.families import TRAINING_FAMILIES, make_groom
from hairsim.head.head import Head
from hairsim.head.parametric import parametric_head
from hairsim.volume import GRIDS, HairVolume, volume_from_strands
from planner.benchmark.bootstrap import bootstrap_mean
from planner.benchmark.metrics import chamfer_distance
from planner.observe import observe
from planner.observe.fuse import SHELL_DEPTHS

LEVELS: dict[str, DepthNoise | None] = {
    "none": None,
    "mild": MILD_NOISE,
    "rough": DepthNoise(
        disparity=0.12, edge_dropout=0.6, flying=0.10, dropout=0.02, dark=0.4, colour=3.0, position=0.0015,
        rotation=float(np.radians(0.5)),
    ),
    "worst": DepthNoise(
        disparity=0.25, edge_dropout=0.8, flying=0.15, dropout=0.05, dark=0.9, colour=6.0, position=0.003,
        rotation=float(np.radians(1.0)),
    ),
}  # fmt: skip
"""`mild` is what the planner works with; `worst` is miscalibrated by up to 3 mm and 1 degree a camera."""

METRICS = ("iou", "chamfer_mm", "direction_deg", "flow_deg", "flipped", "true_hair", "seconds")
GRID = GRIDS["small"]


class Surface(NamedTuple):
    """Hair that cameras truly see, head frame.

    Attributes:
        points: [N, 3] [m].
        directions: [N, 3], unit, root to tip.
        rays: [N, 3], unit, from the camera.
    """

    points: np.ndarray
    directions: np.ndarray
    rays: np.ndarray

    @staticmethod
    def joined(surfaces: Sequence[Surface]) -> Surface:
        """Return what several cameras see."""
        return Surface(*(np.concatenate(parts) for parts in zip(*surfaces, strict=True)))


@dataclass(frozen=True)
class Groom:
    """One head of hair, and what there is to be seen of it."""

    family: str
    seed: int
    head: Head
    hair: np.ndarray
    volume: HairVolume

    @staticmethod
    def of(family: str, seed: int) -> Groom:
        """Return a groom of a family on the built-in head."""
        head = parametric_head()
        groom = make_groom(family, head, guides=500, seed=seed)
        children = make_children(groom, count=4000)
        hair = children.strands(groom.strands)
        return Groom(family, seed, head, hair, volume_from_strands(hair, children.hair_count, GRID))

    def look(self, cameras: Sequence[Camera], level: str) -> list[Frame]:
        """Return what cameras of a level of noise show; every groom has a rig of its own."""
        noise = LEVELS[level]
        noise = None if noise is None else replace(noise, rig_seed=self.seed)
        return capture(self.hair, self.head, cameras, seed=self.seed, noise=noise)


def visible(groom: Groom, exact: Frame) -> Surface:
    """Return the hair that a camera truly sees, of its frame without noise."""
    truth = orientation_image(groom.hair, groom.head, exact.camera)
    seen = truth.mask & exact.hair_mask & (exact.depth > 0.0)
    pose = exact.camera.camera_to_head
    rays = exact.camera.rays()[seen] @ pose[:3, :3].T
    points = rays * exact.depth[seen][:, None] + pose[:3, 3]
    return Surface(points, truth.direction[seen], rays / np.linalg.norm(rays, axis=1, keepdims=True))


def true_shell(groom: Groom, surface: Surface) -> HairVolume:
    """Return the true hair that rays enter, down to the depth at which the observer still puts hair."""
    reached = np.zeros(GRID.shape, bool)
    for depth in np.linspace(0.0, SHELL_DEPTHS[-1] * GRID.voxel, 6):
        index, inside = GRID.indices(surface.points + depth * surface.rays)
        reached[tuple(index[inside].T)] = True
    reached &= groom.volume.occupied
    direction = np.where(reached[..., None], groom.volume.direction, np.float32(0.0))
    return HairVolume(reached.astype(np.float32), direction, GRID)


def scores(seen: HairVolume, groom: Groom, surface: Surface) -> dict[str, float]:
    """Return the scores of what was seen beside what there was to see."""
    points, directions, shell = surface.points, surface.directions, true_shell(groom, surface)
    centres = GRID.centres()[seen.occupied]
    near = KDTree(points).query_ball_point(centres, 0.8 * GRID.voxel)
    has = np.array([len(found) > 0 for found in near])
    mean = np.array([directions[found].mean(axis=0) for found in near[has]])
    mean /= np.maximum(np.linalg.norm(mean, axis=1, keepdims=True), 1e-9)
    cosine = np.clip(np.sum(mean * seen.direction[seen.occupied][has], axis=1), -1.0, 1.0)
    both, either = seen.occupied & shell.occupied, seen.occupied | shell.occupied
    hair = seen.occupied & groom.volume.occupied
    flow = np.clip(np.sum(seen.direction[hair] * groom.volume.direction[hair], axis=1), -1.0, 1.0)
    return {
        "iou": float(both.sum() / either.sum()),
        "chamfer_mm": 1000.0 * chamfer_distance(centres, points),
        "direction_deg": float(np.degrees(np.median(np.arccos(cosine)))),
        "flow_deg": float(np.degrees(np.median(np.arccos(flow)))),
        "flipped": float((cosine < 0.0).mean()),
        "true_hair": float(hair.sum() / seen.occupied.sum()),
    }


def measure(groom: Groom) -> list[dict[str, Any]]:
    """Return the scores of one groom, one row for each level of noise and number of cameras."""
    cameras = three_camera_rig()
    exact = groom.look(cameras, "none")
    surfaces = [visible(groom, frame) for frame in exact]
    rows = []
    for level in LEVELS:
        frames = exact if level == "none" else groom.look(cameras, level)
        for count in range(1, len(cameras) + 1):
            began = time.process_time()
            seen = observe(frames[:count], groom.head, GRID)
            seconds = time.process_time() - began
            found = scores(seen, groom, Surface.joined(surfaces[:count]))
            rows.append(
                {"family": groom.family, "seed": groom.seed, "noise": level, "cameras": count}
                | {name: round(value, 4) for name, value in {**found, "seconds": seconds}.items()}
            )
    return rows


def summarise(rows: Sequence[dict[str, Any]]) -> list[dict[str, Any]]:
    """Return mean and 95 % interval over grooms of every score, for each level and number of cameras."""
    found = []
    for level, count in dict.fromkeys((row["noise"], row["cameras"]) for row in rows):
        mine = [row for row in rows if (row["noise"], row["cameras"]) == (level, count)]
        values = {name: bootstrap_mean(np.array([row[name] for row in mine])) for name in METRICS}
        found.append(
            {"noise": level, "cameras": count, "grooms": len(mine)}
            | {name: [round(v.mean, 4), round(v.low, 4), round(v.high, 4)] for name, v in values.items()}
        )
    return found


def main() -> None:
    """Look, print, write the table and the picture."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--grooms", type=int, default=len(TRAINING_FAMILIES))
    parser.add_argument("--out", type=Path)
    parser.add_argument("--picture", type=Path, help="of the groom --show, as cameras and observer see it")
    parser.add_argument("--show", default="wavy_long", choices=TRAINING_FAMILIES)
    arguments = parser.parse_args()
    if not 1 <= arguments.grooms <= 100:
        parser.error(f"--grooms is {arguments.grooms}; expected 1 .. 100, seeds below 100")
    start_warp()
    if arguments.picture is not None:
        from benchmarks.observe_picture import draw_seeing  # late: it needs Matplotlib

        draw_seeing(Groom.of(arguments.show, 1), arguments.picture)
    rows: list[dict[str, Any]] = []
    for seed in track(range(arguments.grooms), description="looking"):
        rows += measure(Groom.of(TRAINING_FAMILIES[seed % len(TRAINING_FAMILIES)], seed))
    found = summarise(rows)
    for row in found:
        shown = "  ".join(f"{name} {row[name][0]:.3f}" for name in METRICS)
        print(f"{row['noise']:6s} {row['cameras']} camera(s)  {shown}")
    if arguments.out is not None:
        levels = {name: None if noise is None else asdict(noise) for name, noise in LEVELS.items()}
        command = f"python -m benchmarks.observe --grooms {arguments.grooms}"
        write_json(arguments.out, {**provenance(command), "levels": levels, "summary": found, "rows": rows})


if __name__ == "__main__":
    main()
