"""`combwise groom info|make|show|convert`: look at a groom file, write a procedural one, draw, translate."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import tyro

from combwise.options import DeviceOption
from hairsim.errors import CombwiseError

if TYPE_CHECKING:
    from hairsim.groom.formats.strand_set import StrandSet
    from hairsim.groom.groom import Groom
    from hairsim.head.head import Head


@dataclass(frozen=True)
class InfoOptions:
    """Options of `combwise groom info`.

    Attributes:
        file: a groom file: .data, .hair, .bin, .ply, .tfx, .npz, .usd, .usda or .usdc.
        unit: its unit of length: m, cm, mm or in; its own or its format's usual one when left out.
        axes: its axes: y-up, z-up or z-up-facing-minus-y; the same.
    """

    file: tyro.conf.Positional[Path]
    unit: str | None = None
    axes: str | None = None


@dataclass(frozen=True)
class MakeOptions:
    """Options of `combwise groom make`.

    Attributes:
        family: which hairstyle; an unknown name lists them all.
        out: the file to write, in centimetres, +y up, +z out of the nose (.bin: millimetres); its ending
            tells the format.
        seed: of the hairstyle.
        guides: strands.
        vertices: points of a strand.
        length: of the hair [m]; the family's own range when left out.
        part: where the parting line is; the family's own when left out.
        mirror: exchange left and right.
        hairs: write so many interpolated hairs, coils included, instead of the guides.
        overwrite: replace the file when it exists.
    """

    family: tyro.conf.Positional[str]
    out: Path
    seed: int = 0
    guides: int = 1000
    vertices: int = 24
    length: float | None = None
    part: str | None = None
    mirror: bool = False
    hairs: int | None = None
    overwrite: bool = False


@dataclass(frozen=True)
class ConvertOptions:
    """Options of `combwise groom convert`.

    Attributes:
        source: the groom file to read; its ending tells the format.
        target: the groom file to write; its ending tells the format.
        unit: of the source: m, cm, mm or in; its own or its format's usual one when left out.
        axes: of the source: y-up, z-up or z-up-facing-minus-y; the same.
        to_unit: of the target; the source's where the target's format says it, else its usual one.
        to_axes: the same.
        points: give each strand this many points; as they are when left out.
        fit: seat the groom on a head first, as guides: thinned, resampled, snapped and lifted.
        head: with --fit, a mesh file in the source's unit and axes; the built-in adult when left out.
        guides: with --fit, how many strands to keep.
        overwrite: replace the target when it exists.
    """

    source: tyro.conf.Positional[Path]
    target: tyro.conf.Positional[Path]
    unit: str | None = None
    axes: str | None = None
    to_unit: str | None = None
    to_axes: str | None = None
    points: int | None = None
    fit: bool = False
    head: Path | None = None
    guides: int = 1000
    overwrite: bool = False


@dataclass(frozen=True, kw_only=True)
class ShowOptions(DeviceOption):
    """Options of `combwise groom show`.

    Attributes:
        groom: a family's name, or a groom file.
        out: the .png picture to write.
        head: a mesh file; the built-in adult when left out.
        unit: of the groom and head files: m, cm, mm or in; cm for the head, and the groom's own or usual
            one, when left out.
        axes: of the groom and head files: y-up, z-up or z-up-facing-minus-y; y-up, and the groom's own.
        seed: of the family's groom and of the interpolated hairs.
        guides: strands of the family's groom, or to keep of the file's.
        length: of the family's hair [m]; its own range when left out.
        part: where the family's parting line is; its own when left out.
        mirror: exchange left and right.
        scalp_mask: with --head, a picture over its texture coordinates, white where hair grows; the groom
            file's roots, or a usual hairline, when left out.
        size: width and height of the picture [pixel].
        overwrite: replace the picture when it exists.
    """

    groom: tyro.conf.Positional[str]
    out: Path
    head: Path | None = None
    unit: str | None = None
    axes: str | None = None
    seed: int = 0
    guides: int | None = None
    length: float | None = None
    part: str | None = None
    mirror: bool = False
    scalp_mask: Path | None = None
    size: int = 640
    overwrite: bool = False


VIEWS = (20.0, 110.0, 200.0)
"""From where a groom is shown: azimuth about +z [degree], 0 in front, 90 the wearer's left."""


def info(options: InfoOptions) -> str:
    """Print a table of what is in the file; return the closing line."""
    from rich.console import Console
    from rich.table import Table

    from hairsim.groom.formats.files import read_strands
    from hairsim.head.frame import HeadFrame

    read = read_strands(options.file, unit=options.unit, axes=options.axes)
    frame = HeadFrame(read.unit or "", read.axes or "")
    strands = [frame.apply(strand) for strand in read.strands]
    points = read.counts
    lengths = np.array([np.linalg.norm(np.diff(s, axis=0), axis=1).sum() for s in strands])
    vertices = np.concatenate(strands)
    table = Table("", "least", "median", "most", title=options.file.name)
    table.add_row("points a strand", *(f"{f(points):.0f}" for f in (np.min, np.median, np.max)))
    table.add_row("length (cm)", *(f"{100 * f(lengths):.2f}" for f in (np.min, np.median, np.max)))
    for axis, name in enumerate(("x, nose (cm)", "y, left (cm)", "z, up (cm)")):
        column = 100 * vertices[:, axis]
        table.add_row(name, *(f"{f(column):.2f}" for f in (np.min, np.median, np.max)))
    Console().print(table)
    rates = {"each point": read.per_point, "each strand": read.per_strand, "all": read.overall}
    for rate, values in rates.items():
        if values:
            print(f"for {rate}: {', '.join(sorted(values))}")
    for note in read.notes:
        print(note)
    return (
        f"{options.file}: {len(strands)} strands, {len(vertices)} points, {int((points < 2).sum())} of them "
        f"single points, read as {read.unit}, {read.axes}"
    )


def make(options: MakeOptions) -> str:
    """Write a procedural groom; return the closing line."""
    from hairsim.groom.children import make_children
    from hairsim.groom.families import make_groom
    from hairsim.groom.formats.files import format_of, write_strands
    from hairsim.groom.formats.reshape import in_frame
    from hairsim.groom.formats.strand_set import StrandSet
    from hairsim.head.parametric import parametric_head

    known = format_of(options.out)
    _check_target(options.out, options.overwrite)
    groom = make_groom(
        options.family,
        parametric_head(),
        guides=options.guides,
        vertices=options.vertices,
        seed=options.seed,
        length=options.length,
        part=options.part,
        mirror=options.mirror,
    )
    strands = _strand_set(groom)
    if options.hairs is not None:
        children = make_children(groom, count=options.hairs, seed=options.seed)
        strands = replace(StrandSet.of(list(children.strands(groom.strands))), unit="m", axes="z-up")
    elif groom.coil is not None:
        print("coily hair: these are the guides of its locks; --hairs writes the coils that wind about them")
    for note in write_strands(options.out, in_frame(strands, known.unit, known.axes)):
        print(note)
    return f"{options.out}: {groom.name}, {len(strands.counts)} strands of {strands.counts.max()} points"


def convert(options: ConvertOptions) -> str:
    """Write a groom file in another format, unit or shape; return the closing line."""
    from hairsim.groom.formats.files import format_of, read_strands, write_strands
    from hairsim.groom.formats.reshape import in_frame, resampled

    known = format_of(options.target)
    _check_target(options.target, options.overwrite)
    if options.target.exists() and options.target.samefile(options.source):
        raise CombwiseError(f"{options.target} is the source itself; expected another target")
    strands = read_strands(options.source, unit=options.unit, axes=options.axes)
    if options.fit:
        strands = _fitted(options, strands)
    elif options.points is not None:
        strands = resampled(strands, options.points)
    unit = options.to_unit or (strands.unit if known.says_frame else None) or known.unit
    axes = options.to_axes or (strands.axes if known.says_frame else None) or known.axes
    for note in (*strands.notes, *write_strands(options.target, in_frame(strands, unit, axes))):
        print(note)
    return f"{options.target}: {len(strands.counts)} strands, {len(strands.points)} points, in {unit}, {axes}"


def _fitted(options: ConvertOptions, read: StrandSet) -> StrandSet:
    """Return the guides of the source seated on a head, in the source's unit and axes."""
    from hairsim.groom.formats.reshape import in_frame
    from hairsim.groom.load import load_groom
    from hairsim.head.mesh import load_head
    from hairsim.head.parametric import parametric_head

    unit, axes = read.unit or "cm", read.axes or "y-up"
    head = parametric_head() if options.head is None else load_head(options.head, unit=unit, axes=axes)
    groom, report = load_groom(
        options.source, head, guides=options.guides, vertices=options.points or 24, unit=unit, axes=axes
    )
    print(report)
    seated = _strand_set(groom)
    if head.frame is not None:  # back to where the mesh has its head
        seated = replace(seated, points=seated.points + np.asarray(head.frame.origin, np.float32))
    return in_frame(seated, unit, axes)


def _strand_set(groom: Groom) -> StrandSet:
    """Return a groom's guides [m], head frame."""
    from hairsim.groom.formats.strand_set import StrandSet

    return replace(StrandSet.of(list(groom.strands)), unit="m", axes="z-up", about=groom.name)


def show(options: ShowOptions) -> str:
    """Draw a groom from three sides; return the closing line."""
    import imageio.v3 as imageio

    from hairsim.atomic_file import written_aside
    from hairsim.cameras.picture import draw, portrait_camera
    from hairsim.device import resolve_device
    from hairsim.groom.children import make_children

    device = resolve_device(options.device)
    if options.out.suffix != ".png":
        raise CombwiseError(f"output file {options.out} ends in '{options.out.suffix}'; expected '.png'")
    _check_target(options.out, options.overwrite)
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
    from hairsim.groom.load import load_groom, read_roots
    from hairsim.groom.mirror import mirrored
    from hairsim.head.mesh import load_head
    from hairsim.head.parametric import parametric_head

    is_family = options.groom in FAMILIES
    if options.scalp_mask is not None and options.head is None:
        raise CombwiseError("--scalp-mask is painted on a mesh; expected --head with it")
    if options.head is None:
        head = parametric_head()
    else:
        unit, axes, roots = options.unit or "cm", options.axes or "y-up", None
        if not is_family and options.scalp_mask is None:
            roots = read_roots(
                options.groom, unit=options.unit, axes=options.axes, mesh_unit=unit, mesh_axes=axes
            )
        head = load_head(options.head, unit=unit, axes=axes, scalp_roots=roots, scalp_mask=options.scalp_mask)
    if is_family:
        groom = make_groom(
            options.groom,
            head,
            guides=options.guides or 500,
            seed=options.seed,
            length=options.length,
            part=options.part,
            mirror=options.mirror,
        )
        return groom, head
    if options.length is not None or options.part is not None:
        raise CombwiseError("--length and --part draw a family's groom; a file has its own")
    if not Path(options.groom).is_file():
        raise CombwiseError(
            f"'{options.groom}' is neither a file nor a groom family; families are {', '.join(FAMILIES)}"
        )
    groom, report = load_groom(
        options.groom, head, guides=options.guides or 1000, unit=options.unit, axes=options.axes
    )
    print(report)
    return (mirrored(groom, head) if options.mirror else groom), head


def _check_target(path: Path, overwrite: bool) -> None:
    """Refuse a missing folder, and a file that is there already."""
    if not path.parent.is_dir():
        raise CombwiseError(f"folder {path.parent} does not exist; make it first, or choose another")
    if path.exists() and not overwrite:
        raise CombwiseError(f"file {path} exists; use --overwrite or another name")
