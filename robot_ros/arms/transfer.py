"""Free ways between postures: straight through joint space, or around what is in between.

The search is RRT-Connect [Kuffner2000]: two trees, one from each end, each reaching for the other's newest
branch; then shortcuts between random points of the way. Ways are polylines in joint space.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from robot_ros.arms.cell import Cell


@dataclass(frozen=True)
class TransferConfig:
    """How to search.

    Attributes:
        check: largest joint turn between two collision checks [rad].
        reach: longest new branch [rad].
        branches: most branches before giving up.
        shortcuts: attempts to cut corners.
        seed: of the search.
    """

    check: float = 0.06
    reach: float = 0.6
    branches: int = 1500
    shortcuts: int = 40
    seed: int = 0


def free_way(
    cell: Cell, start: np.ndarray, end: np.ndarray, config: TransferConfig | None = None
) -> np.ndarray | None:
    """Return postures [N, J] from start to end, joined by free straight lines, or None if none were found."""
    config = config or TransferConfig()
    if _free_line(cell, start, end, config.check):
        return np.stack([start, end])
    if cell.contact(start) is not None or cell.contact(end) is not None:
        return None
    rng = np.random.default_rng(config.seed)
    way = _connect(cell, start, end, rng, config)
    return None if way is None else _shortened(cell, way, rng, config)


def _free_line(cell: Cell, start: np.ndarray, end: np.ndarray, check: float) -> bool:
    """Say whether the straight way, its far end included, is free; asked from coarse to fine."""
    count = max(1, int(np.ceil(np.max(np.abs(end - start)) / check)))
    order = sorted(range(1, count + 1), key=lambda n: -(n & -n))
    return all(cell.contact(start + (n / count) * (end - start)) is None for n in order)


def _connect(
    cell: Cell, start: np.ndarray, end: np.ndarray, rng: np.random.Generator, config: TransferConfig
) -> np.ndarray | None:
    trees = [_Tree(start), _Tree(end)]
    # Around both ends: a way to a head half a metre off does not lead through the whole joint space.
    low = np.maximum(cell.lower, np.minimum(start, end) - 1.5)
    high = np.minimum(cell.upper, np.maximum(start, end) + 1.5)
    for number in range(config.branches):
        grown, other = trees[number % 2], trees[1 - number % 2]
        tip = grown.grow(cell, rng.uniform(low, high), config)
        if tip is None:
            continue
        while True:
            target = grown.nodes[tip]
            met = other.grow(cell, target, config)
            if met is None:
                break
            if np.array_equal(other.nodes[met], target):
                ways = [grown.to_root(tip), other.to_root(met)]
                first, second = ways if number % 2 == 0 else ways[::-1]
                return np.concatenate([first[::-1], second[1:]])
    return None


class _Tree:
    """Postures and, for each, the one it grew from."""

    def __init__(self, root: np.ndarray) -> None:
        self.nodes = [root]
        self._parents = [-1]

    def grow(self, cell: Cell, target: np.ndarray, config: TransferConfig) -> int | None:
        """Grow from the nearest node toward a posture; return the new node's index, None if blocked."""
        nearest = int(np.argmin(np.max(np.abs(np.array(self.nodes) - target), axis=1)))
        step = target - self.nodes[nearest]
        size = float(np.max(np.abs(step)))
        if size < 1e-9:
            return None
        new = target if size <= config.reach else self.nodes[nearest] + step * (config.reach / size)
        if not _free_line(cell, self.nodes[nearest], new, config.check):
            return None
        self.nodes.append(new)
        self._parents.append(nearest)
        return len(self.nodes) - 1

    def to_root(self, index: int) -> np.ndarray:
        """Return the postures from a node to the root, both included."""
        way = []
        while index >= 0:
            way.append(self.nodes[index])
            index = self._parents[index]
        return np.array(way)


def _shortened(cell: Cell, way: np.ndarray, rng: np.random.Generator, config: TransferConfig) -> np.ndarray:
    """Cut corners between random corners of a way [N, J]."""
    for _ in range(config.shortcuts):
        if len(way) < 3:
            break
        first, last = sorted(rng.choice(len(way), 2, replace=False))
        if last - first > 1 and _free_line(cell, way[first], way[last], config.check):
            way = np.concatenate([way[: first + 1], way[last:]])
    return way
