"""Cem Yuksel's .hair files [YukselHair]: a header of 128 bytes and up to six arrays, little-endian.

byte   0  "HAIR", uint32 strand count, uint32 point count, uint32 bits of the arrays present
      16  uint32 segments a strand, float32 thickness, transparency, red, green, blue: for absent arrays
      40  88 characters of information
     128  bit 1   uint16 [S]   segments of each strand: its points less one
          bit 2   float32 [P, 3] points, root first
          bit 4   float32 [P]  thickness
          bit 8   float32 [P]  transparency
          bit 16  float32 [P, 3] colour
          bit 32  float32 [P, 2] texture coordinates: LuxCore's addition, read and written here too
"""

from __future__ import annotations

from pathlib import Path

import numpy as np

from hairsim.atomic_file import write_bytes
from hairsim.errors import CombwiseError
from hairsim.groom.formats.content import Content
from hairsim.groom.formats.strand_set import StrandSet, require_finite

_HEADER = np.dtype(
    [
        ("signature", "S4"),
        ("strands", "<u4"),
        ("points", "<u4"),
        ("arrays", "<u4"),
        ("segments", "<u4"),
        ("thickness", "<f4"),
        ("transparency", "<f4"),
        ("color", "<f4", 3),
        ("about", "V88"),
    ]
)
_SEGMENTS, _POINTS = 1, 2
_VALUES = {"thickness": (4, 1), "transparency": (8, 1), "color": (16, 3), "uv": (32, 2)}
"""Bit of each array of values, and its numbers a point."""

_DEFAULTS = {"thickness": 1.0, "transparency": 0.0, "color": (1.0, 1.0, 1.0)}
"""What the format's own library writes into the header where nothing is known."""

MOST_POINTS = 65_536
"""Of one strand: its segments are counted in 16 bits."""


def read_hair(path: Path) -> StrandSet:
    """Read a .hair file with all its arrays.

    Raises:
        CombwiseError: missing, no such file, counts that disagree, cut short, or NaN positions.
    """
    content = Content(path, "a Cem Yuksel .hair file")
    if content.left < _HEADER.itemsize:
        raise content.error(f"has {content.left} bytes, fewer than the header's {_HEADER.itemsize}")
    header = np.frombuffer(content.bytes, _HEADER, 1)[0]
    content.place = _HEADER.itemsize
    if header["signature"] != b"HAIR":
        raise content.error("does not begin with the letters HAIR")
    count, total, arrays = int(header["strands"]), int(header["points"]), int(header["arrays"])
    if not arrays & _POINTS or arrays >= 64:
        raise content.error(f"has array bits {arrays}, without points or with arrays that nobody described")
    if not 1 <= count <= total or 12 * total > content.left:
        raise content.error(f"says it holds {count} strands and {total} points, in {content.left} bytes")
    if arrays & _SEGMENTS:
        counts = content.take("<u2", count, "segment counts").astype(np.int64) + 1
    else:
        counts = np.full(count, int(header["segments"]) + 1, np.int64)
    if counts.sum() != total:
        raise content.error(f"says it holds {total} points, but its strands have {counts.sum()} together")
    points = content.take("<f4", 3 * total, "coordinates").reshape(total, 3)
    per_point, overall = {}, {}
    for name, (bit, width) in _VALUES.items():
        if arrays & bit:
            values = content.take("<f4", width * total, f"numbers of {name}")
            per_point[name] = values if width == 1 else values.reshape(total, width)
        elif name in _DEFAULTS and (header[name] != np.float32(_DEFAULTS[name])).any():
            overall[name] = np.array(header[name], np.float32)
    content.end()
    require_finite(path, points, counts)
    about = bytes(header["about"]).rstrip(b"\0").decode("utf-8", errors="replace")
    return StrandSet(points, counts, per_point=per_point, overall=overall, about=about)


def write_hair(path: Path, strands: StrandSet) -> None:
    """Write points, thickness, transparency, colour and texture coordinates, float32, and 88 bytes of text.

    Raises:
        CombwiseError: a strand has more points than 16 bits count.
    """
    if strands.counts.max() > MOST_POINTS:
        raise CombwiseError(
            f"'{path}': a strand has {strands.counts.max()} points; a .hair file holds at most {MOST_POINTS}"
        )
    header = np.zeros(1, _HEADER)
    header["signature"], header["strands"], header["points"] = (
        b"HAIR",
        len(strands.counts),
        len(strands.points),
    )
    for name, value in _DEFAULTS.items():
        header[name] = strands.overall.get(name, value)
    text = strands.about.encode("utf-8")[: _HEADER["about"].itemsize]
    header["about"] = np.void(text.decode("utf-8", errors="ignore").encode("utf-8").ljust(88, b"\0"))
    arrays, parts = _POINTS, []
    if (strands.counts == strands.counts[0]).all():
        header["segments"] = strands.counts[0] - 1
    else:
        arrays |= _SEGMENTS
        parts.append((strands.counts - 1).astype("<u2").tobytes())
    parts.append(strands.points.astype("<f4").tobytes())
    for name, (bit, width) in _VALUES.items():
        values = None if name in strands.overall and name in _DEFAULTS else strands.at_points(name)
        if values is not None:
            arrays |= bit
            parts.append(values.reshape(len(strands.points), width).astype("<f4").tobytes())
    header["arrays"] = arrays
    write_bytes(path, header.tobytes() + b"".join(parts))
