"""An episode: one head of hair combed stroke by stroke, as it is simulated, stored and learned from."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from dataclasses import dataclass, replace

import numpy as np

from hairsim.cameras.camera import Frame
from hairsim.errors import CombwiseError
from hairsim.groom.children import Children, make_children
from hairsim.groom.families import bundled
from hairsim.groom.groom import Groom
from hairsim.head.head import DistanceField
from hairsim.physics.material import Material
from hairsim.tools.tool import Tool, ToolPath
from hairsim.volume import GridSpec, HairVolume, volume_from_strands

STRAND_STEP = 2.0e-5
"""Strand positions are kept as int16 multiples of this [m]: 20 um steps, +-0.65 m of reach."""


CHECK_TOLERANCE = 1e-4
"""How far the mean of children may lie from where it was when cameras saw them [m]."""


@dataclass(frozen=True)
class SparseVolume:
    """The voxels of a `HairVolume` that hold any hair.

    Attributes:
        index: [M] int32, flat voxel index in C order.
        occupancy: [M] uint8, occupancy times 255.
        direction: [M, 3] int8, unit direction times 127.
    """

    index: np.ndarray
    occupancy: np.ndarray
    direction: np.ndarray

    @staticmethod
    def of(volume: HairVolume) -> SparseVolume:
        """Keep the voxels whose occupancy rounds to at least 1/255."""
        level = np.rint(volume.occupancy.reshape(-1) * 255.0).astype(np.uint8)
        index = np.flatnonzero(level).astype(np.int32)
        heading = np.rint(volume.direction.reshape(-1, 3)[index] * 127.0).astype(np.int8)
        return SparseVolume(index, level[index], heading)

    def dense(self, grid: GridSpec) -> HairVolume:
        """Return the volume on `grid`; directions are made unit again."""
        size = int(np.prod(grid.shape))
        occupancy = np.zeros(size, np.float32)
        direction = np.zeros((size, 3), np.float32)
        occupancy[self.index] = self.occupancy / np.float32(255.0)
        heading = self.direction.astype(np.float32)
        norm = np.linalg.norm(heading, axis=-1, keepdims=True)
        direction[self.index] = np.where(norm > 0.0, heading / np.maximum(norm, 1e-6), 0.0)
        return HairVolume(occupancy.reshape(grid.shape), direction.reshape(*grid.shape, 3), grid)


@dataclass(frozen=True)
class HeadRecord:
    """A head of a dataset.

    Attributes:
        number: which of the dataset's heads.
        name: what to call it.
        field: signed distance to the skin; float16 is enough for it, 0.06 mm at 10 cm.
        centre: of the cranium [m].
        shape: parameters of `HeadShape` that make it again, scalp and all; empty for other heads.
    """

    number: int
    name: str
    field: DistanceField
    centre: tuple[float, float, float]
    shape: Mapping[str, float] = dataclasses.field(default_factory=dict)

    def distance(self, grid: GridSpec) -> np.ndarray:
        """Return the signed distance to the skin at voxel centres, [X, Y, Z] float32 [m]."""
        values = self.field.values.astype(np.float32)
        return (
            DistanceField(values, self.field.origin, self.field.spacing)
            .sample(grid.centres())
            .astype(np.float32)
        )


@dataclass(frozen=True)
class GroomRecord:
    """The groom of an episode, as it was before anything moved, and what its children depend on.

    Attributes:
        rest: [S, V, 3] float32 [m], guide strands; multiples of `STRAND_STEP`.
        hair_count: [S] hairs that a guide stands for.
        seed: of the groom and of its children.
        family: of the groom; says how its hairs wind about the guides, and how close they lie.
        children: how many there were when cameras looked, N.
        check: [6] float32, mean and standard deviation of their vertices at rest [m].
    """

    rest: np.ndarray
    hair_count: np.ndarray
    seed: int
    family: str
    children: int
    check: np.ndarray

    @staticmethod
    def of(groom: Groom, seed: int, children: int) -> tuple[GroomRecord, Children]:
        """Round a groom to what is stored, so that children come out the same ever after; return both."""
        rest = dequantised(quantised(groom.strands))
        made = make_children(replace(groom, strands=rest), count=children, seed=seed)
        record = GroomRecord(rest, groom.hair_count, seed, groom.family, children, _spread(made, rest))
        return record, made

    def make_children(self, count: int | None = None) -> Children:
        """Return the interpolated hairs that cameras saw, or more or fewer of them.

        Raises:
            CombwiseError: the same number are not those that cameras saw: their code has changed since.
        """
        groom = bundled(Groom(self.rest, self.hair_count, "stored groom", self.family))
        made = make_children(groom, count=count or self.children, seed=self.seed)
        if made.guides.shape[0] == self.children:
            off = float(np.abs(_spread(made, self.rest) - self.check).max())
            if not off <= CHECK_TOLERANCE:
                raise CombwiseError(
                    f"interpolated hair lies {1000 * off:.2f} mm from where cameras saw it; "
                    "expected the code that made the dataset: generate it again"
                )
        return made


def _spread(children: Children, rest: np.ndarray) -> np.ndarray:
    hair = children.strands(rest).reshape(-1, 3).astype(np.float64)
    return np.concatenate([hair.mean(axis=0), hair.std(axis=0)]).astype(np.float32)


def quantised(strands: np.ndarray) -> np.ndarray:
    """Return positions [..., 3] [m] as int16 multiples of `STRAND_STEP`.

    Raises:
        CombwiseError: a position is NaN or out of reach.
    """
    steps = np.rint(np.asarray(strands, np.float64) / STRAND_STEP)
    if not np.isfinite(steps).all() or np.abs(steps).max(initial=0.0) > np.iinfo(np.int16).max:
        raise CombwiseError(
            f"strands hold NaN or positions beyond {STRAND_STEP * np.iinfo(np.int16).max:.2f} m from the head"
        )
    return steps.astype(np.int16)


def dequantised(steps: np.ndarray) -> np.ndarray:
    """Return the positions [..., 3] float32 [m] that int16 steps stand for."""
    return steps.astype(np.float32) * np.float32(STRAND_STEP)


@dataclass(frozen=True)
class Episode:
    """One head of hair combed K times: state 0, stroke 0, state 1, ..., state K.

    Attributes:
        index: number of the episode in its dataset.
        family: family of the groom.
        head: the head it grows on.
        groom: the groom it began with.
        material: what the hair was made of.
        strands: [K+1, S, V, 3] guide strands of every state [m], head frame, root first.
        strokes: [K, 8] `Stroke` vectors.
        tool: the tool that combed.
        paths: K timed tool paths.
        force_times: K times [R] of the readings, from the start of a path [s].
        force: K forces of the hair on the tool [R, 3] [N].
        observed: K+1 volumes fused from noisy cameras.
        cameras: [K+1, C] bool, which cameras of the rig each observed volume was fused from.
        frames: what those cameras saw, K+1 tuples, where it is kept; left out when read.
    """

    index: int
    family: str
    head: HeadRecord
    groom: GroomRecord
    material: Material
    strands: np.ndarray
    strokes: np.ndarray
    tool: Tool
    paths: tuple[ToolPath, ...]
    force_times: tuple[np.ndarray, ...]
    force: tuple[np.ndarray, ...]
    observed: tuple[SparseVolume, ...]
    cameras: np.ndarray
    frames: tuple[tuple[Frame, ...], ...] = ()

    def __post_init__(self) -> None:
        count = len(self.strokes)
        lengths = {
            "strands": (len(self.strands), count + 1),
            "paths": (len(self.paths), count),
            "force": (len(self.force), count),
            "observed": (len(self.observed), count + 1),
            "cameras": (len(self.cameras), count + 1),
        }
        for name, (got, expected) in lengths.items():
            if got != expected:
                raise CombwiseError(
                    f"episode {self.index} has {count} strokes but {got} {name}; expected {expected}"
                )
        if not np.isfinite(self.strands).all():
            raise CombwiseError(f"episode {self.index}: strands hold NaN or infinite positions")

    def volumes(self, grid: GridSpec, children: int | None = None) -> tuple[SparseVolume, ...]:
        """Return the K+1 states as volumes of all interpolated hair, at any resolution."""
        hair = self.groom.make_children(children)
        return tuple(
            SparseVolume.of(volume_from_strands(hair.strands(guides), hair.hair_count, grid))
            for guides in self.strands
        )
