"""Waves and curls: a helical offset about a strand's centre line."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from hairsim.groom.rods import arc_length
from hairsim.head.head import Head

VERTICES_PER_TURN = 8
"""A rod with fewer vertices a turn cannot hold a curl: its edges would bend by more than 45 degrees."""


@dataclass(frozen=True)
class Curl:
    """The shape of a wave or curl.

    Attributes:
        radius: of the helix, or amplitude of the wave [m].
        turn: arc length of one turn along the hair [m].
        depth: 1 for round curls, 0 for waves that lie flat on the head.
        onset: arc length over which it develops from the root [m].
    """

    radius: float
    turn: float
    depth: float
    onset: float = 0.05


def curled(head: Head, line: np.ndarray, curl: Curl, phase: np.ndarray, scale: np.ndarray) -> np.ndarray:
    """Wind centre lines [S, M, 3] into curls.

    Args:
        head: gives the frame: one axis across the strand along the skin, one away from the head.
        line: [S, M, 3] [m], finely sampled.
        curl: its shape.
        phase: [S] [rad], shared by neighbours so that they form locks.
        scale: [S] radius of each relative to `curl.radius`.

    Returns:
        [S, M, 3], longer in arc length than the centre lines.
    """
    along = arc_length(line)
    pitch = pitch_of(curl)
    tangent = np.gradient(line, axis=1)
    tangent /= np.maximum(np.linalg.norm(tangent, axis=-1, keepdims=True), 1e-12)
    outward = head.field.gradient(line)
    outward -= np.sum(outward * tangent, axis=-1, keepdims=True) * tangent
    outward /= np.maximum(np.linalg.norm(outward, axis=-1, keepdims=True), 1e-6)
    outward = _smoothed(outward)
    across = np.cross(tangent, outward)
    angle = 2.0 * np.pi * along / pitch + phase[:, None]
    ramp = np.clip(along / curl.onset, 0.0, 1.0)
    radius = curl.radius * scale[:, None] * ramp * ramp * (3.0 - 2.0 * ramp)
    return (
        line
        + (radius * np.cos(angle))[..., None] * across
        + (radius * curl.depth * np.sin(angle))[..., None] * outward
    )


def pitch_of(curl: Curl) -> float:
    """Return the advance of one turn along the centre line [m]: turn^2 = pitch^2 + circumference^2.

    A flat wave's path is that of a cosine, about (1 + (2 pi radius / pitch)^2 / 4) times its pitch, so
    half the circumference squared counts.
    """
    winding = (2.0 * np.pi * curl.radius) ** 2 * (0.5 + 0.5 * curl.depth)
    return float(np.sqrt(max(curl.turn**2 - winding, (0.35 * curl.turn) ** 2)))


def _smoothed(vectors: np.ndarray) -> np.ndarray:
    """Average directions [S, M, 3] along each strand over about 3 cm, so that the frame cannot jump."""
    window = 11
    padded = np.pad(vectors, ((0, 0), (window // 2, window // 2), (0, 0)), mode="edge")
    total = np.cumsum(padded, axis=1)
    total = np.concatenate([np.zeros_like(total[:, :1]), total], axis=1)
    mean = total[:, window:] - total[:, :-window]
    return mean / np.maximum(np.linalg.norm(mean, axis=-1, keepdims=True), 1e-9)
