"""The virtual controller behaves as ros2_controllers' joint_trajectory_controller does."""

from __future__ import annotations

import re

import numpy as np
import pytest

from robot_ros.virtual.arm import VirtualJoints
from robot_ros.virtual.controller import Goal, Result, ResultCode, TrajectoryController
from robot_ros.virtual.splines import Point, between

JOINTS = ("a", "b")


def _controller() -> TrajectoryController:
    return TrajectoryController(JOINTS, np.zeros(2))


def _goal(**more: object) -> Goal:
    points = [
        Point(1.0, np.array([0.2, -0.1]), np.array([0.3, -0.1])),
        Point(2.0, np.array([0.4, -0.2]), np.zeros(2)),
    ]
    return Goal(joints=JOINTS, points=points, **more)  # type: ignore[arg-type]


def _play(
    controller: TrajectoryController, arm: VirtualJoints, seconds: float, start: float = 10.0
) -> tuple[Result | None, np.ndarray]:
    """Run for a while at 250 Hz; return the first result and all measured positions."""
    result, rows = None, []
    for tick in range(round(seconds / 0.004)):
        now = start + (tick + 1) * 0.004
        outcome = controller.update(now, arm.positions)
        result = outcome or result
        velocity = controller.set_point.velocities
        assert velocity is not None
        arm.step(controller.set_point.positions, velocity, 0.004)
        rows.append(arm.positions)
    return result, np.array(rows)


@pytest.mark.parametrize("degree", [1, 3, 5])
def test_splines_meet_both_ends_with_all_that_is_given(degree: int) -> None:
    rng = np.random.default_rng(degree)
    extra = (degree - 1) // 2
    first, second = (Point(t, *rng.normal(size=(1 + extra, 2))) for t in (1.0, 1.7))
    for point in (first, second):
        inner = between(first, second, point.time - (1e-9 if point is second else 0.0))
        np.testing.assert_allclose(inner.positions, point.positions, atol=1e-6)
        assert inner.velocities is not None
        assert inner.accelerations is not None
        if point.velocities is not None:
            np.testing.assert_allclose(inner.velocities, point.velocities, atol=1e-5)
        if point.accelerations is not None:
            np.testing.assert_allclose(inner.accelerations, point.accelerations, atol=1e-3)
    middle, step = between(first, second, 1.3), 1e-6
    ahead = between(first, second, 1.3 + step)
    assert middle.velocities is not None
    np.testing.assert_allclose((ahead.positions - middle.positions) / step, middle.velocities, atol=1e-3)


def test_a_goal_is_followed_to_success() -> None:
    controller, arm = _controller(), VirtualJoints(np.zeros(2))
    assert controller.accept(_goal(), 10.0) is None
    result, rows = _play(controller, arm, 2.5)
    assert result is not None
    assert result.code is ResultCode.SUCCESSFUL
    np.testing.assert_allclose(rows[-1], [0.4, -0.2], atol=1e-4)


def test_names_may_come_in_any_order() -> None:
    controller, arm = _controller(), VirtualJoints(np.zeros(2))
    goal = Goal(joints=("b", "a"), points=[Point(1.0, np.array([-0.2, 0.4]))])
    assert controller.accept(goal, 10.0) is None
    _, rows = _play(controller, arm, 2.0)
    np.testing.assert_allclose(rows[-1], [0.4, -0.2], atol=1e-3)


@pytest.mark.parametrize(
    ("goal", "code", "words"),
    [
        (Goal(("a", "c"), [Point(1.0, np.zeros(2))]), ResultCode.INVALID_JOINTS, r"\['a', 'c'\]; expected"),
        (Goal(JOINTS, []), ResultCode.INVALID_GOAL, "without points"),
        (Goal(JOINTS, [Point(1.0, np.zeros(3))]), ResultCode.INVALID_GOAL, "point 0: expected 2 finite"),
        (Goal(JOINTS, [Point(1.0, np.full(2, np.nan))]), ResultCode.INVALID_GOAL, "finite"),
        (Goal(JOINTS, [Point(1.0, np.zeros(2)), Point(1.0, np.ones(2))]), ResultCode.INVALID_GOAL, "rising"),
        (Goal(JOINTS, [Point(1.0, np.zeros(2), np.ones(2))]), ResultCode.INVALID_GOAL, "speed of 1 rad/s"),
        (Goal(JOINTS, [Point(1.0, np.zeros(2))], 5.0), ResultCode.OLD_HEADER_TIMESTAMP, "4.000 s before"),
    ],
)
def test_bad_goals_are_refused_with_the_reason(goal: Goal, code: ResultCode, words: str) -> None:
    result = _controller().accept(goal, 10.0)
    assert result is not None
    assert result.code is code
    assert re.search(words, result.text), result.text


def test_leaving_the_path_aborts_with_joint_error_and_tolerance_and_holds() -> None:
    controller, arm = _controller(), VirtualJoints(np.zeros(2))
    controller.accept(_goal(path_tolerance={"b": 0.05}), 10.0)
    _play(controller, arm, 1.0)
    arm.positions = arm.positions + np.array([0.0, 0.08])
    result, _ = _play(controller, arm, 0.004, start=11.0)
    assert result is not None
    assert result.code is ResultCode.PATH_TOLERANCE_VIOLATED
    assert "path tolerance of b violated: error 0.08" in result.text
    assert "tolerance 0.0500 rad" in result.text
    result, rows = _play(controller, arm, 1.0, start=11.004)
    assert result is None
    assert np.abs(np.diff(rows[-50:], axis=0)).max() < 1e-6
    assert not controller.active


def test_missing_the_goal_aborts_after_the_goal_time() -> None:
    controller = _controller()
    controller.accept(_goal(path_tolerance={"a": -1.0, "b": -1.0}, goal_time=0.2), 10.0)
    stuck = np.zeros(2)
    outcomes = [(t, controller.update(10.0 + t, stuck)) for t in np.arange(0.004, 2.5, 0.004)]
    when, result = next((t, r) for t, r in outcomes if r is not None)
    assert result.code is ResultCode.GOAL_TOLERANCE_VIOLATED
    assert "goal tolerance of a violated: error 0.4000 rad" in result.text
    assert 2.2 < when < 2.22


def test_a_cancel_brakes_evenly_and_stays_there() -> None:
    controller, arm = _controller(), VirtualJoints(np.zeros(2))
    controller.accept(_goal(), 10.0)
    _, before = _play(controller, arm, 1.0)
    controller.cancel(11.0)
    result, rows = _play(controller, arm, 0.5, start=11.0)
    assert result is None
    speeds = np.abs(np.diff(np.concatenate([before[-1:], rows]), axis=0)) / 0.004
    assert speeds[-1].max() < 1e-6
    assert np.abs(np.diff(speeds, axis=0)).max() / 0.004 < 13.0
    assert np.abs(rows[-1] - before[-1]).max() < 0.05


def test_a_new_goal_replaces_the_old_one_without_a_jump() -> None:
    controller, arm = _controller(), VirtualJoints(np.zeros(2))
    controller.accept(_goal(), 10.0)
    _, before = _play(controller, arm, 1.0)
    set_point = controller.set_point
    controller.accept(Goal(JOINTS, [Point(2.0, np.array([0.0, 0.0]), np.zeros(2))]), 11.0)
    controller.update(11.004, arm.positions)
    assert set_point.velocities is not None
    np.testing.assert_allclose(
        controller.set_point.positions, set_point.positions + 0.004 * set_point.velocities, atol=1e-4
    )
    _, rows = _play(controller, arm, 2.5, start=11.004)
    assert np.abs(np.diff(np.concatenate([before[-1:], rows]), axis=0)).max() < 0.01
    np.testing.assert_allclose(rows[-1], 0.0, atol=1e-3)


def test_nobody_renews_the_goal_and_the_arm_rests_at_its_end() -> None:
    controller, arm = _controller(), VirtualJoints(np.zeros(2))
    controller.accept(_goal(), 10.0)
    _, rows = _play(controller, arm, 4.0)
    np.testing.assert_allclose(rows[-200:], np.tile([0.4, -0.2], (200, 1)), atol=1e-4)
