"""The cell: an arm with its comb and the head in front of it, for kinematics and collisions.

Arm against arm, head and table go through coal on convex shapes. The comb works millimetres from the skin, so
comb and handle against the head are asked of the head's own distance field instead of its hull.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import coal
import numpy as np
import pinocchio as pin

from hairsim.errors import CombwiseError
from hairsim.head.head import DistanceField, Head
from hairsim.head.keep_out import zones_of
from hairsim.tools.tool import Tool, rake_comb
from robot_ros.arms.arm import Arm
from robot_ros.frames import Calibration, comb_mount, inverse, standing_head
from robot_ros.safety.motion import WORKSPACE

TOOL_FRAME = "comb"
LINK_CLEARANCE = 0.03
"""Least distance between the arm's links and the head's hull [m]: hair, and a head not quite in place."""

COMB_CLEARANCE = 0.0005
"""Least distance between the comb's surface and the skin [m]; strokes keep the tooth tips at 2 mm or more."""

JOINT_MARGIN = 0.04
"""Distance that plans keep from the joints' ends [rad]: the supervisor stops at half of it."""

WORKSPACE_ROOM = 0.02
"""What plans keep from the distance of comb and head at which the supervisor stops [m]."""

HANDLE_RADIUS = 0.012
HANDLE_START = 0.045
"""The handle: its radius, and how far behind the tooth tips it starts [m]."""

TABLE_TOP = -0.02
"""Height of the table that carries the arm, in the base frame [m]."""

STAND_RADIUS = 0.07
"""Of the stand under the head, from the field's lower end to the table [m]."""


@dataclass(frozen=True)
class Contact:
    """Two things that are too near each other.

    Attributes:
        first, second: their names.
        missing: by how much they are too near [m].
    """

    first: str
    second: str
    missing: float


class Cell:
    """An arm, a comb at its flange and a head; everything is asked by joint angles q [J] [rad].

    Attributes:
        arm, head, calibration, tool: what it is made of.
        zones: where the comb must not be, by the head's shape, head frame.
    """

    def __init__(
        self, arm: Arm, head: Head, *, calibration: Calibration | None = None, tool: Tool | None = None
    ) -> None:
        """Read the URDF, put the comb on and the head in front.

        Args:
            arm: which arm.
            head: the head; its distance field is used for the comb, its hull for the links.
            calibration: where head and comb are; default the arm's usual head and the usual mount.
            tool: the comb's shape; default the rake comb.

        Raises:
            CombwiseError: the URDF cannot be read, or lacks the flange or a joint.
        """
        self.arm, self.head, self.zones = arm, head, zones_of(head)
        self.calibration = calibration or Calibration(standing_head(*arm.head), comb_mount())
        self.tool = tool or rake_comb()
        self.base_to_head = inverse(self.calibration.head_to_base)
        self.model, self._shapes = _read_urdf(arm)
        self.data = self.model.createData()
        flange = self.model.frames[self.model.getFrameId(arm.flange)]
        place = flange.placement * pin.SE3(self.calibration.tool_to_flange)
        self.frame = self.model.addFrame(
            pin.Frame(TOOL_FRAME, flange.parentJoint, place, pin.FrameType.OP_FRAME)
        )
        self.data = self.model.createData()
        self.lower = np.maximum(self.model.lowerPositionLimit + JOINT_MARGIN, -arm.position_range)
        self.upper = np.minimum(self.model.upperPositionLimit - JOINT_MARGIN, arm.position_range)
        self.model.lowerPositionLimit, self.model.upperPositionLimit = self.lower, self.upper
        self.speed = np.minimum(self.model.velocityLimit, arm.speed)
        self._comb_points, self._comb_radius = _comb_points(self.tool, self.calibration)
        self._add_comb(place, flange.parentJoint)
        self._add_surroundings()
        self._pair_up()

    def tool_pose(self, q: np.ndarray) -> np.ndarray:
        """Return the comb's pose [4, 4] in the head frame."""
        pin.framesForwardKinematics(self.model, self.data, q)
        return self.base_to_head @ self.data.oMf[self.frame].homogeneous

    def comb_points(self) -> np.ndarray:
        """Return points [P, 3] on comb and handle that keep-out zones ask about [m], tool frame."""
        teeth = np.concatenate([self.tool.start, self.tool.end])
        handle = np.arange(HANDLE_START, max(_handle_length(self.calibration), HANDLE_START + 0.01), 0.03)
        return np.concatenate([teeth, np.stack([0.0 * handle, 0.0 * handle, handle], axis=-1)])

    def tool_jacobian(self, q: np.ndarray) -> np.ndarray:
        """Return d(position, turn) / dq [6, J] of the comb's tip, base axes."""
        return pin.computeFrameJacobian(
            self.model, self.data, q, self.frame, pin.ReferenceFrame.LOCAL_WORLD_ALIGNED
        )

    def skin_distance(self, q: np.ndarray) -> float:
        """Return the least distance between the comb's surface, handle included, and the skin [m]."""
        pose = self.tool_pose(q)
        points = self._comb_points @ pose[:3, :3].T + pose[:3, 3]
        # Outside the field's box its border value: never more than the distance, so that plans are careful.
        return float(np.min(self.head.field.sample(points) - self._comb_radius))

    def contact(self, q: np.ndarray) -> Contact | None:
        """Return the first two things that are too near each other, or None."""
        missing = COMB_CLEARANCE - self.skin_distance(q)
        if missing > 0.0:
            return Contact("comb", "skin", missing)
        beyond = float(np.linalg.norm(self.tool_pose(q)[:3, 3])) - (WORKSPACE - WORKSPACE_ROOM)
        if beyond > 0.0:
            return Contact("comb", "the workspace's end", beyond)
        if not pin.computeCollisions(self.model, self.data, self._shapes, self._contacts, q, True):
            return None
        for index, pair in enumerate(self._shapes.collisionPairs):
            if self._contacts.collisionResults[index].isCollision():
                first, second = (self._shapes.geometryObjects[n].name for n in (pair.first, pair.second))
                margin = self._contacts.collisionRequests[index].security_margin
                distance = pin.computeDistance(self._shapes, self._contacts, index).min_distance
                return Contact(first, second, max(0.0, margin - distance))
        raise AssertionError("a collision always has a pair")

    def _add_comb(self, place: pin.SE3, joint: int) -> None:
        """Hang comb and handle, as two capsules, on the last link."""
        tips = np.concatenate([self.tool.start, self.tool.end])
        width = float(np.ptp(tips[:, 1]))
        height = float(tips[:, 2].max()) / 2.0
        across = np.eye(4)
        across[:3, :3] = [[0.0, 1.0, 0.0], [0.0, 0.0, 1.0], [1.0, 0.0, 0.0]]  # capsule axis z along tool y
        across[2, 3] = height
        self._add("comb_teeth", coal.Capsule(height, width), place * pin.SE3(across), joint)
        length = max(_handle_length(self.calibration) - HANDLE_START, 0.01)
        along = np.eye(4)
        along[2, 3] = HANDLE_START + length / 2.0
        self._add("comb_handle", coal.Capsule(HANDLE_RADIUS, length), place * pin.SE3(along), joint)

    def _add_surroundings(self) -> None:
        """Put the head's hull, its stand and the table into the world."""
        points = _inside_points(self.head)
        placed = points @ self.calibration.head_to_base[:3, :3].T + self.calibration.head_to_base[:3, 3]
        vector = coal.StdVec_Vec3s()
        vector.extend(list(placed))
        self._add("head", coal.Convex.convexHull(vector, True, "Qt"), pin.SE3.Identity(), 0)
        top = float(placed[:, 2].min())
        if top - TABLE_TOP > 0.02:
            middle = self.calibration.head_to_base[:3, 3] * [1.0, 1.0, 0.0]
            middle[2] = 0.5 * (top + TABLE_TOP)
            self._add("stand", coal.Cylinder(STAND_RADIUS, top - TABLE_TOP), pin.SE3(np.eye(3), middle), 0)
        table = pin.SE3(np.eye(3), np.array([0.5, 0.0, TABLE_TOP - 0.05]))
        self._add("table", coal.Box(3.0, 3.0, 0.1), table, 0)

    def _add(self, name: str, shape: Any, place: pin.SE3, joint: int) -> None:
        self._shapes.addGeometryObject(pin.GeometryObject(name, joint, place, shape))

    def _pair_up(self) -> None:
        """Choose which shapes are asked against each other.

        Links whose joints are neighbours touch by construction. Of the rest, pairs that overlap in the ready
        posture do so because our shapes are generous, and are left out.
        """
        shapes = self._shapes.geometryObjects
        moving = range(len(shapes))
        for first in moving:
            for second in range(first + 1, len(shapes)):
                joints = sorted((shapes[first].parentJoint, shapes[second].parentJoint))
                names = {shapes[first].name, shapes[second].name}
                still = names & {"head", "stand", "table"}
                if joints[0] == joints[1] or (names & {"comb_teeth", "comb_handle"} and "head" in names):
                    continue
                if joints[1] - joints[0] < 2 and ("table" in names or not still):
                    continue
                self._shapes.addCollisionPair(pin.CollisionPair(first, second))
        if self.arm.srdf is not None:
            pin.removeCollisionPairs(self.model, self._shapes, str(self.arm.srdf))
        self._contacts = self._shapes.createData()
        ready = np.array(self.arm.ready)
        pin.computeCollisions(self.model, self.data, self._shapes, self._contacts, ready, False)
        for index in reversed(range(len(self._shapes.collisionPairs))):
            pair = self._shapes.collisionPairs[index]
            names = {shapes[pair.first].name, shapes[pair.second].name}
            if names & {"head", "stand", "table"}:
                continue
            if self._contacts.collisionResults[index].isCollision():
                self._shapes.removeCollisionPair(pair)
        self._contacts = self._shapes.createData()
        for index, pair in enumerate(self._shapes.collisionPairs):
            if "head" in (shapes[pair.first].name, shapes[pair.second].name):
                self._contacts.collisionRequests[index].security_margin = LINK_CLEARANCE
        found = self.contact(ready)
        if found is not None:
            raise CombwiseError(
                f"arm '{self.arm.name}': in its ready posture {found.first} and {found.second} are "
                f"{1000 * found.missing:.0f} mm too near each other; expected a free posture"
            )


def distance_from_skin(field: DistanceField, points: np.ndarray) -> np.ndarray:
    """Return the distance [...] of points [..., 3] from the skin [m]; a lower bound outside the field's box.

    The box is convex: from a point outside, whatever is inside is at least as far as the hypotenuse of the
    way to the box and the border's distance. Below the box the neck is taken to go on for ever.
    """
    points = np.asarray(points, np.float64)
    low = np.asarray(field.origin)
    high = low + field.spacing * (np.array(field.values.shape) - 1)
    way = points - np.clip(points, low, high)
    way[..., 2] = np.maximum(way[..., 2], 0.0)
    beyond = np.linalg.norm(way, axis=-1)
    inside = field.sample(points)
    return np.where(beyond > 0.0, np.hypot(beyond, np.maximum(inside, 0.0)), inside)


def _read_urdf(arm: Arm) -> tuple[Any, Any]:
    """Return the model and the convex shapes of an arm, other joints held at zero."""
    folders = [str(arm.packages)] if arm.packages else []
    try:
        built: Any = pin.buildModelsFromUrdf(
            str(arm.urdf), package_dirs=folders, geometry_types=[pin.GeometryType.COLLISION]
        )
        model, shapes = built
    except (ValueError, RuntimeError) as error:
        raise CombwiseError(f"arm '{arm.name}': {arm.urdf} cannot be read: {error}") from error
    for name in arm.joints:
        if not model.existJointName(name):
            raise CombwiseError(f"arm '{arm.name}': {arm.urdf} has no joint '{name}'")
    if not model.existFrame(arm.flange):
        raise CombwiseError(f"arm '{arm.name}': {arm.urdf} has no frame '{arm.flange}'")
    _drop_beyond_flange(model, shapes, arm.flange)  # before reducing, which leaves frames without parents
    held = [n for n in range(1, model.njoints) if model.names[n] not in arm.joints]
    reduced: Any = pin.buildReducedModel(model, [shapes], held, pin.neutral(model))
    model, (shapes,) = reduced
    if tuple(model.names[1:]) != arm.joints:
        raise CombwiseError(
            f"arm '{arm.name}': joints in the URDF are in the order {list(model.names[1:])}; "
            f"expected {list(arm.joints)}"
        )
    for shape in shapes.geometryObjects:
        if isinstance(shape.geometry, coal.BVHModelBase):
            shape.geometry.buildConvexHull(True, "Qt")
            shape.geometry = shape.geometry.convex
    return model, shapes


def _drop_beyond_flange(model: Any, shapes: Any, flange: str) -> None:
    """Take off a gripper that the URDF carries: the comb is in its place."""
    end = model.getFrameId(flange)
    for name in [shape.name for shape in shapes.geometryObjects]:
        frame = shapes.geometryObjects[shapes.getGeometryId(name)].parentFrame
        while frame not in (0, end):
            frame = model.frames[frame].parentFrame
        if frame == end:
            shapes.removeGeometryObject(name)


def _handle_length(calibration: Calibration) -> float:
    """Return how far the flange is behind the tooth tips, along the tool's +z [m]."""
    return float(inverse(calibration.tool_to_flange)[2, 3])


def _comb_points(tool: Tool, calibration: Calibration) -> tuple[np.ndarray, np.ndarray]:
    """Return points [P, 3] and radii [P] [m], tool frame, that stand for comb and handle."""
    share = np.linspace(0.0, 1.0, 5)[:, None, None]
    teeth = (tool.start + share * (tool.end - tool.start)).reshape(-1, 3)
    radius = np.tile(tool.radius, 5)
    handle = np.arange(HANDLE_START, max(_handle_length(calibration), HANDLE_START + 0.01), 0.01)
    centre = np.stack([np.zeros_like(handle), np.zeros_like(handle), handle], axis=-1)
    return np.concatenate([teeth, centre]), np.concatenate([radius, np.full(len(handle), HANDLE_RADIUS)])


def _inside_points(head: Head) -> np.ndarray:
    """Return grid points [P, 3] [m] just inside the skin, head frame."""
    values = head.field.values[::2, ::2, ::2]
    index = np.argwhere((values < 0.0) & (values > -4.0 * head.field.spacing))
    return index * 2.0 * head.field.spacing + np.asarray(head.field.origin)
