"""Between messages and arrays: stamps, poses, images, static frames."""

from __future__ import annotations

from typing import Any

import numpy as np
from builtin_interfaces.msg import Duration, Time
from geometry_msgs.msg import Point, Pose, Quaternion, Transform, TransformStamped, Vector3
from rclpy.node import Node
from scipy.spatial.transform import Rotation
from sensor_msgs.msg import CameraInfo, Image
from tf2_msgs.msg import TFMessage

from hairsim.cameras.camera import Camera
from hairsim.errors import CombwiseError
from robot_ros.frame_tree import FrameTree
from robot_ros.frames import transform
from robot_ros.nodes import names
from robot_ros.nodes.qos import TF_STATIC


def seconds(stamp: Time | Duration) -> float:
    """Return a stamp or duration as seconds."""
    return stamp.sec + 1e-9 * stamp.nanosec


def to_time(when: float) -> Time:
    """Return seconds as a stamp."""
    nanoseconds = round(when * 1e9)
    return Time(sec=nanoseconds // 1_000_000_000, nanosec=nanoseconds % 1_000_000_000)


def to_duration(span: float) -> Duration:
    """Return seconds as a duration."""
    nanoseconds = round(span * 1e9)
    return Duration(sec=nanoseconds // 1_000_000_000, nanosec=nanoseconds % 1_000_000_000)


def to_pose(matrix: np.ndarray) -> Pose:
    """Return a rigid transform [4, 4] as a pose."""
    x, y, z, w = (float(v) for v in Rotation.from_matrix(matrix[:3, :3]).as_quat())
    px, py, pz = (float(v) for v in matrix[:3, 3])
    return Pose(position=Point(x=px, y=py, z=pz), orientation=Quaternion(x=x, y=y, z=z, w=w))


def from_pose(pose: Pose) -> np.ndarray:
    """Return a pose as [4, 4]."""
    p, q = pose.position, pose.orientation
    return transform(np.array([p.x, p.y, p.z]), np.array([q.x, q.y, q.z, q.w]))


def to_transform(matrix: np.ndarray, parent: str, child: str, stamp: Time) -> TransformStamped:
    """Return child_to_parent [4, 4] as a stamped frame."""
    pose = to_pose(matrix)
    at = Vector3(x=pose.position.x, y=pose.position.y, z=pose.position.z)
    message = TransformStamped(child_frame_id=child, transform=Transform(translation=at))
    message.transform.rotation = pose.orientation
    message.header.frame_id, message.header.stamp = parent, stamp
    return message


_KINDS: dict[str, tuple[Any, int]] = {
    "rgb8": (np.uint8, 3),
    "bgr8": (np.uint8, 3),
    "mono8": (np.uint8, 1),
    "16UC1": (np.uint16, 1),
    "32FC1": (np.float32, 1),
}
"""Encodings that we speak: value type and channels."""


def to_image(array: np.ndarray, encoding: str, frame: str, stamp: Time) -> Image:
    """Return an array [height, width] or [height, width, 3] as an image; its type must be the encoding's."""
    kind, channels = _KINDS[encoding]
    assert array.dtype == kind, (array.dtype, encoding)
    message = Image(height=array.shape[0], width=array.shape[1], encoding=encoding, is_bigendian=0)
    message.step = array.shape[1] * channels * array.itemsize
    message.header.frame_id, message.header.stamp = frame, stamp
    # The setter copies and checks bytes one by one unless it is given an array.array.
    message.data.frombytes(np.ascontiguousarray(array).tobytes())
    return message


def from_image(message: Image) -> np.ndarray:
    """Return an image's array [height, width] or [height, width, 3]; bgr8 comes back as rgb.

    Raises:
        CombwiseError: an encoding that we do not speak, or data of another size.
    """
    if message.encoding not in _KINDS:
        raise CombwiseError(
            f"image of {message.header.frame_id} has encoding '{message.encoding}'; "
            f"expected one of {', '.join(_KINDS)}"
        )
    kind, channels = _KINDS[message.encoding]
    rows = np.frombuffer(message.data, np.uint8)
    used = message.width * channels * np.dtype(kind).itemsize
    if message.step < used or len(rows) != message.height * message.step:
        raise CombwiseError(
            f"image of {message.header.frame_id} has {len(rows)} bytes in steps of {message.step}; "
            f"expected {message.height} rows of at least {used}"
        )
    rows = np.ascontiguousarray(rows.reshape(message.height, message.step)[:, :used])
    order = ">" if message.is_bigendian else "<"
    pixels = rows.view(np.dtype(kind).newbyteorder(order)).astype(kind, copy=False)
    image = pixels.reshape(message.height, message.width, channels)
    if message.encoding == "bgr8":
        image = image[..., ::-1]
    return np.ascontiguousarray(image if channels > 1 else image[..., 0])


def depth_metres(message: Image) -> np.ndarray:
    """Return a depth image [height, width] float32 [m], 0 where nothing was measured (REP 118)."""
    depth = from_image(message)
    if message.encoding == "16UC1":
        return depth.astype(np.float32) * np.float32(0.001)
    return np.where(np.isfinite(depth), depth, 0.0).astype(np.float32)


def depth_millimetres(depth: np.ndarray) -> np.ndarray:
    """Return depth [m] as uint16 [mm], as a RealSense gives it."""
    return np.clip(np.round(depth * 1000.0), 0, 65535).astype(np.uint16)


def to_camera_info(camera: Camera, stamp: Time) -> CameraInfo:
    """Return a pinhole camera's intrinsics."""
    message = CameraInfo(width=camera.width, height=camera.height, distortion_model="plumb_bob")
    message.header.frame_id, message.header.stamp = names.camera_frame(camera.name), stamp
    (cx, cy), f = camera.centre, camera.focal
    message.d = [0.0] * 5
    message.k = [f, 0.0, cx, 0.0, f, cy, 0.0, 0.0, 1.0]
    message.r = [1.0, 0.0, 0.0, 0.0, 1.0, 0.0, 0.0, 0.0, 1.0]
    message.p = [f, 0.0, cx, 0.0, 0.0, f, cy, 0.0, 0.0, 0.0, 1.0, 0.0]
    return message


class StaticFrames:
    """What /tf_static says: where tf2_ros is not installed this is all that Combwise needs of it."""

    def __init__(self, node: Node) -> None:
        """Start listening."""
        self._tree = FrameTree()
        self._subscription = node.create_subscription(TFMessage, names.TF_STATIC, self._heard, TF_STATIC)

    def child_to_parent(self, child: str, parent: str) -> np.ndarray | None:
        """Return the [4, 4] pose of a frame in another, through any static frames; None while not known."""
        return self._tree.pose(child, parent)

    def _heard(self, message: TFMessage) -> None:
        for frame in message.transforms:
            t, q = frame.transform.translation, frame.transform.rotation
            pose = transform(np.array([t.x, t.y, t.z]), np.array([q.x, q.y, q.z, q.w]))
            self._tree.hang(frame.child_frame_id, frame.header.frame_id, pose)
