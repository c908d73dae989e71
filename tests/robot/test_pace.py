"""A simulated clock runs as fast as was chosen, or as the machine sustains with room for others."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from robot_ros.virtual.pace import BUSY, Pace

TICK = 0.004


def _speed(took: Callable[[int], float], *, ticks: int = 4000, speed: float = 0.0) -> float:
    """Return simulated seconds per second over the last 1000 of ticks that take as long as `took` says."""
    now = began = 100.0
    pace = Pace(TICK, now)
    due = now
    for number in range(ticks):
        if number == ticks - 1000:
            began = now
        now = max(now, due) + took(number)
        due = pace.next(now, speed=speed)
    return 1000 * TICK / (now - began)


def test_a_machine_that_is_fast_enough_runs_in_real_time() -> None:
    assert _speed(lambda _: 0.002) == pytest.approx(1.0, rel=0.01)


@pytest.mark.parametrize("took", [0.004, 0.010, 0.040])
def test_a_slow_machine_keeps_a_share_of_its_time_for_others(took: float) -> None:
    assert _speed(lambda _: took) == pytest.approx(BUSY * TICK / took, rel=0.01)


def test_dear_ticks_among_cheap_ones_leave_others_no_less_than_their_share() -> None:
    """Every fifth tick takes 30 ms: the mean decides, and what is too long even so is not made up for."""
    even = BUSY * 5 * TICK / 0.034
    assert 0.7 * even < _speed(lambda n: 0.030 if n % 5 == 0 else 0.001) <= even


def test_it_slows_down_for_a_load_and_comes_back_after_it() -> None:
    loaded = _speed(lambda n: 0.002 if n < 2000 else 0.016)
    assert loaded == pytest.approx(BUSY / 4, rel=0.05)
    assert _speed(lambda n: 0.016 if n < 2000 else 0.002) == pytest.approx(1.0, rel=0.05)


def test_a_chosen_speed_is_kept_where_the_machine_can_and_nothing_is_made_up_for() -> None:
    assert _speed(lambda _: 0.002, speed=0.5) == pytest.approx(0.5, rel=0.01)
    assert _speed(lambda _: 0.002, speed=1.5) == pytest.approx(1.5, rel=0.01)
    pace = Pace(TICK, 100.0)
    assert pace.next(102.0, speed=1.0) >= 102.0 - TICK, "no burst of ticks after a stall of two seconds"


def test_waking_late_is_load() -> None:
    pace, due, now = Pace(TICK, 100.0), 100.0, 100.0
    for _ in range(2000):
        now = max(now, due) + 0.008 + 0.002  # woken 8 ms late, then 2 ms of work
        due = pace.next(now, speed=0.0)
    assert pace.sustained == pytest.approx(BUSY * TICK / 0.010, rel=0.01)
