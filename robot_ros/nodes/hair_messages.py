"""Hair volumes and strokes as messages, and volumes as point clouds for looking."""

from __future__ import annotations

import array
from dataclasses import asdict, fields
from typing import Any

import numpy as np
from builtin_interfaces.msg import Time
from combwise_interfaces.msg import HairVolume as HairVolumeMessage
from combwise_interfaces.msg import Stroke as StrokeMessage
from combwise_interfaces.msg import StrokePlan
from geometry_msgs.msg import Point
from sensor_msgs.msg import PointCloud2, PointField

from hairsim.errors import CombwiseError
from hairsim.tools.stroke import Stroke
from hairsim.volume import GridSpec, HairVolume
from robot_ros.nodes import names

LARGEST_VOLUME = 256**3
"""Most voxels of a message that is taken for a volume."""


def to_volume_message(volume: HairVolume, stamp: Time, observer: str) -> HairVolumeMessage:
    """Return a volume as a message: occupancy in 255 steps, each part of a direction in 127.

    Args:
        volume: the hair, head frame.
        stamp: when it was seen.
        observer: version of what made it.
    """
    x, y, z = (float(v) for v in volume.grid.origin)
    message = HairVolumeMessage(
        origin=Point(x=x, y=y, z=z), voxel=float(volume.grid.voxel), observer=observer
    )
    message.header.frame_id, message.header.stamp = names.HEAD, stamp
    message.shape = np.array(volume.grid.shape, np.uint32)
    occupancy = np.round(255.0 * np.clip(volume.occupancy, 0.0, 1.0)).astype(np.uint8)
    direction = np.round(127.0 * np.clip(volume.direction, -1.0, 1.0)).astype(np.int8)
    # The setters check element by element unless they are given an array.array.
    message.occupancy = array.array("B", occupancy.tobytes())
    message.direction = array.array("b", direction.tobytes())
    return message


def from_volume_message(message: HairVolumeMessage) -> HairVolume:
    """Return the volume of a message; directions are unit vectors again, zero where no hair is.

    Raises:
        CombwiseError: sizes that do not fit each other, another frame, or no grid.
    """
    shape = tuple(int(n) for n in message.shape)
    size = int(np.prod(shape, dtype=np.int64))
    if message.header.frame_id != names.HEAD:
        raise CombwiseError(f"hair volume in frame '{message.header.frame_id}'; expected '{names.HEAD}'")
    if size > LARGEST_VOLUME or len(message.occupancy) != size or len(message.direction) != 3 * size:
        raise CombwiseError(
            f"hair volume of shape {shape} with {len(message.occupancy)} and {len(message.direction)} "
            f"values; "
            f"expected {size} and {3 * size}, of at most {LARGEST_VOLUME} voxels"
        )
    # The edge crosses the wire as float32: 7.5 mm would come back as 7.4999998.
    voxel = round(float(message.voxel), 7)
    origin = message.origin
    grid = GridSpec((origin.x, origin.y, origin.z), voxel, (shape[0], shape[1], shape[2]))
    occupancy = np.frombuffer(message.occupancy, np.uint8).reshape(shape).astype(np.float32) / 255.0
    direction = np.frombuffer(message.direction, np.int8).reshape(*shape, 3).astype(np.float32)
    length = np.linalg.norm(direction, axis=-1, keepdims=True)
    direction = np.where(length > 0.0, direction / np.maximum(length, 1e-6), 0.0).astype(np.float32)
    return HairVolume(occupancy, direction, grid)


def to_stroke_message(stroke: Stroke) -> StrokeMessage:
    """Return a stroke as a message."""
    return StrokeMessage(**asdict(stroke))


def from_stroke_message(message: StrokeMessage) -> Stroke:
    """Return the stroke of a message.

    Raises:
        CombwiseError: a parameter out of its bounds.
    """
    return Stroke(**{field.name: float(getattr(message, field.name)) for field in fields(Stroke)})


def to_plan_message(stroke: Stroke, predicted_cost: float, planner: str, seen: Time) -> StrokePlan:
    """Return a decision as a message; `seen` is when the hair and head were seen that it was planned for."""
    plan = StrokePlan(stroke=to_stroke_message(stroke), predicted_cost=float(predicted_cost), planner=planner)
    plan.header.frame_id, plan.header.stamp = names.HEAD, seen
    return plan


def to_point_cloud(volume: HairVolume, stamp: Time) -> PointCloud2:
    """Return the centres of occupied voxels as points, coloured by direction, with it as their normal."""
    hair = volume.occupied
    points, direction = volume.grid.centres()[hair], volume.direction[hair]
    cells = np.zeros(len(points), np.dtype([(name, np.float32) for name in _CLOUD] + [("rgb", np.uint32)]))
    for axis in range(3):
        cells[_CLOUD[axis]] = points[:, axis]
        cells[_CLOUD[3 + axis]] = direction[:, axis]
    red, green, blue = direction_colours(direction).astype(np.uint32).T
    cells["rgb"] = (red << 16) | (green << 8) | blue
    message = PointCloud2(height=1, width=len(cells), is_dense=True, is_bigendian=False)
    message.header.frame_id, message.header.stamp = names.HEAD, stamp
    message.point_step, message.row_step = cells.itemsize, cells.nbytes
    message.fields = [
        PointField(name=name, offset=4 * place, datatype=PointField.FLOAT32, count=1)
        for place, name in enumerate([*_CLOUD, "rgb"])
    ]
    message.data = array.array("B", cells.tobytes())
    return message


def to_strand_cloud(strands: np.ndarray, stamp: Time) -> PointCloud2:
    """Return strands [S, V, 3] [m], head frame, as an organised cloud: one strand a row, root to tip."""
    points = np.ascontiguousarray(strands, np.float32)
    message = PointCloud2(
        height=points.shape[0], width=points.shape[1], is_dense=True, is_bigendian=False, point_step=12
    )
    message.row_step = 12 * points.shape[1]
    message.header.frame_id, message.header.stamp = names.HEAD, stamp
    message.fields = [
        PointField(name=name, offset=4 * place, datatype=PointField.FLOAT32, count=1)
        for place, name in enumerate("xyz")
    ]
    message.data = array.array("B", points.tobytes())
    return message


def from_strand_cloud(message: PointCloud2) -> np.ndarray:
    """Return the strands [S, V, 3] of `to_strand_cloud`."""
    points = np.frombuffer(message.data, np.float32)
    return points.reshape(message.height, message.width, 3).copy()


_CLOUD = ("x", "y", "z", "normal_x", "normal_y", "normal_z")


def direction_colours(direction: np.ndarray) -> np.ndarray:
    """Return sRGB colours [N, 3] uint8 of unit directions [N, 3]: x red, y green, z blue, both ways alike."""
    return np.round(60.0 + 195.0 * np.abs(direction)).astype(np.uint8)


def stamp_seconds(message: Any) -> float:
    """Return the stamp in a message's header [s]."""
    return message.header.stamp.sec + 1e-9 * message.header.stamp.nanosec
