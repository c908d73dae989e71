"""TressFX .tfx files, version 4 [TressFX]: guide strands of equally many points, little-endian.

    byte   0  float32 version 4.0, uint32 strands S, uint32 points a strand V
          12  uint32 offsets, 0 where absent: positions, strand uv, point uv, strand thickness, point colour
          32  32 x uint32, reserved
    positions float32 [S, V, 4]: x, y, z, and 0 for points that the simulation holds (its first two), else 1
    strand uv float32 [S, 2], point uv [S, V, 2], strand thickness [S], point colour [S, V, 4] with opacity

AMD's own loader takes 4, 8, 16, 32 or 64 points a strand; this one reads any number.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np

from hairsim.atomic_file import write_bytes
from hairsim.groom.formats.content import Content
from hairsim.groom.formats.strand_set import StrandSet, require_finite

_HEADER_BYTES = 160
POINTS = (4, 8, 16, 32, 64)
"""Points a strand that TressFX itself loads."""


def read_tfx(path: Path) -> StrandSet:
    """Read a .tfx file with all its arrays.

    Raises:
        CombwiseError: missing, another version, offsets or counts beyond the file, or NaN positions.
    """
    content = Content(path, "a TressFX .tfx file, version 4")
    if content.left < _HEADER_BYTES:
        raise content.error(f"has {content.left} bytes, fewer than the header's {_HEADER_BYTES}")
    version = float(content.take("<f4", 1, "versions")[0])
    if version != 4.0:
        raise content.error(f"has version {version:g}")
    count, width, *offsets = (int(number) for number in content.take("<u4", 7, "header numbers"))
    total = count * width
    if not (count and width) or 16 * total > len(content.bytes):
        raise content.error(f"says it holds {count} strands of {width} points, in {len(content.bytes)} bytes")

    def array(offset: int, rows: int, columns: int, what: str) -> np.ndarray:
        content.at(offset, what)
        values = content.take("<f4", rows * columns, what)
        return values if columns == 1 else values.reshape(rows, columns)

    positions = array(offsets[0], total, 4, "positions")
    per_point, per_strand = {}, {}
    if (positions[:, 3] != _movable(count, width)).any():
        per_point["movable"] = positions[:, 3].copy()
    if offsets[1]:
        per_strand["uv"] = array(offsets[1], count, 2, "strand uv")
    if offsets[2]:
        per_point["uv"] = array(offsets[2], total, 2, "point uv")
    if offsets[3]:
        per_strand["thickness"] = array(offsets[3], count, 1, "thickness")
    if offsets[4]:
        color = array(offsets[4], total, 4, "colours")
        per_point["color"] = color[:, :3].copy()
        if (color[:, 3] != 1.0).any():
            per_point["opacity"] = color[:, 3].copy()
    counts = np.full(count, width, np.int64)
    points = positions[:, :3].copy()
    require_finite(path, points, counts)
    return StrandSet(points, counts, per_point=per_point, per_strand=per_strand)


def write_tfx(path: Path, strands: StrandSet) -> None:
    """Write strands of equal point counts, with uv, thickness of a strand, colour and opacity, float32."""
    count, width = len(strands.counts), int(strands.counts[0])
    total = len(strands.points)
    movable = strands.at_points("movable")
    positions = np.concatenate(
        [strands.points, (_movable(count, width) if movable is None else movable)[:, None]], axis=1
    )
    arrays: list[np.ndarray | None] = [
        positions,
        strands.per_strand.get("uv"),
        strands.per_point.get("uv"),
        _of_strands(strands, "thickness"),
        None,
    ]
    color, opacity = strands.at_points("color"), strands.at_points("opacity")
    if color is not None or opacity is not None:
        color = np.ones((total, 3)) if color is None else color
        arrays[4] = np.concatenate([color, (np.ones(total) if opacity is None else opacity)[:, None]], axis=1)
    offsets, parts, place = [], [], _HEADER_BYTES
    for values in arrays:
        offsets.append(0 if values is None else place)
        if values is not None:
            block = values.astype("<f4").tobytes()
            parts.append(block.ljust(-(-len(block) // 8) * 8, b"\0"))  # arrays begin at multiples of 8 bytes
            place += len(parts[-1])
    header = np.array([4.0], "<f4").tobytes() + np.array([count, width, *offsets], "<u4").tobytes()
    write_bytes(path, header.ljust(_HEADER_BYTES, b"\0") + b"".join(parts))


def _movable(count: int, width: int) -> np.ndarray:
    """Return the usual fourth coordinate [S * V]: the first two points of a strand are held."""
    return np.tile((np.arange(width) >= 2).astype(np.float32), count)


def _of_strands(strands: StrandSet, name: str) -> np.ndarray | None:
    """Return a value [S] of each strand; what varies along it is taken at the root."""
    if name in strands.per_strand or (values := strands.at_points(name)) is None:
        return strands.per_strand.get(name)
    return values[np.cumsum(strands.counts) - strands.counts]
