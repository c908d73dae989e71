"""Cubic curves of USD as polylines: Bezier, B-spline and Catmull-Rom, sampled evenly in their parameter."""

from __future__ import annotations

import numpy as np

SAMPLES = 4
"""Points that each cubic span becomes."""

BASES: dict[str, np.ndarray] = {
    "bezier": np.array([[1, 0, 0, 0], [-3, 3, 0, 0], [3, -6, 3, 0], [-1, 3, -3, 1]], np.float64),
    "bspline": np.array([[1, 4, 1, 0], [-3, 0, 3, 0], [3, -6, 3, 0], [-1, 3, -3, 1]], np.float64) / 6.0,
    "catmullRom": np.array([[0, 2, 0, 0], [-1, 0, 1, 0], [2, -5, 4, -1], [-1, 3, -3, 1]], np.float64) / 2.0,
}
"""Row k holds the weights of the four control points in the coefficient of t^k [CatmullRom1974]."""


def polyline(control: np.ndarray, basis: str, *, pinned: bool) -> np.ndarray | None:
    """Return points on one cubic curve, [P, 3] float64, both ends included.

    Args:
        control: [V, 3] control points.
        basis: a key of `BASES`.
        pinned: the curve is drawn to its first and last control point, by a mirrored point beyond each.

    Returns:
        None when the number of control points does not fit the basis.
    """
    control = np.asarray(control, np.float64)
    step = 3 if basis == "bezier" else 1
    if pinned and step == 1 and len(control) >= 2:
        control = np.concatenate(
            [2.0 * control[:1] - control[1:2], control, 2.0 * control[-1:] - control[-2:-1]]
        )
    spans, rest = divmod(len(control) - 4, step)
    if len(control) < 4 or rest:
        return None
    first = step * np.arange(spans + 1)
    corners = control[first[:, None] + np.arange(4)]
    powers = (np.arange(SAMPLES) / SAMPLES)[:, None] ** np.arange(4)
    points = np.einsum("tk,kc,sci->sti", powers, BASES[basis], corners).reshape(-1, 3)
    end = BASES[basis].sum(axis=0) @ corners[-1]
    return np.concatenate([points, end[None]])
