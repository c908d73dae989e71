"""The way to the controller: pieces of 200 ms that end at rest, on the path, without a jump."""

from __future__ import annotations

import numpy as np
import pytest

from hairsim.errors import CombwiseError
from robot_ros.safety.governor import Governor, GovernorConfig


def _trajectory() -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return four seconds of two joints, at rest at both ends."""
    times = np.linspace(0.0, 4.0, 201)
    phase = times / 4.0
    smooth = 10 * phase**3 - 15 * phase**4 + 6 * phase**5
    slope = (30 * phase**2 - 60 * phase**3 + 30 * phase**4) / 4.0
    reach = np.array([0.8, -0.4])
    return times, smooth[:, None] * reach, slope[:, None] * reach


def _governor() -> Governor:
    times, positions, velocities = _trajectory()
    return Governor(times, positions, velocities, positions[0])


def test_full_speed_ends_where_the_trajectory_ends() -> None:
    governor = _governor()
    for _ in range(int(5.0 / 0.01)):
        governor.advance(0.01, 1.0)
    assert governor.done
    np.testing.assert_allclose(governor.set_point(), [0.8, -0.4], atol=1e-9)


@pytest.mark.parametrize("share", [0.0, 0.3, 1.0])
def test_every_piece_is_short_starts_here_stays_on_the_path_and_ends_at_rest(share: float) -> None:
    governor = _governor()
    line = np.array([0.8, -0.4])
    for step in range(600):
        piece = governor.piece(share)
        assert piece.times[-1] <= 0.2 + 1e-9
        np.testing.assert_allclose(piece.positions[0], governor.set_point())
        assert np.all(piece.velocities[-1] == 0.0)
        off = piece.positions - (piece.positions @ line)[:, None] / (line @ line) * line
        assert np.abs(off).max() < 1e-12
        governor.advance(0.01, 1.0 if step < 100 else share)


def test_a_new_piece_goes_on_where_the_old_one_is() -> None:
    """Replacing a piece within its lead time changes neither position nor speed: no jump, ever."""
    governor = _governor()
    rng = np.random.default_rng(0)
    share = 1.0
    for _ in range(400):
        old = governor.piece(share)
        governor.advance(0.02, share)
        new = governor.piece(share)
        np.testing.assert_allclose(new.positions[0], old.positions[1], atol=1e-9)
        np.testing.assert_allclose(new.velocities[0], old.velocities[1], atol=1e-9)
        share = float(rng.choice([1.0, 0.3, 0.0])) if rng.random() < 0.05 else share


def test_stopping_takes_no_longer_than_the_horizon_and_resuming_is_smooth() -> None:
    governor = _governor()
    while governor.tau < 2.0:
        governor.advance(0.01, 1.0)
    steps = 0
    while not governor.at_rest:
        governor.advance(0.01, 0.0)
        steps += 1
    assert steps * 0.01 <= governor.config.horizon
    held = governor.set_point()
    governor.advance(1.0, 0.0)
    np.testing.assert_array_equal(governor.set_point(), held)
    governor.advance(0.01, 1.0)
    assert np.abs(governor.set_point() - held).max() < 1e-3


def test_the_way_back_is_the_way_in() -> None:
    governor = _governor()
    while governor.tau < 2.5:
        governor.advance(0.01, 1.0)
    while not governor.at_rest:
        governor.advance(0.01, 0.0)
    here = governor.set_point()
    back = governor.backwards(here, speed=0.5, until=1.0)
    np.testing.assert_allclose(back.set_point(), here, atol=1e-9)
    line = np.array([0.8, -0.4])
    while not back.done:
        back.advance(0.01, 1.0)
        point = back.set_point()
        np.testing.assert_allclose(point, (point @ line) / (line @ line) * line, atol=1e-9)
    times, positions, _ = _trajectory()
    np.testing.assert_allclose(back.set_point(), positions[np.searchsorted(times, 1.0)], atol=0.01)


def test_a_trajectory_that_would_make_the_arm_jump_is_refused() -> None:
    times, positions, velocities = _trajectory()
    with pytest.raises(CombwiseError, match=r"starts 0\.1000 rad from where joint 1 is measured"):
        Governor(times, positions, velocities, positions[0] + [0.0, 0.1])
    with pytest.raises(CombwiseError, match="at rest"):
        Governor(times, positions, velocities + 0.1, positions[0])
    with pytest.raises(CombwiseError, match="do not rise"):
        Governor(times[::-1], positions, velocities, positions[0])
    with pytest.raises(CombwiseError, match="horizon"):
        GovernorConfig(horizon=0.5)
