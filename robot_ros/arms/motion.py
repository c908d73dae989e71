"""From a stroke to the arm's motion: approach, entry, hair, exit and return, all timed, or a refusal."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from scipy.interpolate import BSpline

from hairsim.errors import CombwiseError
from hairsim.tools.stroke_path import poses_at
from hairsim.tools.tool import ToolPath
from robot_ros.arms.cell import Cell
from robot_ros.arms.follow import FollowConfig, Waypoints, follow
from robot_ros.arms.refusal import Refusal, StrokeRefusedError
from robot_ros.arms.timing import (
    Bottleneck,
    JointLimits,
    Pace,
    TimedWay,
    fitting_pace,
    smooth_way,
    straight_way,
    timed,
)
from robot_ros.arms.transfer import TransferConfig, free_way
from robot_ros.arms.way_out import way_out
from robot_ros.frames import pose_error, transform

SECTIONS = ("approach", "entry", "hair", "exit", "return")
"""A motion's parts, in order; the comb is at rest between them. An approach from within the hair, where a
stop left the arm, begins with the way out of it."""


SMOOTHING = (0.25, 0.16, 0.10, 0.07, 0.05, 0.035, 0.025)
"""Wavelengths below which ripples are smoothed away, tried from smooth to faithful [m]. A stroke's path
has ripples of a millimetre and of degrees, from the 4 mm grid of the head's field; an arm that followed them
would shake."""


SMOOTHING_ROOM = 0.015
"""How far smoothing may take a joint beyond the range of plans, well inside the margin to its end [rad]."""


@dataclass(frozen=True)
class MotionConfig:
    """How fast and how exactly to move.

    Attributes:
        near_speed: largest speed of the comb near the head [m/s]; faster strokes are slowed to it.
        near: distance of the comb from the skin within which `near_speed` holds [m]; a little more than
            what the supervisor calls near.
        free_speed: largest speed of the comb elsewhere [m/s].
        out_speed: largest speed of a comb that leaves the hair in which it was stopped [m/s].
        acceleration: largest acceleration of the comb along its way [m/s^2].
        jerk: largest jerk of the comb along its way [m/s^3].
        slowest: share of the wished speed below which a stroke is refused rather than slowed.
        margin: share of the joint limits that plans use.
        tolerance: most that the smoothed path may leave the stroke's [m].
        angle_tolerance: the same for its orientation [rad].
        step: time between samples of the trajectory [s].
        spacing: distance between waypoints of entry and exit [m].
    """

    near_speed: float = 0.095
    near: float = 0.16
    free_speed: float = 0.25
    out_speed: float = 0.05
    acceleration: float = 0.5
    jerk: float = 4.0
    slowest: float = 0.25
    margin: float = 0.9
    tolerance: float = 0.002
    angle_tolerance: float = 0.06
    step: float = 0.02
    spacing: float = 0.008

    def __post_init__(self) -> None:
        positive = ("near_speed", "free_speed", "out_speed", "acceleration", "jerk", "tolerance", "step")
        for name in (*positive, "spacing"):
            if not getattr(self, name) > 0.0:
                raise CombwiseError(f"motion {name} is {getattr(self, name)}; expected a positive number")
        if not (0.0 < self.slowest <= 1.0 and 0.0 < self.margin <= 1.0):
            raise CombwiseError(
                f"motion slowest {self.slowest} and margin {self.margin}; expected shares in (0, 1]"
            )


@dataclass(frozen=True)
class JointTrajectory:
    """A timed joint motion, at rest at both ends.

    Attributes:
        joints: [J] names.
        times: [T] [s], rising from 0.
        positions, velocities, accelerations: [T, J] [rad, rad/s, rad/s^2].
    """

    joints: tuple[str, ...]
    times: np.ndarray
    positions: np.ndarray
    velocities: np.ndarray
    accelerations: np.ndarray


@dataclass(frozen=True)
class StrokeMotion:
    """What the arm does for one stroke.

    Attributes:
        trajectory: from the start posture to the end posture.
        sections: [S, 2] first and last sample of each of SECTIONS.
        hair_speed: largest speed of the comb in the hair [m/s]; below the stroke's where it was slowed.
        poses: [T, 4, 4] comb poses that entry, hair and exit pass, head frame.
    """

    trajectory: JointTrajectory
    sections: np.ndarray
    hair_speed: float
    poses: np.ndarray


def joint_limits(cell: Cell) -> JointLimits:
    """Return the arm's working limits."""
    ones = np.ones(len(cell.arm.joints))
    return JointLimits(cell.speed, cell.arm.acceleration * ones, cell.arm.jerk * ones)


def plan_motion(
    cell: Cell,
    path: ToolPath,
    *,
    start: np.ndarray | None = None,
    config: MotionConfig | None = None,
    follow_config: FollowConfig | None = None,
    transfer_config: TransferConfig | None = None,
) -> StrokeMotion:
    """Plan the whole motion of one stroke; nothing moves.

    Args:
        cell: arm, comb and head.
        path: the stroke's tool path, head frame.
        start: [J] where the arm is; default its ready posture, where every motion ends. From a comb in the
            hair the motion begins with the way out of it.
        config: how fast and exactly.
        follow_config, transfer_config: how to search.

    Raises:
        StrokeRefusedError: the arm cannot, with the waypoint, the limit and by how much.
        CombwiseError: the start posture is not one of this arm's.
    """
    config = config or MotionConfig()
    ready = np.array(cell.arm.ready)
    start = ready if start is None else _posture(cell, start)
    planned = _plan(cell, path, start, ready, config, follow_config, transfer_config)
    if isinstance(planned, Refusal):
        raise StrokeRefusedError(cell.arm.name, planned)
    return planned


def plan_return(cell: Cell, start: np.ndarray, *, config: MotionConfig | None = None) -> StrokeMotion:
    """Plan the way to the ready posture without a stroke, out of the hair first where the comb is in it.

    Args:
        cell: arm, comb and head.
        start: [J] where the arm is.
        config: how fast.

    Returns:
        A motion whose sections are all empty but the last.

    Raises:
        StrokeRefusedError: the arm cannot, and why.
        CombwiseError: the start posture is not one of this arm's.
    """
    config, start, ready = config or MotionConfig(), _posture(cell, start), np.array(cell.arm.ready)
    legs = _out_and_over(cell, start, ready, config, None)
    if legs is None:
        detail = _why_no_way(cell, start, "no free way found between the start and the ready posture")
        legs = Refusal("way", "return", 0, 1, cell.arm.name, 0.0, "", detail)
    if isinstance(legs, Refusal):
        raise StrokeRefusedError(cell.arm.name, legs)
    trajectory, sections = _joined(cell.arm.joints, [legs])
    nothing = np.zeros((len(SECTIONS) - 1, 2), int)
    return StrokeMotion(trajectory, np.concatenate([nothing, sections]), 0.0, np.zeros((0, 4, 4)))


def stroke_waypoints(path: ToolPath, spacing: float) -> Waypoints:
    """Return the comb poses that a motion passes: the stroke's own in the hair, entry and exit filled in."""
    first, last = path.in_hair
    poses, names = [], []
    for name, begin, end in (("entry", 0, first), ("hair", first, last), ("exit", last, len(path.times) - 1)):
        times = path.times[begin : end + 1]
        if name != "hair":
            length = np.linalg.norm(np.diff(path.positions[begin : end + 1], axis=0), axis=-1).sum()
            times = np.linspace(times[0], times[-1], max(2, int(np.ceil(length / spacing)) + 1))
        times = times if name == "entry" else times[1:]
        poses.append(transform(*poses_at(path, times)))
        names += [name] * len(times)
    return Waypoints(np.concatenate(poses), names)


def _plan(
    cell: Cell,
    path: ToolPath,
    start: np.ndarray,
    ready: np.ndarray,
    config: MotionConfig,
    follow_config: FollowConfig | None,
    transfer_config: TransferConfig | None,
) -> StrokeMotion | Refusal:
    waypoints = stroke_waypoints(path, config.spacing)
    found = follow(cell, waypoints, follow_config)
    if isinstance(found, Refusal):
        return found
    angles, passed = found
    first, last = path.in_hair
    gaps = np.linalg.norm(np.diff(path.positions[first : last + 1], axis=0), axis=-1)
    seconds = np.diff(path.times[first : last + 1])
    wished = float(np.clip(np.median(gaps / seconds), 0.01, config.near_speed))
    parts: list[list[TimedWay]] = []
    hair_speed = wished
    for name in ("entry", "hair", "exit"):
        members = [n for n, section in enumerate(passed.sections) if section == name]
        members = members if name == "entry" else [members[0] - 1, *members]
        wish = Pace(wished if name == "hair" else config.near_speed, config.acceleration, config.jerk)
        part = _section(cell, passed, angles, members, wish, config)
        if isinstance(part, Refusal):
            return part
        way, pace_found = part
        hair_speed = pace_found.speed if name == "hair" else hair_speed
        parts.append([timed(way, pace_found, config.step)])
    for name, begin, end in (("approach", start, angles[0]), ("return", angles[-1], ready)):
        leave = _out_and_over if name == "approach" else _transfer
        leg = leave(cell, begin, end, config, transfer_config)
        if isinstance(leg, Refusal):
            return leg
        if leg is None:
            number, which = (0, "start") if name == "approach" else (len(angles) - 1, "ready")
            return Refusal(
                "way", name, number, len(angles), cell.arm.name, 0.0, "",
                _why_no_way(cell, begin, f"no free way found between the {which} posture and the stroke"),
            )  # fmt: skip
        parts.insert(0 if name == "approach" else len(parts), leg)
    trajectory, sections = _joined(cell.arm.joints, parts)
    return StrokeMotion(trajectory, sections, hair_speed, passed.poses)


def _section(
    cell: Cell,
    waypoints: Waypoints,
    angles: np.ndarray,
    members: list[int],
    wish: Pace,
    config: MotionConfig,
) -> tuple[BSpline, Pace] | Refusal:
    """Smooth and pace one section of the stroke, as smooth as keeps to the path."""
    poses = waypoints.poses[members]
    steps = [pose_error(a, b) for a, b in zip(poses, poses[1:], strict=False)]
    distance = np.concatenate([[0.0], np.cumsum([max(d, 0.04 * turn, 1e-5) for d, turn in steps])])
    worst = (0, 0.0, 0.0)
    for ripple in SMOOTHING:
        way = smooth_way(distance, angles[members], ripple)
        errors = [pose_error(cell.tool_pose(way(s)), pose) for s, pose in zip(distance, poses, strict=True)]
        off = [max(p / config.tolerance, t / config.angle_tolerance) for p, t in errors]
        worst = (int(np.argmax(off)), *errors[int(np.argmax(off))])
        if max(off) > 1.0:
            continue
        broken = _broken_along(cell, waypoints, way, distance, members)
        if broken is not None:
            return broken
        # Smoothing lengthens the comb's way here and shortens it there; its peak speed is what is limited.
        slopes = way.derivative()(distance)
        peak = max(
            float(np.linalg.norm(cell.tool_jacobian(way(s))[:3] @ slope))
            for s, slope in zip(distance, slopes, strict=True)
        )
        kept = replace(wish, speed=wish.speed / max(1.0, 1.01 * peak))
        pace = fitting_pace(way, joint_limits(cell).scaled(config.margin), kept, config.slowest * wish.speed)
        if not isinstance(pace, Bottleneck):
            return way, pace
        return _too_slow(cell, waypoints, members, pace, wish, config)
    return Refusal(
        "tracking", waypoints.sections[members[-1]], members[worst[0]], len(waypoints.poses), cell.arm.name,
        1000.0 * max(0.0, worst[1] - config.tolerance), "mm",
        f"the smoothed motion leaves the stroke by {1000 * worst[1]:.1f} mm and {np.degrees(worst[2]):.1f} "
        f"degrees; at most {1000 * config.tolerance:.1f} mm and {np.degrees(config.angle_tolerance):.1f} "
        "degrees are allowed",
    )  # fmt: skip


def _broken_along(
    cell: Cell, waypoints: Waypoints, way: BSpline, distance: np.ndarray, members: list[int]
) -> Refusal | None:
    """Return what the smoothed way breaks; it is not quite the one that inverse kinematics checked."""
    for number, s in zip(members, distance, strict=True):
        q = way(s)
        beyond = np.maximum(cell.lower - q, q - cell.upper) - SMOOTHING_ROOM
        joint = int(beyond.argmax())
        if beyond[joint] > 0.0:
            name = cell.arm.joints[joint]
            return Refusal(
                "joint limit", waypoints.sections[number], number, len(waypoints.poses), name,
                float(beyond[joint]), "rad", f"{name} would go {beyond[joint]:.3f} rad beyond its range",
            )  # fmt: skip
        contact = cell.contact(q)
        if contact is not None:
            return Refusal(
                "collision", waypoints.sections[number], number, len(waypoints.poses),
                f"{contact.first} and {contact.second}", 1000.0 * contact.missing, "mm",
                f"{contact.first} and {contact.second} come {1000 * contact.missing:.1f} mm too near "
                "each other",
            )  # fmt: skip
    return None


def _too_slow(
    cell: Cell, waypoints: Waypoints, members: list[int], found: Bottleneck, wish: Pace, config: MotionConfig
) -> Refusal:
    joint = cell.arm.joints[found.joint]
    unit = {"speed": "rad/s", "acceleration": "rad/s^2", "jerk": "rad/s^3"}[found.quantity]
    slowest = config.slowest * wish.speed
    return Refusal(
        "speed", waypoints.sections[members[-1]], members[0], len(waypoints.poses), joint, found.excess, unit,
        f"even at {slowest:.3f} m/s, {config.slowest:.0%} of the wished speed, {joint} would exceed its "
        f"{found.quantity} limit by {found.excess:.2g} {unit}",
    )  # fmt: skip


def _out_and_over(
    cell: Cell, start: np.ndarray, end: np.ndarray, config: MotionConfig, search: TransferConfig | None
) -> list[TimedWay] | Refusal | None:
    """Return timed ways from posture to posture; a comb that stands in the hair leaves it first."""
    out = way_out(cell, start)
    if isinstance(out, Refusal):
        return out
    over = _transfer(cell, out[-1], end, config, search)
    if len(out) == 1 or over is None:
        return over
    points = np.array([cell.tool_pose(q)[:3, 3] for q in out])
    gaps = np.maximum(np.linalg.norm(np.diff(points, axis=0), axis=-1), 1e-5)
    way = smooth_way(np.concatenate([[0.0], np.cumsum(gaps)]), out, SMOOTHING[-1])
    wish = Pace(config.out_speed, config.acceleration, config.jerk)
    pace = fitting_pace(way, joint_limits(cell).scaled(config.margin), wish, 1e-4)
    assert not isinstance(pace, Bottleneck), "a way of single steps can always be slow enough"
    return [timed(way, pace, config.step), *over]


def _why_no_way(cell: Cell, start: np.ndarray, otherwise: str) -> str:
    """Return what is wrong with where a way starts, or else the sentence for ways that are blocked."""
    contact = cell.contact(start)
    if contact is None:
        return otherwise
    return (
        f"the arm stands where {contact.first} and {contact.second} are {1000 * contact.missing:.1f} mm too "
        "near each other; move it away by hand"
    )


def _transfer(
    cell: Cell, start: np.ndarray, end: np.ndarray, config: MotionConfig, search: TransferConfig | None
) -> list[TimedWay] | None:
    """Return timed ways from posture to posture, slow where the comb is near the head."""
    if np.array_equal(start, end):
        return [TimedWay(np.zeros(1), start[None], 0.0 * start[None], 0.0 * start[None])]
    corners = free_way(cell, start, end, search)
    if corners is None:
        return None
    limits = joint_limits(cell).scaled(config.margin)
    legs = []
    for begin, finish in zip(corners, corners[1:], strict=False):
        for first, last, near in _split_near(cell, begin, finish, config.near):
            travel = _comb_travel(cell, first, last)
            way = straight_way(first, last, travel)
            speed = config.near_speed if near else config.free_speed
            # On a straight line through joint space only the speed of the comb varies; its peak is limited.
            peak = _peak_ratio(cell, first, last, travel)
            pace = fitting_pace(way, limits, Pace(speed / peak, config.acceleration, config.jerk), 1e-4)
            assert not isinstance(pace, Bottleneck), "a straight way can always be slow enough"
            legs.append(timed(way, pace, config.step))
    return legs


def _posture(cell: Cell, angles: np.ndarray) -> np.ndarray:
    """Return a posture [J], checked to be one of this arm's."""
    angles = np.asarray(angles, np.float64)
    if angles.shape != (len(cell.arm.ready),) or not np.isfinite(angles).all():
        raise CombwiseError(
            f"start posture {angles}; expected {len(cell.arm.ready)} finite angles for {cell.arm.name}"
        )
    return angles


def _split_near(
    cell: Cell, start: np.ndarray, end: np.ndarray, near: float
) -> list[tuple[np.ndarray, np.ndarray, bool]]:
    """Cut a straight leg where the comb comes near the head or leaves it."""
    count = max(2, int(np.ceil(np.max(np.abs(end - start)) / 0.03)) + 1)
    line = start + np.linspace(0.0, 1.0, count)[:, None] * (end - start)
    inside = np.array([cell.skin_distance(q) < near for q in line])
    # A piece is near if either of its ends is.
    piece = inside[1:] | inside[:-1]
    cuts = [0, *(np.flatnonzero(piece[1:] != piece[:-1]) + 1), count - 1]
    return [(line[a], line[b], bool(piece[a])) for a, b in zip(cuts, cuts[1:], strict=False)]


def _comb_travel(cell: Cell, start: np.ndarray, end: np.ndarray) -> float:
    """Return the way of the comb along a straight leg [m], never less than what turns alone deserve."""
    line = start + np.linspace(0.0, 1.0, 30)[:, None] * (end - start)
    points = np.array([cell.tool_pose(q)[:3, 3] for q in line])
    travel = float(np.linalg.norm(np.diff(points, axis=0), axis=-1).sum())
    return max(travel, 0.05 * float(np.max(np.abs(end - start))), 1e-4)


def _peak_ratio(cell: Cell, start: np.ndarray, end: np.ndarray, travel: float) -> float:
    """Return the comb's largest speed per unit of ds/dt on a straight leg, at least 1."""
    line = start + np.linspace(0.0, 1.0, 30)[:, None] * (end - start)
    slope = (end - start) / travel
    return max(1.0, 1.02 * max(float(np.linalg.norm(cell.tool_jacobian(q)[:3] @ slope)) for q in line))


def _joined(joints: tuple[str, ...], parts: list[list[TimedWay]]) -> tuple[JointTrajectory, np.ndarray]:
    """Put timed ways one after another; every way starts where the last one rests."""
    first = parts[0][0]
    rows = [[first.times[:1], first.positions[:1], first.velocities[:1], first.accelerations[:1]]]
    sections, count, now = [], 1, 0.0
    for part in parts:
        begin = count - 1
        for way in part:
            rows.append([way.times[1:] + now, way.positions[1:], way.velocities[1:], way.accelerations[1:]])
            count, now = count + len(way.times) - 1, now + float(way.times[-1])
        sections.append((begin, count - 1))
    times, positions, velocities, accelerations = (
        np.concatenate(column) for column in zip(*rows, strict=True)
    )
    return JointTrajectory(joints, times, positions, velocities, accelerations), np.array(sections)
