"""Hair as a volume: occupancy and strand direction on a grid in the head frame."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from hairsim.errors import CombwiseError


@dataclass(frozen=True)
class GridSpec:
    """A regular grid of cubic voxels in the head frame.

    Voxel (i, j, k) spans `origin + voxel * (i, j, k)` to `origin + voxel * (i+1, j+1, k+1)`.

    Attributes:
        origin: lower corner [m].
        voxel: edge of a voxel [m].
        shape: number of voxels along X, Y, Z.
    """

    origin: tuple[float, float, float]
    voxel: float
    shape: tuple[int, int, int]

    def __post_init__(self) -> None:
        if not self.voxel > 0.0 or min(self.shape) < 1:
            raise CombwiseError(
                f"grid of shape {self.shape} with {self.voxel} m voxels is empty; "
                "expected a positive voxel size and at least one voxel an axis"
            )

    def indices(self, points: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Return integer voxel indices [..., 3] of points [..., 3] [m] and whether each is inside."""
        index = np.floor((points - np.asarray(self.origin)) / self.voxel).astype(np.int64)
        inside = np.all((index >= 0) & (index < np.asarray(self.shape)), axis=-1)
        return index, inside

    def centres(self) -> np.ndarray:
        """Return the voxel centres [X, Y, Z, 3] [m], head frame, float32."""
        axes = [o + self.voxel * (np.arange(n) + 0.5) for o, n in zip(self.origin, self.shape, strict=True)]
        return np.stack(np.meshgrid(*axes, indexing="ij"), axis=-1).astype(np.float32)


GRIDS: dict[str, GridSpec] = {
    "small": GridSpec(origin=(-0.24, -0.24, -0.32), voxel=0.0075, shape=(64, 64, 64)),
    "base": GridSpec(origin=(-0.24, -0.24, -0.32), voxel=0.00375, shape=(128, 128, 128)),
}
"""The two profiles of DESIGN: the same box at two resolutions."""


@dataclass(frozen=True)
class HairVolume:
    """What the hair is: occupancy and root-to-tip direction on a grid, head frame.

    Attributes:
        occupancy: [X, Y, Z] float32 in 0..1; a voxel counts as hair from 0.5.
        direction: [X, Y, Z, 3] float32, unit vectors root to tip, zero where occupancy is zero.
        grid: where the voxels are.
    """

    occupancy: np.ndarray
    direction: np.ndarray
    grid: GridSpec

    def __post_init__(self) -> None:
        if self.occupancy.shape != self.grid.shape or self.direction.shape != (*self.grid.shape, 3):
            raise CombwiseError(
                f"volume arrays have shapes {self.occupancy.shape} and {self.direction.shape}; "
                f"expected {self.grid.shape} and {(*self.grid.shape, 3)}"
            )
        if not (np.isfinite(self.occupancy).all() and np.isfinite(self.direction).all()):
            raise CombwiseError(
                "volume holds NaN or infinite values; expected finite occupancy and direction"
            )

    @property
    def occupied(self) -> np.ndarray:
        """Boolean [X, Y, Z]: the voxels that count as hair."""
        return self.occupancy >= 0.5


FULL_DENSITY = 1.0e6
"""Length of hair per volume [m/m^3] at which a voxel counts as fully occupied: half a percent of its
space. Half of it, the threshold, is one child of 25 hairs crossing a 7.5 mm voxel once."""


def volume_from_strands(strands: np.ndarray, hair_count: np.ndarray | float, grid: GridSpec) -> HairVolume:
    """Rasterise strands to a volume.

    Occupancy is the length of hair in the voxel over `FULL_DENSITY` times its volume, clipped to
    1, so that two samplings of one groom (more children of fewer hairs each) agree.

    Args:
        strands: [S, V, 3] [m], head frame, root first; usually interpolated children.
        hair_count: hairs that each strand stands for, [S] or one number.
        grid: where to rasterise.

    Raises:
        CombwiseError: strands hold NaN or are not [S, V, 3].
    """
    if strands.ndim != 3 or strands.shape[2] != 3 or strands.shape[1] < 2:
        raise CombwiseError(f"strands have shape {strands.shape}; expected [S, V >= 2, 3]")
    if not np.isfinite(strands).all():
        raise CombwiseError("strands hold NaN or infinite positions; expected finite metres")
    start, edge = strands[:, :-1], np.diff(strands, axis=1)
    length = np.linalg.norm(edge, axis=-1)
    pieces = max(1, int(np.ceil(2.0 * np.quantile(length, 0.99) / grid.voxel)))
    fraction = ((np.arange(pieces) + 0.5) / pieces).astype(np.float32)
    hairs = np.broadcast_to(np.asarray(hair_count, np.float32).reshape(-1, 1), length.shape)
    share = hairs * length / pieces
    heading = edge / np.maximum(length, 1e-9)[..., None]
    # An axis at a time: three times as fast as on arrays [..., 3], and the same numbers.
    flat = np.zeros((*length.shape, pieces), np.int64)
    inside = np.ones(flat.shape, bool)
    for axis, (origin, count) in enumerate(zip(grid.origin, grid.shape, strict=True)):
        samples = start[:, :, None, axis] + edge[:, :, None, axis] * fraction
        index = np.floor((samples.astype(np.float64) - origin) / grid.voxel).astype(np.int64)
        inside &= (index >= 0) & (index < count)
        flat = flat * count + index
    flat = flat[inside]
    size = int(np.prod(grid.shape))

    def added(weight: np.ndarray) -> np.ndarray:
        spread = np.broadcast_to(weight[..., None], inside.shape)[inside]
        return np.bincount(flat, spread, minlength=size)

    total = added(share)
    summed = np.stack([added(share * heading[..., axis]) for axis in range(3)], axis=-1)
    norm = np.linalg.norm(summed, axis=-1, keepdims=True)
    direction = np.where(norm > 0.0, summed / np.maximum(norm, 1e-12), 0.0)
    occupancy = np.clip(total / (FULL_DENSITY * grid.voxel**3), 0.0, 1.0)
    direction[occupancy == 0.0] = 0.0
    return HairVolume(
        occupancy=occupancy.reshape(grid.shape).astype(np.float32),
        direction=direction.reshape(*grid.shape, 3).astype(np.float32),
        grid=grid,
    )
