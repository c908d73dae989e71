"""Where a stroke may help: starts and headings drawn from where state and goal differ."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy.ndimage import distance_transform_edt, gaussian_filter
from scipy.spatial import KDTree

from hairsim.errors import CombwiseError
from hairsim.generate.random_stroke import REACH, stroke_frame
from hairsim.head.head import Head
from hairsim.tools.stroke import STROKE_HIGH, STROKE_LOW, Stroke
from hairsim.volume import HairVolume


@dataclass(frozen=True)
class ProposalConfig:
    """How strokes are proposed.

    Attributes:
        explore: share of the proposals that start anywhere on the hair.
        upstream: longest walk from a differing voxel toward the root [m].
        back_off: longest distance by which a stroke starts before the hair it takes along [m].
        reach: how far apart hair that leaves and the place it should fill may lie [m].
    """

    explore: float = 0.1
    upstream: float = 0.08
    back_off: float = 0.03
    reach: float = 0.12


class ProposalSampler:
    """Draws strokes that start on hair and head where the goal wants it.

    Args:
        state: the hair as completed by the model.
        goal: the wanted hair, completed the same way.
        head: the head.
        config: how to draw.

    Raises:
        CombwiseError: no hair of the state lies where a stroke could start.
    """

    def __init__(
        self, state: HairVolume, goal: HairVolume, head: Head, config: ProposalConfig | None = None
    ) -> None:
        self.config = ProposalConfig() if config is None else config
        self.head = head
        self._state = state
        centres = state.grid.centres()
        hair = state.occupied
        points = centres[hair]
        if len(points) == 0:
            raise CombwiseError("the hair as seen holds no occupied voxel; expected hair to comb")
        self._height = head.field.sample(points)
        outward = points - np.asarray(head.centre)
        elevation = np.arctan2(outward[:, 2], np.linalg.norm(outward[:, :2], axis=1))
        self._startable = (self._height < REACH) & (elevation > STROKE_LOW[1]) & (elevation < STROKE_HIGH[1])
        if not self._startable.any():
            raise CombwiseError(
                "no hair as seen lies within the comb's reach of the skin; expected hair to comb"
            )
        self._points = points
        self._tree = KDTree(points)
        self._directions = state.direction[hair]
        self._start_tree = KDTree(points[self._startable])
        self._goal_hair = goal.occupied
        self._goal_tree = KDTree(centres[self._goal_hair])
        self._goal_directions = goal.direction[self._goal_hair]
        leave = hair_apart(state, goal)
        arrive = hair_apart(goal, state)
        wanted = leave[hair] + 1e-6
        self._wanted = wanted / wanted.sum()
        missing = arrive[self._goal_hair]
        self._arrivals = centres[self._goal_hair][missing > 0.15]
        self._arrival_weight = missing[missing > 0.15]

    def draw(self, rng: np.random.Generator) -> Stroke:
        """Return one proposed stroke."""
        for _ in range(50):
            stroke = self._draw_once(rng)
            if self.on_hair(stroke):
                return stroke
        return self._draw_anywhere(rng)

    def on_hair(self, stroke: Stroke) -> bool:
        """Return whether the comb would enter where the state has hair, within 15 mm."""
        point = self._start_point(stroke)
        return bool(self._start_tree.query(point)[0] < 0.015 + self._state.grid.voxel)

    def _start_point(self, stroke: Stroke) -> np.ndarray:
        level = np.cos(stroke.elevation)
        direction = np.array(
            [level * np.cos(stroke.azimuth), level * np.sin(stroke.azimuth), np.sin(stroke.elevation)]
        )
        return self.head.surface_point(direction, stroke.depth)

    def _draw_once(self, rng: np.random.Generator) -> Stroke:
        if rng.random() < self.config.explore:
            return self._draw_anywhere(rng)
        chosen = int(rng.choice(len(self._points), p=self._wanted))
        displacement = self._displacement(chosen, rng)
        start = self._walk_upstream(chosen, rng.uniform(0.0, self.config.upstream))
        distance = float(np.linalg.norm(displacement))
        travel = displacement / max(distance, 1e-6)
        start = start - rng.uniform(0.0, self.config.back_off) * travel
        length = distance * rng.uniform(0.8, 1.6) + rng.uniform(0.02, 0.06)
        return self._stroke_at(start, travel, length, rng)

    def _draw_anywhere(self, rng: np.random.Generator) -> Stroke:
        start = self._points[self._startable][int(rng.integers(int(self._startable.sum())))]
        return self._stroke_at(start, rng.normal(size=3), float(rng.uniform(0.05, 0.2)), rng)

    def _displacement(self, chosen: int, rng: np.random.Generator) -> np.ndarray:
        """Return where the hair at a voxel should go [3] [m]: to missing hair, or along the goal's flow."""
        point = self._points[chosen]
        if len(self._arrivals) and rng.random() < 0.55:
            offset = self._arrivals - point
            distance = np.linalg.norm(offset, axis=1)
            weight = self._arrival_weight * np.exp(-distance / 0.04) * (distance < self.config.reach)
            if weight.sum() > 0.0:
                return offset[int(rng.choice(len(offset), p=weight / weight.sum()))]
        flow = self._goal_directions[self._goal_tree.query(point)[1]]
        if rng.random() < 0.4:
            # What the goal's flow adds to the present one: the sideways part of the turn.
            flow = flow - self._directions[chosen]
        return flow / max(float(np.linalg.norm(flow)), 1e-6) * rng.uniform(0.04, 0.15)

    def _walk_upstream(self, chosen: int, distance: float) -> np.ndarray:
        point = self._points[chosen].astype(np.float64)
        step = self._state.grid.voxel
        for _ in range(int(distance / step)):
            gap, nearest = self._tree.query(point)
            if gap > 1.5 * step or self._height[nearest] < 0.5 * step:
                break
            point = point - step * self._directions[nearest]
        return point

    def _stroke_at(
        self, start: np.ndarray, travel: np.ndarray, length: float, rng: np.random.Generator
    ) -> Stroke:
        outward = start - np.asarray(self.head.centre)
        azimuth = np.arctan2(outward[1], outward[0])
        elevation = np.arctan2(outward[2], np.hypot(outward[0], outward[1]))
        _, _, down, side = stroke_frame(self.head, outward)
        near = self._tree.query_ball_point(start, 0.02)
        layer = float(np.quantile(self._height[near], 0.9)) if near else 0.015
        return Stroke.from_vector(
            np.array(
                [
                    azimuth,
                    elevation,
                    np.arctan2(travel @ side, travel @ down) + rng.normal(0.0, 0.15),
                    length,
                    layer * rng.uniform(0.05, 0.6),
                    rng.normal(0.0, 0.1),
                    rng.normal(0.0, 0.1),
                    rng.uniform(0.07, 0.18),
                ]
            )
        )


def hair_apart(hair: HairVolume, other: HairVolume) -> np.ndarray:
    """Return how wrong each voxel [X, Y, Z] of hair is beside other: 0 (matches) .. 1 (missing or turned).

    Missing: distance to the other's hair over 3 cm. Turned: angle over 90 degrees, where both have hair.
    Blurred by one voxel, so that single noisy voxels count little.
    """
    distance = np.asarray(distance_transform_edt(~other.occupied)) * hair.grid.voxel
    missing = np.clip(distance / 0.03, 0.0, 1.0)
    cosine = np.clip(np.sum(hair.direction * other.direction, axis=-1), -1.0, 1.0)
    turned = np.where(
        hair.occupied & other.occupied, np.clip(np.arccos(cosine) / (0.5 * np.pi), 0.0, 1.0), 0.0
    )
    apart = np.where(hair.occupied, np.maximum(missing, turned), 0.0)
    share = gaussian_filter(hair.occupied.astype(np.float32), 1.0)
    blurred = gaussian_filter(apart.astype(np.float32), 1.0) / np.maximum(share, 1e-3)
    return np.where(hair.occupied, np.clip(blurred, 0.0, 1.0) ** 2, 0.0)
