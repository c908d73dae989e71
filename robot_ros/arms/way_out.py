"""The way out of the hair for an arm that came to rest in it, after a cancel or a stop in mid-stroke.

The comb leaves as at a stroke's end: straight away from the skin, its orientation kept, until it is clear.
The shortest way to the next stroke would drag the hair along.
"""

from __future__ import annotations

import numpy as np

from robot_ros.arms.cell import Cell
from robot_ros.arms.follow import FollowConfig, PoseSolver
from robot_ros.arms.refusal import Kind, Refusal

CLEAR = 0.05
"""Distance of comb and handle from the skin at which the comb is out of the hair [m]."""

STEP = 0.008
"""Between two postures [m]."""

LONGEST = 0.15
"""Longest way on which the comb must get clear [m]: an ear or the nose may be in the way."""


def way_out(cell: Cell, start: np.ndarray, config: FollowConfig | None = None) -> np.ndarray | Refusal:
    """Return postures [N, J] from `start` [J] [rad] to one with the comb clear of the hair.

    N is 1 where the comb is clear already. A comb that is nearer to the skin than plans allow, because the
    head was moved to it, may leave as long as every step takes it further away.
    """
    config = config or FollowConfig()
    postures = [np.asarray(start, np.float64)]
    if cell.skin_distance(start) >= CLEAR:
        return np.array(postures)
    solver, pose = PoseSolver(cell, config), cell.tool_pose(start)
    outward = cell.head.field.gradient(pose[None, :3, 3])[0]
    outward = outward / max(float(np.linalg.norm(outward)), 1e-9)
    steps = int(LONGEST / STEP)
    for number in range(1, steps + 1):
        wanted = pose.copy()
        wanted[:3, 3] += number * STEP * outward
        q, position, angle = solver.reach(wanted, postures[-1], start)
        why = _blocked(cell, postures[-1], q, position, angle, config)
        if why is not None:
            kind, excess, unit, detail = why
            return Refusal(
                kind, "approach", number, steps, cell.arm.name, excess, unit,
                f"the comb stands in the hair and cannot go straight out of it: {detail}",
            )  # fmt: skip
        postures.append(q)
        if cell.skin_distance(q) >= CLEAR:
            return np.array(postures)
    missing = 1000.0 * (CLEAR - cell.skin_distance(postures[-1]))
    return Refusal(
        "way", "approach", steps, steps, cell.arm.name, missing, "mm",
        f"the comb stands in the hair and is {missing:.0f} mm short of clear after {100 * LONGEST:.0f} cm "
        "straight out of it",
    )  # fmt: skip


def _blocked(
    cell: Cell, before: np.ndarray, q: np.ndarray, position: float, angle: float, config: FollowConfig
) -> tuple[Kind, float, str, str] | None:
    """Return why a step cannot be made (kind, excess, unit, sentence), or None."""
    if position > config.near or angle > config.aligned:
        return "reach", 1000.0 * position, "mm", f"the arm stays {1000 * position:.1f} mm short"
    turn = float(np.abs(q - before).max())
    if turn > config.largest_turn:
        return "jump", turn - config.largest_turn, "rad", f"a joint would turn {turn:.2f} rad at once"
    contact = cell.contact(q)
    leaves = cell.skin_distance(q) > cell.skin_distance(before)
    if contact is None or ({contact.first, contact.second} == {"comb", "skin"} and leaves):
        return None
    missing = 1000.0 * contact.missing
    return "collision", missing, "mm", f"{contact.first} and {contact.second} come {missing:.1f} mm too near"


__all__ = ["CLEAR", "way_out"]
