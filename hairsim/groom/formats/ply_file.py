"""PLY files of any elements, read and written [Turk1994]: a text header, then tables, text or binary.

    ply
    format ascii|binary_little_endian|binary_big_endian 1.0
    comment ...
    element NAME COUNT
    property TYPE NAME  |  property list COUNT_TYPE TYPE NAME
    end_header

trimesh reads the triangles of such files and drops what else they hold; strands are what else.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from itertools import islice
from pathlib import Path

import numpy as np

from hairsim.atomic_file import write_bytes
from hairsim.groom.formats.content import Content

_TYPES = {
    "char": "i1",
    "uchar": "u1",
    "short": "i2",
    "ushort": "u2",
    "int": "i4",
    "uint": "u4",
    "float": "f4",
    "double": "f8",
}
_ALIASES = {"int8": "char", "uint8": "uchar", "int16": "short", "uint16": "ushort", "int32": "int"}
_ALIASES |= {"uint32": "uint", "float32": "float", "float64": "double"}
_ORDERS = {"ascii": "", "binary_little_endian": "<", "binary_big_endian": ">"}
_HEADER_MOST = 65_536

Table = dict[str, "np.ndarray | list[np.ndarray]"]
"""One element: property -> a column, or a list of arrays, one a row."""


@dataclass(frozen=True)
class _Property:
    name: str
    dtype: str
    counted_by: str | None = None  # type of a list's length


@dataclass(frozen=True)
class PlyFile:
    """What a PLY file holds.

    Attributes:
        elements: name -> table, in the order of the file.
        comments: the text after "comment ", line by line.
    """

    elements: dict[str, Table]
    comments: tuple[str, ...]


def read_ply_file(content: Content) -> PlyFile:
    """Read every element of a PLY file; `content` stands at its first byte.

    Raises:
        CombwiseError: no header, an unknown word in it, or fewer bytes than its counts need.
    """
    head, mark, _ = content.bytes[:_HEADER_MOST].partition(b"end_header")
    if not mark or not head.startswith(b"ply"):
        raise content.error(f"has no PLY header in its first {_HEADER_MOST} bytes")
    start = content.bytes.find(b"\n", len(head))
    content.place = len(content.bytes) if start < 0 else start + 1
    order, layout, comments = _header(content, head.decode("utf-8", errors="replace").splitlines()[1:])
    words = iter(content.bytes[content.place :].split()) if order == "ascii" else iter(())
    elements: dict[str, Table] = {}
    for name, count, properties in layout:
        bytes_a_row = sum(
            1 if order == "ascii" else np.dtype(p.counted_by or p.dtype).itemsize for p in properties
        )
        if count * bytes_a_row > content.left:
            raise content.error(f"says it holds {count} rows of '{name}', but {content.left} bytes are left")
        if not properties:
            elements[name] = {}
        elif order == "ascii":
            elements[name] = _text_table(content, words, name, count, properties)
        elif any(p.counted_by for p in properties):
            elements[name] = _binary_lists(content, _ORDERS[order], name, count, properties)
        else:
            row = np.dtype([(p.name, _ORDERS[order] + p.dtype) for p in properties])
            block = content.take(row, count, f"rows of '{name}'")
            elements[name] = {p.name: block[p.name].astype(p.dtype) for p in properties}
    return PlyFile(elements, comments)


def write_ply_file(path: Path, elements: Mapping[str, Mapping[str, np.ndarray]], comments: list[str]) -> None:
    """Write tables of plain columns as little-endian binary, whole or not at all."""
    words = {np.dtype(dtype): name for name, dtype in _TYPES.items()}
    lines = ["ply", "format binary_little_endian 1.0", *(f"comment {text}" for text in comments)]
    blocks = []
    for element, table in elements.items():
        columns = {name: np.asarray(values) for name, values in table.items()}
        count = len(next(iter(columns.values())))
        lines.append(f"element {element} {count}")
        lines += [f"property {words[values.dtype]} {name}" for name, values in columns.items()]
        rows = np.empty(count, [(name, values.dtype.newbyteorder("<")) for name, values in columns.items()])
        for name, values in columns.items():
            rows[name] = values
        blocks.append(rows.tobytes())
    header = "\n".join([*lines, "end_header", ""])
    write_bytes(path, header.encode("utf-8") + b"".join(blocks))


def _header(
    content: Content, lines: list[str]
) -> tuple[str, list[tuple[str, int, list[_Property]]], tuple[str, ...]]:
    """Return the format's name, the elements with their properties, and the comments."""
    order, layout, comments = "", [], []
    for line in lines:
        words = line.split()
        if not words or words[0] == "obj_info":
            continue
        if words[0] == "comment":
            comments.append(line.strip()[len("comment ") :])
        elif words[0] == "format" and len(words) > 1 and words[1] in _ORDERS:
            order = words[1]
        elif words[0] == "element" and len(words) == 3 and words[2].isascii() and words[2].isdigit():
            layout.append((words[1], int(words[2][:18]), []))
        elif words[0] == "property" and layout and (found := _property(words[1:])) is not None:
            layout[-1][2].append(found)
        else:
            raise content.error(f"has a header line that is no PLY: '{line.strip()[:80]}'")
    if not order:
        raise content.error("names no format in its header")
    for name, _, properties in layout:
        if len({p.name for p in properties}) < len(properties):
            raise content.error(f"has two properties of one name in element '{name}'")
    return order, layout, tuple(comments)


def _property(words: list[str]) -> _Property | None:
    types = [_TYPES.get(_ALIASES.get(word, word)) for word in words]
    if len(words) == 2 and types[0]:
        return _Property(words[1], types[0])
    if len(words) == 4 and words[0] == "list" and types[1] and types[2] and types[1][0] != "f":
        return _Property(words[3], types[2], types[1])
    return None


def _text_table(
    content: Content, words: Iterator[bytes], element: str, count: int, properties: list[_Property]
) -> Table:
    """Return a table of numbers written as words."""
    table: dict[str, list] = {p.name: [] for p in properties}
    for row in range(count):
        for p in properties:
            size = 1
            try:
                if p.counted_by:
                    size = int(next(words))
                values = [float(word) for word in islice(words, size)]
            except (StopIteration, ValueError) as error:
                raise content.error(f"has no number at row {row} of {count} of '{element}'") from error
            if len(values) < size:
                raise content.error(f"is truncated: it ends in row {row} of {count} of '{element}'")
            table[p.name].append(_cast(np.array(values), p.dtype) if p.counted_by else values[0])
    return {
        p.name: table[p.name] if p.counted_by else _cast(np.array(table[p.name], np.float64), p.dtype)
        for p in properties
    }


def _cast(values: np.ndarray, dtype: str) -> np.ndarray:
    """Return numbers as a property's type; what does not fit becomes something else, never a warning."""
    with np.errstate(invalid="ignore", over="ignore"):
        return values.astype(dtype)


def _binary_lists(
    content: Content, order: str, element: str, count: int, properties: list[_Property]
) -> Table:
    """Return a binary table some of whose properties are lists, row by row."""
    table: dict[str, list] = {p.name: [] for p in properties}
    for row in range(count):
        for p in properties:
            what = f"numbers of row {row} of {count} of '{element}'"
            size = int(content.take(order + p.counted_by, 1, what)[0]) if p.counted_by else 1
            values = content.take(order + p.dtype, size, what)
            table[p.name].append(values if p.counted_by else values[0])
    return {p.name: table[p.name] if p.counted_by else np.array(table[p.name], p.dtype) for p in properties}
