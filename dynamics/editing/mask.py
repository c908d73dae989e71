"""Where a stroke may change the hair, and what it carries there.

    sweep of the teeth --touches--> hair --downstream, root to tip--> the tails that follow
                                     |                                   |
                                     +--upstream, a little--> slack      +--swings up to the end of the stroke
      everything of that, dilated                                           and falls: the reach

All of it is found on the grid at V/2. A sweep that touches no hair has an empty mask.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

import torch
from torch import Tensor
from torch.nn import functional

from dynamics.editing.stroke_raster import REMAINING_SCALE
from dynamics.latent.blocks import fold
from hairsim.errors import CombwiseError

CARRIED_CHANNELS = 4


@dataclass(frozen=True)
class MaskConfig:
    """How far a stroke may act, in cells of V/2 (15 mm in `small`).

    Attributes:
        touch: dilation of the sweep; 1 is two voxels.
        downstream: cells that an edit follows the hair towards the tips.
        upstream: the same towards the roots: hair that is pulled straight before the comb.
        swing: pieces into which the way of the moved tail to the end of the stroke is cut.
        fall: cells that displaced hair may fall.
        dilate: dilation of the whole.
    """

    touch: int = 1
    downstream: int = 24
    upstream: int = 6
    swing: int = 4
    fall: int = 4
    dilate: int = 3

    def __post_init__(self) -> None:
        if min(self.touch, self.downstream, self.upstream, self.swing, self.fall, self.dilate) < 0:
            raise CombwiseError(f"mask reaches {self}; expected numbers of cells, none negative")


class EditMask(NamedTuple):
    """Where a stroke may act.

    Attributes:
        cells: [N, X/2, Y/2, Z/2] bool.
        carried: [N, X/2, Y/2, Z/2, 4] whether hair there follows the comb (0 or 1), and the remaining
            displacement of the teeth where they met its strand (over `REMAINING_SCALE`).
    """

    cells: Tensor
    carried: Tensor

    @property
    def voxels(self) -> Tensor:
        """The mask on the voxels, [N, X, Y, Z] bool."""
        return spread(self.cells, 2)

    def at(self, stride: int) -> Tensor:
        """Return the mask at V/4 or V/8 (`stride` 4 or 8), [N, ..., 1] float: cells with any of it."""
        return pool(self.cells.float(), stride // 2)[..., None]


def pool(x: Tensor, stride: int) -> Tensor:
    """Max over blocks of `stride`^3: [N, X, Y, Z] -> [N, X/stride, ...]."""
    return functional.max_pool3d(x[:, None], stride)[:, 0]


def dilate(mask: Tensor, reach: int) -> Tensor:
    """Dilate [N, X, Y, Z] bool by a cube of `reach` cells to every side."""
    if reach == 0 or _is_known_empty(mask):
        return mask
    x = mask.to(torch.float32)[:, None]
    size = 2 * reach + 1
    for axis in range(3):  # separable: the cube is a product of three lines
        kernel = [size if axis == other else 1 for other in range(3)]
        padding = [reach if axis == other else 0 for other in range(3)]
        x = functional.max_pool3d(x, kernel, 1, padding)
    return x[:, 0] > 0.5


def spread(x: Tensor, stride: int) -> Tensor:
    """Repeat cells [N, X, Y, Z] into blocks of `stride`^3 voxels."""
    for axis in (1, 2, 3):
        x = x.repeat_interleave(stride, dim=axis)
    return x


def edit_mask(
    occupancy: Tensor, direction: Tensor, raster: Tensor, voxel: float, config: MaskConfig
) -> EditMask:
    """Return where strokes may act on hair.

    Args:
        occupancy: [N, X, Y, Z], 0..1.
        direction: [N, X, Y, Z, 3], root to tip.
        raster: [N, X/2, Y/2, Z/2, 16], see `stroke_raster`.
        voxel: edge of a voxel [m].
        config: how far.
    """
    hair = occupancy >= 0.5
    count = len(hair)
    shape = raster.shape[1:4]
    cells = pool(hair.float(), 2) > 0.5
    heading = fold(direction * hair[..., None]).unflatten(-1, (8, 3)).sum(-2).reshape(count, -1, 3)
    swept = raster[..., :8].amax(-1) > 0.0
    touched = dilate(swept, config.touch) & cells
    remaining = _near(raster[..., 11:14], swept)
    carried = torch.cat([touched[..., None], remaining * touched[..., None]], dim=-1).reshape(count, -1, 4)
    hair_cells = cells.reshape(count, -1)
    up = _neighbour(-heading, shape)
    down = _neighbour(heading, shape)
    downstream, carried = _follow(touched.reshape(count, -1), carried, hair_cells, up, config.downstream)
    upstream, _ = _follow(touched.reshape(count, -1), None, hair_cells, down, config.upstream)
    moved = (downstream | upstream).reshape(count, *shape)
    carried = carried.reshape(count, *shape, 4)
    reach = moved | _swing(downstream.reshape(count, *shape), carried, voxel, config)
    reach |= swept & touched.flatten(1).any(1)[:, None, None, None]
    return EditMask(dilate(reach, config.dilate), carried)


def _near(value: Tensor, where: Tensor) -> Tensor:
    """Return the mean of `value` [N, X, Y, Z, C] over a cell's neighbourhood of 3^3 where it is known."""
    stacked = torch.cat([value * where[..., None], where[..., None].to(value.dtype)], dim=-1)
    mean = functional.avg_pool3d(stacked.permute(0, 4, 1, 2, 3), 3, 1, 1).permute(0, 2, 3, 4, 1)
    return mean[..., :-1] / mean[..., -1:].clamp_min(1e-6)


def _neighbour(heading: Tensor, shape: torch.Size | tuple[int, ...]) -> Tensor:
    """Return the flat index [N, M] of the neighbour (of 26) along `heading` [N, M, 3]; itself at the rim."""
    x, y, z = (int(n) for n in shape)
    largest = heading.abs().amax(-1, keepdim=True)
    step = torch.where(largest > 0.0, heading / largest.clamp_min(1e-9), 0.0).round().long()
    index = torch.arange(x * y * z, device=heading.device)
    place = torch.stack([index // (y * z), (index // z) % y, index % z], dim=-1) + step
    limit = _extent(shape, heading.device)
    inside = ((place >= 0) & (place < limit)).all(-1)
    flat = (place[..., 0] * y + place[..., 1]) * z + place[..., 2]
    return torch.where(inside, flat, index)


def _follow(
    touched: Tensor, carried: Tensor | None, hair: Tensor, source: Tensor, steps: int
) -> tuple[Tensor, Tensor]:
    """Spread `touched` [N, M], and what is carried, to hair cells whose `source` cell has it."""
    value = touched.new_zeros(*touched.shape, 0, dtype=torch.float32) if carried is None else carried
    for _ in range(steps):
        new = hair & ~touched & touched.gather(1, source)
        if _is_known_empty(new):
            break
        touched = touched | new
        if value.shape[-1] and value.is_cuda:
            taken = value.gather(1, source[..., None].expand_as(value))
            value = torch.where(new[..., None], taken, value)
        elif value.shape[-1]:
            row, cell = new.nonzero(as_tuple=True)
            value = value.index_put((row, cell), value[row, source[row, cell]])
    return touched, value


def _swing(moved: Tensor, carried: Tensor, voxel: float, config: MaskConfig) -> Tensor:
    """Return where moved cells [N, X, Y, Z] may get to: along what is carried, and down from there."""
    if moved.is_cuda:
        return _swing_everywhere(moved, carried, voxel, config)
    reach = torch.zeros_like(moved)
    number, x, y, z = moved.nonzero(as_tuple=True)
    if config.swing == 0 or len(number) == 0:
        return reach
    way = carried[number, x, y, z, 1:] * (REMAINING_SCALE / (2.0 * voxel))
    place = torch.stack([x, y, z], dim=-1)
    limit = torch.tensor(moved.shape[1:], device=moved.device)
    for piece in range(1, config.swing + 1):
        for fall in range(0, config.fall + 1, 2):
            target = place + (way * (piece / config.swing)).round().long()
            target[:, 2] -= fall
            inside = ((target >= 0) & (target < limit)).all(-1)
            t = target[inside]
            reach[number[inside], t[:, 0], t[:, 1], t[:, 2]] = True
    return reach


def _swing_everywhere(moved: Tensor, carried: Tensor, voxel: float, config: MaskConfig) -> Tensor:
    """Return what `_swing` does, worked out for every cell: sizes that depend on data make a GPU wait."""
    count, (x, y, z) = len(moved), moved.shape[1:]
    cells = x * y * z
    reach = moved.new_zeros(count, cells + 1)  # the last takes what moves out of the grid, or does not move
    if config.swing == 0:
        return reach[:, :-1].reshape(moved.shape)
    way = carried[..., 1:].reshape(count, cells, 3) * (REMAINING_SCALE / (2.0 * voxel))
    index = torch.arange(cells, device=moved.device)
    start = torch.stack([index // (y * z), (index // z) % y, index % z], dim=-1)
    limit = _extent((x, y, z), moved.device)
    moves = moved.reshape(count, cells)
    for piece in range(1, config.swing + 1):
        target = start + (way * (piece / config.swing)).round().long()
        for fall in range(0, config.fall + 1, 2):
            fallen = torch.cat([target[..., :2], target[..., 2:] - fall], dim=-1)
            inside = ((fallen >= 0) & (fallen < limit)).all(-1) & moves
            flat = (fallen[..., 0] * y + fallen[..., 1]) * z + fallen[..., 2]
            reach.scatter_(1, torch.where(inside, flat, cells), True)
    return reach[:, :-1].reshape(moved.shape)


def _extent(shape: torch.Size | tuple[int, ...], device: torch.device) -> Tensor:
    """Return a shape as a tensor; filled on the device, as copying three numbers there would wait for it."""
    return torch.stack([torch.full((), int(n), device=device) for n in shape])


def _is_known_empty(mask: Tensor) -> bool:
    """Return whether nothing is in a mask, where asking is free: a GPU would have to be waited for."""
    return not mask.is_cuda and not bool(mask.any())
