"""The USC-HairSalon strand file (.data): read and written, in the file's own units and axes.

Layout [Hu2015], little-endian:

    int32 strand count
    per strand:  int32 point count P,  P x 3 float32 positions, root first
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from hairsim.errors import CombwiseError

_COUNT = np.dtype("<i4")
_POSITION = np.dtype("<f4")


def read_usc_hairsalon(path: str | Path) -> list[np.ndarray]:
    """Read every strand of a file, [P, 3] float32 each, in raw file units.

    Counts are checked against the size of the file before anything is allocated.

    Raises:
        CombwiseError: the file is missing, cut short, too long for its counts, not of this format, or
            holds NaN or infinite positions.
    """
    path = Path(path)
    if not path.is_file():
        raise CombwiseError(f"groom file '{path}' does not exist; expected a USC-HairSalon .data file")
    try:
        content = path.read_bytes()
    except OSError as error:
        raise CombwiseError(f"groom file '{path}' cannot be read: {error.strerror}") from error
    if len(content) < 4:
        raise CombwiseError(
            f"groom file '{path}' has {len(content)} bytes; expected at least 4, a strand count"
        )
    count = _count_at(content, 0)
    most = (len(content) - 4) // 4
    if not 1 <= count <= most:
        raise CombwiseError(
            f"groom file '{path}' says it holds {count} strands, but its {len(content)} bytes have room for "
            f"1 .. {most}; expected a USC-HairSalon .data file (little-endian int32 counts)"
        )
    strands, place = [], 4
    for strand in range(count):
        left = len(content) - place
        if left < 4:
            raise CombwiseError(
                f"groom file '{path}' is truncated: it ends before strand {strand} of {count}"
            )
        points = _count_at(content, place)
        place, left = place + 4, left - 4
        if points < 0 or 12 * points > left:
            raise CombwiseError(
                f"groom file '{path}' is truncated or not of this format: strand {strand} of {count} says it "
                f"has {points} points, but {left} bytes are left, room for {left // 12}"
            )
        strands.append(np.frombuffer(content, _POSITION, 3 * points, place).reshape(points, 3).copy())
        place += 12 * points
    if place != len(content):
        raise CombwiseError(
            f"groom file '{path}' has {len(content) - place} bytes after its last strand; expected none"
        )
    bad = [index for index, strand in enumerate(strands) if not np.isfinite(strand).all()]
    if bad:
        raise CombwiseError(
            f"groom file '{path}': {len(bad)} of {count} strands hold NaN or infinite positions, "
            f"the first is strand {bad[0]}; expected finite numbers"
        )
    return strands


def write_usc_hairsalon(path: str | Path, strands: Sequence[np.ndarray]) -> None:
    """Write strands, [P, 3] each, as float32; the file appears whole or not at all.

    Raises:
        CombwiseError: no strands, a wrong shape, or NaN.
    """
    if len(strands) == 0:
        raise CombwiseError(f"no strands to write to '{path}'; expected at least one")
    parts = [np.array([len(strands)], _COUNT).tobytes()]
    for index, strand in enumerate(strands):
        points = np.asarray(strand, _POSITION)
        if points.ndim != 2 or points.shape[1] != 3 or not np.isfinite(points).all():
            raise CombwiseError(
                f"strand {index} for '{path}' has shape {points.shape} or holds NaN; expected finite [P, 3]"
            )
        parts.append(np.array([len(points)], _COUNT).tobytes() + points.tobytes())
    path = Path(path)
    aside = path.with_name(path.name + ".part")
    aside.write_bytes(b"".join(parts))
    os.replace(aside, path)


def _count_at(content: bytes, place: int) -> int:
    return int(np.frombuffer(content, _COUNT, 1, place)[0])
