"""Arms: kinematics two ways, motions that keep every limit as read independently, refusals with reasons."""

from __future__ import annotations

import re
from functools import lru_cache

import numpy as np
import pytest

pytest.importorskip("pinocchio", reason="arms need the arms extra: pip install combwise[arms]")
pytest.importorskip("pink", reason="arms need the arms extra: pip install combwise[arms]")
pytest.importorskip("ruckig", reason="arms need the arms extra: pip install combwise[arms]")

from dataclasses import replace

from benchmarks.random_strokes import random_stroke
from hairsim.errors import CombwiseError
from hairsim.head.head import Head
from hairsim.head.parametric import parametric_head
from hairsim.tools.stroke import Stroke
from hairsim.tools.stroke_path import stroke_path
from hairsim.tools.tool import ToolPath, rake_comb
from robot_ros.arms.arm import ARMS, arm_named
from robot_ros.arms.cell import WORKSPACE_ROOM, Cell
from robot_ros.arms.check import Chain, violations
from robot_ros.arms.motion import SECTIONS, JointTrajectory, StrokeMotion, plan_motion, plan_return
from robot_ros.arms.refusal import StrokeRefusedError
from robot_ros.arms.way_out import CLEAR
from robot_ros.frames import Calibration, comb_mount, inverse, pose_error, standing_head
from robot_ros.safety.motion import WORKSPACE


@lru_cache(maxsize=1)
def _head() -> Head:
    return parametric_head()


@lru_cache(maxsize=4)
def _cell(name: str) -> Cell:
    return Cell(arm_named(name), _head())


def _plan(name: str, stroke: Stroke) -> StrokeMotion:
    return plan_motion(_cell(name), stroke_path(stroke, _head(), rake_comb()))


EASY = Stroke(azimuth=3.0, elevation=0.6, heading=0.1, length=0.08, depth=0.015)
"""A short stroke down the back of the head, which faces the arm."""


@pytest.mark.parametrize("name", ARMS)
def test_kinematics_agree_with_chains_of_matrices(name: str) -> None:
    cell = _cell(name)
    angles = np.random.default_rng(3).uniform(cell.lower, cell.upper, (20, len(cell.arm.joints)))
    poses, _, _ = Chain(cell.arm, cell.calibration).forward(angles)
    for q, pose in zip(angles, poses, strict=True):
        np.testing.assert_allclose(cell.tool_pose(q), pose, atol=1e-9)


def test_our_ur5e_is_the_manufacturers() -> None:
    """Flange poses equal those of the published Denavit-Hartenberg table; their base is turned by pi."""
    table = [
        (0.0, 0.1625, np.pi / 2), (-0.425, 0.0, 0.0), (-0.3922, 0.0, 0.0),
        (0.0, 0.1333, np.pi / 2), (0.0, 0.0997, -np.pi / 2), (0.0, 0.0996, 0.0),
    ]  # fmt: skip
    cell = _cell("ur5e")
    for q in np.random.default_rng(1).uniform(-3.0, 3.0, (10, 6)):
        pose = np.diag([-1.0, -1.0, 1.0, 1.0])
        for angle, (a, d, alpha) in zip(q, table, strict=True):
            c, s, ca, sa = np.cos(angle), np.sin(angle), np.cos(alpha), np.sin(alpha)
            pose = pose @ [
                [c, -s * ca, s * sa, a * c],
                [s, c * ca, -c * sa, a * s],
                [0.0, sa, ca, d],
                [0.0, 0.0, 0.0, 1.0],
            ]
        flange = cell.calibration.head_to_base @ cell.tool_pose(q) @ inverse(cell.calibration.tool_to_flange)
        np.testing.assert_allclose(flange, pose, atol=1e-9)


def _check_reason(refusal: StrokeRefusedError) -> None:
    """See that a refusal says which waypoint, what, and by how much."""
    reason = refusal.reason
    assert re.search(r"refuses the stroke at waypoint \d+ of \d+ \(\w+\)", str(refusal))
    assert 0 <= reason.waypoint < reason.waypoints
    assert reason.subject
    assert reason.excess > 0.0 or reason.kind in ("way", "tracking")


def _check_random_strokes(name: str, count: int) -> tuple[int, int]:
    """Plan random strokes; every plan must pass the independent reader, every refusal must say why."""
    rng = np.random.default_rng(20)
    cell, planned, refused = _cell(name), 0, 0
    for number in range(count):
        stroke = random_stroke(rng, _head())
        try:
            motion = _plan(name, stroke)
        except StrokeRefusedError as error:
            refused += 1
            _check_reason(error)
            continue
        planned += 1
        found = violations(
            motion.trajectory, cell.arm, cell.calibration, cell.head, cell.tool, poses=motion.poses
        )
        assert found == [], f"stroke {number}: {stroke}"
    return planned, refused


@pytest.mark.parametrize("name", ARMS)
def test_ten_random_strokes_keep_every_limit_or_are_refused_with_the_reason(name: str) -> None:
    planned, _ = _check_random_strokes(name, 10)
    assert planned >= 2


@pytest.mark.slow
@pytest.mark.timeout(1200)
@pytest.mark.parametrize("name", ARMS)
def test_two_hundred_random_strokes_keep_every_limit(name: str) -> None:
    planned, refused = _check_random_strokes(name, 200)
    assert planned + refused == 200
    assert planned >= 60


@pytest.mark.parametrize("name", ["ur5e", "xarm7"])
def test_a_motion_has_its_sections_and_is_repeatable(name: str) -> None:
    motion = _plan(name, EASY)
    trajectory = motion.trajectory
    assert len(motion.sections) == len(SECTIONS)
    assert motion.sections[0, 0] == 0
    assert motion.sections[-1, 1] == len(trajectory.times) - 1
    np.testing.assert_array_equal(motion.sections[1:, 0], motion.sections[:-1, 1])
    for edge in motion.sections.ravel():
        assert np.abs(trajectory.velocities[edge]).max() < 1e-9
    np.testing.assert_array_equal(_plan(name, EASY).trajectory.positions, trajectory.positions)
    assert 0.0 < motion.hair_speed <= 0.1


def test_the_comb_passes_the_strokes_own_poses() -> None:
    """The hair section passes every pose of the stroke's path, or each turned by half about the handle."""
    motion, path = _plan("ur5e", EASY), stroke_path(EASY, _head(), rake_comb())
    cell = _cell("ur5e")
    first, last = motion.sections[SECTIONS.index("hair")]
    passed = np.array([cell.tool_pose(q)[:3, 3] for q in motion.trajectory.positions[first : last + 1]])
    for position in path.positions[path.in_hair[0] : path.in_hair[1] + 1]:
        assert np.linalg.norm(passed - position, axis=1).min() < 0.003


def _first_made(name: str) -> tuple[Stroke, StrokeMotion]:
    """Return the first of some random strokes that an arm can make, and its motion."""
    rng = np.random.default_rng(20)
    while True:
        stroke = random_stroke(rng, _head())
        try:
            return stroke, _plan(name, stroke)
        except StrokeRefusedError:
            continue


@pytest.mark.parametrize("name", ARMS)
def test_a_comb_that_was_stopped_in_the_hair_first_goes_straight_out_of_it(name: str) -> None:
    """The next stroke begins there, without dragging the comb along; so does the way home."""
    cell, (stroke, stopped) = _cell(name), _first_made(name)
    first, last = stopped.sections[SECTIONS.index("hair")]
    start = stopped.trajectory.positions[(first + last) // 2]
    assert cell.skin_distance(start) < 0.03
    again = plan_motion(cell, stroke_path(stroke, _head(), rake_comb()), start=start)
    home = plan_return(cell, start)
    for motion in (again, home):
        t = motion.trajectory
        np.testing.assert_allclose(t.positions[0], start, atol=1e-9)
        np.testing.assert_allclose(t.positions[-1], cell.arm.ready, atol=1e-9)
        assert violations(t, cell.arm, cell.calibration, cell.head, cell.tool) == []
        distance = np.array([cell.skin_distance(q) for q in t.positions])
        out = int(np.argmax(distance >= CLEAR - 1e-3))
        assert np.all(np.diff(distance[: out + 1]) > -1e-4)
        way = np.array([cell.tool_pose(q)[:3, 3] for q in t.positions[: out + 1]])
        normal = cell.head.field.gradient(way[:1])[0]
        aside = (way - way[0]) - np.outer((way - way[0]) @ normal, normal)
        assert np.linalg.norm(aside, axis=1).max() < 0.003
    assert home.sections[: len(SECTIONS) - 1].max() == 0
    assert home.sections[-1].tolist() == [0, len(home.trajectory.times) - 1]


def test_the_way_home_from_home_is_none() -> None:
    cell = _cell("ur5e")
    with pytest.raises(CombwiseError, match="6 finite angles"):
        plan_return(cell, np.zeros(3))
    assert plan_return(cell, np.array(cell.arm.ready)).trajectory.times[-1] == 0.0


def _path_at(x: float, y: float, z: float) -> ToolPath:
    """Return a short path far from any stroke's place."""
    positions = np.array([[x, y, z], [x, y, z + 0.01], [x, y, z + 0.02], [x, y, z + 0.03]])
    quaternions = np.tile([0.0, 0.0, 0.0, 1.0], (4, 1))
    return ToolPath(np.arange(4) * 0.1, positions, quaternions, (1, 2))


def test_out_of_reach_is_refused_with_the_distance() -> None:
    with pytest.raises(StrokeRefusedError, match=r"waypoint 0 of \d+ \(entry\).*mm") as caught:
        plan_motion(_cell("ur5e"), _path_at(1.2, 0.0, 0.5))
    assert caught.value.reason.kind in ("reach", "joint limit")
    assert caught.value.reason.excess > 100.0
    assert caught.value.reason.unit == "mm"


def test_a_comb_in_the_skin_is_refused_with_the_depth() -> None:
    path = stroke_path(EASY, _head(), rake_comb())
    normal = path.positions[0] - path.positions[1]
    deep = replace(path, positions=path.positions - 0.03 * normal / np.linalg.norm(normal))
    with pytest.raises(StrokeRefusedError, match="comb and skin come") as caught:
        plan_motion(_cell("ur5e"), deep)
    assert caught.value.reason.kind == "collision"
    assert caught.value.reason.excess > 0.0
    assert caught.value.reason.section == "entry"


def test_the_independent_reader_sees_what_is_wrong() -> None:
    cell, motion = _cell("ur5e"), _plan("ur5e", EASY)
    t = motion.trajectory

    def read(trajectory: JointTrajectory, poses: np.ndarray | None = None) -> str:
        found = violations(trajectory, cell.arm, cell.calibration, cell.head, cell.tool, poses=poses)
        return "; ".join(found)

    fast = replace(t, times=t.times / 4, velocities=t.velocities * 4, accelerations=t.accelerations * 16)
    assert "m/s are allowed" in read(fast)
    assert "acceleration" in read(fast)
    assert "speed unlike its positions" in read(replace(t, velocities=-t.velocities))
    assert "missed" in read(replace(t, positions=t.positions + 0.02), poses=motion.poses)
    assert "times do not rise" in read(replace(t, times=np.zeros_like(t.times)))
    cut = len(t.times) // 2
    halves = (t.times[:cut], t.positions[:cut], t.velocities[:cut] + 0.1, t.accelerations[:cut])
    assert "rest" in read(JointTrajectory(t.joints, *halves))
    near = Calibration(standing_head(0.40, 0.0, 0.30, 0.0), comb_mount())
    found = "; ".join(violations(t, cell.arm, near, cell.head, cell.tool))
    assert "skin" in found
    far = Calibration(standing_head(1.40, 0.0, 0.30, 0.0), comb_mount())
    assert "m from the head" in "; ".join(violations(t, cell.arm, far, cell.head, cell.tool))


def test_ways_around_the_head_stay_inside_the_supervisors_workspace() -> None:
    """A stroke whose shortest way there leads the comb a metre away from the head."""
    wide = Stroke(
        azimuth=-2.648, elevation=1.166, heading=0.259, length=0.121, depth=0.02, tilt=0.3, roll=0.114,
        speed=0.062,
    )  # fmt: skip
    cell, motion = _cell("ur5e"), _plan("ur5e", wide)
    away = [np.linalg.norm(cell.tool_pose(q)[:3, 3]) for q in motion.trajectory.positions]
    assert max(away) < WORKSPACE
    assert violations(motion.trajectory, cell.arm, cell.calibration, cell.head, cell.tool) == []


@pytest.mark.parametrize("name", ARMS)
def test_an_arm_outside_the_workspace_is_told_what_is_wrong_with_where_it_stands(name: str) -> None:
    cell, rng = _cell(name), np.random.default_rng(3)
    while True:
        outside = rng.uniform(cell.lower, cell.upper)
        found = cell.contact(outside)
        if found is not None and found.second == "the workspace's end":
            break
    assert np.linalg.norm(cell.tool_pose(outside)[:3, 3]) > WORKSPACE - WORKSPACE_ROOM
    with pytest.raises(StrokeRefusedError, match=r"stands where comb and the workspace's end .* by hand"):
        plan_return(cell, outside)


def test_a_posture_of_another_arm_is_told() -> None:
    with pytest.raises(CombwiseError, match="7 finite angles"):
        plan_motion(_cell("panda"), stroke_path(EASY, _head(), rake_comb()), start=np.zeros(6))
    with pytest.raises(CombwiseError, match="'scara' is not known; expected one of ur5e, xarm7, panda"):
        arm_named("scara")


def test_frames_are_rigid_and_errors_are_distances() -> None:
    pose = standing_head(0.5, 0.1, 0.3, 0.4) @ comb_mount()
    np.testing.assert_allclose(pose @ inverse(pose), np.eye(4), atol=1e-12)
    assert pose_error(pose, pose) == (0.0, pytest.approx(0.0, abs=1e-12))
    moved = pose @ standing_head(0.003, 0.0, 0.004, 0.02)
    assert pose_error(pose, moved) == (pytest.approx(0.005), pytest.approx(0.02))
    with pytest.raises(CombwiseError, match="head_to_base is not a rigid transform"):
        Calibration(np.eye(4) * 2.0, comb_mount())
