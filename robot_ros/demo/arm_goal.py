"""Goals that an arm could have combed: hidden strokes within its reach."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from hairsim.errors import CombwiseError
from hairsim.generate.random_stroke import random_stroke
from hairsim.head.head import Head
from hairsim.tools.stroke import Stroke
from planner.goal.virtual_goal import Draw, Style
from robot_ros.arms.stroke_planner import reach_of

DRAWS = 300
"""Random strokes that are tried for one within reach; a UR5e makes about every fifth."""


def within_reach(arm: str, head: Path | None = None) -> Style:
    """Return a style of hidden strokes as in the training data, of which the arm can make every one.

    Args:
        arm: of robot_ros.arms.arm.ARMS.
        head: file of the head's shape; None for the built-in adult.
    """
    reach = reach_of(arm, head=head)

    def draw(strands: np.ndarray, head: Head, rng: np.random.Generator) -> Stroke:
        for _ in range(DRAWS):
            stroke = random_stroke(strands, head, rng)
            if reach(stroke):
                return stroke
        raise CombwiseError(f"none of {DRAWS} random strokes is within reach of arm '{arm}'")

    def style(strands: np.ndarray, head: Head, rng: np.random.Generator) -> Draw:
        return draw

    return style
