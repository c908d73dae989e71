"""How much of their way locks have left, and a goal's own strokes made again."""

from __future__ import annotations

import numpy as np
import pytest

from benchmarks.replayed import locks_left


def test_locks_have_none_left_at_the_goal_half_half_way_and_all_at_the_start() -> None:
    rng = np.random.default_rng(0)
    start = rng.uniform(-0.1, 0.1, (40, 1, 3)) + np.linspace(0.0, 0.2, 8)[:, None] * np.array(
        [0.0, 0.0, -1.0]
    )
    goal = start + np.linspace(0.0, 0.08, 8)[:, None] * np.array([1.0, 0.0, 0.0])
    assert locks_left(start, goal, goal) == pytest.approx(0.0)
    assert locks_left(start, 0.5 * (start + goal), goal) == pytest.approx(0.5)
    assert locks_left(start, start, goal) == pytest.approx(1.0)


def test_scattered_strands_count_little_where_their_locks_are_at_the_goal() -> None:
    rng = np.random.default_rng(1)
    start = rng.uniform(-0.1, 0.1, (400, 1, 3)) + np.zeros((1, 8, 3))
    goal = start + np.array([0.04, 0.0, 0.0])
    scattered = goal + rng.normal(0.0, 0.02, (400, 1, 3))
    alone = np.linalg.norm(scattered - goal, axis=-1).mean() / 0.04
    assert locks_left(start, scattered, goal) < 0.5 * alone
