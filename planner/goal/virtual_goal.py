"""Make a goal: comb a copy of the head with strokes that no planner sees, and take the look."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from hairsim.errors import CombwiseError
from hairsim.generate.random_stroke import random_stroke
from hairsim.tools.stroke import Stroke
from hairsim.tools.stroke_path import stroke_path
from hairsim.tools.tool import Tool
from hairsim.world import HairWorld
from planner.benchmark.metrics import is_task

ATTEMPTS = 40
"""Sets of strokes that are tried before a groom is given up."""


@dataclass(frozen=True)
class VirtualGoal:
    """A goal in the simulator. Only its look may reach a planner.

    Attributes:
        strands: [S, V, 3] the wanted guide strands [m]: for scores only.
        strokes: the hidden strokes: for `replay` only.
    """

    strands: np.ndarray
    strokes: tuple[Stroke, ...]


def make_virtual_goal(
    world: HairWorld,
    tool: Tool,
    rng: np.random.Generator,
    *,
    strokes: int = 3,
    most: int = 5,
    rest_seconds: float = 1.0,
) -> VirtualGoal:
    """Comb with random strokes on hair until the goal is a task; the world is put back as it was.

    Args:
        world: one settled head of hair.
        tool: the comb.
        rng: chance of the hidden strokes.
        strokes: how many, at least.
        most: up to how many, one more at a time, while they are too little of a task.
        rest_seconds: rest after each stroke [s].

    Raises:
        CombwiseError: no set of strokes moved enough hair.
    """
    start, before = world.strands(), world.snapshot()
    for _ in range(ATTEMPTS):
        chosen: list[Stroke] = []
        goal = start
        while len(chosen) < strokes or (not is_task(start, goal) and len(chosen) < most):
            chosen.append(random_stroke(world.strands(), world.heads[0], rng))
            world.comb([stroke_path(chosen[-1], world.heads[0])], tool, rest_seconds=rest_seconds)
            goal = world.strands()
        world.restore(before)
        if is_task(start, goal):
            return VirtualGoal(goal, tuple(chosen))
    raise CombwiseError(
        f"{ATTEMPTS} sets of up to {most} random strokes moved too little hair of "
        f"'{world.grooms[0].name}' to make a task; expected a groom that a comb can restyle"
    )
