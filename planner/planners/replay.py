"""The planner that knows the goal's own strokes: it brackets every table from below."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from hairsim.head.head import Head
from hairsim.tools.stroke import Stroke
from hairsim.volume import HairVolume
from planner.planners.planner import PlannedStroke


class ReplayPlanner:
    """Plays the hidden strokes that made the goal; coming to nearly zero proves the harness.

    Args:
        strokes: the goal's strokes, in their order.
        off: how far from where it should each of them starts, in a direction that chance draws [m]: what an
            arm that misses by so much can make of a goal, whoever plans for it.
    """

    name = "replay"

    def __init__(self, strokes: Sequence[Stroke], *, off: float = 0.0) -> None:
        self._strokes = tuple(strokes)
        self._off = off
        self._played = 0

    def reset(self) -> None:
        """Start from the first stroke again."""
        self._played = 0

    def assess(self, observation: HairVolume, goal: HairVolume, head: Head) -> float:
        """Know no cost."""
        return float("nan")

    def plan(
        self, observation: HairVolume, goal: HairVolume, head: Head, rng: np.random.Generator
    ) -> PlannedStroke:
        """Return the next hidden stroke, then none."""
        if self._played >= len(self._strokes):
            return PlannedStroke(stroke=None)
        self._played += 1
        stroke = self._strokes[self._played - 1]
        return PlannedStroke(stroke if self._off == 0.0 else missed(stroke, self._off, head, rng))


def missed(stroke: Stroke, off: float, head: Head, rng: np.random.Generator) -> Stroke:
    """Return a stroke that starts `off` [m] from another along the head; nothing else differs."""
    vector = stroke.to_vector()
    level = np.cos(stroke.elevation)
    outward = np.array(
        [level * np.cos(stroke.azimuth), level * np.sin(stroke.azimuth), np.sin(stroke.elevation)]
    )
    turn = off / np.linalg.norm(head.surface_point(outward) - np.asarray(head.centre))
    way = rng.uniform(0.0, 2.0 * np.pi)
    vector[:2] += turn * np.cos(way) / max(level, 0.1), turn * np.sin(way)
    return Stroke.from_vector(vector)
