"""Strands in PLY files: whose points belong together is said in one of four ways.

* element `strand` with `nsegs`, segments of each strand in the order of the vertices: hairutil [Hairutil],
  and what we write, along with element `edge` for viewers;
* element `strand`, `line`, `polyline` or `curve` with a list of vertex indices, root first;
* element `edge` with `vertex1` and `vertex2`: unbranched chains, traced; the root is where the edges begin;
* a vertex property `curve_id` or `strand_id`, equal along each strand.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

import numpy as np

from hairsim.groom.formats.content import Content
from hairsim.groom.formats.ply_file import PlyFile, read_ply_file, write_ply_file
from hairsim.groom.formats.strand_set import StrandSet, require_finite
from hairsim.head.frame import AXES, UNITS

_VECTORS = {"normal": ("nx", "ny", "nz"), "color": ("red", "green", "blue"), "uv": ("s", "t")}
_LISTS = ("strand", "line", "polyline", "curve")
_IDS = ("curve_id", "strand_id")


def read_ply(path: Path) -> StrandSet:
    """Read a .ply of lines with every property of its vertices and strands.

    Raises:
        CombwiseError: damaged, a mesh or a cloud without lines, chains that branch or close, or NaN.
    """
    content = Content(path, "a .ply of lines (element edge, or strand with nsegs or vertex_indices)")
    ply = read_ply_file(content)
    vertex = _numbers(ply, "vertex")
    if not all(axis in vertex and vertex[axis].dtype.kind == "f" for axis in "xyz"):
        raise content.error("has no vertices with float x, y and z")
    points = np.stack([vertex.pop(axis) for axis in "xyz"], axis=1)
    order, counts = _chains(content, ply, len(points), vertex)
    require_finite(path, points[order], counts)
    strand = {name: column for name, column in _numbers(ply, "strand").items() if len(column) == len(counts)}
    strand.pop("nsegs", None)
    made = StrandSet(
        points[order],
        counts,
        per_point={name: values[order] for name, values in _grouped(vertex).items() if name not in _IDS},
        per_strand=_grouped(strand),
    )
    if len(order) < len(points):
        made = made.noted(f"{len(points) - len(order)} vertices that no strand uses were left out")
    return _with_comments(made, ply.comments)


def write_ply(path: Path, strands: StrandSet) -> None:
    """Write points, every value of points and strands, and edges; the rest as comments."""
    vertex = {axis: strands.points[:, column] for column, axis in enumerate("xyz")}
    vertex |= {name: values for name, values in _columns(strands.per_point).items() if name not in vertex}
    segments = strands.counts - 1
    strand = _columns(strands.per_strand)
    strand["nsegs"] = segments.astype(np.uint16 if segments.max() < 65_536 else np.uint32)
    tips = np.cumsum(strands.counts) - 1
    first = np.setdiff1d(np.arange(len(strands.points)), tips, assume_unique=True).astype(np.int32)
    comments = [f"{word} {text}" for word, text in (("unit", strands.unit), ("axes", strands.axes)) if text]
    comments += [f"about {line}" for line in strands.about.splitlines()]
    comments += [
        " ".join(["overall", name, str(values.dtype), *(repr(float(v)) for v in values.reshape(-1))])
        for name, values in strands.overall.items()
    ]
    edge = {"vertex1": first, "vertex2": first + 1}
    write_ply_file(path, {"vertex": vertex, "strand": strand, "edge": edge}, comments)


def _numbers(ply: PlyFile, element: str) -> dict[str, np.ndarray]:
    """Return the columns of an element that are no lists; none when there is no such element."""
    table = ply.elements.get(element, {})
    return {name: column for name, column in table.items() if isinstance(column, np.ndarray)}


def _chains(
    content: Content, ply: PlyFile, size: int, vertex: Mapping[str, np.ndarray]
) -> tuple[np.ndarray, np.ndarray]:
    """Return the vertices in the order of strands, [P], and the points of each strand, [S]."""
    strand = ply.elements.get("strand", {})
    nsegs = strand.get("nsegs")
    if isinstance(nsegs, np.ndarray):
        counts = nsegs.astype(np.int64) + 1
        if len(counts) == 0 or counts.min() < 1 or counts.max() > size or counts.sum() != size:
            raise content.error(
                f"has {size} vertices, but its {len(counts)} strands' nsegs do not sum to them"
            )
        return np.arange(size), counts
    for name in _LISTS:
        lists = [c for c in ply.elements.get(name, {}).values() if isinstance(c, list)]
        if lists and lists[0]:
            order = np.concatenate(lists[0])
            if order.dtype.kind == "f" or len(order) == 0 or order.min() < 0 or order.max() >= size:
                raise content.error(f"has strands with vertex indices outside 0 .. {size - 1}")
            return order.astype(np.int64), np.array([len(row) for row in lists[0]], np.int64)
    ends = [ply.elements.get("edge", {}).get(name) for name in ("vertex1", "vertex2")]
    if isinstance(ends[0], np.ndarray) and isinstance(ends[1], np.ndarray) and len(ends[0]):
        return _traced(content, np.stack([ends[0], ends[1]], axis=1), size)
    for name in _IDS:
        if name in vertex and size:
            column = vertex[name]
            order = np.argsort(column, kind="stable")
            _, first = np.unique(column[order], return_index=True)
            return order, np.diff(np.append(first, size))
    faces = len(next(iter(ply.elements.get("face", {}).values()), ()))
    raise content.error(f"has {size} vertices and {faces} faces, but nothing that says which form strands")


def _traced(content: Content, edges: np.ndarray, size: int) -> tuple[np.ndarray, np.ndarray]:
    """Return order and counts of the chains that edges [E, 2] form; a vertex without edge is a strand."""
    if edges.dtype.kind == "f" or edges.min() < 0 or edges.max() >= size:
        raise content.error(f"has edges with vertex indices outside 0 .. {size - 1}")
    edges = edges.astype(np.int64)
    degree = np.bincount(edges.reshape(-1), minlength=size)
    if degree.max() > 2 or (edges[:, 0] == edges[:, 1]).any():
        raise content.error("has edges that branch or lead nowhere; strands are unbranched chains")
    begins = np.bincount(edges[:, 0], minlength=size)
    neighbour = np.full((size, 2), -1, np.int64)
    filled = np.zeros(size, np.int64)
    for start, end in edges.tolist():
        neighbour[start, filled[start]], neighbour[end, filled[end]] = end, start
        filled[start] += 1
        filled[end] += 1
    links, seen = neighbour.tolist(), [False] * size
    order: list[int] = []
    counts: list[int] = []
    for end in np.flatnonzero(degree < 2).tolist():
        if seen[end]:
            continue
        chain, before, here = [], -1, end
        while here >= 0:
            chain.append(here)
            seen[here] = True
            one, other = links[here]
            before, here = here, other if one == before else one
        if begins[chain[0]] < begins[chain[-1]]:
            chain.reverse()
        order += chain
        counts.append(len(chain))
    if len(order) < size:
        raise content.error(f"has edges that close into loops over {size - len(order)} vertices")
    return np.array(order, np.int64), np.array(counts, np.int64)


def _columns(values: Mapping[str, np.ndarray]) -> dict[str, np.ndarray]:
    """Return PLY columns of named values; colours as bytes where bytes say them exactly."""
    columns = {}
    for name, value in values.items():
        array = np.asarray(value)
        if array.dtype.kind == "f" and array.dtype.itemsize not in (4, 8):
            array = array.astype(np.float32)
        elif array.dtype.itemsize == 8 and array.dtype.kind in "iu":
            array = array.astype(np.float64)
        if name == "color" and array.dtype == np.float32:
            with np.errstate(invalid="ignore"):
                whole = np.clip(np.rint(array * 255.0), 0, 255).astype(np.uint8)
            array = whole if (_from_bytes(whole) == array).all() else array
        if array.ndim == 1:
            columns[name] = array
        else:
            flat = array.reshape(len(array), -1)
            given = _VECTORS.get(name, ())
            names = given if len(given) == flat.shape[1] else [f"{name}_{i}" for i in range(flat.shape[1])]
            columns |= {word: flat[:, i] for i, word in enumerate(names)}
    return columns


def _grouped(columns: Mapping[str, np.ndarray]) -> dict[str, np.ndarray]:
    """Return named values of PLY columns: vectors put together, bytes of colour as 0..1."""
    left = dict(columns)
    made: dict[str, np.ndarray] = {}
    for name, parts in _VECTORS.items():
        if all(part in left for part in parts):
            made[name] = np.stack([left.pop(part) for part in parts], axis=1)
            if name == "color" and made[name].dtype == np.uint8:
                made[name] = _from_bytes(made[name])
    if "alpha" in left and left["alpha"].dtype == np.uint8:
        made["opacity"] = _from_bytes(left.pop("alpha"))
    for name in [name for name in left if name.endswith("_0")]:
        stem, width = name[:-2], 0
        while f"{stem}_{width}" in left:
            width += 1
        made[stem] = np.stack([left.pop(f"{stem}_{i}") for i in range(width)], axis=1)
    return {name: values for name, values in (made | left).items() if name.isidentifier()}


def _from_bytes(values: np.ndarray) -> np.ndarray:
    return (values / 255.0).astype(np.float32)


def _with_comments(strands: StrandSet, comments: tuple[str, ...]) -> StrandSet:
    """Take unit, axes, text and overall values from the comments that `write_ply` writes."""
    unit, axes, about, overall = None, None, [], {}
    for comment in comments:
        word, _, text = comment.partition(" ")
        if word == "unit" and text in UNITS:
            unit = text
        elif word == "axes" and text in AXES:
            axes = text
        elif word == "about":
            about.append(text)
        elif word == "overall" and (found := _overall(text.split())) is not None:
            overall[found[0]] = found[1]
    return replace(strands, unit=unit, axes=axes, about="\n".join(about), overall=overall)


def _overall(words: list[str]) -> tuple[str, np.ndarray] | None:
    """Return name and value of `NAME TYPE NUMBERS`, or None when that is not what it says."""
    try:
        numbers = np.array([float(word) for word in words[2:]])
    except ValueError:
        return None
    if len(words) < 3 or words[1] not in ("float32", "float64"):
        return None
    return words[0], (numbers[0] if len(numbers) == 1 else numbers).astype(words[1])
