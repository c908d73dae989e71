"""Make a goal: comb a copy of the head with strokes that no planner sees, and take the look."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from hairsim.errors import CombwiseError
from hairsim.generate.random_stroke import random_stroke
from hairsim.head.head import Head
from hairsim.tools.stroke import Stroke
from hairsim.tools.stroke_path import stroke_path
from hairsim.tools.tool import Tool
from hairsim.world import HairWorld
from planner.benchmark.metrics import is_task

ATTEMPTS = 40
"""Sets of strokes that are tried before a groom is given up."""


Draw = Callable[[np.ndarray, Head, np.random.Generator], Stroke]
"""Draws one hidden stroke on strands [S, V, 3] as they lie now."""

Style = Callable[[np.ndarray, Head, np.random.Generator], Draw]
"""Draws what the strokes of one set have in common; returns how each of them is drawn."""


def any_style(strands: np.ndarray, head: Head, rng: np.random.Generator) -> Draw:
    """Have nothing in common: random strokes as in the training data."""
    return random_stroke


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
    style: Style = any_style,
) -> VirtualGoal:
    """Comb with hidden strokes until the goal is a task; the world is put back as it was.

    Args:
        world: one settled head of hair.
        tool: the comb.
        rng: chance of the hidden strokes.
        strokes: how many, at least.
        most: up to how many, one more at a time, while they are too little of a task.
        rest_seconds: rest after each stroke [s].
        style: how the strokes are drawn.

    Raises:
        CombwiseError: no set of strokes moved enough hair.
    """
    start, before = world.strands(), world.snapshot()
    for _ in range(ATTEMPTS):
        chosen: list[Stroke] = []
        draw = style(start, world.heads[0], rng)
        goal = start
        while len(chosen) < strokes or (not is_task(start, goal) and len(chosen) < most):
            chosen.append(draw(world.strands(), world.heads[0], rng))
            world.comb([stroke_path(chosen[-1], world.heads[0], tool)], tool, rest_seconds=rest_seconds)
            goal = world.strands()
        world.restore(before)
        if is_task(start, goal):
            return VirtualGoal(goal, tuple(chosen))
    raise CombwiseError(
        f"{ATTEMPTS} sets of up to {most} hidden strokes moved too little hair of "
        f"'{world.grooms[0].name}' to make a task; expected a groom that a comb can restyle"
    )
