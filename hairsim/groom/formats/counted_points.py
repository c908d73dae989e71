"""Two layouts that differ by what stands at each point: USC-HairSalon .data and CT2Hair .bin.

Both are little-endian [Hu2015] [Shen2023]:

    int32 strand count
    per strand:  int32 point count P,  P x K float32

K is 3 in .data (the position) and 7 in .bin: position, three numbers more (zeros, the tangent or a colour,
by who wrote it) and a label, as CT2Hair's own load_bin_strands and save_bin_strands read and write them.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np

from hairsim.atomic_file import write_bytes
from hairsim.groom.formats.content import Content
from hairsim.groom.formats.strand_set import StrandSet, require_finite
from hairsim.groom.usc_hairsalon import read_usc_hairsalon, write_usc_hairsalon

_CT2HAIR = 7


def read_data(path: Path) -> StrandSet:
    """Read a USC-HairSalon .data file.

    Raises:
        CombwiseError: as in `read_usc_hairsalon`, or a coordinate is absurd.
    """
    strands = StrandSet.of(read_usc_hairsalon(path))
    require_finite(path, strands.points, strands.counts)
    return strands


def write_data(path: Path, strands: StrandSet) -> None:
    """Write positions, float32; nothing else has a place."""
    write_usc_hairsalon(path, strands.strands)


def read_ct2hair(path: Path) -> StrandSet:
    """Read a CT2Hair .bin file; strands with NaN, which its authors' own files hold, are left out and noted.

    Raises:
        CombwiseError: the file is missing, cut short, too long for its counts, or has no finite strand.
    """
    content = Content(path, "a CT2Hair .bin file (little-endian int32 counts, 7 floats a point)")
    count = int(content.take("<i4", 1, "strand counts")[0])
    if not 1 <= count <= content.left // 4:
        raise content.error(f"says it holds {count} strands, in {content.left} bytes")
    blocks, counts = [], np.empty(count, np.int64)
    for strand in range(count):
        points = int(content.take("<i4", 1, f"point counts of strand {strand} of {count}")[0])
        if points < 0:
            raise content.error(f"says strand {strand} of {count} has {points} points")
        blocks.append(content.take("<f4", _CT2HAIR * points, f"numbers of strand {strand} of {count}"))
        counts[strand] = points
    content.end()
    table = np.concatenate(blocks).reshape(-1, _CT2HAIR)
    owner = np.repeat(np.arange(count), counts)
    damaged = np.bincount(owner[~np.isfinite(table).all(axis=1)], minlength=count) > 0
    if damaged.all():
        raise content.error(f"holds NaN or infinity in all of its {count} strands")
    values = {"normal": table[:, 3:6].copy(), "label": table[:, 6].copy()}
    strands = StrandSet(
        points=table[:, :3].copy(),
        counts=counts,
        per_point={name: value for name, value in values.items() if value.any()},
    ).kept(~damaged)
    require_finite(path, strands.points, strands.counts)
    return strands.noted(f"{damaged.sum()} strands with NaN were left out") if damaged.any() else strands


def write_ct2hair(path: Path, strands: StrandSet) -> None:
    """Write positions, normals and labels, float32; zeros where there are none."""
    table = np.zeros((len(strands.points), _CT2HAIR), "<f4")
    table[:, :3] = strands.points
    for name, columns in (("normal", slice(3, 6)), ("label", slice(6, 7))):
        value = strands.at_points(name)
        if value is not None:
            table[:, columns] = value.reshape(len(table), -1)
    ends = np.cumsum(strands.counts)
    parts = [np.array([len(strands.counts)], "<i4").tobytes()]
    for end, count in zip(ends, strands.counts, strict=True):
        parts.append(np.array([count], "<i4").tobytes() + table[end - count : end].tobytes())
    write_bytes(path, b"".join(parts))
