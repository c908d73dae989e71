"""`combwise groom info|make|show`: look at a groom file, write a procedural one, draw either."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import tyro

from combwise.options import DeviceOption
from hairsim.errors import CombwiseError

if TYPE_CHECKING:
    from hairsim.groom.groom import Groom
    from hairsim.head.head import Head


@dataclass(frozen=True)
class InfoOptions:
    """Options of `combwise groom info`.

    Attributes:
        file: a USC-HairSalon .data file.
        unit: its unit of length: m, cm, mm or in.
        axes: its axes: y-up, z-up or z-up-facing-minus-y.
    """

    file: tyro.conf.Positional[Path]
    unit: str = "cm"
    axes: str = "y-up"


@dataclass(frozen=True)
class MakeOptions:
    """Options of `combwise groom make`.

    Attributes:
        family: which hairstyle; an unknown name lists them all.
        out: the .data file to write, centimetres, +y up, +z out of the nose.
        seed: of the hairstyle.
        guides: strands.
        vertices: points of a strand.
        length: of the hair [m]; the family's own range when left out.
        part: where the parting line is; the family's own when left out.
        overwrite: replace the file when it exists.
    """

    family: tyro.conf.Positional[str]
    out: Path
    seed: int = 0
    guides: int = 1000
    vertices: int = 24
    length: float | None = None
    part: str | None = None
    overwrite: bool = False


@dataclass(frozen=True, kw_only=True)
class ShowOptions(DeviceOption):
    """Options of `combwise groom show`.

    Attributes:
        groom: a family's name, or a .data file.
        out: the .png picture to write.
        head: a mesh file; the built-in adult when left out.
        unit: of the groom and head files: m, cm, mm or in.
        axes: of the groom and head files: y-up, z-up or z-up-facing-minus-y.
        seed: of the family's groom and of the interpolated hairs.
        size: width and height of the picture [pixel].
        overwrite: replace the picture when it exists.
    """

    groom: tyro.conf.Positional[str]
    out: Path
    head: Path | None = None
    unit: str = "cm"
    axes: str = "y-up"
    seed: int = 0
    size: int = 640
    overwrite: bool = False


VIEWS = (20.0, 110.0, 200.0)
"""From where a groom is shown: azimuth about +z [degree], 0 in front, 90 the wearer's left."""


def info(options: InfoOptions) -> str:
    """Print a table of what is in the file; return the closing line."""
    from rich.console import Console
    from rich.table import Table

    from hairsim.groom.usc_hairsalon import read_usc_hairsalon
    from hairsim.head.frame import HeadFrame

    frame = HeadFrame(options.unit, options.axes)
    strands = [frame.apply(strand) for strand in read_usc_hairsalon(options.file)]
    points = np.array([len(strand) for strand in strands])
    lengths = np.array([np.linalg.norm(np.diff(s, axis=0), axis=1).sum() for s in strands])
    vertices = np.concatenate(strands)
    table = Table("", "least", "median", "most", title=options.file.name)
    table.add_row("points a strand", *(f"{f(points):.0f}" for f in (np.min, np.median, np.max)))
    table.add_row("length (cm)", *(f"{100 * f(lengths):.2f}" for f in (np.min, np.median, np.max)))
    for axis, name in enumerate(("x, nose (cm)", "y, left (cm)", "z, up (cm)")):
        column = 100 * vertices[:, axis]
        table.add_row(name, *(f"{f(column):.2f}" for f in (np.min, np.median, np.max)))
    Console().print(table)
    return (
        f"{options.file}: {len(strands)} strands, {len(vertices)} points, {int((points < 2).sum())} of them "
        f"single points, read as {options.unit}, {options.axes}"
    )


def make(options: MakeOptions) -> str:
    """Write a procedural groom; return the closing line."""
    from hairsim.groom.families import make_groom
    from hairsim.groom.usc_hairsalon import write_usc_hairsalon
    from hairsim.head.frame import AXES, UNITS
    from hairsim.head.parametric import parametric_head

    _check_target(options.out, ".data", options.overwrite)
    groom = make_groom(
        options.family,
        parametric_head(),
        guides=options.guides,
        vertices=options.vertices,
        seed=options.seed,
        length=options.length,
        part=options.part,
    )
    write_usc_hairsalon(options.out, list(groom.strands @ AXES["y-up"] / UNITS["cm"]))
    return f"{options.out}: {groom.name}, {len(groom.strands)} strands of {options.vertices} points"


def show(options: ShowOptions) -> str:
    """Draw a groom from three sides; return the closing line."""
    import imageio.v3 as imageio

    from hairsim.atomic_file import written_aside
    from hairsim.cameras.picture import draw, portrait_camera
    from hairsim.device import resolve_device
    from hairsim.groom.children import make_children

    device = resolve_device(options.device)
    _check_target(options.out, ".png", options.overwrite)
    groom, head = _groom_on_head(options)
    children = make_children(groom, seed=options.seed).strands(groom.strands)
    pictures = [
        draw(children, head, portrait_camera(azimuth, 8.0, options.size, options.size), device=device)
        for azimuth in VIEWS
    ]
    with written_aside(options.out) as aside:
        imageio.imwrite(aside, np.concatenate(pictures, axis=1))
    return f"{options.out}: {groom.name}, {len(groom.strands)} guides, {len(children)} hairs drawn"


def _groom_on_head(options: ShowOptions) -> tuple[Groom, Head]:
    """Return the groom that a family's name or a file gives, on the built-in head or a mesh."""
    from hairsim.groom.families import FAMILIES, make_groom
    from hairsim.groom.load import load_groom
    from hairsim.groom.usc_hairsalon import read_usc_hairsalon
    from hairsim.head.mesh import load_head
    from hairsim.head.parametric import parametric_head

    is_family = options.groom in FAMILIES
    if options.head is None:
        head = parametric_head()
    else:
        roots = None if is_family else np.array([s[0] for s in read_usc_hairsalon(options.groom)])
        head = load_head(options.head, unit=options.unit, axes=options.axes, scalp_roots=roots)
    if is_family:
        return make_groom(options.groom, head, seed=options.seed), head
    if not Path(options.groom).is_file():
        raise CombwiseError(
            f"'{options.groom}' is neither a file nor a groom family; families are {', '.join(FAMILIES)}"
        )
    groom, report = load_groom(options.groom, head, unit=options.unit, axes=options.axes)
    print(report)
    return groom, head


def _check_target(path: Path, suffix: str, overwrite: bool) -> None:
    """Refuse a file name of another kind, a missing folder, and a file that is there already."""
    if path.suffix != suffix:
        raise CombwiseError(f"output file {path} ends in '{path.suffix}'; expected '{suffix}'")
    if not path.parent.is_dir():
        raise CombwiseError(f"folder {path.parent} does not exist; make it first, or choose another --out")
    if path.exists() and not overwrite:
        raise CombwiseError(f"file {path} exists; use --overwrite or another --out")
