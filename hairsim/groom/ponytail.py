"""Hair gathered to a tie at the back of the head, and free from there.

The rest shape alone does not hold a ponytail: strands are too weak to stand up from the nape. The groom
says at which vertex each passes the tie, and the solver holds it there, as hard as an elastic band can
(`hairsim.physics.tie`).
"""

from __future__ import annotations

import numpy as np

from hairsim.groom.march import STEP, TURN_LENGTH
from hairsim.head.head import Head

TIE = (-0.80, 0.0, 0.60)
"""Where the tie sits, as a direction from the head's centre: behind the crown."""

TIED_LOOSENESS = 0.35
"""Radius of a tied bundle relative to a loose one: as many as there are then fill the tie."""

TIE_RADIUS = 0.014
"""Radius of the gathered hair in the tie [m]."""

TIE_HEIGHT = 0.016
"""Height of the tie's middle above the skin [m]."""

FLARE = 1.4
"""How much wider the tail becomes than the tie."""


def gathered(
    head: Head,
    roots: np.ndarray,
    normals: np.ndarray,
    *,
    length: float,
    stacking: np.ndarray,
    tilt: np.ndarray,
    rng: np.random.Generator,
) -> np.ndarray:
    """Grow centre lines from the roots over the head to the tie and on as a tail.

    Args:
        head: to lie on.
        roots: [S, 3] [m] on the skin.
        normals: [S, 3] outward, unit.
        length: arc length of every line [m].
        stacking: [S] scale of a strand's layer height (irregularity).
        tilt: [S] [rad], lean of the follicle from the normal.
        rng: draws each strand's place in the tie.

    Returns:
        [S, M, 3] [m], points about `STEP` apart.
    """
    count = int(np.ceil(length / STEP)) + 1
    tail = _tail(head, count)
    out = _unit(tail[1] - tail[0])
    across = np.stack([np.array([0.0, 1.0, 0.0]), np.cross(out, [0.0, 1.0, 0.0])])
    angle = np.arctan2((roots - tail[0]) @ across[1], (roots - tail[0]) @ across[0])
    angle = angle + 0.35 * rng.standard_normal(len(roots))  # hair keeps to the side that it comes from
    place = np.stack([np.cos(angle), np.sin(angle)], axis=1) * np.sqrt(rng.random(len(roots)))[:, None]
    door = tail[0] + TIE_RADIUS * place @ across

    line = np.empty((len(roots), count, 3))
    line[:, 0] = roots
    position, normal = roots.copy(), normals
    way = _tangent(door - roots, normal)
    heading = np.cos(tilt)[:, None] * normal + np.sin(tilt)[:, None] * _unit(way)
    turn = 1.0 - np.exp(-STEP / TURN_LENGTH)
    passed = np.full(len(roots), -1)
    for step in range(1, count):
        ahead = door - position
        distance = np.linalg.norm(ahead, axis=1)
        arrived = (passed < 0) & (distance < 2.0 * STEP)
        passed[arrived] = 0
        free = passed >= 0
        height = head.field.sample(position)
        normal = head.field.gradient(position)
        layer = (0.0015 + 0.006 * stacking * (1.0 - np.exp(-step * STEP / 0.05))) * np.ones(len(roots))
        near = np.clip(1.0 - distance / 0.05, 0.0, 1.0)[:, None]
        wanted = _unit((1.0 - near) * _unit(_tangent(ahead, normal)) + near * _unit(ahead))
        turned = _unit(heading + np.maximum(turn, near) * (wanted - heading))
        heading = np.where(free[:, None], heading, turned)
        moved = position + STEP * heading
        low = np.maximum(layer - height, 0.0)
        moved = moved + np.minimum(low, 0.35 * STEP)[:, None] * normal
        follow = np.minimum(passed, count - 2)
        spread = np.minimum(1.0 + (FLARE - 1.0) * passed * STEP / 0.08, FLARE)
        hang = tail[np.maximum(follow, 0)] + (TIE_RADIUS * spread)[:, None] * place @ across
        position = np.where(free[:, None], hang, moved)
        passed[free] += 1
        line[:, step] = position
    return _smoothed(line)


def at_tie(head: Head, strands: np.ndarray) -> np.ndarray:
    """Return at which vertex each strand [S, V, 3] [m] passes the tie, [S]; -1 where it is too short."""
    away = np.linalg.norm(strands - head.surface_point(np.array(TIE), TIE_HEIGHT), axis=-1)
    edge = np.linalg.norm(strands[:, 1] - strands[:, 0], axis=-1)
    nearest = away.argmin(axis=1)
    return np.where((away.min(axis=1) < TIE_RADIUS + edge) & (nearest >= 2), nearest, -1)


def _tail(head: Head, count: int) -> np.ndarray:
    """Return the middle of the tail [M, 3] [m] from the tie on: outward, then down clear of the head."""
    place = head.surface_point(np.array(TIE), TIE_HEIGHT)
    heading = _unit(head.field.gradient(place[None])[0] + np.array([0.0, 0.0, 0.25]))
    turn = 1.0 - np.exp(-STEP / 0.03)
    tail = np.empty((count, 3))
    for step in range(count):
        tail[step] = place
        height = float(head.field.sample(place[None])[0])
        normal = head.field.gradient(place[None])[0]
        wanted = np.array([0.0, 0.0, -1.0]) + np.clip((0.030 - height) / 0.015, 0.0, 2.0) * normal
        heading = _unit(heading + turn * (_unit(wanted) - heading))
        place = place + STEP * heading
    return tail


def _smoothed(line: np.ndarray) -> np.ndarray:
    """Average points over about 2 cm but for the first, so that hair does not kink at the tie."""
    window = 7
    padded = np.concatenate(
        [2 * line[:, :1] - line[:, 3:0:-1], line, 2 * line[:, -1:] - line[:, -2:-5:-1]], axis=1
    )
    total = np.cumsum(padded, axis=1)
    total = np.concatenate([np.zeros_like(total[:, :1]), total], axis=1)
    return (total[:, window:] - total[:, :-window]) / window


def _tangent(vector: np.ndarray, normal: np.ndarray) -> np.ndarray:
    return vector - np.sum(vector * normal, axis=1, keepdims=True) * normal


def _unit(vector: np.ndarray) -> np.ndarray:
    return vector / np.maximum(np.linalg.norm(vector, axis=-1, keepdims=True), 1e-9)
