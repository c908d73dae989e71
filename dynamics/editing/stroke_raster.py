"""A stroke in the grid of the hair: where teeth sweep, which way, when, and how far they still go.

The raster lives at V/2, where the network reads it, so that a planner's batch stays small:

    channel  0..7   sweep         of the eight voxels of the cell, 0..1, how densely teeth pass
             8..10  motion        unit direction of travel of what passes the cell
             11..13 remaining     from the passing to the end of the stroke, over `REMAINING_SCALE`
             14     phase         0 at the start of the stroke .. 1 at its end
             15     speed         over the fastest stroke

Channels 8..15 are means over what passes, times the cell's largest sweep: zero where nothing passes.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from scipy.spatial.transform import Rotation
from torch import Tensor

from dynamics.latent.blocks import unfold
from hairsim.tools.stroke import STROKE_HIGH
from hairsim.tools.tool import Tool, ToolPath
from hairsim.volume import GridSpec

RASTER_CHANNELS = 16
MIRRORED_CHANNELS = [2, 3, 0, 1, 6, 7, 4, 5, *range(8, 16)]
"""Where a channel comes from when left and right are swapped; y of motion and remaining way change sign."""

REMAINING_SCALE = 0.10
"""Length that a remaining displacement of 1 stands for [m]."""

SAMPLE_SPACING = 0.6
"""Distance of sample points along teeth and path [voxel edges]: every voxel passed holds some."""

TOOTH_REACH = 0.0025
"""Half the width that a tooth acts on [m]: hair between teeth 10 mm apart is taken along by the nearest,
and sampling at this distance to either side leaves no voxel of 7.5 mm empty between them."""

THICK = 0.005
"""Radius above which a capsule is thicker than the reach of a tooth, so that its own width counts [m]."""

FULL_SWEEP = 0.5
"""Share of the weight of one tooth crossing straight through at which a voxel counts as fully swept."""


def tool_samples(tool: Tool, spacing: float) -> np.ndarray:
    """Spread points [P, 3] [m], tool frame, at most `spacing` apart along a tool's capsules."""
    points = []
    for start, end, radius in zip(tool.start, tool.end, tool.radius, strict=True):
        axis = end - start
        span = float(np.linalg.norm(axis))
        beside, lines = np.array([0.0, 1.0, 0.0]), np.array([-TOOTH_REACH, TOOTH_REACH])
        if radius > THICK:  # fingers and handles sweep what is within them: more lines, and their round ends
            if abs(axis[0]) < 0.9 * span:
                beside = np.cross([1.0, 0.0, 0.0], axis / span)
            lines = np.linspace(-radius, radius, int(np.ceil(2.0 * radius / spacing)) + 1)
            start, axis, span = (
                start - axis * (radius / span),
                axis * (1.0 + 2.0 * radius / span),
                span + 2.0 * radius,
            )
        count = max(2, int(np.ceil(span / spacing)) + 1)
        along = start + axis * ((np.arange(count) + 0.5) / count)[:, None]
        points += [along + line * beside for line in lines]
    return np.concatenate(points).astype(np.float32)


@dataclass(frozen=True)
class _Poses:
    """Coarse, evenly spaced poses of the part of a path in the hair.

    Attributes:
        positions: [T, 3] [m].
        rotations: [T, 3, 3], tool to head.
        values: [T, 8], what channels 8..15 hold.
        step: distance between poses along the path [m].
    """

    positions: np.ndarray
    rotations: np.ndarray
    values: np.ndarray
    step: float


def _coarse_poses(path: ToolPath, spacing: float) -> _Poses | None:
    first, last = path.in_hair
    positions = np.asarray(path.positions[first : last + 1], np.float64)
    travelled = np.concatenate([[0.0], np.cumsum(np.linalg.norm(np.diff(positions, axis=0), axis=1))])
    length = float(travelled[-1])
    if length < 1e-6:
        return None
    count = max(2, int(np.ceil(length / spacing)))
    wanted = (np.arange(count) + 0.5) * (length / count)
    at = np.clip(np.searchsorted(travelled, wanted), 0, len(travelled) - 1)
    picked = np.stack([np.interp(wanted, travelled, positions[:, axis]) for axis in range(3)], axis=1)
    motion = np.gradient(picked, axis=0)
    motion /= np.maximum(np.linalg.norm(motion, axis=1, keepdims=True), 1e-9)
    seconds = float(path.times[last] - path.times[first])
    speed = length / max(seconds, 1e-6) / float(STROKE_HIGH[7])
    values = [
        motion,
        (positions[-1] - picked) / REMAINING_SCALE,
        wanted[:, None] / length,
        np.full((count, 1), speed),
    ]
    return _Poses(
        positions=picked.astype(np.float32),
        rotations=Rotation.from_quat(path.quaternions[first : last + 1][at]).as_matrix().astype(np.float32),
        values=np.concatenate(values, axis=1).astype(np.float32),
        step=length / count,
    )


def rasterise(paths: Sequence[ToolPath | None], tool: Tool, grid: GridSpec) -> Tensor:
    """Return the rasters [N, X/2, Y/2, Z/2, 16] of N tool paths; None (no stroke) gives zeros.

    Sample points of the teeth at coarse poses are counted into voxels. A voxel's weight is normalised
    to that of one tooth going straight through, so that the sweep does not depend on the grid.

    Args:
        paths: N paths, head frame.
        tool: what moves along them.
        grid: where to rasterise; a crop of a profile's grid, its edges even.
    """
    spacing = SAMPLE_SPACING * grid.voxel
    samples = tool_samples(tool, spacing)
    shape = np.asarray(grid.shape)
    half = shape // 2
    cells = int(np.prod(half))
    cell_of, part_of, weight_of, value_of = [], [], [], []
    for number, path in enumerate(paths):
        poses = None if path is None else _coarse_poses(path, spacing)
        if poses is None:
            continue
        points = poses.positions[:, None] + samples @ poses.rotations.transpose(0, 2, 1)
        voxel = np.floor((points - np.asarray(grid.origin, np.float32)) / np.float32(grid.voxel)).astype(
            np.int32
        )
        inside = np.all((voxel >= 0) & (voxel < shape), axis=-1)
        voxel, pose = voxel[inside], np.nonzero(inside)[0]
        cell = voxel >> 1
        flat = (cell[:, 0] * half[1] + cell[:, 1]) * half[2] + cell[:, 2]
        part = (voxel & 1) @ np.array([4, 2, 1], np.int32)
        cell_of.append(flat.astype(np.int64) + number * cells)
        part_of.append(part)
        weight_of.append(
            np.full(len(flat), 0.5 * spacing * poses.step / (FULL_SWEEP * grid.voxel**2), np.float32)
        )
        value_of.append(poses.values[pose])
    if not cell_of:
        return torch.zeros(len(paths), *half, RASTER_CHANNELS)
    cell, part, weight = (np.concatenate(a) for a in (cell_of, part_of, weight_of))
    sweep = np.bincount(cell * 8 + part, weight, minlength=len(paths) * cells * 8)
    # Only cells that something passes are touched: a planner's batch is nearly empty.
    used, place = np.unique(cell, return_inverse=True)
    value = torch.zeros(len(used), 8).index_add_(
        0, torch.from_numpy(place), torch.from_numpy(np.concatenate(value_of))
    )
    value /= torch.from_numpy(np.bincount(place).astype(np.float32))[:, None]
    eight = torch.from_numpy(sweep.reshape(-1, 8)[used].astype(np.float32)).clamp_max(1.0)
    raster = torch.zeros(len(paths) * cells, RASTER_CHANNELS)
    raster[torch.from_numpy(used)] = torch.cat([eight, value * eight.amax(1, keepdim=True)], dim=1)
    return raster.reshape(len(paths), *half.tolist(), RASTER_CHANNELS)


@dataclass(frozen=True)
class SparseRaster:
    """A raster of a whole grid, kept small.

    Attributes:
        place: [M, 3] int16, the cells that something passes.
        values: [M, 16] float16, their channels.
    """

    place: np.ndarray
    values: np.ndarray

    @staticmethod
    def of(path: ToolPath, tool: Tool, grid: GridSpec) -> SparseRaster:
        """Rasterise one path over a grid."""
        raster = rasterise([path], tool, grid)[0].numpy()
        place = np.argwhere(raster[..., :8].any(-1))
        return SparseRaster(place.astype(np.int16), raster[tuple(place.T)].astype(np.float16))

    def box(self) -> tuple[np.ndarray, np.ndarray]:
        """Return the first and the last voxel that is passed, [3] each; the grid's corner where none is."""
        if len(self.place) == 0:
            return np.zeros(3, np.int64), np.zeros(3, np.int64)
        return 2 * self.place.min(0).astype(np.int64), 2 * self.place.max(0).astype(np.int64) + 1

    def crop(self, low: tuple[int, int, int], shape: tuple[int, int, int], *, mirror: bool) -> np.ndarray:
        """Return the raster [X/2, Y/2, Z/2, 16] of a window.

        Args:
            low, shape: first voxel and number of voxels, all even.
            mirror: whether left and right are swapped.
        """
        half = tuple(n // 2 for n in shape)
        dense = np.zeros((*half, RASTER_CHANNELS), np.float32)
        place = self.place - np.asarray(low, np.int16) // 2
        inside = np.all((place >= 0) & (place < np.asarray(half)), axis=1)
        x, y, z = place[inside].T
        dense[x, y, z] = self.values[inside]
        if not mirror:
            return dense
        dense = dense[:, ::-1, :, MIRRORED_CHANNELS]
        dense[..., [9, 12]] *= -1.0
        return dense


def swept(raster: Tensor) -> Tensor:
    """Return the sweep 0..1 per voxel, [N, X, Y, Z], of rasters [N, X/2, Y/2, Z/2, 16]."""
    return unfold(raster[..., :8])[..., 0]
