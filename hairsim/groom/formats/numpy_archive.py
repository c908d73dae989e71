"""Our own .npz groom files, which hold everything; and anybody's .npz with one array of strands [S, V, 3].

Entries: points [P, 3], counts [S], point_NAME [P, ...], strand_NAME [S, ...], overall_NAME [...], and
about, unit and axes as text. The zip is read with the sizes in its directory and in the arrays' own headers
checked first: an archive of a few kilobytes may promise terabytes.
"""

from __future__ import annotations

import io
import math
import zipfile
from pathlib import Path

import numpy as np

from hairsim.atomic_file import write_bytes
from hairsim.errors import CombwiseError
from hairsim.groom.formats.content import Content
from hairsim.groom.formats.strand_set import StrandSet, require_finite
from hairsim.head.frame import AXES, UNITS

MOST_RATIO = 200
"""An entry is refused when it claims to unpack to more than this many times the file; grooms reach 3."""

_RATES = {"point_": "per_point", "strand_": "per_strand", "overall_": "overall"}
_TEXTS = ("about", "unit", "axes")


def read_npz(path: Path) -> StrandSet:
    """Read a .npz groom.

    Raises:
        CombwiseError: no zip archive, entries that are missing, too large or not numbers, or NaN positions.
    """
    content = Content(path, "a .npz groom: points and counts, or one array of strands [S, V, 3]")
    arrays = _arrays(content)
    if "points" in arrays and "counts" in arrays:
        points, counts = arrays.pop("points"), arrays.pop("counts")
    else:
        found = [name for name, array in arrays.items() if array.ndim == 3 and array.shape[2] == 3]
        if len(found) != 1:
            raise content.error(f"holds {', '.join(sorted(arrays)) or 'nothing'}")
        block = arrays.pop(found[0])
        points, counts = block.reshape(-1, 3), np.full(len(block), block.shape[1], np.int64)
    if points.ndim != 2 or points.shape[1] != 3 or points.dtype.kind != "f":
        raise content.error(f"has points of shape {points.shape} and type {points.dtype}")
    if counts.ndim != 1 or counts.dtype.kind not in "iu" or len(counts) == 0:
        raise content.error(f"has counts of shape {counts.shape} and type {counts.dtype}")
    if not ((counts >= 0) & (counts <= len(points))).all() or int(counts.sum(dtype=np.int64)) != len(points):
        raise content.error(f"has {len(points)} points, but its {len(counts)} counts do not sum to them")
    if points.dtype not in (np.float32, np.float64):
        points = points.astype(np.float32)
    require_finite(path, points, counts)
    texts = {name: str(arrays.pop(name)[()]) for name in _TEXTS if name in arrays and arrays[name].ndim == 0}
    values: dict[str, dict[str, np.ndarray]] = {rate: {} for rate in _RATES.values()}
    left_out = []
    for name, array in arrays.items():
        prefix = next((p for p in _RATES if name.startswith(p) and name[len(p) :].isidentifier()), None)
        if prefix is None or array.dtype.kind not in "fiu" or array.ndim > 2:
            left_out.append(name)
        else:
            values[_RATES[prefix]][name[len(prefix) :]] = array
    for rate, rows in (("per_point", len(points)), ("per_strand", len(counts))):
        for name, array in values[rate].items():
            if array.ndim == 0 or len(array) != rows:
                raise content.error(f"has {rate} value '{name}' of shape {array.shape} for {rows} rows")
    unit, axes = texts.get("unit"), texts.get("axes")
    if unit not in (None, *UNITS) or axes not in (None, *AXES):
        raise content.error(f"says its unit is '{unit}' and its axes are '{axes}', which are unknown")
    made = StrandSet(
        points,
        counts.astype(np.int64),
        values["per_point"],
        values["per_strand"],
        values["overall"],
        unit=unit,
        axes=axes,
        about=texts.get("about", ""),
    )
    return made.noted(f"entries {', '.join(left_out)} were left out") if left_out else made


def write_npz(path: Path, strands: StrandSet, *, packed: bool = True) -> None:
    """Write everything, bit for bit; `packed` with the zip's compression."""
    arrays = {"points": strands.points, "counts": strands.counts}
    for prefix, rate in _RATES.items():
        arrays |= {prefix + name: np.asarray(values) for name, values in getattr(strands, rate).items()}
    for name in _TEXTS:
        if getattr(strands, name):
            arrays[name] = np.array(getattr(strands, name))
    archive = io.BytesIO()
    (np.savez_compressed if packed else np.savez)(archive, allow_pickle=False, **arrays)
    write_bytes(path, archive.getvalue())


def _arrays(content: Content) -> dict[str, np.ndarray]:
    """Return every array of the archive, sizes checked before anything is unpacked."""
    most = MOST_RATIO * len(content.bytes) + 65_536
    try:
        with zipfile.ZipFile(io.BytesIO(content.bytes)) as archive:
            entries = [entry for entry in archive.infolist() if entry.filename.endswith(".npy")]
            if sum(entry.file_size for entry in entries) > most:
                raise content.error(f"claims to unpack to over {MOST_RATIO} times its size")
            unpacked = {}
            for entry in entries:
                with archive.open(entry) as stream:
                    unpacked[entry.filename[: -len(".npy")]] = _array(stream.read(most + 1), most)
            return unpacked
    except CombwiseError:
        raise
    except Exception as error:  # zip and NumPy headers raise whatever they meet in foreign bytes
        raise content.error(f"is damaged or no .npz archive ({type(error).__name__}: {error})") from error


def _array(member: bytes, most: int) -> np.ndarray:
    """Return one array from the bytes of a .npy file."""
    stream = io.BytesIO(member)
    version = np.lib.format.read_magic(stream)
    read_header = (
        np.lib.format.read_array_header_1_0 if version == (1, 0) else np.lib.format.read_array_header_2_0
    )
    shape, fortran, dtype = read_header(stream)
    size = math.prod(shape)
    if dtype.kind not in "fiuU" or len(member) > most or size * dtype.itemsize != len(member) - stream.tell():
        raise ValueError(f"an array of shape {shape} and type {dtype} in {len(member)} bytes")
    flat = np.frombuffer(member, dtype, size, stream.tell()) if size else np.empty(0, dtype)
    return flat.reshape(shape, order="F" if fortran else "C").astype(dtype.newbyteorder("="))
