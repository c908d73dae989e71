"""`combwise tool list|show`: which tools there are, and what one measures and looks like."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import tyro

from combwise.options import DeviceOption
from hairsim.errors import CombwiseError


@dataclass(frozen=True)
class ListOptions:
    """Options of `combwise tool list`: none."""


@dataclass(frozen=True, kw_only=True)
class ShowOptions(DeviceOption):
    """Options of `combwise tool show`.

    Attributes:
        tool: the name of a tool that comes with Combwise, or a .toml file.
        out: a .png picture to write, of the tool on a head; none when left out.
        size: width and height of the picture [pixel].
        overwrite: replace the picture when it exists.
    """

    tool: tyro.conf.Positional[str]
    out: Path | None = None
    size: int = 640
    overwrite: bool = False


def list_tools(options: ListOptions) -> str:
    """Print each tool and its line of text; return the closing line."""
    from hairsim.tools.tool_file import read_definition, shipped_tools

    names = shipped_tools()
    for name in names:
        found = read_definition(name)
        print(f"{name}: {found.about} ({len(found.tool.radius)} capsules)")
    return f"{len(names)} tools; a .toml file of your own goes wherever a name does"


def show(options: ShowOptions) -> str:
    """Print a tool's measures and draw it; return the closing line."""
    from hairsim.tools.tool_file import read_definition

    found = read_definition(options.tool)
    tool = found.tool
    low = np.minimum(tool.start, tool.end) - tool.radius[:, None]
    high = np.maximum(tool.start, tool.end) + tool.radius[:, None]
    x, y, z = 1e3 * (high.max(axis=0) - low.min(axis=0))
    if found.about:
        print(found.about)
    print(f"along travel {x:.1f} mm, along the teeth {y:.1f} mm, tips to top {z:.1f} mm")
    print(f"capsules of {2e3 * tool.radius.min():.1f} to {2e3 * tool.radius.max():.1f} mm thickness")
    if options.out is None:
        return f"{tool.name}: {len(tool.radius)} capsules"
    _draw(options)
    return f"{options.out}: {tool.name}, {len(tool.radius)} capsules"


def _draw(options: ShowOptions) -> None:
    """Write a picture of the tool in the hair over the left ear, halfway through a stroke."""
    import imageio.v3 as imageio

    from hairsim.atomic_file import written_aside
    from hairsim.cameras.picture import draw, portrait_camera
    from hairsim.device import resolve_device
    from hairsim.groom.children import make_children
    from hairsim.groom.families import make_groom
    from hairsim.head.parametric import parametric_head
    from hairsim.tools.stroke import Stroke
    from hairsim.tools.stroke_path import stroke_path
    from hairsim.tools.tool_file import load_tool

    out = options.out
    assert out is not None
    if out.suffix != ".png" or not out.parent.is_dir():
        raise CombwiseError(f"output file {out} cannot be; expected a .png in a folder that exists")
    if out.exists() and not options.overwrite:
        raise CombwiseError(f"file {out} exists; use --overwrite or another --out")
    head = parametric_head()
    groom = make_groom("straight_bob", head, guides=200, seed=0)
    tool = load_tool(options.tool)
    path = stroke_path(Stroke(azimuth=1.3, elevation=0.6, heading=0.0, length=0.08, depth=0.012), head, tool)
    middle = len(path.times) // 2
    picture = draw(
        make_children(groom, count=2000).strands(groom.strands),
        head,
        portrait_camera(55.0, 12.0, options.size, options.size, span=0.36),
        tool=(tool, path.positions[middle], path.quaternions[middle]),
        device=resolve_device(options.device),
    )
    with written_aside(out) as aside:
        imageio.imwrite(aside, picture)
