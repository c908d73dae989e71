"""Two drawings of calibration: probabilities beside shares of hair, expected beside true errors."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import numpy as np

COLOURS = {"full": "#4477aa", "cameras": "#ee6677"}
"""Of inputs; told apart by colour-blind eyes too (Tol's bright scheme)."""

SIDE, LEFT, TOP = 260.0, 54.0, 30.0
"""Edge of a square panel, and where it begins [px]."""

GAP = 60.0
"""Between the panels, and so that the last tick is not cut, a third of it to the right [px]."""


def draw_calibration(figures: Sequence[Mapping[str, Any]]) -> list[dict[str, str]]:
    """Return a title and an SVG for each split and horizon, both inputs in one.

    Args:
        figures: of `table.calibration_figures`.
    """
    groups: dict[tuple[str, int], list[Mapping[str, Any]]] = {}
    for one in figures:
        groups.setdefault((one["split"], one["horizon"]), []).append(one)
    return [
        {
            "title": f"{split}, {horizon} stroke{'s' if horizon > 1 else ''} ahead",
            "svg": _drawn(ones),
        }
        for (split, horizon), ones in groups.items()
    ]


def _drawn(ones: Sequence[Mapping[str, Any]]) -> str:
    errors = [v for one in ones for v in (*one["expected_error"], *one["occupancy_error"])]
    largest = float(np.ceil(10.0 * max(errors, default=0.1) + 1e-9) / 10.0)
    width, height = 2.0 * (LEFT + SIDE) + 4.0 / 3.0 * GAP, TOP + SIDE + 44.0
    parts = [f'<svg viewBox="0 0 {width:g} {height:g}" role="img" aria-label="calibration" '
             'style="max-width: 56rem" fill="currentColor" stroke="none" font-size="11">']  # fmt: skip
    parts += _panel(LEFT, 1.0, "Voxels where strokes may act", "probability of hair", "share that is hair")
    second = 2.0 * LEFT + SIDE + GAP
    parts += _panel(second, largest, "Strokes", "expected occupancy error", "true occupancy error")
    for number, one in enumerate(ones):
        colour = COLOURS[one["input"]]
        parts += _bins(one, colour)
        parts += [
            _dot(*_at(second, largest, x, y), 3.0, colour, f"expected {x:.3f}, true {y:.3f}")
            for x, y in zip(one["expected_error"], one["occupancy_error"], strict=True)
        ]
        parts.append(
            f'<text x="{LEFT + 10:g}" y="{TOP + 18 + 15 * number:g}" fill="{colour}">{one["input"]}</text>'
        )
    return "".join([*parts, "</svg>"])


def _panel(left: float, largest: float, title: str, below: str, beside: str) -> Iterator[str]:
    """Yield a frame of 0 .. `largest` both ways with its diagonal, ticks and words."""
    bottom, middle = TOP + SIDE, left + SIDE / 2.0
    yield f'<text x="{middle:g}" y="{TOP - 10:g}" text-anchor="middle" font-size="13">{title}</text>'
    yield (
        f'<rect x="{left:g}" y="{TOP:g}" width="{SIDE:g}" height="{SIDE:g}" '
        'fill="none" stroke="currentColor" stroke-opacity="0.4"/>'
    )
    yield (
        f'<line x1="{left:g}" y1="{bottom:g}" x2="{left + SIDE:g}" y2="{TOP:g}" stroke="currentColor" '
        'stroke-opacity="0.4" stroke-dasharray="4 4"/>'
    )
    for value in np.linspace(0.0, largest, 6).tolist():
        x, y = _at(left, largest, value, value)
        yield f'<text x="{x:.1f}" y="{bottom + 15:g}" text-anchor="middle">{value:.3g}</text>'
        yield f'<text x="{left - 6:g}" y="{y + 4:.1f}" text-anchor="end">{value:.3g}</text>'
    yield f'<text x="{middle:g}" y="{bottom + 33:g}" text-anchor="middle">{below}</text>'
    x, y = left - 40.0, TOP + SIDE / 2.0
    turned = f'transform="rotate(-90 {x:g} {y:g})"'
    yield f'<text x="{x:g}" y="{y:g}" text-anchor="middle" {turned}>{beside}</text>'


def _bins(one: Mapping[str, Any], colour: str) -> Iterator[str]:
    """Yield the curve of an input; a bin's dot grows with the logarithm of its voxels."""
    points = [_at(LEFT, 1.0, x, y) for x, y in zip(one["probability"], one["share"], strict=True)]
    line = " ".join(f"{x:.1f},{y:.1f}" for x, y in points)
    yield f'<polyline points="{line}" fill="none" stroke="{colour}" stroke-width="1.5"/>'
    for (x, y), p, share, voxels in zip(points, one["probability"], one["share"], one["voxels"], strict=True):
        words = f"probability {p:.3f}, hair {share:.3f}, {voxels:.0f} voxels"
        yield _dot(x, y, 1.0 + 1.1 * np.log10(1.0 + voxels), colour, words)


def _dot(x: float, y: float, radius: float, colour: str, words: str) -> str:
    return (
        f'<circle cx="{x:.1f}" cy="{y:.1f}" r="{radius:.1f}" fill="{colour}" fill-opacity="0.6">'
        f"<title>{words}</title></circle>"
    )


def _at(left: float, largest: float, x: float, y: float) -> tuple[float, float]:
    """Return where a point lies in a panel [px]."""
    return left + SIDE * x / largest, TOP + SIDE * (1.0 - y / largest)
