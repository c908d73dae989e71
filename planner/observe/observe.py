"""Camera frames to a HairVolume: the only way hair enters the planner."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from hairsim.cameras.camera import Frame
from hairsim.errors import CombwiseError
from hairsim.head.head import Head
from hairsim.volume import GridSpec, HairVolume
from planner.observe.calibrated import require_calibrated
from planner.observe.fuse import FREE_MARGIN, fuse_points, seen_free
from planner.observe.lift import lift_frame
from planner.observe.sign import root_to_tip

OBSERVER_VERSION = "2"
"""Travels inside datasets and checkpoints; raised whenever the same frames would give another volume."""

FEWEST_PIXELS = 50
"""Less hair than this in all frames together is no hair."""


def observe(
    frames: Sequence[Frame], head: Head, grid: GridSpec, *, mask: Sequence[np.ndarray] | None = None
) -> HairVolume:
    """Fuse calibrated RGB-D frames into the visible shell of the hair.

        frame -> hair pixels -> clean depth ----> points      \
                             -> strand orientation -> tangents -> voxels -> carve -> root to tip -> volume

    Args:
        frames: the looks of one to several cameras.
        head: whose hair it is, for the signs of the directions.
        grid: where to put the volume.
        mask: [height, width] bool for each frame, in place of the frames' own hair masks.

    Returns:
        The shell: occupancy from 0.5 where hair was seen, one to two voxels deep; nothing behind it.

    Raises:
        CombwiseError: no frames, masks that do not fit, a frame without depth, a camera without a pose or
            with one in the head, or no hair in any of them.
    """
    masks = hair_masks(frames, mask)
    for frame in frames:
        require_calibrated(frame.camera, head)
    points = [lift_frame(frame, hair) for frame, hair in zip(frames, masks, strict=True) if hair.any()]
    if sum(len(p.position) for p in points) < FEWEST_PIXELS:
        raise CombwiseError(
            f"no hair found: {len(frames)} camera(s) show fewer than {FEWEST_PIXELS} hair pixels with depth; "
            "expected a head of hair in view and depth in metres"
        )
    shell = fuse_points(points, grid)
    centres = np.asarray(grid.origin) + grid.voxel * (shell.index + 0.5)
    kept = (shell.occupancy > 0.05) & ~seen_free(centres, frames, FREE_MARGIN * grid.voxel)
    index, occupancy = shell.index[kept], shell.occupancy[kept]
    if not (occupancy >= 0.5).any():
        raise CombwiseError(
            "no hair found on the grid: the hair pixels lie outside it or where other cameras see through; "
            "expected calibrated cameras around the head and depth in metres"
        )
    direction = root_to_tip(index, shell.direction[kept], shell.trust[kept], head, grid)
    volume = np.zeros(grid.shape, np.float32)
    field = np.zeros((*grid.shape, 3), np.float32)
    volume[tuple(index.T)] = occupancy
    field[tuple(index.T)] = direction
    return HairVolume(occupancy=volume, direction=field, grid=grid)


def hair_masks(frames: Sequence[Frame], mask: Sequence[np.ndarray] | None) -> list[np.ndarray]:
    """Return one boolean hair mask for each frame, checked.

    Raises:
        CombwiseError: as `observe` says.
    """
    if len(frames) == 0:
        raise CombwiseError(
            "no camera frames to observe; expected the looks of at least one calibrated camera"
        )
    masks = [frame.hair_mask for frame in frames] if mask is None else list(mask)
    if len(masks) != len(frames):
        raise CombwiseError(
            f"got {len(masks)} masks for {len(frames)} frames; expected one mask for each frame"
        )
    for frame, hair in zip(frames, masks, strict=True):
        name = frame.camera.name
        if hair.shape != frame.depth.shape:
            raise CombwiseError(
                f"mask of camera '{name}' has shape {hair.shape}; expected {frame.depth.shape} as its depth"
            )
        if not np.isfinite(frame.depth).all():
            raise CombwiseError(
                f"depth of camera '{name}' holds NaN or infinite values; expected metres, 0 for none"
            )
        if not (frame.depth > 0.0).any():
            raise CombwiseError(
                f"depth of camera '{name}' is empty; expected metres where something was measured"
            )
    return [np.asarray(hair, bool) & (frame.depth > 0.0) for frame, hair in zip(frames, masks, strict=True)]
