"""The hair observer: pictures of one moment from every camera become a hair volume.

    python -m robot_ros.nodes.hair_observer --ros-args -p use_sim_time:=true

Looks when asked (service `hair/look`), and by itself every `period` seconds of ROS time. Where cameras stand
is read from the calibration file, or from /tf_static where none is given.
"""

from __future__ import annotations

import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from combwise_interfaces.msg import HairVolume as HairVolumeMessage
from sensor_msgs.msg import CameraInfo, CompressedImage, Image, PointCloud2
from std_srvs.srv import Trigger

from hairsim.cameras.camera import Frame
from hairsim.errors import CombwiseError
from hairsim.head.head_file import head_or_built_in
from hairsim.volume import GRIDS
from planner.goal.look import Picture
from planner.observe import OBSERVER_VERSION, observe
from robot_ros.calibrate.file import read_calibration
from robot_ros.frames import inverse
from robot_ros.gather import FrameGatherer, Moment
from robot_ros.lens import make_frame
from robot_ros.nodes import convert, names, qos
from robot_ros.nodes.frame_messages import lens_of
from robot_ros.nodes.hair_messages import to_point_cloud, to_volume_message
from robot_ros.nodes.head_options import HEAD
from robot_ros.nodes.node import ManagedNode, run
from robot_ros.nodes.parameters import Param, declare, value
from robot_ros.pictures import contact_sheet

PARAMS = (
    Param("cameras", list(names.CAMERAS), "names of the cameras, one to four"),
    Param("grid", "small", "grid of the volume; that of the planner's model", choices=tuple(GRIDS)),
    Param("period", 0.0, "look by itself this often, 0 never [s]", low=0.0, high=3600.0, live=True),
    Param("slop", 0.05, "largest difference of stamps within one moment [s]", low=0.001, high=0.5),
    Param("oldest", 2.0, "age at which a camera counts as silent [s]", low=0.2, high=60.0, live=True),
    Param("masks", True, "cameras have hair masks; false finds hair by geometry"),
    Param("reliable", False, "ask for lost pictures again; the cameras' drivers must offer that"),
    Param("calibration", "", "calibration file with every camera; empty takes /tf_static"),
    HEAD,
)  # fmt: skip


class HairObserver(ManagedNode):
    """Publishes what the hair is."""

    BEATS_AS = "observer"

    def __init__(self) -> None:
        super().__init__(names.HAIR_OBSERVER)
        self.options = declare(self, PARAMS)
        cameras = self.options["cameras"]
        if not 1 <= len(cameras) <= 4 or len(set(cameras)) != len(cameras):
            raise CombwiseError(f"cameras are {list(cameras)}; expected one to four different names")
        self._head = head_or_built_in(self.options["head"])
        self._grid = GRIDS[self.options["grid"]]
        self._calibrated = self._calibrated_cameras()

    def start(self) -> None:
        """Listen to every camera."""
        kinds = ["depth", "colour", "info"] + ["mask"] * bool(self.options["masks"])
        self._gatherer = FrameGatherer(self.options["cameras"], kinds, slop=self.options["slop"])
        self._asked: float | None = None
        self._looks, self._last, self._trouble = 0, float("-inf"), ""
        self._frames = convert.StaticFrames(self)
        make = self.create_publisher
        self._volume_out = make(HairVolumeMessage, names.HAIR_VOLUME, qos.LATCHED)
        self._points_out = make(PointCloud2, names.HAIR_POINTS, qos.LATCHED)
        self._picture_out = make(CompressedImage, names.HAIR_PICTURE, qos.LATCHED)
        self._service = self.create_service(Trigger, names.LOOK, self._look)
        self._inputs, profile = [], qos.PICTURE if self.options["reliable"] else qos.SENSOR
        for camera in self.options["cameras"]:
            for kind, message, topic in (
                ("colour", Image, names.colour_topic(camera)),
                ("depth", Image, names.depth_topic(camera)),
                ("info", CameraInfo, names.camera_info_topic(camera)),
                ("mask", Image, names.mask_topic(camera)),
            ):
                if kind in kinds:
                    self._inputs.append(
                        self.create_subscription(message, topic, self._heard(camera, kind), profile)
                    )

    def stop(self) -> None:
        """Listen no more."""
        for subscription in self._inputs:
            self.destroy_subscription(subscription)
        self.destroy_service(self._service)
        for publisher in (self._volume_out, self._points_out, self._picture_out):
            self.destroy_publisher(publisher)

    def report(self) -> tuple[bool, str, dict[str, str]]:
        """Tell what is missing."""
        missing = self._gatherer.missing(self._now(), value(self, "oldest"))
        phrase = missing[0] if missing else self._trouble or "running"
        figures = {str(number): text for number, text in enumerate(missing)}
        return not missing and not self._trouble, phrase, {"looks": str(self._looks), **figures}

    def _look(self, _: Trigger.Request, response: Trigger.Response) -> Trigger.Response:
        """Note the wish, which the next complete pictures fulfil; say at once what is missing for it."""
        now = self._now()
        missing = self._gatherer.missing(now, value(self, "oldest"))
        self._asked = now
        response.success = not missing
        response.message = "; ".join(missing) or self._trouble
        return response

    def _heard(self, camera: str, kind: str) -> Any:
        def heard(message: Any) -> None:
            moment = self._gatherer.add(camera, kind, convert.seconds(message.header.stamp), message)
            if moment is not None:
                self._complete(moment)

        return heard

    def _complete(self, moment: Moment) -> None:
        """Observe a moment if somebody asked before it, or it is time."""
        if moment.stamp < self._last:
            self._last = float("-inf")  # time was set back
        waiting = self._asked is not None and self._asked <= moment.stamp
        period = value(self, "period")
        if not waiting and not (period > 0.0 and moment.stamp - self._last >= period):
            return
        self._last = moment.stamp
        self._asked = None if waiting else self._asked
        try:
            self._publish(moment)
            self._trouble = ""
        except CombwiseError as error:
            self._trouble = str(error)
            self.get_logger().warning(str(error))

    def _publish(self, moment: Moment) -> None:
        frames = [self._frame(camera, moment) for camera in self.options["cameras"]]
        volume = observe(frames, self._head, self._grid)
        stamp = convert.to_time(moment.stamp)
        self._looks += 1
        self._picture_out.publish(picture_message(frames, stamp))
        self._points_out.publish(to_point_cloud(volume, stamp))
        self._volume_out.publish(to_volume_message(volume, stamp, OBSERVER_VERSION))

    def _frame(self, camera: str, moment: Moment) -> Frame:
        part = {kind: moment.parts[camera, kind] for kind in self._gatherer.kinds}
        pose = self._calibrated.get(camera)
        if pose is None:
            pose = self._frames.child_to_parent(names.camera_frame(camera), names.HEAD)
        if pose is None:
            raise CombwiseError(
                f"camera '{camera}' has no pose: no calibration file names it, and /tf_static has no "
                f"way from '{names.camera_frame(camera)}' to '{names.HEAD}'"
            )
        return make_frame(
            camera,
            lens_of(part["info"]),
            convert.from_image(part["colour"]),
            convert.depth_metres(part["depth"]),
            convert.from_image(part["mask"]) > 127 if "mask" in part else None,
            pose,
            self._head,
        )

    def _calibrated_cameras(self) -> dict[str, Any]:
        """Return camera_to_head [4, 4] by name from the calibration file, if one is given."""
        path = self.options["calibration"]
        if not path:
            return {}
        found = read_calibration(Path(path))
        missing = sorted(set(self.options["cameras"]) - set(found.cameras))
        if missing:
            raise CombwiseError(
                f"calibration {path} has no camera '{missing[0]}'; calibrate it: combwise calibrate camera"
            )
        return {name: inverse(found.head_to_base) @ pose for name, pose in found.cameras.items()}

    def _now(self) -> float:
        return 1e-9 * self.get_clock().now().nanoseconds


def picture_message(frames: Sequence[Frame | Picture], stamp: Any) -> CompressedImage:
    """Return a look's pictures side by side as a message."""
    message = CompressedImage(format="jpeg", data=contact_sheet(frames))
    message.header.frame_id, message.header.stamp = names.HEAD, stamp
    return message


def main() -> int:
    """Run the hair observer."""
    return run(HairObserver)


if __name__ == "__main__":
    sys.exit(main())
