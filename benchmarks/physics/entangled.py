"""A tooth pulled through two locks that wind around each other [PlumbReyes2022].

Each lock is a helix that at rest hangs beside the other; they start wound around one axis, so that they stay
together only because they are linked. The tooth drives the links ahead of itself. From the root it must drive
all of them out over the tips; from the tips upward, each stroke has only some ahead. The largest pull is a
matter of how hairs happen to lie, so that it is the mean over several tangles that counts.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from benchmarks.physics.laws import Laws, Row, row
from benchmarks.physics.scenes import floor, groom, rod_tool
from hairsim.tools.tool import ToolPath
from hairsim.world import HairWorld

PITCH, RADIUS, LENGTH = 0.04, 0.0035, 0.30
"""Of the helices: height of a turn, distance of a lock from its axis, length along a hair [m]."""

APART = 0.012
"""Distance of each lock's root, and at rest of its axis, from the axis about which they start wound [m]."""

WOUND_FROM, GROWN = 0.02, 0.04
"""Depths below the roots between which the helices grow to their full radius [m]."""

LOCK = 0.0012
"""Distance of a lock's hairs from its middle [m]."""

CONTACT = 0.004
"""Distance at which hairs of the two locks touch [m]."""

END = -0.30
"""Height at which every stroke ends, below the tips [m]."""

UPWARD = tuple(-WOUND_FROM - 0.5 * PITCH * half_turns for half_turns in (8, 6, 4, 2, 0.5))
"""Heights at which the tooth goes in, from the tips upward [m]."""

TANGLES = 4
"""Pairs of locks that are combed both ways; their hairs lie a little differently."""


def entangled(laws: Laws) -> Iterator[Row]:
    """Yield the largest pull from the tips upward over that from the root, and the turns left wound."""
    tangles = range(2 if laws.quick else TANGLES)
    upward = UPWARD[1::2] if laws.quick else UPWARD
    from_root = [Combing(laws, tangle, UPWARD[-1:]) for tangle in tangles]
    from_tips = [Combing(laws, tangle, upward) for tangle in tangles]
    most, least = (float(np.mean([c.largest for c in found])) for found in (from_root, from_tips))
    case = "largest pull, strokes from the tips upward, against one stroke from the root [N]"
    yield row("entangled", case, least, most, least / most, 1.0)
    left = max(abs(c.turns_left) for c in from_root + from_tips)
    wound = min(c.turns for c in from_root)
    case = f"locks wound around each other by {wound:.1f} turns and more, left after combing"
    yield row("entangled", case, left, 0.0, left, 0.25)


class Combing:
    """Two entangled locks that are combed from some heights down, one after the other.

    Attributes:
        turns, turns_left: that the locks are wound around each other before and after.
        pulls: of each stroke, travel [m] and the hair's upward pull on the tooth [N], [T, 2].
    """

    def __init__(self, laws: Laws, tangle: int, starts: tuple[float, ...], speed: float = 0.05) -> None:
        world = entangled_world(laws, tangle)
        tooth = rod_tool(0.001, half_width=0.03)
        self.turns = turns_wound(world.strands())
        self.pulls: list[np.ndarray] = []
        for start in starts:
            # It comes in along its own axis, between the locks, and goes out below the tips.
            seconds = (start - END) / speed
            times = np.array([0.0, 0.3, 0.3 + seconds])
            positions = np.array([[0.0, 0.1, start], [0.0, 0.0, start], [0.0, 0.0, END]])
            path = ToolPath(times, positions, np.tile([0.0, 0.0, 0.0, 1.0], (3, 1)), (1, 2))
            [reading] = world.comb([path], tooth, rest_seconds=0.5)
            travel = np.clip(reading.times - 0.3, 0.0, None) * speed
            self.pulls.append(np.stack([travel, reading.force[:, 2]], axis=-1))
        self.turns_left = turns_wound(world.strands())

    @property
    def largest(self) -> float:
        """The largest pull [N]."""
        return max(float(pull[:, 1].max()) for pull in self.pulls)


def entangled_world(laws: Laws, tangle: int, hairs: int = 10, vertices: int = 61) -> HairWorld:
    """Return two locks of some hairs each, wound around each other, that at rest hang side by side."""
    rng = np.random.default_rng(tangle)
    depth = np.linspace(0.0, 1.5 * LENGTH, 4001)
    turn = 2.0 * np.pi * np.clip(depth - WOUND_FROM, 0.0, None) / PITCH
    share = np.clip((depth - WOUND_FROM) / (GROWN - WOUND_FROM), 0.0, 1.0)
    grown = share**2 * (3.0 - 2.0 * share)
    rest, wound = [], []
    for lock in (0.0, np.pi):
        first = rng.uniform(0.0, 2.0 * np.pi)
        own_axis = APART * np.cos(lock)
        for side in first + 2.0 * np.pi * np.arange(hairs) / hairs:
            x = grown * RADIUS * np.cos(turn + lock) + LOCK * np.cos(side)
            y = grown * RADIUS * np.sin(turn + lock) + LOCK * np.sin(side)
            for shapes, axis in ((rest, own_axis), (wound, own_axis * (1.0 - grown))):
                curve = np.stack([x + axis, y, -depth], axis=-1)
                shapes.append(even_vertices(curve, LENGTH / (vertices - 1), vertices))
    locks = groom(np.array(rest), "two entangled locks")
    config = laws.config(hair_distance=0.5 * CONTACT / locks.bundle_radius, hair_stiffness=0.1)
    world = HairWorld([floor()], [locks], material=laws.material(), config=config)
    start = world.snapshot()
    position = np.array(wound, np.float32)
    position[:, :2] = start["position"][:, :2]  # held by the follicle
    world.restore({**start, "position": position})
    world.settle(1.0)
    return world


def even_vertices(curve: np.ndarray, edge: float, vertices: int) -> np.ndarray:
    """Return vertices [V, 3] [m] that lie an edge apart along a fine curve [N, 3] [m], from its start."""
    along = np.concatenate([[0.0], np.cumsum(np.linalg.norm(np.diff(curve, axis=0), axis=-1))])
    at = edge * np.arange(vertices)
    return np.stack([np.interp(at, along, curve[:, axis]) for axis in range(3)], axis=-1)


def turns_wound(strands: np.ndarray) -> float:
    """Return by how many turns the first half of strands [S, V, 3] winds around the second, seen along z."""
    first, second = np.split(strands, 2)
    across = (first.mean(axis=0) - second.mean(axis=0))[:, :2]
    angle = np.unwrap(np.arctan2(across[:, 1], across[:, 0]))
    return float(angle[-1] - angle[0]) / (2.0 * np.pi)
