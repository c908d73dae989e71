"""The episode recorder: everything that the graph says, in one MCAP bag.

    python -m robot_ros.nodes.episode_recorder --ros-args -p folder:=runs/bags -p use_sim_time:=true

Measurements, states, plans, volumes and diagnostics are kept whole; of pictures, which would be 20 MB
a second, one set every `pictures` seconds. A kill loses at most what came in the last `flush` seconds.
"""

from __future__ import annotations

import sys
import time
from collections.abc import Callable
from importlib import import_module
from pathlib import Path
from typing import Any

from rclpy.clock import Clock
from rclpy.clock_type import ClockType
from rclpy.qos import DurabilityPolicy, QoSProfile

from hairsim.errors import CombwiseError
from robot_ros.bag import BagWriter, message_definition
from robot_ros.nodes import names, qos
from robot_ros.nodes.node import ManagedNode, run
from robot_ros.nodes.parameters import Param, declare

PARAMS = (
    Param("folder", "bags", "folder for the bag; made if it is missing"),
    Param("name", "", "name of the bag's file without .mcap; empty for the time of day"),
    Param("cameras", list(names.CAMERAS), "cameras whose pictures are kept; empty for none"),
    Param("pictures", 1.0, "time between kept pictures of a camera, 0 keeps all [s]", low=0.0, high=3600.0),
    Param("flush", 0.2, "after this a kill cannot take what came [s of wall time]", low=0.02, high=10.0),
)  # fmt: skip

QUEUE = 1000
"""Messages of one topic that may wait to be written."""

TOPICS: tuple[tuple[str, str, QoSProfile], ...] = (
    (names.CLOCK, "rosgraph_msgs/msg/Clock", qos.CLOCK),
    (names.JOINT_STATES, "sensor_msgs/msg/JointState", qos.SENSOR),
    (names.WRENCH, "geometry_msgs/msg/WrenchStamped", qos.SENSOR),
    (names.HEAD_POSE, "geometry_msgs/msg/PoseStamped", qos.SENSOR),
    (names.E_STOP, "std_msgs/msg/Bool", qos.COMMAND),
    (names.TF, "tf2_msgs/msg/TFMessage", qos.TF),
    (names.TF_STATIC, "tf2_msgs/msg/TFMessage", qos.TF_STATIC),
    (names.DIAGNOSTICS, "diagnostic_msgs/msg/DiagnosticArray", qos.COMMAND),
    (names.SAFETY_STATE, "combwise_interfaces/msg/SafetyState", qos.LATCHED),
    (names.HAIR_VOLUME, "combwise_interfaces/msg/HairVolume", qos.LATCHED),
    (names.HAIR_POINTS, "sensor_msgs/msg/PointCloud2", qos.LATCHED),
    (names.HAIR_PICTURE, "sensor_msgs/msg/CompressedImage", qos.LATCHED),
    (names.GOAL_VOLUME, "combwise_interfaces/msg/HairVolume", qos.LATCHED),
    (names.GOAL_PICTURE, "sensor_msgs/msg/CompressedImage", qos.LATCHED),
    (names.PREDICTED_VOLUME, "combwise_interfaces/msg/HairVolume", qos.LATCHED),
    (names.STROKE_PLAN, "combwise_interfaces/msg/StrokePlan", qos.LATCHED),
    (names.MARKERS, "visualization_msgs/msg/MarkerArray", qos.LATCHED),
    (names.FAULT, "std_msgs/msg/Header", qos.LATCHED),
    (names.TRUE_STRANDS, "sensor_msgs/msg/PointCloud2", qos.LATCHED),
    (names.controller_topic(names.CONTROLLER), "trajectory_msgs/msg/JointTrajectory", qos.COMMAND),
)
"""What is kept whole: name, type, and the quality of service that is asked for."""


class EpisodeRecorder(ManagedNode):
    """Writes bags."""

    BEATS_AS = "recorder"

    def __init__(self) -> None:
        super().__init__(names.EPISODE_RECORDER)
        self.options = declare(self, PARAMS)
        self._bag: BagWriter | None = None

    def start(self) -> None:
        """Open the bag and listen to everything."""
        folder = Path(self.options["folder"])
        try:
            folder.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise CombwiseError(f"cannot make folder {folder}: {error.strerror}") from error
        name = self.options["name"] or time.strftime("episode_%Y%m%d_%H%M%S")
        self._bag = BagWriter(folder / f"{name}.mcap")
        self._kept: dict[str, int] = {}
        self._inputs = [self._record(*topic, 0.0) for topic in TOPICS]
        for camera in self.options["cameras"]:
            for topic, kind in (
                (names.camera_info_topic(camera), "sensor_msgs/msg/CameraInfo"),
                (names.colour_topic(camera), "sensor_msgs/msg/Image"),
                (names.depth_topic(camera), "sensor_msgs/msg/Image"),
                (names.mask_topic(camera), "sensor_msgs/msg/Image"),
            ):
                self._inputs.append(self._record(topic, kind, qos.SENSOR, self.options["pictures"]))
        wall = Clock(clock_type=ClockType.STEADY_TIME)
        self._timer = self.create_timer(self.options["flush"], self._bag.flush, clock=wall)

    def stop(self) -> None:
        """Listen no more and finish the bag."""
        self.destroy_timer(self._timer)
        for subscription in self._inputs:
            self.destroy_subscription(subscription)
        if self._bag is not None:
            self._bag.close()
            self.get_logger().info(f"{self._bag.path}: {self._bag.count} messages")
            self._bag = None

    def report(self) -> tuple[bool, str, dict[str, str]]:
        """Tell how much is written."""
        if self._bag is None:
            return True, "not recording", {}
        return True, f"recording {self._bag.path.name}", {"messages": str(self._bag.count)}

    def _record(self, topic: str, kind: str, profile: QoSProfile, period: float) -> Any:
        """Listen to a topic; keep one message every `period` [s], or all."""
        assert self._bag is not None
        package, _, name = kind.split("/")
        full = self.resolve_topic_name(topic)
        self._bag.add_topic(full, kind, message_definition(kind))
        deep = QoSProfile(
            depth=QUEUE, reliability=profile.reliability,
            durability=profile.durability or DurabilityPolicy.VOLATILE,
        )  # fmt: skip
        return self.create_subscription(
            getattr(import_module(f"{package}.msg"), name), topic, self._writes(full, period), deep, raw=True
        )

    def _writes(self, topic: str, period: float) -> Callable[[bytes], None]:
        least = round(1e9 * period)

        def write(data: bytes) -> None:
            now = self.get_clock().now().nanoseconds
            before = self._kept.get(topic)
            if self._bag is None or (least and before is not None and 0 <= now - before < least):
                return
            self._kept[topic] = now
            self._bag.write(topic, now, data)

        return write


def main() -> int:
    """Run the episode recorder."""
    return run(EpisodeRecorder)


if __name__ == "__main__":
    sys.exit(main())
