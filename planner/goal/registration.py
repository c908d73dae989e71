"""A look of another head, brought onto this one: seen on its own head, stretched by the two scalps."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from scipy.ndimage import map_coordinates
from scipy.spatial.transform import Rotation

from hairsim.errors import CombwiseError
from hairsim.groom.fit import HeadFit, fitted_to_head
from hairsim.head.head import Head
from hairsim.volume import GridSpec, HairVolume
from planner.goal.look import Look, require_head
from planner.goal.volume_goal import VolumeGoal
from planner.observe import observe
from planner.observe.head_pose import head_pose, reposed

MOST_APART = 0.012
"""Registered scalps that nine tenths of them lie further off the skin than this [m] are of no two heads."""


def look_of_moved_head(look: Look, head: Head) -> Look:
    """Return a look whose cameras are put right for a head that did not stand where they were calibrated.

    Args:
        look: of this head, moved by a few centimetres and degrees at most.
        head: its shape; its pose is found from the skin in view (`planner.observe.head_pose`).

    Raises:
        CombwiseError: a look of another head, or skin that does not say how the head lies.
    """
    require_head(look, head.name)
    found = head_pose(look.frames, head)
    turn = Rotation.from_matrix(found.head_to_rig[:3, :3]).magnitude()
    notes = {
        **look.notes,
        "head_moved_mm": round(1000.0 * float(np.linalg.norm(found.head_to_rig[:3, 3])), 2),
        "head_turned_deg": round(float(np.degrees(turn)), 2),
    }
    return Look(tuple(reposed(look.frames, found)), notes)


def registered_goal(look: Look, other: Head, head: Head, grid: GridSpec) -> VolumeGoal:
    """Return the hair of a look of another head as a goal for this one.

    Both heads are in the head frame, so what is left is their size and shape: a stretch along each axis and a
    shift, which bring the other's scalp onto this skin; no iteration over correspondences is needed.

    Args:
        look: calibrated in the other head's frame.
        other: the head that it was taken of.
        head: the head that is to be styled.
        grid: where to put the hair.

    Raises:
        CombwiseError: no hair in the look, a look of yet another head, or heads that do not fit.
    """
    require_head(look, other.name)
    seen = observe(look.frames, other, grid)
    fit = head_fit(other, head)
    notes = {
        **look.notes,
        "head": other.name,
        "registered_to": head.name,
        "made_from": "a look of another head",
        "scale": [round(float(s), 4) for s in fit.scale],
        "shift_mm": [round(1000.0 * float(s), 2) for s in fit.shift],
    }
    return VolumeGoal(carried(seen, fit), whole=False, pictures=look.pictures, notes=notes)


def head_fit(other: Head, head: Head) -> HeadFit:
    """Return the stretch and shift that bring another head's scalp onto this head.

    Raises:
        CombwiseError: no stretch does.
    """
    points = np.asarray(other.scalp.points, np.float64)
    fit = fitted_to_head(head, points)
    if fit is None:  # it lies on this skin as it is
        fit = HeadFit(np.asarray(head.centre, np.float64), np.ones(3), np.zeros(3))
    off = float(np.quantile(np.abs(head.field.sample(fit.apply(points))), 0.9))
    if off > MOST_APART:
        raise CombwiseError(
            f"the scalp of '{other.name}' lies {1000 * off:.0f} mm off the skin of '{head.name}' at best; "
            f"expected at most {1000 * MOST_APART:.0f} mm: are both head files in their right unit and axes?"
        )
    return fit


def carried(hair: HairVolume, fit: HeadFit) -> HairVolume:
    """Return a volume as it lies after a stretch and a shift, on the same grid."""
    grid = hair.grid
    centres = grid.centres().astype(np.float64)
    source = fit.centre + (centres - fit.shift - fit.centre) / fit.scale
    place = ((source - np.asarray(grid.origin)) / grid.voxel - 0.5).reshape(-1, 3).T
    occupancy = map_coordinates(hair.occupancy, place, order=1, mode="constant").reshape(grid.shape)
    current = hair.occupancy[..., None] * hair.direction
    moved = np.stack(_interpolated(current, place, grid.shape), axis=-1) * fit.scale
    length = np.linalg.norm(moved, axis=-1, keepdims=True)
    direction = np.where(length > 1e-6, moved / np.maximum(length, 1e-9), 0.0)
    occupancy = np.where(length[..., 0] > 1e-6, occupancy, 0.0)
    direction = np.where(occupancy[..., None] > 0.0, direction, 0.0)
    return HairVolume(occupancy.astype(np.float32), direction.astype(np.float32), grid)


def _interpolated(field: np.ndarray, place: np.ndarray, shape: Sequence[int]) -> list[np.ndarray]:
    return [
        map_coordinates(field[..., axis], place, order=1, mode="constant").reshape(shape) for axis in range(3)
    ]
