"""Laying strands on a head: a march over the distance field, from the root to where gravity leaves it."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from hairsim.head.head import Head

STEP = 0.003
"""Arc length of a marching step [m]."""

TURN_LENGTH = 0.014
"""Arc length over which a strand turns into a new direction [m]: hair does not kink."""


@dataclass(frozen=True)
class Flow:
    """The direction in which hair wants to lie.

    Attributes:
        part: lateral place of the parting line as a fraction of the half breadth, + to the wearer's
            left; None for no part (hair falls radially from the crown).
        away: pull away from the part or crown, relative to gravity.
        back: pull backwards, relative to gravity (swept-back styles).
        side: pull to the wearer's left (+) or right (-), relative to gravity.
        lift: scale of how high the layers stack above the skin.
        outward: push away from the skin, relative to gravity (hair that stands).
    """

    part: float | None = 0.0
    away: float = 0.7
    back: float = 0.0
    side: float = 0.0
    lift: float = 1.0
    outward: float = 0.0


def march(
    head: Head,
    roots: np.ndarray,
    normals: np.ndarray,
    flow: Flow,
    *,
    length: float,
    forward: np.ndarray,
    swirl: np.ndarray,
    stacking: np.ndarray,
    girth: float = 0.0,
    tilt: np.ndarray,
) -> np.ndarray:
    """Grow centre lines from the roots.

    Each step turns toward the wanted direction: along the skin away from the part, then down with gravity,
    around the face. A strand slides over the skin at its layer's height, which grows with distance from
    its root: hair from above lies over hair from below. Where the head recedes, it falls freely.

    Args:
        head: to lie on.
        roots: [S, 3] [m] on the skin.
        normals: [S, 3] outward, unit.
        flow: the style's direction field.
        length: arc length to march [m].
        forward: [S] bool, strands of a fringe: they fall forward, over the forehead.
        swirl: [S] [rad], turn of a strand's wanted direction about the skin's normal (irregularity).
        stacking: [S] scale of a strand's layer height (irregularity).
        girth: radius of curls that must fit between centre line and skin [m].
        tilt: [S] [rad], lean of the follicle from the normal.

    Returns:
        [S, M, 3] [m], points about `STEP` apart.
    """
    count = int(np.ceil(length / STEP)) + 1
    line = np.empty((len(roots), count, 3))
    line[:, 0] = roots
    position, normal = roots.copy(), normals
    wanted = _wanted(head, position, normal, flow, forward, swirl, np.zeros(len(roots)))
    heading = np.cos(tilt)[:, None] * normal + np.sin(tilt)[:, None] * _unit(_tangent(wanted, normal))
    turn = 1.0 - np.exp(-STEP / TURN_LENGTH)
    for step in range(1, count):
        position = position + STEP * heading
        travelled = step * STEP
        rise = 1.0 - np.exp(-travelled / 0.02)
        layer = (
            0.0015 * rise + stacking * flow.lift * 0.010 * (1.0 - np.exp(-travelled / 0.09)) + girth * rise
        )
        height = head.field.sample(position)
        normal = head.field.gradient(position)
        low = height < layer
        position = position + np.where(low, np.minimum(layer - height, 0.35 * STEP), 0.0)[:, None] * normal
        line[:, step] = position
        wanted = _wanted(head, position, normal, flow, forward, swirl, height - layer)
        heading = _unit(heading + turn * (wanted - heading))
        into_skin = np.minimum(np.sum(heading * normal, axis=1), 0.0) * np.clip(
            1.0 - (height - layer) / 0.004, 0.0, 1.0
        )
        heading = _unit(heading - into_skin[:, None] * normal)
    return line


def _wanted(
    head: Head,
    position: np.ndarray,
    normal: np.ndarray,
    flow: Flow,
    forward: np.ndarray,
    swirl: np.ndarray,
    clearance: np.ndarray,
) -> np.ndarray:
    """Return the unit direction [S, 3] in which strands at these positions want to go on."""
    centre = np.asarray(head.centre)
    near = np.clip(1.0 - clearance / 0.02, 0.0, 1.0)  # 1 on the hair below, 0 when hanging freely
    crown = _crown(head)
    gravity = np.array([0.0, 0.0, -1.0])
    pull = np.broadcast_to(gravity, position.shape).copy()

    away = position - _nearest_on_part(position, crown, flow.part)
    away[:, 2] = 0.0
    away = np.where(forward[:, None], np.array([1.0, 0.0, 0.0]), _unit(away))
    back = np.broadcast_to([-1.0, 0.0, 0.0], position.shape)
    side = np.broadcast_to([0.0, 1.0, 0.0], position.shape)
    top = np.clip((position[:, 2] - 0.3 * centre[2]) / centre[2], 0.0, 1.0)  # only on the upper head
    strength = near * top
    pull += (strength * flow.away)[:, None] * _tangent(away, normal)
    pull += (near * flow.back * ~forward)[:, None] * _tangent(back, normal)
    pull += (strength * flow.side)[:, None] * _tangent(side, normal)
    pull = np.where((near > 0.0)[:, None], _slide(pull, normal, near), pull)

    frame_face = _face(position, centre) * ~forward
    outward = np.where(position[:, 1] >= _part_lateral(position, flow.part), 1.0, -1.0)
    around = np.stack(
        [-np.abs(position[:, 1]) - 0.03, outward * np.maximum(position[:, 0], 0.02), 0.0 * near], -1
    )
    pull = (1.0 - frame_face)[:, None] * pull + frame_face[:, None] * _unit(_tangent(around, normal))
    if flow.outward:
        pull = pull + (flow.outward * (1.0 - 0.5 * forward))[:, None] * normal
    turned = np.cos(swirl)[:, None] * pull + np.sin(swirl)[:, None] * np.cross(normal, pull)
    return _unit(near[:, None] * turned + (1.0 - near)[:, None] * pull)


def _crown(head: Head) -> np.ndarray:
    """Return the crown [3]: the whorl on the upper back of the head."""
    return head.surface_point(np.array([-0.65, 0.0, 0.76]))


def _part_lateral(position: np.ndarray, part: float | None) -> np.ndarray:
    """Return y of the parting line at each position [S] [m]; it runs straight from front to crown."""
    return np.full(len(position), 0.0 if part is None else part * 0.07)


def _nearest_on_part(position: np.ndarray, crown: np.ndarray, part: float | None) -> np.ndarray:
    """Return the nearest point [S, 3] of the parting line, or the crown where there is no part."""
    if part is None:
        return np.broadcast_to(crown, position.shape)
    line = np.empty_like(position)
    line[:, 0] = np.maximum(position[:, 0], crown[0])  # on beyond the hairline: nothing falls on the face
    line[:, 1] = part * 0.07
    line[:, 2] = position[:, 2]
    return line


def _face(position: np.ndarray, centre: np.ndarray) -> np.ndarray:
    """Return 0..1 [S]: how far a point is in front of the face, where hair has to turn aside."""
    azimuth = np.abs(np.arctan2(position[:, 1], position[:, 0] - centre[0]))
    ahead = np.clip((np.radians(78.0) - azimuth) / np.radians(22.0), 0.0, 1.0)
    below = np.clip((2.35 * centre[2] - position[:, 2]) / (0.35 * centre[2]), 0.0, 1.0)
    return ahead * below


def _slide(pull: np.ndarray, normal: np.ndarray, near: np.ndarray) -> np.ndarray:
    into = np.minimum(np.sum(pull * normal, axis=1), 0.0) * near
    return pull - into[:, None] * normal


def _tangent(vector: np.ndarray, normal: np.ndarray) -> np.ndarray:
    return vector - np.sum(vector * normal, axis=1, keepdims=True) * normal


def _unit(vector: np.ndarray) -> np.ndarray:
    return vector / np.maximum(np.linalg.norm(vector, axis=-1, keepdims=True), 1e-9)
