"""The scores of DESIGN section 7 and the paired bootstrap."""

from __future__ import annotations

from importlib.util import find_spec

import numpy as np
import pytest

from hairsim.errors import CombwiseError
from planner.benchmark.bootstrap import paired_change, paired_difference
from planner.benchmark.metrics import chamfer_distance, is_success, is_task, score, strands_to_move


def hanging_strands(count: int = 100, vertices: int = 12) -> np.ndarray:
    """Straight strands [S, V, 3] in a row along y, 1 mm apart, hanging down 20 cm."""
    strands = np.zeros((count, vertices, 3))
    strands[:, :, 1] = 0.001 * np.arange(count)[:, None]
    strands[:, :, 2] = -np.linspace(0.0, 0.2, vertices)
    return strands


def shifted(strands: np.ndarray, share: float, by: float) -> np.ndarray:
    """Move the first `share` of the strands along x by `by` [m]."""
    moved = strands.copy()
    moved[: int(share * len(strands)), :, 0] += by
    return moved


def test_moved_and_disturbance_are_taken_over_their_own_strands() -> None:
    start = hanging_strands()
    goal = shifted(start, 0.2, 0.040)
    current = start.copy()
    current[:20, :, 0] += 0.030  # three quarters of the way
    current[50:, :, 0] += 0.008  # 50 of the 80 that had to stay
    result = score(current, start, goal)
    assert result.moved_mm == pytest.approx(10.0)
    assert result.disturbance_mm == pytest.approx(8.0 * 50 / 80)
    assert result.direction_deg == pytest.approx(0.0, abs=1e-3)
    assert score(start, start, goal).moved_mm == pytest.approx(40.0)


def test_perfect_state_scores_zero_and_succeeds() -> None:
    start = hanging_strands()
    goal = shifted(start, 0.2, 0.040)
    perfect = score(goal, start, goal)
    assert perfect.moved_mm == perfect.disturbance_mm == perfect.chamfer_mm == 0.0
    assert is_success(perfect, score(start, start, goal))
    assert not is_success(score(start, start, goal), score(start, start, goal))


def test_disturbing_the_rest_is_no_success() -> None:
    start = hanging_strands()
    goal = shifted(start, 0.2, 0.040)
    swept = shifted(start, 1.0, 0.040)
    assert not is_success(score(swept, start, goal), score(start, start, goal))


def test_direction_counts_the_sign() -> None:
    start = hanging_strands()
    goal = start.copy()
    goal[:20, :, 2] *= -1.0  # the lock stands straight up
    assert score(start, start, goal).direction_deg == pytest.approx(180.0)


@pytest.mark.parametrize(
    ("share", "by", "task"), [(0.07, 0.1, False), (0.2, 0.020, False), (0.1, 0.035, True)]
)
def test_a_goal_must_ask_for_enough_to_be_a_task(share: float, by: float, task: bool) -> None:
    start = hanging_strands()
    assert is_task(start, shifted(start, share, by)) is task


def test_threshold_of_moving_is_fifteen_millimetres() -> None:
    start = hanging_strands()
    assert strands_to_move(start, shifted(start, 0.3, 0.0149)).sum() == 0
    assert strands_to_move(start, shifted(start, 0.3, 0.0151)).sum() == 30


def test_chamfer_agrees_with_the_naive_sum() -> None:
    rng = np.random.default_rng(3)
    first, second = rng.normal(size=(40, 3)), rng.normal(size=(30, 3))
    distance = np.linalg.norm(first[:, None] - second[None], axis=-1)
    naive = 0.5 * (distance.min(axis=1).mean() + distance.min(axis=0).mean())
    assert chamfer_distance(first, second) == pytest.approx(naive)


def test_pytorch3d_finds_the_same_neighbours() -> None:
    rng = np.random.default_rng(4)
    first, second = rng.normal(size=(500, 3)), rng.normal(size=(400, 3))
    if find_spec("pytorch3d") is None:
        with pytest.raises(CombwiseError, match="not installed"):
            chamfer_distance(first, second, backend="pytorch3d")
        return
    assert chamfer_distance(first, second, backend="pytorch3d") == pytest.approx(
        chamfer_distance(first, second), rel=1e-5
    )


def test_bad_strands_are_named() -> None:
    start = hanging_strands()
    broken = start.copy()
    broken[3, 2] = np.nan
    with pytest.raises(CombwiseError, match="current strands hold NaN"):
        score(broken, start, start)
    with pytest.raises(CombwiseError, match="goal strands have shape"):
        score(start, start, start[:50])


def test_paired_bootstrap_sees_a_small_steady_gain_under_large_noise() -> None:
    rng = np.random.default_rng(0)
    hardness = rng.uniform(20.0, 80.0, size=20)
    better = paired_difference(hardness * 0.8 + rng.normal(0, 1, 20), hardness)
    assert better.excludes_zero
    assert better.high < 0.0
    assert better.episodes == 20
    assert not paired_difference(hardness + rng.normal(0, 5, 20), hardness).excludes_zero
    with pytest.raises(CombwiseError, match="same episodes"):
        paired_difference(hardness, hardness[:5])


def test_paired_change_is_the_change_of_the_mean_and_knows_no_share_of_nothing() -> None:
    other = np.array([20.0, 40.0, 60.0])
    change = paired_change(0.75 * other, other)
    assert change is not None
    assert change.mean == pytest.approx(-0.25)
    assert change.low == pytest.approx(-0.25) == change.high
    assert paired_change(np.ones(3), np.array([0.0, 0.0, 1.0])) is None
