"""A planner that knows an arm: what the arm cannot make is told to it, and it proposes another."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Protocol

import numpy as np

from hairsim.errors import CombwiseError
from hairsim.head.head import Head
from hairsim.tools.stroke import STROKE_LOW, Stroke
from hairsim.tools.stroke_path import stroke_path
from hairsim.tools.tool import Tool
from hairsim.volume import HairVolume
from planner.planners.planner import PlannedStroke, Planner


class TeachablePlanner(Planner, Protocol):
    """A planner that can be told what is impossible."""

    def refuse(self, stroke: Stroke) -> None:
        """Keep away from a stroke until the hair is looked at again."""
        ...


@dataclass(frozen=True)
class RefusedStroke:
    """A stroke that cannot be made, and why."""

    stroke: Stroke
    reason: str


class FeasiblePlanner:
    """Asks before it proposes: a refused stroke is told to the planner, which proposes another.

    Args:
        planner: who chooses.
        why_not: returns why a stroke cannot be made, or None if it can.
        tries: strokes that are asked about at one look.
    """

    def __init__(
        self, planner: TeachablePlanner, why_not: Callable[[Stroke], str | None], *, tries: int = 8
    ) -> None:
        if tries < 1:
            raise CombwiseError(f"feasible planner with {tries} tries; expected at least 1")
        self.name = planner.name
        self.refused: list[RefusedStroke] = []
        self._planner, self._why_not, self._tries = planner, why_not, tries

    def reset(self) -> None:
        """Forget the last episode."""
        self._planner.reset()
        self.refused = []

    def assess(self, observation: HairVolume, goal: HairVolume, head: Head) -> float:
        """Return the cost of the hair as seen [mm]."""
        return self._planner.assess(observation, goal, head)

    def plan(
        self, observation: HairVolume, goal: HairVolume, head: Head, rng: np.random.Generator
    ) -> PlannedStroke:
        """Return the first proposal that can be made; no stroke where none of `tries` can."""
        planned = PlannedStroke(None)
        for _ in range(self._tries):
            planned = self._planner.plan(observation, goal, head, rng)
            if planned.stroke is None:
                return planned
            reason = self._why_not(planned.stroke)
            if reason is None:
                return planned
            self.refused.append(RefusedStroke(planned.stroke, reason))
            self._planner.refuse(planned.stroke)
        return replace(planned, stroke=None)


def after_snag(stroke: Stroke, head: Head, tool: Tool) -> Stroke | None:
    """Return a shorter stroke nearer the tips to try after a snag, or None where it would be too short.

    The comb was caught on its way: hair is disentangled from the tips up [PlumbReyes2022]. The second half of
    the path is combed, from where the first half would have ended.
    """
    length = 0.5 * stroke.length
    if length < STROKE_LOW[3]:
        return None
    path = stroke_path(stroke, head, tool)
    first, last = path.in_hair
    middle = (first + last) // 2
    start = path.positions[middle]
    outward = start - np.asarray(head.centre)
    azimuth = float(np.arctan2(outward[1], outward[0]))
    elevation = float(np.arctan2(outward[2], np.hypot(outward[0], outward[1])))
    if elevation < STROKE_LOW[1]:
        return None
    # Heading is measured from the meridian at the start, which turns along the way.
    normal = head.field.gradient(start[None])[0]
    rise, level = np.sin(elevation), np.cos(elevation)
    away = np.array([rise * np.cos(azimuth), rise * np.sin(azimuth), -level])
    down = away - normal * (away @ normal)
    down = down / max(float(np.linalg.norm(down)), 1e-9)
    travel = path.positions[min(middle + 1, last)] - path.positions[middle - 1]
    heading = float(np.arctan2(travel @ np.cross(normal, down), travel @ down))
    return replace(stroke, azimuth=azimuth, elevation=elevation, heading=heading, length=length)
