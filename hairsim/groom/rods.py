"""Making rods of curves: equal edges along each strand, and no vertex inside the head."""

from __future__ import annotations

import numpy as np

from hairsim.head.head import DistanceField

CLEARANCE = 0.0015
"""Height above the skin that free vertices keep at least [m]."""


def arc_length(line: np.ndarray) -> np.ndarray:
    """Return the arc length from the root at each vertex, [S, V] [m], of lines [S, V, 3]."""
    edges = np.linalg.norm(np.diff(line, axis=1), axis=-1)
    return np.concatenate([np.zeros((len(line), 1)), np.cumsum(edges, axis=1)], axis=1)


def resample(line: np.ndarray, length: np.ndarray, vertices: int) -> np.ndarray:
    """Resample lines to vertices with chords equal to 0.5 %; `relax_onto` makes them equal exactly.

    Args:
        line: [S, M, 3] [m].
        length: [S] arc length at which each is cut [m]; a longer cut than the line takes all of it.
        vertices: how many vertices, both ends included.

    Returns:
        [S, vertices, 3] float64.
    """
    along = arc_length(line)
    length = np.minimum(length, along[:, -1])
    place = np.linspace(0.0, 1.0, vertices)[None, :] * length[:, None]
    strands = _interpolate(line, along, place)
    uneven = np.arange(len(line))
    for turn in range(64):  # chords are shorter than arcs where it curls: move vertices until chords agree
        chord = arc_length(strands[uneven])
        even = np.linspace(0.0, 1.0, vertices)[None, :] * chord[:, -1:]
        moved = np.stack([np.interp(e, c, p) for e, c, p in zip(even, chord, place[uneven], strict=True)])
        place[uneven] = moved
        strands[uneven] = _interpolate(line[uneven], along[uneven], moved)
        if turn >= 7:  # enough for most
            edge = np.linalg.norm(np.diff(strands[uneven], axis=1), axis=-1)
            uneven = uneven[edge.max(axis=1) > 1.005 * edge.min(axis=1)]
            if len(uneven) == 0:
                break
    return strands


def relax_onto(
    strands: np.ndarray, field: DistanceField, *, clearance: float = CLEARANCE, edge: np.ndarray | None = None
) -> np.ndarray:
    """Rebuild strands from their roots with exactly equal edges and every free vertex above the skin.

    Vertex by vertex: go one edge toward where the vertex was; when that lies too low, climb along the
    normal and try again. The roots stay.

    Args:
        strands: [S, V, 3] [m], root first.
        field: the head.
        clearance: least height above the skin [m]; vertex 1, held by the follicle, may keep less when
            its edge is short.
        edge: [S] edge length [m]; the mean of each strand's own edges when left out.

    Returns:
        [S, V, 3] float64, a new array.
    """
    own = np.linalg.norm(np.diff(strands, axis=1), axis=-1).mean(axis=1)
    spacing = own if edge is None else edge
    laid = np.array(strands, np.float64)
    for vertex in range(1, laid.shape[1]):
        before, ask = laid[:, vertex - 1], strands[:, vertex]
        place = before + spacing[:, None] * _unit(ask - before)
        least = np.minimum(clearance, 0.45 * spacing) if vertex == 1 else np.full(len(spacing), clearance)
        for _ in range(25):
            low = np.flatnonzero(field.sample(place) < least)
            if len(low) == 0:
                break
            need = least[low] - field.sample(place[low]) + 2e-4
            lifted = place[low] + need[:, None] * field.gradient(place[low])
            place[low] = before[low] + spacing[low, None] * _unit(lifted - before[low])
        laid[:, vertex] = place
    return laid


def _interpolate(line: np.ndarray, along: np.ndarray, place: np.ndarray) -> np.ndarray:
    """Return points [S, V, 3] at arc lengths `place` [S, V] of lines [S, M, 3] with arc lengths `along`."""
    points = np.empty((*place.shape, 3))
    for strand in range(len(line)):
        for axis in range(3):
            points[strand, :, axis] = np.interp(place[strand], along[strand], line[strand, :, axis])
    return points


def _unit(vector: np.ndarray) -> np.ndarray:
    return vector / np.maximum(np.linalg.norm(vector, axis=-1, keepdims=True), 1e-12)
