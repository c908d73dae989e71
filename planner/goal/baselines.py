"""What a network that reads goals out of pictures has to beat: the usual hair, and the picture's hull."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from hairsim.atomic_file import written_aside
from hairsim.errors import CombwiseError
from hairsim.generate.episode import SparseVolume
from hairsim.head.head import Head
from hairsim.volume import GridSpec, HairVolume
from planner.goal.picture_maps import MAP, HairMaps
from planner.observe.sign import root_to_tip

HULL_REACH = 0.045
"""How far from the skin a hull goes [m]: combed hair of our training families lies within it mostly."""

BEHIND = 0.30
"""How far the head is looked for in front of a voxel [m]."""


def mean_hair(hairs: Sequence[SparseVolume], grid: GridSpec) -> HairVolume:
    """Return the mean of volumes: occupancy, and the mean direction of the hair in each voxel."""
    size = int(np.prod(grid.shape))
    total, current = np.zeros(size), np.zeros((size, 3))
    for hair in hairs:
        occupancy = hair.occupancy / 255.0
        total[hair.index] += occupancy >= 0.5
        current[hair.index] += occupancy[:, None] * hair.direction
    length = np.linalg.norm(current, axis=1, keepdims=True)
    direction = np.where(length > 0.0, current / np.maximum(length, 1e-9), 0.0)
    occupancy = total / max(len(hairs), 1)
    direction[occupancy == 0.0] = 0.0
    return HairVolume(
        occupancy.reshape(grid.shape).astype(np.float32),
        direction.reshape(*grid.shape, 3).astype(np.float32),
        grid,
    )


def save_mean(path: Path, hair: HairVolume) -> None:
    """Write mean hair beside the weights that it is compared with."""
    sparse = SparseVolume.of(hair)
    with written_aside(path) as aside:
        np.savez_compressed(
            aside,
            allow_pickle=False,
            index=sparse.index,
            occupancy=sparse.occupancy,
            direction=sparse.direction,
        )


def load_mean(path: Path, grid: GridSpec) -> HairVolume:
    """Read what `save_mean` wrote.

    Raises:
        CombwiseError: it is missing, damaged, or of another grid.
    """
    try:
        with path.open("rb") as file, np.load(file, allow_pickle=False) as kept:
            sparse = SparseVolume(kept["index"], kept["occupancy"], kept["direction"])
            return sparse.dense(grid)
    except (OSError, ValueError, KeyError, IndexError) as error:
        raise CombwiseError(
            f"mean hair {path} cannot be read ({error}); expected the file that 'combwise train goal' leaves "
            "in its run folder"
        ) from error


def carved_hull(maps: HairMaps, head: Head, grid: GridSpec) -> HairVolume:
    """Return what the picture allows near the head: voxels that fall on hair, neither in nor behind the head.

    Directions are those of the picture, in its plane, pointed from root to tip as an observation's are.

    Args:
        maps: of the picture.
        head: with its scalp, which says where roots are.
        grid: where to put the volume.
    """
    centres = grid.centres().reshape(-1, 3).astype(np.float64)
    distance = head.field.sample(centres)
    near = np.flatnonzero((distance > 0.0) & (distance < HULL_REACH))
    camera = maps.camera
    pixel, depth = camera.project(centres[near])
    column, row = np.rint(pixel).astype(int).T
    inside = (depth > 0.0) & (column >= 0) & (column < MAP) & (row >= 0) & (row < MAP)
    near, column, row = near[inside], column[inside], row[inside]
    kept = maps.maps[0, row, column] >= 0.5
    near, column, row = near[kept], column[kept], row[kept]
    toward = camera.camera_to_head[:3, 3] - centres[near]
    toward /= np.linalg.norm(toward, axis=1, keepdims=True)
    ways = centres[near][:, None] + toward[:, None] * np.arange(0.01, BEHIND, 0.01)[:, None]
    clear = head.field.sample(ways).min(axis=1) > -0.002
    near, column, row = near[clear], column[clear], row[clear]
    occupancy = np.zeros(grid.shape, np.float32)
    direction = np.zeros((*grid.shape, 3), np.float32)
    if len(near) == 0:
        return HairVolume(occupancy, direction, grid)
    cosine, sine = maps.maps[2, row, column], maps.maps[3, row, column]
    angle = 0.5 * np.arctan2(sine, cosine)
    rotation = camera.camera_to_head[:3, :3]
    along = np.cos(angle)[:, None] * rotation[:, 0] + np.sin(angle)[:, None] * rotation[:, 1]
    index = np.stack(np.unravel_index(near, grid.shape), axis=1)
    heading = root_to_tip(index, along, maps.maps[1, row, column], head, grid)
    occupancy[tuple(index.T)] = 1.0
    direction[tuple(index.T)] = heading
    return HairVolume(occupancy, direction, grid)
