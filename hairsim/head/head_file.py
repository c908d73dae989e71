"""Heads that anybody can describe: a TOML file of the parametric adult's measures, or of a mesh.

    format = 1
    name = "small_wig_head"          # may be left out: the file's own name

    [shape]                          # what differs from the built-in adult: parametric.HeadShape, in metres
    size = 0.92
    ears = 0.0

or, for any closed shape, a mesh beside the file:

    format = 1

    [mesh]
    file = "wig_head.stl"            # the mesh's own name is the head's
    unit = "mm"                      # m, cm, mm or in
    axes = "z-up"                    # of frame.AXES
    origin = [0.0, 0.0, 131.0]       # midway between the tragi, in the mesh's unit and axes; may be left out

Robot, demo, benchmark and goals take the head from here, so that all of them mean the same one.
"""

from __future__ import annotations

import tomllib
from dataclasses import fields
from pathlib import Path
from typing import Any

from hairsim.errors import CombwiseError
from hairsim.head.frame import AXES, UNITS
from hairsim.head.head import Head
from hairsim.head.parametric import HeadShape, head_of, parametric_head

MOST_BYTES = 20_000


def head_or_built_in(path: str | Path | None, *, unit: str | None = None, axes: str | None = None) -> Head:
    """Return the head of a file; the built-in adult where none is named (None or '').

    Args:
        path: a description (.toml), or a mesh.
        unit, axes: of a mesh, cm and y-up when None; a description tells its own.

    Raises:
        CombwiseError: as `read_head` and `load_head`.
    """
    if not path:
        return parametric_head()
    if Path(path).suffix == ".toml":
        return read_head(path)
    from hairsim.head.mesh import load_head  # late: meshes need trimesh, which takes a second

    return load_head(Path(path), unit=unit or "cm", axes=axes or "y-up")


def read_head(path: str | Path) -> Head:
    """Read a head's file.

    Raises:
        CombwiseError: no such file, not a head's description, a measure that no head has, or a mesh that is
            none.
    """
    path = Path(path)
    where = f"head file '{path}'"
    table = _table(path, where)
    _only(table, {"format", "name", "shape", "mesh"}, where)
    if table.get("format") != 1:
        raise CombwiseError(f"{where} has format {table.get('format')!r}; expected format = 1")
    if ("shape" in table) == ("mesh" in table):
        raise CombwiseError(f"{where} has {sorted(table)}; expected one of [shape] and [mesh]")
    kind = "shape" if "shape" in table else "mesh"
    part, name = table[kind], table.get("name")
    if not isinstance(part, dict) or not (name is None or (isinstance(name, str) and name)):
        raise CombwiseError(f"{where}: name or [{kind}] is of the wrong kind; expected a text and a table")
    if kind == "shape":
        return head_of(_shape(part, where), name=name or path.stem)
    if name is not None:
        raise CombwiseError(f"{where} names a head of a mesh; expected no name: it has the mesh's")
    return _mesh(part, path.parent, where)


def _table(path: Path, where: str) -> dict[str, Any]:
    try:
        if path.stat().st_size > MOST_BYTES:
            raise CombwiseError(f"{where} has over {MOST_BYTES} bytes; expected a few lines of TOML")
        return tomllib.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise CombwiseError(f"{where} cannot be read: {error.strerror}") from error
    except (UnicodeDecodeError, tomllib.TOMLDecodeError, RecursionError) as error:
        raise CombwiseError(f"{where} is no TOML: {' '.join(str(error).split())}") from error


def _shape(part: dict[str, Any], where: str) -> HeadShape:
    _only(part, {field.name for field in fields(HeadShape)}, f"{where} [shape]")
    numbers = {name: _number(value, f"{where}: {name}") for name, value in part.items()}
    try:
        return HeadShape(**numbers)
    except CombwiseError as error:
        raise CombwiseError(f"{where}: {error}") from error


def _mesh(part: dict[str, Any], folder: Path, where: str) -> Head:
    from hairsim.head.mesh import load_head  # late: meshes need trimesh, which takes a second

    _only(part, {"file", "unit", "axes", "origin"}, f"{where} [mesh]")
    for word, known in (("file", ()), ("unit", tuple(UNITS)), ("axes", tuple(AXES))):
        given = part.get(word)
        if not isinstance(given, str) or not given or (known and given not in known):
            expected = f"one of {', '.join(known)}" if known else "the name of a mesh"
            raise CombwiseError(f"{where} has {word} {given!r}; expected {expected}")
    origin = part.get("origin")
    if origin is not None:
        if not isinstance(origin, list) or len(origin) != 3:
            raise CombwiseError(f"{where} has origin {origin!r}; expected [x, y, z]")
        x, y, z = (_number(value, f"{where}: origin") for value in origin)
        origin = (x, y, z)
    return load_head(folder / part["file"], unit=part["unit"], axes=part["axes"], origin=origin)


def _number(value: Any, where: str) -> float:
    if isinstance(value, bool) or not isinstance(value, (int, float)) or not abs(value) < 1e9:
        raise CombwiseError(f"{where} is {value!r}; expected a number")
    return float(value)


def _only(table: dict[str, Any], known: set[str], where: str) -> None:
    """Refuse words that mean nothing here: a misspelt one would be ignored."""
    unknown = sorted(set(table) - known)
    if unknown:
        raise CombwiseError(
            f"{where} has {', '.join(map(repr, unknown))}; expected {', '.join(sorted(known))}"
        )
