"""Which arrays a dataset holds: names, shapes, types, units, and how they are cut into chunks and shards.

    DIR/dataset.zarr/            one Zarr v3 group; its attributes say what the set is
        strands, groom, observed_*, ...   the arrays below, first axis the episode
        heads/000003/distance    distance field of head 3, and its attributes
        digest                   [N, arrays] CRC-32 of every array of every episode, as it was written
        complete                 [N] 1 where an episode is whole; written last

A shard, one file, holds the chunks of `SHARD` episodes; a chunk is one state or one stroke, read alone.
"""

from __future__ import annotations

from dataclasses import dataclass

from hairsim.errors import CombwiseError
from hairsim.volume import GridSpec

SHARD = 16
"""Episodes a shard: a finished episode rewrites its shards, so that they must stay small."""

TOGETHER = 64
"""Episodes a chunk of what is small (poses, forces, numbers)."""


@dataclass(frozen=True)
class Sizes:
    """Lengths of the axes of a dataset.

    Attributes:
        strokes: K strokes an episode.
        guides, vertices: S strands of V vertices.
        children: interpolated hairs that cameras saw.
        poses: most poses of a tool path; shorter paths are padded.
        readings: most force readings of a stroke.
        cameras: C cameras of the rig.
        pixels: width and height of the frames that are kept; 0 where none are.
    """

    strokes: int
    guides: int
    vertices: int
    children: int
    poses: int = 66
    readings: int = 480
    cameras: int = 3
    pixels: int = 0


@dataclass(frozen=True)
class Field:
    """One array.

    Attributes:
        axes: names of the axes after the first, which is the episode.
        shape: their lengths.
        dtype: of what is stored.
        whole: how many of the leading axes a chunk holds one of, or None: chunks of `TOGETHER` episodes.
        about: meaning and unit.
    """

    axes: tuple[str, ...]
    shape: tuple[int, ...]
    dtype: str
    whole: int | None
    about: str

    @property
    def chunk(self) -> tuple[int, ...]:
        """Shape of a chunk, the episode's axis first."""
        if self.whole is None:
            return (TOGETHER, *self.shape)
        return (1, *(1,) * self.whole, *self.shape[self.whole :])

    @property
    def shard(self) -> tuple[int, ...] | None:
        """Shape of a shard; None where chunks are files."""
        return None if self.whole is None else (SHARD, *self.shape)


MATERIAL = (
    "young_modulus",
    "poisson_ratio",
    "density",
    "diameter",
    "friction_hair",
    "friction_skin",
    "friction_comb",
    "cohesion",
    "air_drag",
)
"""Columns of the array `material`."""


def fields(sizes: Sizes, grid: GridSpec) -> dict[str, Field]:
    """Return the arrays of a dataset by name."""
    k, s, v, t, r, c = (
        sizes.strokes,
        sizes.guides,
        sizes.vertices,
        sizes.poses,
        sizes.readings,
        sizes.cameras,
    )
    if min(k, s, v, t, r, c, sizes.children) < 1:
        raise CombwiseError(f"dataset sizes are {sizes}; expected at least 1 of each")
    x, y, z = grid.shape
    found = {
        "strands": Field(
            ("state", "strand", "vertex", "xyz"), (k + 1, s, v, 3), "int16", 1, "guide strands [20 um]"
        ),
        "groom": Field(("strand", "vertex", "xyz"), (s, v, 3), "int16", 0, "guide strands at rest [20 um]"),
        "hair_count": Field(("strand",), (s,), "float32", None, "hairs that a guide stands for"),
        "groom_seed": Field((), (), "int64", None, "seed of the groom and of its children"),
        "children_check": Field(("number",), (6,), "float32", None, "mean and deviation of children [m]"),
        "family": Field((), (), "int16", None, "which of the set's families"),
        "head": Field((), (), "int32", None, "which of the set's heads"),
        "tool": Field((), (), "int16", None, "which of the set's tools"),
        "material": Field(("column",), (len(MATERIAL),), "float64", None, f"SI: {', '.join(MATERIAL)}"),
        "strokes": Field(
            ("stroke", "parameter"), (k, 8), "float64", None, "Stroke vectors [rad, m, m/s], DESIGN section 5"
        ),
        "path_poses": Field(("stroke",), (k,), "int16", None, "poses of the tool path"),
        "path_times": Field(("stroke", "pose"), (k, t), "float64", None, "[s] from the start of the path"),
        "path_positions": Field(("stroke", "pose", "xyz"), (k, t, 3), "float32", None, "tool to head [m]"),
        "path_quaternions": Field(
            ("stroke", "pose", "xyzw"), (k, t, 4), "float32", None, "tool to head, x y z w"
        ),
        "path_in_hair": Field(("stroke", "end"), (k, 2), "int16", None, "first and last pose at depth"),
        "force_readings": Field(("stroke",), (k,), "int16", None, "force readings of a stroke"),
        "force_times": Field(("stroke", "reading"), (k, r), "float32", None, "[s] from the path's start"),
        "force": Field(
            ("stroke", "reading", "xyz"), (k, r, 3), "float32", None, "of the hair on the tool [N]"
        ),
        "cameras": Field(("state", "camera"), (k + 1, c), "bool", None, "which cameras looked"),
        "observed_occupancy": Field(
            ("state", "x", "y", "z"), (k + 1, x, y, z), "uint8", 1, "fused from cameras, times 255"
        ),
        "observed_direction": Field(
            ("state", "x", "y", "z", "xyz"), (k + 1, x, y, z, 3), "int8", 1, "unit direction, times 127"
        ),
    }
    if sizes.pixels:
        n = sizes.pixels
        picture = ("state", "camera", "row", "column")
        found["colour"] = Field((*picture, "rgb"), (k + 1, c, n, n, 3), "uint8", 2, "sRGB")
        found["depth"] = Field(picture, (k + 1, c, n, n), "uint16", 2, "[0.1 mm], 0 where unknown")
        found["hair_mask"] = Field(picture, (k + 1, c, n, n), "bool", 2, "pixels of hair")
    return found


FRAMES = ("colour", "depth", "hair_mask")
"""Arrays of camera frames, read on their own."""
