"""Tool paths that keep the whole tool out of the head: ears, nape and nose lie in the way of a wide comb."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
from scipy.spatial.transform import Rotation

from hairsim.head.head import Head
from hairsim.tools.tool import Tool, ToolPath

CLEARANCE = 0.001
"""What every part of a tool keeps from the skin [m]."""

CLIMB = 1.5
"""How far a path may be moved per way along it: a comb that clears an ear rises before it and sinks after."""

POINT_SPACING = 0.004
"""Distance between points on the capsules' axes that are held against the head [m]."""

PASSES = 24
"""Moving a pose brings another part of the tool nearest; a wide brush between jaw and neck takes most."""


def clear_paths(paths: Sequence[ToolPath], tool: Tool, head: Head) -> list[ToolPath]:
    """Move paths away from the head where any part of the tool would come nearer the skin than `CLEARANCE`.

    What comes too near is moved halfway between the skin's normal and the way away from the head's centre:
    along the tool's own axis one under a jaw would never leave the neck. Poses keep their turn and their
    number, and the tool its pace, so that such a path takes longer. A path that is clear comes back as it is;
    one that is not after `PASSES` comes back as far as it got.
    """
    if not paths:
        return []
    place, turn = _padded(paths)
    matrix = Rotation.from_quat(turn.reshape(-1, 4)).as_matrix().reshape(*turn.shape[:2], 3, 3)
    slack = CLIMB * np.linalg.norm(np.diff(place, axis=1), axis=-1)
    lift = np.zeros_like(place)
    points, radius = capsule_points(tool)
    suspect = np.ones(place.shape[:2], bool)
    for _ in range(PASSES):
        needed = _needed(place[suspect] + lift[suspect], matrix[suspect], points, radius, head)
        suspect[suspect] = needed.any(axis=1)
        if not suspect.any():
            break
        before = lift.copy()
        lift[suspect] += needed[needed.any(axis=1)]
        _spread(lift, slack)
        suspect = (lift != before).any(axis=-1)
    lifted = place + lift
    return [
        path if not lift[n].any() else _at(path, lifted[n, : len(path.times)]) for n, path in enumerate(paths)
    ]


def capsule_points(tool: Tool) -> tuple[np.ndarray, np.ndarray]:
    """Return points [P, 3] along the capsules' axes, tool frame, and the radius around each, [P]; in [m]."""
    axes, around = [], []
    for start, end, radius in zip(tool.start, tool.end, tool.radius, strict=True):
        count = 1 + int(np.ceil(float(np.linalg.norm(end - start)) / POINT_SPACING))
        share = np.linspace(0.0, 1.0, count)[:, None]
        axes.append(start.astype(np.float64) * (1.0 - share) + end * share)
        around.append(np.full(count, float(radius)))
    return np.concatenate(axes), np.concatenate(around)


def _padded(paths: Sequence[ToolPath]) -> tuple[np.ndarray, np.ndarray]:
    """Return positions [N, T, 3] and quaternions [N, T, 4]; shorter paths stay at their last pose."""
    longest = max(len(path.times) for path in paths)
    upto = [np.minimum(np.arange(longest), len(path.times) - 1) for path in paths]
    place = np.stack([path.positions[at] for path, at in zip(paths, upto, strict=True)])
    turn = np.stack([path.quaternions[at] for path, at in zip(paths, upto, strict=True)])
    return place, turn


def _needed(
    place: np.ndarray, matrix: np.ndarray, points: np.ndarray, radius: np.ndarray, head: Head
) -> np.ndarray:
    """Return the moves [M, 3] that give the nearest point of the tool at M poses its clearance, or zero."""
    on_tool = np.einsum("mij,pj->mpi", matrix, points) + place[:, None]
    gap = head.field.sample(on_tool) - radius
    nearest = np.argmin(gap, axis=1)
    rows = np.arange(len(nearest))
    short = CLEARANCE - gap[rows, nearest]
    found = short > 0.0
    outward = head.field.gradient(on_tool[rows, nearest][found])
    radial = place[found] - np.asarray(head.centre)
    radial /= np.maximum(np.linalg.norm(radial, axis=-1, keepdims=True), 1e-9)
    way = outward + radial
    way /= np.maximum(np.linalg.norm(way, axis=-1, keepdims=True), 1e-9)
    slope = np.maximum(np.sum(outward * way, axis=-1), 0.25)
    moves = np.zeros_like(place)
    moves[found] = ((short[found] + 0.1 * CLEARANCE) / slope)[:, None] * way
    return moves


def _spread(lift: np.ndarray, slack: np.ndarray) -> None:
    """Move the poses before and after a moved one along, [N, T, 3]: the way there is as steep as `CLIMB`."""
    last = slack.shape[1]
    for at, after in [*((n, n + 1) for n in range(last)), *((n + 1, n) for n in reversed(range(last)))]:
        size = np.linalg.norm(lift[:, at], axis=-1)
        share = np.maximum(size - slack[:, min(at, after)], 0.0)
        carried = share > np.linalg.norm(lift[:, after], axis=-1)
        lift[carried, after] = lift[carried, at] * (share[carried] / size[carried])[:, None]


def _at(path: ToolPath, positions: np.ndarray) -> ToolPath:
    """Return a path through other positions [T, 3] at the pace of each of its segments."""
    way = np.linalg.norm(np.diff(path.positions, axis=0), axis=-1)
    longer = np.linalg.norm(np.diff(positions, axis=0), axis=-1)
    seconds = np.maximum(np.diff(path.times) * longer / np.maximum(way, 1e-9), 1e-4)
    return replace(path, times=np.concatenate([[0.0], np.cumsum(seconds)]), positions=positions)
