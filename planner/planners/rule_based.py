"""Root-centric rules after Kim et al. [Kim2025]: the state of the art without a model, and the one to beat.

    where hair differs -> its strands, traced back to their roots -> groups of roots -> one stroke a group

Their system reads orientation maps of the front hair in an aligned picture. Ours may use what the others
use, all cameras and depth: the orientation map is the direction field of the observed volume, root to
tip, and state and goal are aligned because both are in the head frame. As there, hair is compared where it
is, strands are followed back to their roots, roots are grouped by place and wanted orientation with DBSCAN,
and a group gets one stroke from its root along the wanted orientation. We look again after every stroke,
where they comb all groups of one look. The numbers were tuned by `planner.benchmark.tune_rule_based`.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from scipy.ndimage import gaussian_filter
from scipy.spatial import KDTree
from sklearn.cluster import DBSCAN

from hairsim.errors import CombwiseError
from hairsim.generate.random_stroke import stroke_frame
from hairsim.head.head import Head
from hairsim.tools.stroke import STROKE_HIGH, STROKE_LOW, Stroke
from hairsim.volume import HairVolume
from planner.cost import GoalCost
from planner.planners.planner import PlannedStroke

LONGEST_TRACE = 0.30
"""No strand is followed further than this [m]."""


@dataclass(frozen=True)
class RuleBasedConfig:
    """The rules' numbers, the best of 30 sets on development tasks of all levels (docs/benchmark.md).

    Attributes:
        difference: turn between present and wanted direction from which hair counts as different [deg].
        missing: turn that hair counts as where the goal has none within `reach` [deg].
        reach: how far the wanted hair that a place is compared with may lie [m].
        group: radius of DBSCAN: roots nearer than this belong together [m].
        turn: distance that a right angle between two wanted orientations counts as [m].
        fewest: differing places of which a group must consist.
        span: length of the wanted strand whose chord gives the stroke's heading [m].
        overshoot: turn of the heading beyond the wanted one, as a share of the turn that is wanted.
        lead: how far before the root the stroke starts [m].
        length: share of the wanted strand's length that is combed.
        depth: height of the teeth above the skin, as a share of the hair layer's.
        speed: of the comb [m/s].
        repeats: how often the same place is combed the same way before it is given up.
        watch: whether the loop may stop early when the observed cost no longer falls.
    """

    difference: float = 20.0
    missing: float = 0.0
    reach: float = 0.0075
    group: float = 0.02
    turn: float = 0.08
    fewest: int = 6
    span: float = 0.08
    overshoot: float = 0.3
    lead: float = 0.03
    length: float = 0.5
    depth: float = 0.3
    speed: float = 0.08
    repeats: int = 1
    watch: bool = False

    def __post_init__(self) -> None:
        for name in ("reach", "group", "turn", "span", "length", "depth", "speed"):
            if not getattr(self, name) > 0.0:
                raise CombwiseError(f"rule-based {name} is {getattr(self, name)}; expected more than 0")
        if not 0.0 < self.difference < 180.0 or self.fewest < 1 or self.repeats < 1:
            raise CombwiseError(
                f"rule-based difference {self.difference}, fewest {self.fewest}, repeats {self.repeats}; "
                "expected degrees in (0, 180) and counts of at least 1"
            )


class Group(NamedTuple):
    """Roots that one stroke serves.

    Attributes:
        root: [3] [m], where the stroke's strands begin.
        wanted: [3] unit, where they should go.
        now: [3] unit, where they go.
        length: of the wanted strand [m].
        difference: how much hair differs, summed over places [deg].
    """

    root: np.ndarray
    wanted: np.ndarray
    now: np.ndarray
    length: float
    difference: float


class RuleBasedPlanner:
    """Combs from the roots of the hair that differs most, along the wanted orientation.

    Args:
        config: the rules' numbers.
    """

    name = "rule_based"

    def __init__(self, config: RuleBasedConfig | None = None) -> None:
        self.config = RuleBasedConfig() if config is None else config
        self._done: list[tuple[np.ndarray, np.ndarray]] = []
        self._goal: tuple[HairVolume, GoalCost] | None = None

    def reset(self) -> None:
        """Forget which places were combed, and the goal."""
        self._done = []
        self._goal = None

    def refuse(self, stroke: Stroke) -> None:
        """Go on to the next group: what was proposed counts as combed."""

    def assess(self, observation: HairVolume, goal: HairVolume, head: Head) -> float:
        """Return the cost of the hair as seen [mm], as seen is the goal; NaN when nobody watches."""
        if not self.config.watch:
            return float("nan")
        if self._goal is None or self._goal[0] is not goal:
            self._goal = (goal, GoalCost(goal))
        return self._goal[1].volume(observation)

    def plan(
        self, observation: HairVolume, goal: HairVolume, head: Head, rng: np.random.Generator
    ) -> PlannedStroke:
        """Return one stroke for the group of roots whose hair differs most; none where none is left."""
        groups = find_groups(observation, goal, head, self.config)
        for group in sorted(groups, key=lambda g: -g.difference):
            if self._times(group) < self.config.repeats:
                self._done.append((group.root, group.wanted))
                return PlannedStroke(_stroke_of(group, observation, head, self.config))
        return PlannedStroke(None)

    def _times(self, group: Group) -> int:
        """Return how often about this stroke was combed already."""
        near = self.config.group
        return sum(
            float(np.linalg.norm(root - group.root)) < 1.5 * near and float(wanted @ group.wanted) > 0.9
            for root, wanted in self._done
        )


class Field:
    """The hair of a volume as points with smoothed directions that can be followed.

    Args:
        volume: what was observed.
    """

    def __init__(self, volume: HairVolume) -> None:
        hair = volume.occupied
        self.points = volume.grid.centres()[hair].astype(np.float64)
        if len(self.points) == 0:
            raise CombwiseError("the hair as seen holds no occupied voxel; expected hair to comb")
        weighted = volume.occupancy[..., None] * volume.direction
        mean = np.stack([gaussian_filter(weighted[..., axis], 1.0) for axis in range(3)], axis=-1)[hair]
        self.directions = mean / np.maximum(np.linalg.norm(mean, axis=-1, keepdims=True), 1e-6)
        self.tree = KDTree(self.points)
        self.voxel = volume.grid.voxel

    def follow(self, starts: np.ndarray, sign: float, longest: float) -> tuple[np.ndarray, np.ndarray]:
        """Follow strands from points [N, 3] toward the tips (sign 1) or the roots (sign -1).

        Returns:
            ends: [N, 3] where they leave the hair or have gone `longest` [m].
            lengths: [N] of the ways gone [m].
        """
        at = starts.astype(np.float64).copy()
        length = np.zeros(len(at))
        going = np.ones(len(at), bool)
        for _ in range(int(longest / self.voxel)):
            gap, nearest = self.tree.query(at)
            going &= np.asarray(gap) < 2.0 * self.voxel
            if not going.any():
                break
            step = sign * self.voxel * self.directions[np.asarray(nearest)]
            at[going] += step[going]
            length[going] += self.voxel
        return at, length


def find_groups(
    observation: HairVolume, goal: HairVolume, head: Head, config: RuleBasedConfig
) -> list[Group]:
    """Return the groups of roots whose hair lies otherwise than the goal's."""
    now, wanted = Field(observation), Field(goal)
    difference = difference_map(now, wanted, config)
    places = np.flatnonzero(difference > config.difference)
    if len(places) == 0:
        return []
    roots, _ = now.follow(now.points[places], -1.0, LONGEST_TRACE)
    here = np.asarray(now.tree.query(roots)[1])
    there = np.asarray(wanted.tree.query(roots)[1])
    chord_end, _ = wanted.follow(wanted.points[there], 1.0, config.span)
    chord = chord_end - wanted.points[there]
    chord = chord / np.maximum(np.linalg.norm(chord, axis=1, keepdims=True), 1e-6)
    # Two unit vectors at a right angle lie the square root of 2 apart.
    features = np.concatenate([roots, chord * config.turn / np.sqrt(2.0)], axis=1)
    label = DBSCAN(eps=config.group, min_samples=config.fewest).fit_predict(features)
    groups = []
    for number in range(int(label.max()) + 1):
        mine = np.flatnonzero(label == number)
        middle = roots[mine].mean(axis=0)
        root = mine[int(np.argmin(np.linalg.norm(roots[mine] - middle, axis=1)))]
        _, length = wanted.follow(wanted.points[there[[root]]], 1.0, LONGEST_TRACE)
        way = chord[mine].mean(axis=0)
        groups.append(
            Group(
                root=roots[root],
                wanted=way / max(float(np.linalg.norm(way)), 1e-6),
                now=now.directions[here[root]],
                length=float(length[0]),
                difference=float(difference[places[mine]].sum()),
            )
        )
    return groups


def difference_map(now: Field, wanted: Field, config: RuleBasedConfig) -> np.ndarray:
    """Return by how much each place of the present hair differs from the wanted hair there, [M] [deg]."""
    gap, nearest = wanted.tree.query(now.points)
    cosine = np.sum(now.directions * wanted.directions[np.asarray(nearest)], axis=1)
    turned = np.degrees(np.arccos(np.clip(cosine, -1.0, 1.0)))
    return np.where(np.asarray(gap) > config.reach, np.maximum(turned, config.missing), turned)


def _stroke_of(group: Group, observation: HairVolume, head: Head, config: RuleBasedConfig) -> Stroke:
    """Return the stroke from a group's root along its wanted orientation."""
    centre = np.asarray(head.centre)
    way = group.wanted + config.overshoot * (group.wanted - group.now)
    start = group.root - config.lead * way / max(float(np.linalg.norm(way)), 1e-6)
    outward = start - centre
    azimuth = np.arctan2(outward[1], outward[0])
    elevation = np.arctan2(outward[2], np.hypot(outward[0], outward[1]))
    elevation = float(np.clip(elevation, STROKE_LOW[1], STROKE_HIGH[1]))
    level = np.cos(elevation)
    direction = np.array([level * np.cos(azimuth), level * np.sin(azimuth), np.sin(elevation)])
    _, _, down, side = stroke_frame(head, direction)
    points = observation.grid.centres()[observation.occupied]
    near = np.linalg.norm(points - group.root, axis=1) < 0.02
    layer = float(np.quantile(head.field.sample(points[near]), 0.9)) if near.any() else 0.015
    heading = float(np.arctan2(way @ side, way @ down))
    length = config.length * group.length + config.lead
    depth = config.depth * layer
    return Stroke.from_vector(np.array([azimuth, elevation, heading, length, depth, 0.0, 0.0, config.speed]))
