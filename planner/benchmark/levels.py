"""How hard a styling task is: how many hidden strokes make the goal, where they comb, how many are allowed.

lock     one lock is taken along       3 hidden strokes    5 allowed
part     fringe or part changes side   6 hidden strokes    9 allowed
sweep    all hair goes one way        10 hidden strokes   15 allowed
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from hairsim.generate.random_stroke import NEIGHBOURHOOD, REACH, stroke_frame
from hairsim.head.head import Head
from hairsim.tools.stroke import STROKE_HIGH, STROKE_LOW, Stroke
from planner.goal.virtual_goal import Draw, Style, any_style

LOCK_REACH = 0.035
"""Strands whose roots lie within this of the chosen one's belong to its lock [m]."""

PART_REACH = 0.035
"""Strands whose roots lie within this of the middle of the head belong to the part [m]."""

FRINGE_AZIMUTH = np.radians(60.0)
"""Half of the forehead's hairline from which a fringe grows, seen from the head centre [rad]."""


@dataclass(frozen=True)
class Level:
    """One level of difficulty.

    Attributes:
        name: what to call it.
        hidden: strokes that make the goal, at least.
        most: up to how many, one more at a time, while they are too little of a task.
        allowed: strokes that a planner may use.
        style: draws what the strokes of one goal have in common; returns how each is drawn.
        rested: whether hair that still drifts is given more time to rest before the goal is made.
    """

    name: str
    hidden: int
    most: int
    allowed: int
    style: Style
    rested: bool = True


def lock_style(strands: np.ndarray, head: Head, rng: np.random.Generator) -> Draw:
    """Take one lock across its own flow: all strokes start in it and head the same way."""
    strand, vertex = _startable(strands, head, rng, np.arange(len(strands)))
    near = np.linalg.norm(strands[:, 0] - strands[strand, 0], axis=1) < LOCK_REACH
    lock = np.flatnonzero(near)
    point, flow = strands[strand, vertex], strands[strand, vertex + 1] - strands[strand, vertex]
    turn = rng.choice([-1.0, 1.0]) * rng.uniform(0.6, 1.7)
    _, _, down, side = stroke_frame(head, point - np.asarray(head.centre))
    along = float(np.arctan2(flow @ side, flow @ down))
    travel = np.cos(along + turn) * down + np.sin(along + turn) * side

    def draw(strands: np.ndarray, head: Head, rng: np.random.Generator) -> Stroke:
        return _stroke_over(strands, head, rng, lock, travel, (0.15, 0.25))

    return draw


def part_style(strands: np.ndarray, head: Head, rng: np.random.Generator) -> Draw:
    """Comb the hair of the part, or of the fringe, to one side."""
    roots = strands[:, 0]
    outward = roots - np.asarray(head.centre)
    azimuth = np.abs(np.arctan2(outward[:, 1], outward[:, 0]))
    if rng.random() < 0.5:
        region = (np.abs(roots[:, 1]) < PART_REACH) & (outward[:, 0] > -0.04)
    else:
        region = (azimuth < FRINGE_AZIMUTH) & (outward[:, 0] > np.quantile(outward[:, 0], 0.8))
    travel = np.array([rng.uniform(-0.3, 0.3), rng.choice([-1.0, 1.0]), 0.0])
    chosen = np.flatnonzero(region)

    def draw(strands: np.ndarray, head: Head, rng: np.random.Generator) -> Stroke:
        return _stroke_over(strands, head, rng, chosen, travel, (0.15, 0.25))

    return draw


def sweep_style(strands: np.ndarray, head: Head, rng: np.random.Generator) -> Draw:
    """Comb all hair one way: back or to a side."""
    angle = rng.choice([0.5, 0.75, 1.0, -0.75, -0.5]) * np.pi
    travel = np.array([np.cos(angle), np.sin(angle), 0.0])

    def draw(strands: np.ndarray, head: Head, rng: np.random.Generator) -> Stroke:
        return _stroke_over(strands, head, rng, np.arange(len(strands)), travel, (0.15, 0.25))

    return draw


LEVELS: dict[str, Level] = {
    "lock": Level("lock", 3, 3, 5, lock_style),
    "part": Level("part", 6, 6, 9, part_style),
    "sweep": Level("sweep", 10, 10, 15, sweep_style),
    "any": Level("any", 3, 5, 5, any_style, rested=False),
}
"""`any` is the task of `combwise demo` and of the published held-back heads."""


def _startable(
    strands: np.ndarray, head: Head, rng: np.random.Generator, among: np.ndarray
) -> tuple[int, int]:
    """Return strand and vertex, in the upper half of a strand, where a stroke can start."""
    upper = strands[among, 1 : strands.shape[1] // 2]
    outward = upper - np.asarray(head.centre)
    elevation = np.arctan2(outward[..., 2], np.hypot(outward[..., 0], outward[..., 1]))
    can = (elevation > STROKE_LOW[1]) & (elevation < STROKE_HIGH[1]) & (head.field.sample(upper) < REACH)
    choices = np.argwhere(can)
    if len(choices) == 0:
        choices = np.argwhere(
            np.ones_like(can)
        )  # clipped to the bounds by the stroke; the task check decides
    strand, vertex = choices[int(rng.integers(len(choices)))]
    return int(among[strand]), int(vertex) + 1


def _stroke_over(
    strands: np.ndarray, head: Head, rng: np.random.Generator, among: np.ndarray, travel: np.ndarray,
    lengths: tuple[float, float],
) -> Stroke:  # fmt: skip
    """Draw a stroke that enters over one of the strands `among` and travels along `travel` [3]."""
    strand, vertex = _startable(strands, head, rng, among)
    point = strands[strand, vertex]
    outward = point - np.asarray(head.centre)
    near = np.linalg.norm(strands[:, :-1] - point, axis=-1) < NEIGHBOURHOOD
    layer = float(np.quantile(head.field.sample(strands[:, :-1][near]), 0.9))
    _, _, down, side = stroke_frame(head, outward)
    return Stroke.from_vector(
        np.array(
            [
                np.arctan2(outward[1], outward[0]),
                np.arctan2(outward[2], np.hypot(outward[0], outward[1])),
                np.arctan2(travel @ side, travel @ down) + rng.normal(0.0, 0.15),
                rng.uniform(*lengths),
                layer * rng.uniform(0.05, 0.25),
                rng.normal(0.0, 0.1),
                rng.normal(0.0, 0.1),
                rng.uniform(0.08, 0.2),
            ]
        )
    )
