"""All kinds of goals behind one name: read, write, and turn into the volume that a planner compares with."""

from __future__ import annotations

import json
import zipfile
import zlib
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from hairsim.cameras.camera import Camera
from hairsim.errors import CombwiseError
from hairsim.head.head import Head
from hairsim.volume import GridSpec, HairVolume
from planner.goal.look import FILE_NAME, FORMAT, Look, load_look, save_look
from planner.goal.shell import visible_shell
from planner.goal.volume_goal import VOLUME_FORMAT, VolumeGoal, load_volume_goal, save_volume_goal
from planner.observe import observe

Goal = Look | VolumeGoal
"""What the hair should look like: as cameras saw it, or as a volume."""

PICTURES = (".png", ".jpg", ".jpeg")
"""Endings of pictures."""


def load_goal(path: Path) -> Goal:
    """Read a goal of either kind from a .npz file, or from the folder that holds its goal.npz.

    Raises:
        CombwiseError: the file is missing, damaged, a mere picture, or of no format that is known.
    """
    source = path / FILE_NAME if path.is_dir() else path
    if source.suffix.lower() in PICTURES:
        raise CombwiseError(
            f"goal {source} is a picture; expected a goal: make one of it with 'combwise goal make'"
        )
    found = goal_format(source)
    if found == VOLUME_FORMAT:
        return load_volume_goal(source)
    if found not in (None, FORMAT):
        raise CombwiseError(f"goal {source} has format '{found}'; expected '{FORMAT}' or '{VOLUME_FORMAT}'")
    return load_look(source)


def goal_format(source: Path) -> str | None:
    """Return the format that a file says it has; None when it is no goal."""
    if not source.is_file():
        return None
    try:
        with source.open("rb") as file, np.load(file, allow_pickle=False) as archive:
            return str(json.loads(archive["meta"].tobytes())["format"])
    except (
        zipfile.BadZipFile,
        zlib.error,
        KeyError,
        TypeError,
        ValueError,
        AttributeError,
        EOFError,
        OSError,
    ):
        return None


def save_goal(path: Path, goal: Goal) -> Path:
    """Write a goal of either kind; return the file's path."""
    if isinstance(goal, VolumeGoal):
        return save_volume_goal(path, goal)
    return save_look(path, goal.frames, goal.notes)


def goal_volume(goal: Goal, head: Head, grid: GridSpec, cameras: Sequence[Camera]) -> HairVolume:
    """Return a goal as the rig would observe it, so that state and goal miss the same hair.

    Args:
        goal: of either kind.
        head: whose hair it is to be.
        grid: on which the state is observed.
        cameras: of the rig that observes the state.

    Raises:
        CombwiseError: no hair in it, or a volume on another grid.
    """
    if isinstance(goal, Look):
        return observe(goal.frames, head, grid)
    if goal.volume.grid != grid:
        raise CombwiseError(
            f"the goal is a volume of {goal.volume.grid.shape} voxels of "
            f"{1000 * goal.volume.grid.voxel:g} mm; expected {grid.shape} of {1000 * grid.voxel:g} mm: "
            "make it again for the model's profile"
        )
    return visible_shell(goal.volume, head, cameras) if goal.whole else goal.volume
