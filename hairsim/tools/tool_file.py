"""Tools that anybody can define: a TOML file of capsules, single or repeated in rows and grids.

    format = 1
    name = "tail_comb"
    about = "What it is, in a line."     # may be left out
    unit = "mm"                          # of every length below: m, cm, mm or in

    [[capsule]]                          # the teeth: one capsule, and where its copies are
    start = [0, 0, 2]                    # one end of its axis: x, y, z
    end = [0, 0, 35]
    radius = 2
    repeat = [{ count = 9, step = [0, 10, 0] }]    # nine of them, 10 mm apart, centred; two make a grid

    [[capsule]]                          # the spine
    start = [0, -40, 39]
    end = [0, 40, 39]
    radius = 4

Tool frame, as in `tool.Tool`: the origin lies in the middle of the tips, at the height of their ends; +z from
the tips to the handle, away from the head; +y along the row of teeth; +x the direction of travel.

             handle    ^ z
      =================|=====   spine, along y
        |  |  |  |  |  |  |
        |  |  |  |  |  |  |     teeth
        '  '  '  '--o--'  ' --> y         x towards you
"""

from __future__ import annotations

import math
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from importlib.resources import files
from pathlib import Path
from typing import Any

import numpy as np

from hairsim.errors import CombwiseError
from hairsim.head.frame import UNITS
from hairsim.tools.tool import Tool

MOST_CAPSULES = 400
"""Every edge of hair near the tool is held against every capsule."""

MOST_BYTES = 200_000
FURTHEST = 0.5
"""Largest coordinate of a hand tool [m]."""

RADII = (0.0002, 0.05)
"""Thinnest and thickest capsule [m]."""

TIP_HEIGHT = (-0.001, 0.003)
"""Where the lowest surface of a tool may lie along z [m]: a stroke's depth is measured from z = 0."""


@dataclass(frozen=True)
class ToolDefinition:
    """What a tool file says.

    Attributes:
        tool: its capsules.
        about: its line of text.
    """

    tool: Tool
    about: str


def load_tool(name: str | Path) -> Tool:
    """Load a tool by the name of a shipped one, or from a file.

    Args:
        name: one of `shipped_tools()`, or the path of a .toml file.

    Raises:
        CombwiseError: no such tool or file, or a definition that is wrong; the sentence says where.
    """
    return read_definition(name).tool


def shipped_tools() -> tuple[str, ...]:
    """Return the names of the tools that come with Combwise."""
    folder = files("hairsim.tools")
    return tuple(sorted(p.name.removesuffix(".toml") for p in folder.iterdir() if p.name.endswith(".toml")))


def read_definition(name: str | Path) -> ToolDefinition:
    """Read a tool's definition; arguments and errors as in `load_tool`."""
    if str(name) in shipped_tools():
        content = (files("hairsim.tools") / f"{name}.toml").read_bytes()
        return _definition(content, f"tool '{name}'")
    path = Path(name)
    if not path.is_file():
        raise CombwiseError(f"tool '{name}' is neither a .toml file nor one of {', '.join(shipped_tools())}")
    try:
        content = path.read_bytes() if path.stat().st_size <= MOST_BYTES else None
    except OSError as error:
        raise CombwiseError(f"tool file '{path}' cannot be read: {error.strerror}") from error
    if content is None:
        raise CombwiseError(f"tool file '{path}' has over {MOST_BYTES} bytes; expected a few lines of TOML")
    return _definition(content, f"tool file '{path}'")


def _definition(content: bytes, where: str) -> ToolDefinition:
    """Return the tool that the bytes of a file define; `where` begins every complaint."""
    try:
        table = tomllib.loads(content.decode("utf-8"))
    except (UnicodeDecodeError, tomllib.TOMLDecodeError, RecursionError) as error:
        raise CombwiseError(f"{where} is no TOML: {' '.join(str(error).split())}") from error
    _only(table, {"format", "name", "about", "unit", "capsule"}, where)
    if table.get("format") != 1:
        raise CombwiseError(f"{where} has format {table.get('format')!r}; expected format = 1")
    name, about, unit = table.get("name"), table.get("about", ""), table.get("unit")
    if not isinstance(name, str) or not name.isidentifier():
        raise CombwiseError(f'{where} has name {name!r}; expected a word like "tail_comb"')
    if not isinstance(about, str) or not isinstance(unit, str) or unit not in UNITS:
        raise CombwiseError(f"{where} has unit {unit!r}; expected one of {', '.join(UNITS)}")
    capsules = table.get("capsule")
    if not isinstance(capsules, list) or not capsules:
        raise CombwiseError(f"{where} has no [[capsule]]; expected at least one")
    parts = []
    left = MOST_CAPSULES
    for number, capsule in enumerate(capsules, 1):
        made = _copies(capsule, UNITS[unit], left, f"{where}, capsule {number}")
        left -= len(made[2])
        parts.append(made)
    start, end, radius = (np.concatenate(column) for column in zip(*parts, strict=True))
    lowest = float((np.minimum(start[:, 2], end[:, 2]) - radius).min())
    if not TIP_HEIGHT[0] <= lowest <= TIP_HEIGHT[1]:
        raise CombwiseError(
            f"{where} has its lowest point at z = {1e3 * lowest:.3g} mm; expected {1e3 * TIP_HEIGHT[0]:g} .. "
            f"{1e3 * TIP_HEIGHT[1]:g} mm: the tips end at z = 0, and +z leads to the handle"
        )
    tool = Tool(name, start.astype(np.float32), end.astype(np.float32), radius.astype(np.float32))
    return ToolDefinition(tool, about)


def _copies(capsule: Any, metres: float, most: int, where: str) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return starts [C, 3], ends [C, 3] and radii [C] [m] of a capsule and its copies."""
    if not isinstance(capsule, dict):
        raise CombwiseError(f"{where} is no table; expected start, end and radius")
    _only(capsule, {"start", "end", "radius", "repeat"}, where)
    start, end = (_point(capsule.get(word), metres, f"{where}: {word}") for word in ("start", "end"))
    radius = _number(capsule.get("radius"), f"{where}: radius") * metres
    if not RADII[0] <= radius <= RADII[1]:
        raise CombwiseError(
            f"{where}: radius is {1e3 * radius:.4g} mm; expected {1e3 * RADII[0]:g} .. {1e3 * RADII[1]:g} mm"
        )
    if np.linalg.norm(end - start) < 1e-4:
        raise CombwiseError(f"{where}: start and end are one point; expected at least 0.1 mm between them")
    repeats = capsule.get("repeat", [])
    if not isinstance(repeats, list) or len(repeats) > 3:
        raise CombwiseError(f"{where}: repeat is {repeats!r}; expected up to three {{ count, step }}")
    offset = np.zeros((1, 3))
    for repeat in repeats:
        if not isinstance(repeat, dict):
            raise CombwiseError(
                f"{where}: repeat holds {repeat!r}; expected {{ count = 9, step = [0, 10, 0] }}"
            )
        _only(repeat, {"count", "step"}, f"{where}: repeat")
        count = repeat.get("count")
        if not isinstance(count, int) or isinstance(count, bool) or count < 1:
            raise CombwiseError(f"{where}: repeat count is {count!r}; expected a whole number from 1")
        if count * len(offset) > most:
            raise CombwiseError(f"{where}: makes the tool more than {MOST_CAPSULES} capsules; expected fewer")
        step = _point(repeat.get("step"), metres, f"{where}: repeat step")
        row = (np.arange(count) - (count - 1) / 2.0)[:, None] * step
        offset = (offset[:, None] + row).reshape(-1, 3)
    if len(offset) > most:
        raise CombwiseError(f"{where}: makes the tool more than {MOST_CAPSULES} capsules; expected fewer")
    starts, ends = start + offset, end + offset
    if max(np.abs(starts).max(), np.abs(ends).max()) > FURTHEST:
        raise CombwiseError(
            f"{where}: reaches over {FURTHEST} m from the origin; expected a hand tool: is the unit right?"
        )
    return starts, ends, np.full(len(offset), radius)


def _point(value: Any, metres: float, where: str) -> np.ndarray:
    if not isinstance(value, list) or len(value) != 3:
        raise CombwiseError(f"{where} is {value!r}; expected [x, y, z]")
    return np.array([_number(v, where) for v in value]) * metres


def _number(value: Any, where: str) -> float:
    if isinstance(value, bool) or not isinstance(value, (int, float)) or not abs(value) < math.inf:
        raise CombwiseError(f"{where} holds {value!r}; expected finite numbers")
    return float(min(max(value, -1e9), 1e9))


def _only(table: Mapping[str, Any], known: set[str], where: str) -> None:
    """Refuse words that mean nothing here: a misspelt one would be ignored."""
    unknown = sorted(set(table) - known)
    if unknown:
        raise CombwiseError(
            f"{where} has {', '.join(map(repr, unknown))}; expected {', '.join(sorted(known))}"
        )
