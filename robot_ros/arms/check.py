"""An independent reader of planned trajectories: is every limit kept, is the stroke made, is the head safe?

It shares no code with the planner: the URDF is read as XML, kinematics are chains of matrices, links are
spheres along their shapes, derivatives are differences. Two ways to the same numbers catch what one
would not.
"""

from __future__ import annotations

import struct
from dataclasses import dataclass
from pathlib import Path
from xml.etree import ElementTree

import numpy as np
from scipy.spatial.transform import Rotation

from hairsim.errors import CombwiseError
from hairsim.head.head import Head
from hairsim.tools.tool import Tool
from robot_ros.arms.arm import Arm
from robot_ros.arms.motion import JointTrajectory
from robot_ros.frames import Calibration

SLACK = 1.0 + 1e-6
"""Rounding that is no violation."""


@dataclass(frozen=True)
class CheckLimits:
    """What a trajectory may do near a head.

    Attributes:
        near: distance of the comb from the skin that counts as near [m].
        near_speed, free_speed: speeds of the comb's tip there and elsewhere [m/s].
        farthest: distance of the comb from the head's origin at which the supervisor stops the arm [m].
        link_clearance: distance that the arm's links keep from the skin [m].
        path_tolerance: how near the comb passes every pose asked for [m].
        angle_tolerance: the same for its orientation [rad].
    """

    near: float = 0.10
    near_speed: float = 0.10
    free_speed: float = 0.26
    farthest: float = 0.80
    link_clearance: float = 0.01
    path_tolerance: float = 0.003
    angle_tolerance: float = 0.07


class Chain:
    """The arm's kinematics, read from the URDF by itself."""

    def __init__(self, arm: Arm, calibration: Calibration) -> None:
        """Read joints and shapes between the base and the flange.

        Raises:
            CombwiseError: the URDF has no such flange.
        """
        root = ElementTree.parse(arm.urdf).getroot()
        by_child = {
            _attribute(j, "child", "link"): j for j in root.findall("joint") if j.find("child") is not None
        }
        self._joints: list[ElementTree.Element] = []
        link = arm.flange
        while link in by_child:
            self._joints.insert(0, by_child[link])
            link = _attribute(by_child[link], "parent", "link")
        if not self._joints:
            raise CombwiseError(f"{arm.urdf} has no link '{arm.flange}' that hangs on a joint")
        self._arm, self._calibration = arm, calibration
        shapes = {element.get("name"): element for element in root.findall("link")}
        self._balls = [
            _balls(shapes[_attribute(joint, "child", "link")], arm.packages) for joint in self._joints
        ]
        limits = [
            joint.find("limit") for joint in self._joints if joint.get("type") in ("revolute", "continuous")
        ]
        self.lower = np.array([float(limit.get("lower", "-inf")) for limit in limits if limit is not None])
        self.upper = np.array([float(limit.get("upper", "inf")) for limit in limits if limit is not None])
        self.speed = np.array([float(limit.get("velocity", "inf")) for limit in limits if limit is not None])

    def forward(self, positions: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Return where comb and links are for joint angles [T, J].

        Returns:
            comb poses [T, 4, 4], link balls' centres [T, B, 3] and radii [B], head frame [m]; links that do
            not move are left out.
        """
        count = len(positions)
        head = np.linalg.inv(self._calibration.head_to_base)
        pose = np.broadcast_to(head, (count, 4, 4))
        centres, radii, moved = [], [], 0
        for joint, (points, radius) in zip(self._joints, self._balls, strict=True):
            pose = pose @ _origin(joint)
            if joint.get("type") in ("revolute", "continuous"):
                axis = np.array([float(v) for v in _attribute(joint, "axis", "xyz").split()])
                turn = np.zeros((count, 4, 4))
                turn[:, :3, :3] = Rotation.from_rotvec(positions[:, moved, None] * axis).as_matrix()
                turn[:, 3, 3] = 1.0
                pose, moved = pose @ turn, moved + 1
            if moved and len(points):
                centres.append(np.einsum("tij,bj->tbi", pose[:, :3, :3], points) + pose[:, None, :3, 3])
                radii.append(radius)
        balls = np.concatenate(centres, axis=1) if centres else np.zeros((count, 0, 3))
        return pose @ self._calibration.tool_to_flange, balls, np.concatenate(radii or [np.zeros(0)])


def violations(
    trajectory: JointTrajectory,
    arm: Arm,
    calibration: Calibration,
    head: Head,
    tool: Tool,
    *,
    poses: np.ndarray | None = None,
    limits: CheckLimits | None = None,
) -> list[str]:
    """Return one sentence for each broken rule; an empty list is a good trajectory.

    Args:
        trajectory: what to read.
        arm: whose limits hold.
        calibration: where head and comb are.
        head: whose skin is to be spared.
        tool: the comb.
        poses: [N, 4, 4] comb poses that must be passed in this order, head frame.
        limits: default CheckLimits().
    """
    limits = limits or CheckLimits()
    found = _shape_violations(trajectory, arm)
    if found:
        return found
    chain = Chain(arm, calibration)
    found += _joint_violations(trajectory, arm, chain)
    times, positions = _fine(trajectory)
    comb, centres, radii = chain.forward(positions)
    found += _comb_violations(times, comb, head, tool, limits)
    if centres.shape[1]:
        inside = np.all(np.abs(centres - [0.0, 0.0, -0.08]) < [0.24, 0.24, 0.28], axis=-1)
        room = np.where(inside, head.field.sample(centres) - radii, np.inf)
        if room.min() < limits.link_clearance:
            when = times[int(room.min(axis=1).argmin())]
            found.append(f"a link comes within {1000 * room.min():.1f} mm of the skin at {when:.2f} s")
    if poses is not None:
        found += _path_violations(comb, poses, limits)
    return found


def _shape_violations(trajectory: JointTrajectory, arm: Arm) -> list[str]:
    times, shape = trajectory.times, (len(trajectory.times), len(arm.joints))
    if trajectory.joints != arm.joints:
        return [f"joints are {trajectory.joints}; expected {arm.joints}"]
    rows = (trajectory.positions, trajectory.velocities, trajectory.accelerations)
    if any(row.shape != shape or not np.isfinite(row).all() for row in rows) or not np.isfinite(times).all():
        return [f"positions, velocities and accelerations are not all finite and of shape {shape}"]
    found = [] if np.all(np.diff(times) > 0.0) else ["times do not rise"]
    rest = max(float(np.abs(row[end]).max()) for row in rows[1:] for end in (0, -1))
    if rest > 1e-6:
        found.append(f"it does not start and end at rest: {rest:.2g}")
    return found


def _joint_violations(trajectory: JointTrajectory, arm: Arm, chain: Chain) -> list[str]:
    """Compare positions, and differences of them and of the stated derivatives, with the limits."""
    step = np.diff(trajectory.times)[:, None]
    speed = np.minimum(chain.speed, arm.speed)
    mean_speed = np.diff(trajectory.positions, axis=0) / step
    stated = 0.5 * (trajectory.velocities[1:] + trajectory.velocities[:-1])
    jerk = np.diff(trajectory.accelerations, axis=0) / step
    gained = np.diff(trajectory.velocities, axis=0) / step
    rows = [
        ("below its lower end", chain.lower - trajectory.positions, np.zeros(1), "rad"),
        ("above its upper end", trajectory.positions - chain.upper, np.zeros(1), "rad"),
        ("speed", np.abs(mean_speed), speed, "rad/s"),
        ("stated speed", np.abs(trajectory.velocities), speed, "rad/s"),
        ("acceleration", np.abs(gained), np.full(1, arm.acceleration), "rad/s^2"),
        ("stated acceleration", np.abs(trajectory.accelerations), np.full(1, arm.acceleration), "rad/s^2"),
        ("jerk", np.abs(jerk), np.full(1, arm.jerk), "rad/s^3"),
        ("speed unlike its positions", np.abs(mean_speed - stated), 0.01 + 0.5 * arm.jerk * step**2, "rad/s"),
    ]
    found = []
    for name, values, limit, unit in rows:
        excess = values - limit * SLACK
        if excess.max() > 1e-9:
            at, joint = np.unravel_index(int(excess.argmax()), excess.shape)
            found.append(
                f"{arm.joints[joint]} {name}: {values[at, joint]:.4g} {unit} at {trajectory.times[at]:.2f} s"
                f", {excess.max():.2g} too much"
            )
    return found


def _comb_violations(
    times: np.ndarray, comb: np.ndarray, head: Head, tool: Tool, limits: CheckLimits
) -> list[str]:
    found = []
    share = np.linspace(0.0, 1.0, 4)[:, None, None]
    points = (tool.start + share * (tool.end - tool.start)).reshape(-1, 3)
    placed = np.einsum("tij,pj->tpi", comb[:, :3, :3], points) + comb[:, None, :3, 3]
    height = (head.field.sample(placed) - np.tile(tool.radius, 4)).min(axis=1)
    if height.min() < 0.0:
        found.append(
            f"the comb cuts {1000 * -height.min():.1f} mm into the skin at {times[height.argmin()]:.2f} s"
        )
    away = np.linalg.norm(comb[:, :3, 3], axis=-1)
    if away.max() > limits.farthest:
        found.append(f"the comb goes {away.max():.3f} m from the head at {times[away.argmax()]:.2f} s")
    speed = np.linalg.norm(np.diff(comb[:, :3, 3], axis=0), axis=-1) / np.diff(times)
    near = np.minimum(height[1:], height[:-1]) < limits.near
    for name, members, limit in (("near", near, limits.near_speed), ("free", ~near, limits.free_speed)):
        fastest = float(speed[members].max(initial=0.0))
        if fastest > limit * SLACK:
            found.append(f"the comb moves at {fastest:.3f} m/s ({name}); at most {limit:.3f} m/s are allowed")
    return found


def _path_violations(comb: np.ndarray, poses: np.ndarray, limits: CheckLimits) -> list[str]:
    """Look for every pose in turn, never going back in time."""
    found, begin = [], 0
    for number, pose in enumerate(poses):
        ahead = comb[begin:]
        distance = np.linalg.norm(ahead[:, :3, 3] - pose[:3, 3], axis=-1)
        cosine = 0.5 * (np.einsum("tij,ij->t", ahead[:, :3, :3], pose[:3, :3]) - 1.0)
        off = np.maximum(
            distance / limits.path_tolerance, np.arccos(np.clip(cosine, -1, 1)) / limits.angle_tolerance
        )
        if off.min() > 1.0:
            found.append(
                f"pose {number} of {len(poses)} is missed by {1000 * distance[off.argmin()]:.1f} mm "
                f"({off.min():.1f} times the tolerance)"
            )
            return found
        begin += int(np.flatnonzero(off <= 1.0)[0])
    return found


def _fine(trajectory: JointTrajectory, parts: int = 4) -> tuple[np.ndarray, np.ndarray]:
    """Return times [T'] and positions [T', J] between samples, by cubic Hermite interpolation."""
    times, step = trajectory.times, np.diff(trajectory.times)[:, None, None]
    u = (np.arange(parts) / parts)[None, :, None]
    p0, p1 = trajectory.positions[:-1, None], trajectory.positions[1:, None]
    v0, v1 = trajectory.velocities[:-1, None], trajectory.velocities[1:, None]
    value = (2 * u**3 - 3 * u**2 + 1) * p0 + (u**3 - 2 * u**2 + u) * step * v0
    value = value + (-2 * u**3 + 3 * u**2) * p1 + (u**3 - u**2) * step * v1
    fine = (times[:-1, None] + u[..., 0] * step[..., 0]).reshape(-1)
    last = trajectory.positions[-1:]
    return np.append(fine, times[-1]), np.concatenate([value.reshape(-1, last.shape[1]), last])


def _attribute(element: ElementTree.Element, child: str, name: str) -> str:
    found = element.find(child)
    return "" if found is None else found.get(name, "")


def _origin(element: ElementTree.Element) -> np.ndarray:
    """Return the [4, 4] of an element's <origin>: fixed-axis roll, pitch, yaw, then the offset."""
    matrix = np.eye(4)
    origin = element.find("origin")
    if origin is not None:
        matrix[:3, 3] = [float(v) for v in origin.get("xyz", "0 0 0").split()]
        angles = [float(v) for v in origin.get("rpy", "0 0 0").split()]
        matrix[:3, :3] = Rotation.from_euler("xyz", angles).as_matrix()
    return matrix


def _balls(link: ElementTree.Element, packages: Path | None) -> tuple[np.ndarray, np.ndarray]:
    """Return centres [B, 3] and radii [B] of balls that stand for a link's collision shapes."""
    centres, radii = [np.zeros((0, 3))], [np.zeros(0)]
    for shape in link.findall("collision"):
        place = _origin(shape)
        cylinder, sphere, mesh = (shape.find(f"geometry/{kind}") for kind in ("cylinder", "sphere", "mesh"))
        local, radius = np.zeros((0, 3)), 0.0
        if cylinder is not None:
            half, radius = float(cylinder.get("length", 0)) / 2, float(cylinder.get("radius", 0))
            reach = max(half - radius, 0.0)
            local = np.array([[0.0, 0.0, z] for z in np.linspace(-reach, reach, 5)])
        elif sphere is not None:
            local, radius = np.zeros((1, 3)), float(sphere.get("radius", 0))
        elif mesh is not None and packages is not None:
            local = _stl_vertices(packages / mesh.get("filename", "").removeprefix("package://"))
        centres.append(local @ place[:3, :3].T + place[:3, 3])
        radii.append(np.full(len(local), radius))
    return np.concatenate(centres), np.concatenate(radii)


def _stl_vertices(path: Path, most: int = 150) -> np.ndarray:
    """Return up to `most` vertices [N, 3] of a binary STL file, evenly over the file."""
    content = path.read_bytes()
    (count,) = struct.unpack_from("<I", content, 80)
    record = np.dtype([("normal", "<3f4"), ("corners", "<9f4"), ("tag", "<u2")])
    corners = np.frombuffer(content, record, count, 84)["corners"].reshape(-1, 3)
    return corners[:: max(1, len(corners) // most)].astype(np.float64)
