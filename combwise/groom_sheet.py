"""`combwise groom sheet`: one picture of every groom family, by class, settled under gravity."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import tyro

from combwise.options import DeviceOption
from hairsim.errors import CombwiseError

VIEWS = (25.0, 205.0)
"""Azimuths from which each family is seen [degree]: in front from the left, behind from the right."""

COLOURS = {"straight": "brown", "wavy": "auburn", "curly": "dark_brown", "coily": "black"}
CAPTION_HEIGHT = 20


@dataclass(frozen=True, kw_only=True)
class SheetOptions(DeviceOption):
    """Options of `combwise groom sheet`.

    Attributes:
        out: the picture to write, .jpg or .png.
        families: which; all when left out.
        seed: of the grooms.
        settle: how long the hair moves under gravity first [s]; 0 shows it as grown.
        guides: simulated strands.
        size: side of a picture of a family [pixel].
        columns: families beside each other.
        overwrite: replace the picture when it exists.
    """

    out: Path
    families: tyro.conf.UseAppendAction[tuple[str, ...]] = ()
    seed: int = 0
    settle: float = 1.5
    guides: int = 250
    size: int = 180
    columns: int = 5
    overwrite: bool = False


def sheet(options: SheetOptions) -> str:
    """Draw the sheet; return the closing line."""
    from PIL import Image
    from rich.progress import track

    from hairsim.atomic_file import written_aside
    from hairsim.device import resolve_device
    from hairsim.groom.families import FAMILIES, HAIR_CLASSES

    device = resolve_device(options.device)
    if options.out.suffix not in (".jpg", ".png"):
        raise CombwiseError(
            f"output file {options.out} ends in '{options.out.suffix}'; expected .jpg or .png"
        )
    if not options.out.parent.is_dir():
        raise CombwiseError(f"folder {options.out.parent} does not exist; make it first, or choose another")
    if options.out.exists() and not options.overwrite:
        raise CombwiseError(f"file {options.out} exists; use --overwrite or another name")
    unknown = sorted(set(options.families) - set(FAMILIES))
    if unknown or options.columns < 1:
        raise CombwiseError(f"no groom families {unknown}, or no columns; families are {', '.join(FAMILIES)}")
    asked = options.families or tuple(FAMILIES)
    names = [n for kind in HAIR_CLASSES for n in asked if FAMILIES[n].hair_class == kind]
    cells = [_cell(name, options, device) for name in track(names, "drawing")]
    blank = np.full_like(cells[0], 255)
    cells += [blank] * (-len(cells) % options.columns)
    rows = [
        np.concatenate(cells[start : start + options.columns], axis=1)
        for start in range(0, len(cells), options.columns)
    ]
    with written_aside(options.out) as aside:
        Image.fromarray(np.concatenate(rows, axis=0)).save(aside, quality=82)
    return f"{options.out}: {len(names)} families, seed {options.seed}"


def _cell(family: str, options: SheetOptions, device: str) -> np.ndarray:
    """Return a family from its views with its name below, [size + caption, views * size, 3] uint8."""
    from PIL import Image, ImageDraw, ImageFont

    from hairsim.cameras.look import HairLook
    from hairsim.cameras.picture import draw, portrait_camera
    from hairsim.groom.children import make_children
    from hairsim.groom.families import FAMILIES, UNSEEN_FAMILIES, make_groom
    from hairsim.head.parametric import parametric_head
    from hairsim.world import HairWorld

    head = parametric_head()
    groom = make_groom(family, head, guides=options.guides, vertices=20, seed=options.seed)
    strands = groom.strands
    if options.settle > 0.0:
        world = HairWorld([head], [groom], device=device)
        world.settle(options.settle)
        strands = world.strands()
    hair = make_children(groom, seed=options.seed).strands(strands)
    kind = FAMILIES[family].hair_class
    size, look = options.size, HairLook(colour=COLOURS[kind])
    views = [
        draw(hair, head, portrait_camera(azimuth, 8.0, size, size, span=0.46), look=look, device=device)
        for azimuth in VIEWS
    ]
    cell = np.full((size + CAPTION_HEIGHT, len(VIEWS) * size, 3), 255, np.uint8)
    cell[:size] = np.concatenate(views, axis=1)
    picture = Image.fromarray(cell)
    words = f"{family} ({kind}{', unseen' if family in UNSEEN_FAMILIES else ''})"
    ImageDraw.Draw(picture).text((6, size + 3), words, fill=(30, 30, 30), font=ImageFont.load_default(13))
    return np.asarray(picture)
