"""A tooth pulled through two locks that wind around each other [PlumbReyes2022].

The tooth drives the links of the double helix ahead of itself. From the root it must drive all of them out
over the tips; from the tips upward, each stroke has only a few ahead.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from benchmarks.physics.laws import Laws, Row, row
from benchmarks.physics.scenes import floor, groom, rod_tool
from hairsim.tools.tool import ToolPath
from hairsim.world import HairWorld

PITCH, RADIUS, LENGTH = 0.04, 0.005, 0.20
"""Of the double helix: height of a turn, distance of the locks from its axis, height of it all [m]."""

CONTACT = 0.004
"""Distance at which hairs of the two locks touch [m]."""

END = -0.24
"""Height at which every stroke ends, below the tips [m]."""


UPWARD = tuple(-0.5 * PITCH * half_turns for half_turns in (8, 6, 4, 2, 1))
"""Heights at which the tooth goes in, from the tips upward [m]: where the locks lie on either side of it."""


def entangled(laws: Laws) -> Iterator[Row]:
    """Yield the largest pull through entangled locks from the tips upward, over that from the root."""
    [root] = pulls(laws, UPWARD[-1:])
    tips = pulls(laws, UPWARD[1::2] if laws.quick else UPWARD)
    most, least = float(root[:, 1].max()), max(float(pull[:, 1].max()) for pull in tips)
    case = "largest pull, strokes from the tips upward, against one stroke from the root [N]"
    yield row("entangled", case, least, most, least / most, 1.0)


def entangled_world(laws: Laws, hairs: int = 3, vertices: int = 61) -> HairWorld:
    """Return two locks of a few hairs each, wound around each other, their rest shape so."""
    height = np.linspace(0.0, LENGTH, vertices)
    turn = 2.0 * np.pi * height / PITCH
    strands = []
    for lock in (0.0, np.pi):
        for hair in range(hairs):
            side = 2.0 * np.pi * hair / hairs
            x = RADIUS * np.cos(turn + lock) + 0.0012 * np.cos(side)
            y = RADIUS * np.sin(turn + lock) + 0.0012 * np.sin(side)
            strands.append(np.stack([x, y, -height], axis=-1))
    locks = groom(np.array(strands), "two entangled locks")
    config = laws.config(hair_distance=0.5 * CONTACT / locks.bundle_radius, hair_stiffness=0.1)
    world = HairWorld([floor()], [locks], material=laws.material(), config=config)
    world.settle(1.0)
    return world


def pulls(laws: Laws, starts: tuple[float, ...], speed: float = 0.05) -> list[np.ndarray]:
    """Return travel [m] and the hair's upward pull on the comb [N], [T, 2], of strokes from each height."""
    world = entangled_world(laws)
    tooth = rod_tool(0.001, half_width=0.03)
    found = []
    for start in starts:
        # It comes in along its own axis, between the locks, and goes out below the tips.
        seconds = (start - END) / speed
        times = np.array([0.0, 0.3, 0.3 + seconds])
        positions = np.array([[0.0, 0.1, start], [0.0, 0.0, start], [0.0, 0.0, END]])
        path = ToolPath(times, positions, np.tile([0.0, 0.0, 0.0, 1.0], (3, 1)), (1, 2))
        [reading] = world.comb([path], tooth, rest_seconds=0.5)
        travel = np.clip(reading.times - 0.3, 0.0, None) * speed
        found.append(np.stack([travel, reading.force[:, 2]], axis=-1))
    return found
