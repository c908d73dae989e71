"""Groom files by their ending: which formats there are, what each can hold, reading and writing."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from hairsim.errors import CombwiseError
from hairsim.groom.formats.counted_points import read_ct2hair, read_data, write_ct2hair, write_data
from hairsim.groom.formats.numpy_archive import read_npz, write_npz
from hairsim.groom.formats.ply_lines import read_ply, write_ply
from hairsim.groom.formats.reshape import resampled
from hairsim.groom.formats.strand_set import StrandSet
from hairsim.groom.formats.tressfx import POINTS, read_tfx, write_tfx
from hairsim.groom.formats.usd_curves import read_usd, write_usd
from hairsim.groom.formats.yuksel_hair import MOST_POINTS, read_hair, write_hair

ANYTHING = None


@dataclass(frozen=True)
class Format:
    """One file format.

    Attributes:
        name: whose it is.
        endings: of its files.
        read, write: its functions, which know nothing of the others.
        unit, axes: how its files are read when neither they nor the user say it.
        values: names of values that it holds; None for any.
        least, most: points that a strand may have; fewer are left out, more are refused.
        equal: point counts of which all strands must have the same one; empty for any.
        says_frame: unit and axes are written into the file.
        double: positions keep double precision.
        text: bytes of free text that it holds.
    """

    name: str
    endings: tuple[str, ...]
    read: Callable[[Path], StrandSet]
    write: Callable[[Path, StrandSet], None]
    unit: str = "cm"
    axes: str = "y-up"
    values: tuple[str, ...] | None = ()
    least: int = 0
    most: int | None = None
    equal: tuple[int, ...] = ()
    says_frame: bool = False
    double: bool = False
    text: int = 0


FORMATS: tuple[Format, ...] = (
    Format("USC-HairSalon", (".data",), read_data, write_data),
    Format(
        "Cem Yuksel",
        (".hair",),
        read_hair,
        write_hair,
        values=("thickness", "transparency", "color", "uv"),
        least=1,
        most=MOST_POINTS,
        text=88,
    ),
    Format("CT2Hair", (".bin",), read_ct2hair, write_ct2hair, unit="mm", values=("normal", "label")),
    Format(
        "PLY lines",
        (".ply",),
        read_ply,
        write_ply,
        values=ANYTHING,
        least=1,
        says_frame=True,
        double=True,
        text=10_000,
    ),
    Format(
        "TressFX",
        (".tfx",),
        read_tfx,
        write_tfx,
        values=("movable", "uv", "thickness", "color", "opacity"),
        equal=POINTS,
    ),
    Format(
        "NumPy archive",
        (".npz",),
        read_npz,
        write_npz,
        values=ANYTHING,
        says_frame=True,
        double=True,
        text=10_000,
    ),
    Format(
        "USD BasisCurves",
        (".usd", ".usda", ".usdc"),
        read_usd,
        write_usd,
        values=ANYTHING,
        least=2,
        says_frame=True,
        text=10_000,
    ),
)
"""All formats. CT2Hair's own code divides its coordinates by 1,000 to get metres, hence "mm"."""

ENDINGS = tuple(ending for known in FORMATS for ending in known.endings)


def format_of(path: Path) -> Format:
    """Return the format of a file by its ending.

    Raises:
        CombwiseError: no format has it.
    """
    for known in FORMATS:
        if path.suffix.lower() in known.endings:
            return known
    raise CombwiseError(f"groom file '{path}' ends in '{path.suffix}'; expected one of {', '.join(ENDINGS)}")


def read_strands(path: str | Path, *, unit: str | None = None, axes: str | None = None) -> StrandSet:
    """Read a groom file of any format.

    Args:
        path: of the file.
        unit, axes: how to understand its coordinates; what the file says, else what is usual in its
            format, when left out. The coordinates stay as they are in the file.

    Raises:
        CombwiseError: no such file or format, a damaged file, or one without points.
    """
    path = Path(path)
    if not path.is_file() and (path.suffix.lower() in ENDINGS or not path.suffix):
        raise CombwiseError(
            f"groom file '{path}' does not exist; expected a file ending in {', '.join(ENDINGS)}"
        )
    known = format_of(path)
    strands = known.read(path)
    if len(strands.points) == 0:
        raise CombwiseError(f"groom file '{path}' holds no points; expected strands")
    return replace(strands, unit=unit or strands.unit or known.unit, axes=axes or strands.axes or known.axes)


def write_strands(path: str | Path, strands: StrandSet) -> tuple[str, ...]:
    """Write a groom file of any format, whole or not at all.

    Returns:
        A sentence for each thing that the format cannot hold and that was left out or changed.

    Raises:
        CombwiseError: no such format, or nothing that it can hold.
    """
    path = Path(path)
    known = format_of(path)
    made = fitted_to(known, replace(strands, notes=()))
    if len(made.counts) == 0:
        raise CombwiseError(
            f"no strand to write to '{path}'; {known.name} needs {max(known.least, 1)} points each"
        )
    known.write(path, made)
    return made.notes


def fitted_to(known: Format, strands: StrandSet) -> StrandSet:
    """Return strands as a format can hold them, with a note on everything that it cannot."""
    if (short := int((strands.counts < known.least).sum())) > 0:
        strands = strands.kept(strands.counts >= known.least)
        strands = strands.noted(f"{short} strands of fewer than {known.least} points were left out")
    if known.most is not None and len(strands.counts) and strands.counts.max() > known.most:
        raise CombwiseError(
            f"a strand has {strands.counts.max()} points; {known.endings[0]} holds at most {known.most}"
        )
    if known.equal and len(np.unique(strands.counts)) + (strands.counts[0] not in known.equal) > 1:
        most = int(strands.counts.max())
        count = next((n for n in known.equal if n >= most), known.equal[-1])
        strands = resampled(strands, count).noted(
            f"strands of {strands.counts.min()} to {most} points were resampled to {count}"
        )
    if known.values is not None:
        strands = _with_known_values(known.values, strands)
    if not known.double and strands.points.dtype == np.float64:
        single = strands.points.astype(np.float32)
        if (single != strands.points).any():
            strands = strands.noted("positions were rounded to single precision")
        strands = replace(strands, points=single)
    if len(strands.about.encode()) > known.text:
        strands = strands.noted(f"text of {len(strands.about.encode())} bytes was cut to {known.text}")
    return strands


def _with_known_values(names: tuple[str, ...], strands: StrandSet) -> StrandSet:
    """Return strands with no other values than these; opacity and transparency stand for each other."""
    for lacks, has in (("transparency", "opacity"), ("opacity", "transparency")):
        if lacks in names and has not in names and lacks not in strands.names:
            strands = _by_rate(
                strands,
                lambda old, lacks=lacks, has=has: {
                    (lacks if name == has else name): (1.0 - v if name == has else v)
                    for name, v in old.items()
                },
            )
    lost = sorted(strands.names - set(names))
    if not lost:
        return strands
    strands = _by_rate(strands, lambda old: {name: value for name, value in old.items() if name in names})
    return strands.noted(f"{', '.join(lost)} have no place in this format and were left out")


def _by_rate(
    strands: StrandSet, change: Callable[[Mapping[str, np.ndarray]], dict[str, np.ndarray]]
) -> StrandSet:
    """Return strands whose values of each rate have gone through `change`."""
    return replace(
        strands,
        per_point=change(strands.per_point),
        per_strand=change(strands.per_strand),
        overall=change(strands.overall),
    )
