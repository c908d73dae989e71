from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import fields, replace

import pytest

from hairsim.errors import CombwiseError
from hairsim.head.keep_out import adult_zones
from robot_ros.safety.limits import FAST_BEATS, SLOW_BEATS, SafetyLimits
from robot_ros.safety.samples import ForceSample, HeadSample, JointSample
from robot_ros.safety.supervisor import Supervisor
from robot_ros.safety.verdict import Level, Mode
from tests.robot.bench import JOINTS, TICK, Bench, Truth

Change = Callable[[float, Truth], None]
CHECK = 0.008
"""Time between two checks on the bench [s]: the most that detection adds to a limit."""


def _set(**values: object) -> Change:
    def change(_: float, truth: Truth) -> None:
        for name, value in values.items():
            setattr(truth, name, value)

    return change


def _ramp(newtons_per_second: float) -> Change:
    def change(after: float, truth: Truth) -> None:
        truth.force = (0.0, 0.0, newtons_per_second * after)

    return change


FAULTS: dict[str, tuple[Change, str, float]] = {
    "force stopped": (_set(silent={"force"}), "age of force data", 0.020),
    "force late": (_set(late={"force": 0.030}), "age of force data", 0.020),
    "force frozen": (_set(frozen={"force"}), "frozen force sensor", 0.020),
    "force spike": (_set(force=(0.0, 0.0, 30.0)), "force rate", 0.0),
    "pull": (_ramp(40.0), "pull", 5.0 / 40.0),
    "sideways pull": (lambda t, x: setattr(x, "force", (40.0 * t, 0.0, 0.0)), "pull", 5.0 / 40.0),
    "negative pull": (lambda t, x: setattr(x, "force", (-40.0 * t, 0.0, 0.0)), "pull", 5.0 / 40.0),
    "press": (lambda t, x: setattr(x, "force", (0.0, 40.0 * t, 0.0)), "press", 10.0 / 40.0),
    "hair lifts": (lambda t, x: setattr(x, "force", (0.0, -40.0 * t, 0.0)), "pull", 5.0 / 40.0),
    "torque": (_set(torque=(0.0, 2.0, 0.0)), "torque", 0.0),
    "sign flipped": (_set(force=(0.0, 0.0, -1.5)), "work of the hair on the comb", 0.05 / (1.5 * 0.08)),
    "too much work": (_set(force=(0.0, 0.0, 1.9)), "work of the stroke", 0.6 / (1.9 * 0.08)),
    "fast near the head": (_set(velocity=(0.0, 0.0, -0.14)), "speed of the comb", 0.0),
    "left eye": (_set(position=(0.09, 0.03, 0.01)), "keep-out zone", 0.0),
    "neck": (_set(position=(0.0, 0.0, -0.15)), "keep-out zone", 0.0),
    "far away": (_set(position=(-0.9, 0.0, 0.0)), "distance of the comb from the head", 0.0),
    "nowhere": (_set(position=(math.nan, 0.0, 0.0)), "comb pose is no number", 0.0),
    "head moved": (_set(head=(0.5, 0.015, 0.3)), "head moved", 0.1),
    "head turned": (_set(quaternion=(0.0, 0.0, math.sin(0.06), math.cos(0.06))), "head turned", 0.1),
    "camera stopped": (_set(silent={"head"}), "age of the head pose", 0.5 + 0.1),
    "camera frozen": (_set(frozen={"head"}), "frozen camera (head pose)", 1.0),
    "joints stopped": (_set(silent={"joints"}), "age of joint states", 0.05),
    "joints late": (_set(late={"joints": 0.2}), "age of joint states", 0.05),
    "tracking": (_set(joints=(0.0, 0.1, 0.0, 0.0, 0.0, 0.0)), "tracking error", 0.0),
    "tracking backwards": (_set(joints=(0.0, -0.1, 0.0, 0.0, 0.0, 0.0)), "tracking error", 0.0),
    "joint end": (_set(joints=(2.99,) * 6, set_point=(2.99,) * 6), "room to the joint's end", 0.0),
    "e-stop": (_set(stop_pressed=True), "e-stop", 0.0),
    "e-stop wire": (_set(silent={"e-stop"}), "silence", 0.5),
    **{f"{name} killed": (_set(silent={name}), "silence", 0.05) for name in FAST_BEATS},
    **{f"{name} killed": (_set(silent={name}), "silence", 1.0 + 0.2) for name in SLOW_BEATS},
}
"""What goes wrong in mid-stroke, the rule that must catch it, and the detection limit [s]."""


@pytest.mark.parametrize("name", FAULTS)
def test_every_fault_stops_the_arm_within_its_limit(name: str) -> None:
    """From the fault to held set-points takes its detection limit and one check, and the reason is named."""
    change, rule, limit = FAULTS[name]
    bench = Bench().ready()
    assert bench.run(1.0).share == 1.0
    took = bench.until_stopped(limit + 1.0, change)
    assert took <= limit + CHECK + TICK + 1e-9
    assert rule in bench.rules()
    for intervention in bench.supervisor.interventions:
        sentence = intervention.finding.sentence()
        assert intervention.finding.rule in sentence
        assert "limit" in sentence


@pytest.mark.parametrize(
    "strokes", [15, pytest.param(150, marks=[pytest.mark.slow, pytest.mark.timeout(600)])]
)
def test_no_false_trip_in_a_minute_and_in_ten_of_combing(strokes: int) -> None:
    """Noise, a pull of up to 1.6 N, presses of 3 N, head jitter and motion near the limit trip nothing."""
    bench = Bench(limits=SafetyLimits(work_hard=2.0), seed=7).ready()

    def comb(after: float, truth: Truth) -> None:
        phase = after % 4.0  # a stroke of three seconds, then back
        pulling = 1.6 * math.sin(math.pi * phase / 3.0) if phase < 3.0 else 0.0
        truth.velocity = (0.0, 0.0, -0.095 if phase < 3.0 else 0.09)
        truth.force = (0.0, 3.0 * max(0.0, math.sin(math.pi * phase / 3.0)), max(0.0, pulling))
        wiggle = 0.01 * math.sin(after)
        truth.joints, truth.set_point = (wiggle,) * 6, (wiggle + 0.004,) * 6

    for stroke in range(strokes):
        if stroke:
            bench.supervisor.end_stroke()
            assert bench.supervisor.begin_stroke(bench.now - 20.0, bench.now) == ""
        bench.run(4.0, comb)
    assert bench.supervisor.interventions == []
    assert bench.supervisor.mode is Mode.READY


def test_soft_limits_slow_down_and_let_go_again() -> None:
    bench = Bench().ready()
    assert bench.run(0.3, _set(force=(0.0, 0.0, 0.0))).share == 1.0
    verdict = bench.run(0.3, lambda t, x: setattr(x, "force", (0.0, 0.0, min(3.0, 30.0 * t))))
    assert verdict.mode is Mode.SLOWED
    assert verdict.share == pytest.approx(bench.supervisor.limits.slow_share)
    assert {"pull"} == bench.rules()
    assert bench.run(0.4, _set(force=(0.0, 0.0, 1.0))).mode is Mode.SLOWED
    assert bench.run(0.4).mode is Mode.READY


def test_a_stop_latches_until_an_explicit_reset() -> None:
    bench = Bench().ready()
    bench.run(0.1, _set(silent={"force"}))
    assert bench.run(1.0, _set(silent=set())).mode is Mode.STOPPED
    why, joints = bench.supervisor.reset(bench.now, bench.wall)
    assert why == ""
    assert joints == bench.truth.joints
    assert bench.run(0.1).mode is Mode.READY


def test_reset_is_refused_while_the_reason_is_there() -> None:
    bench = Bench().ready()
    bench.run(0.1, _set(silent={"force"}))
    why, joints = bench.supervisor.reset(bench.now, bench.wall)
    assert "age of force data" in why
    assert joints == ()
    assert bench.supervisor.mode is Mode.STOPPED


def test_reset_gives_set_points_from_measured_joints() -> None:
    """After the arm was pushed while stopped, the old set-point is gone: no jump on resume."""
    bench = Bench().ready()
    bench.run(0.1, _set(joints=(0.3,) * 6))
    assert bench.supervisor.mode is Mode.STOPPED
    bench.truth.set_point = None
    bench.run(0.1)
    why, joints = bench.supervisor.reset(bench.now, bench.wall)
    assert (why, joints) == ("", (0.3,) * 6)
    assert bench.run(0.5, _set(set_point=(0.3,) * 6)).mode is Mode.READY


def test_a_real_robot_waits_for_its_emergency_stop_to_be_proven() -> None:
    bench = Bench(real_robot=True)
    assert bench.run(1.0).mode is Mode.STARTING
    assert bench.supervisor.begin_stroke(bench.now, bench.now) != ""
    assert bench.run(0.1, _set(stop_pressed=True)).mode is Mode.EMERGENCY
    assert "pressed" in bench.supervisor.reset(bench.now, bench.wall)[0]
    assert bench.run(0.1, _set(stop_pressed=False)).mode is Mode.STOPPED
    assert bench.supervisor.reset(bench.now, bench.wall)[0] == ""
    assert bench.run(0.1).mode is Mode.READY


def test_a_press_between_two_checks_is_not_missed() -> None:
    bench = Bench().ready()
    bench.supervisor.feed_emergency_stop(True, bench.wall)
    bench.supervisor.feed_emergency_stop(False, bench.wall)
    assert not bench.run(2 * TICK).may_move
    assert bench.run(1.0).mode is Mode.STOPPED


def test_a_force_peak_between_two_checks_is_not_missed() -> None:
    """One reading in 250 per second is above the limit, and gone at the next check."""
    bench = Bench().ready()
    bench.run(2 * TICK)
    bench.supervisor.feed_force(ForceSample(bench.now + 0.001, (0.0, 0.0, 20.0), (0.0, 0.0, 0.001)))
    bench.supervisor.feed_force(ForceSample(bench.now + 0.002, (0.0, 0.0, 0.1), (0.0, 0.0, 0.002)))
    assert not bench.run(2 * TICK).may_move


def test_old_data_do_not_become_young_by_arriving_again() -> None:
    bench = Bench().ready()
    stamp = bench.now
    bench.truth.silent = {"force"}

    def repeat(_: float, __: Truth) -> None:
        bench.supervisor.feed_force(ForceSample(stamp, (0.1, 0.2, 0.3), (0.0, 0.0, 0.0)))

    assert bench.until_stopped(0.2, repeat) <= 0.020 + CHECK + TICK + 1e-9


@pytest.mark.parametrize("stamp", [math.nan, math.inf])
def test_numbers_that_are_none_stop(stamp: float) -> None:
    for feed in ("force", "joints", "head"):
        bench = Bench().ready()
        if feed == "force":
            bench.supervisor.feed_force(ForceSample(bench.now + 0.001, (stamp, 0.0, 0.0), (0.0, 0.0, 0.0)))
        elif feed == "joints":
            bench.supervisor.feed_joints(JointSample(bench.now + 0.001, (stamp,) * 6, (0.0,) * 6))
        else:
            bench.supervisor.feed_head(HeadSample(bench.now + 0.001, (stamp, 0.0, 0.0), (0.0, 0.0, 0.0, 1.0)))
        assert not bench.supervisor.check(bench.now + 0.001, bench.wall).may_move


def test_time_that_runs_backwards_stops() -> None:
    bench = Bench().ready()
    assert not bench.supervisor.check(bench.now - 1.0, bench.wall).may_move
    assert "ROS time ran backwards" in bench.rules()


def test_a_paused_simulation_is_no_fault() -> None:
    """ROS time stands still while processes go on living: nothing trips."""
    bench = Bench().ready()
    for _ in range(100):
        bench.wall += 0.01
        bench.supervisor.feed_emergency_stop(False, bench.wall)
        for name in (*FAST_BEATS, *SLOW_BEATS):
            bench.supervisor.heartbeat(name, bench.wall)
        assert bench.supervisor.check(bench.now, bench.wall).may_move


def test_one_frozen_force_axis_is_found() -> None:
    bench = Bench().ready()
    bench.truth.silent = {"force"}
    count = 0

    def feed(_: float, __: Truth) -> None:
        nonlocal count
        count += 1
        bench.supervisor.feed_force(
            ForceSample(
                bench.now,
                (0.25, 0.001 * count % 0.1, 0.002 * count % 0.1),
                (1e-5 * count, 2e-5 * count, 3e-5 * count),
            )
        )

    assert bench.until_stopped(0.6, feed) <= 0.30 + CHECK + 2 * TICK
    assert "frozen force axis" in bench.rules()


def _snagged() -> Bench:
    bench = Bench().ready()
    assert math.isfinite(bench.until_stopped(1.0, _ramp(60.0)))
    bench.run(0.05, _set(velocity=(0.0, 0.0, 0.0)))
    return bench


def test_after_a_snag_the_arm_may_back_off_and_only_then_go_on() -> None:
    bench = _snagged()
    assert "pull" in bench.supervisor.reset(bench.now, bench.wall)[0]
    assert bench.supervisor.retreat(bench.now) == ""
    out = _set(velocity=(0.0, 0.04, 0.0), skin=0.05)
    assert bench.run(0.3, out).mode is Mode.RETREATING
    assert (
        bench.run(0.5, lambda t, x: setattr(x, "force", (0.0, 0.0, 2.0 * (0.5 - t)))).mode is Mode.RETREATING
    )
    bench.supervisor.retreat_done()
    assert bench.run(0.1).mode is Mode.STOPPED
    assert bench.supervisor.reset(bench.now, bench.wall)[0] == ""


def test_backing_off_stops_when_force_rises_or_it_is_fast_or_takes_long() -> None:
    for change, rule in (
        (lambda t, x: setattr(x, "force", (0.0, 0.0, 6.0 + 30.0 * t)), "force while backing off"),
        (_set(velocity=(0.0, 0.09, 0.0)), "speed of the comb"),
        (_set(velocity=(0.0, 0.0, 0.0)), "time of backing off"),
    ):
        bench = _snagged()
        assert bench.supervisor.retreat(bench.now) == ""
        assert math.isfinite(bench.until_stopped(8.0, change))
        assert rule in bench.rules()
        assert bench.supervisor.retreat(bench.now) != ""


def test_backing_off_is_for_snags_only() -> None:
    bench = Bench().ready()
    bench.run(0.2, _set(head=(0.5, 0.03, 0.3)))
    assert "head moved" in bench.supervisor.retreat(bench.now)
    assert bench.supervisor.mode is Mode.STOPPED


def test_an_old_plan_is_not_started_and_not_continued() -> None:
    bench = Bench()
    bench.run(0.2)
    limit = bench.supervisor.limits.plan_age
    assert "old" in bench.supervisor.begin_stroke(bench.now - limit - 1.0, bench.now)
    assert "old" in bench.supervisor.begin_stroke(bench.now + 1.0, bench.now)
    assert bench.supervisor.begin_stroke(bench.now - limit + 0.5, bench.now) == ""
    assert bench.until_stopped(1.0) <= 0.5 + CHECK + TICK + 1e-9
    assert "age of the plan" in bench.rules()


def test_tare_is_small_and_away_from_the_head() -> None:
    bench = Bench()
    bench.run(0.2)
    assert "away" in bench.supervisor.tare() or "0.05 m" in bench.supervisor.tare()
    bench.run(0.1, _set(skin=0.2, force=(0.0, 0.0, 1.0)))
    assert bench.supervisor.tare() == ""
    bench.run(0.1, _set(force=(0.0, 0.0, 1.5)))
    assert bench.supervisor.mode is Mode.READY
    heavy = Bench(limits=SafetyLimits(pull_soft=5.0, press_soft=10.0, tare_hard=1.0))
    heavy.run(0.5, _set(skin=0.2, force=(0.0, 0.0, 2.0)))
    assert "tare" in heavy.supervisor.tare()


@pytest.mark.parametrize("item", fields(SafetyLimits), ids=lambda f: f.name)
def test_no_limit_can_be_set_beyond_its_bound(item) -> None:  # noqa: ANN001
    low, high = item.metadata["low"], item.metadata["high"]
    assert low <= item.default <= high
    for wrong in (high * 1.001, high + 1.0, -1.0, math.nan, math.inf, True, "1"):
        with pytest.raises(CombwiseError, match=item.name):
            replace(SafetyLimits(), **{item.name: wrong})


def test_a_soft_limit_above_the_hard_one_is_refused() -> None:
    with pytest.raises(CombwiseError, match="pull_soft 4 lies above pull_hard 3"):
        SafetyLimits(pull_soft=4.0, pull_hard=3.0)


def test_zones_hold_what_they_are_called_after() -> None:
    zones = {zone.name: zone for zone in adult_zones()}
    assert zones["left eye"].depth((0.085, 0.032, 0.012)) == pytest.approx(0.028)
    assert zones["left ear"].depth((-0.018, 0.0735, 0.0)) > 0.0
    assert zones["right ear"].depth((-0.018, -0.0735, 0.0)) > 0.0
    for zone in zones.values():  # the crown, the back and the temples can be combed
        for point in ((-0.006, 0.0, 0.14), (-0.11, 0.0, 0.05), (0.02, 0.085, 0.07), (0.07, 0.0, 0.11)):
            assert zone.depth(point) < 0.0


def test_nothing_moves_before_everything_is_known() -> None:
    supervisor = Supervisor(JOINTS, real_robot=False)
    verdict = supervisor.check(1.0, 1.0)
    assert verdict.mode is Mode.STARTING
    assert not verdict.may_move
    assert {f.level for f in verdict.findings} == {Level.STOP}
    assert supervisor.begin_stroke(1.0, 1.0) != ""


def test_unknown_heartbeats_are_told() -> None:
    with pytest.raises(CombwiseError, match="'barber'"):
        Supervisor(JOINTS).heartbeat("barber", 0.0)
