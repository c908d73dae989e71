"""The head tracker: measures the head's pose by a board on its stand, seen by a calibrated camera.

    python -m robot_ros.nodes.head_tracker --ros-args \\
        -p calibration:=cell.json -p camera:=back -p mount:=board.json

With the head where it was calibrated, `head_tracker/remember` learns how the board is mounted and writes that
to `mount`. From then on every picture that shows the board gives a head pose with the picture's stamp. A
picture without the board gives none: the supervisor stops for the age of the last one.
"""

from __future__ import annotations

import sys
from collections import deque
from pathlib import Path
from typing import Any

import numpy as np
from geometry_msgs.msg import PoseStamped
from sensor_msgs.msg import CameraInfo, Image
from std_srvs.srv import Trigger

from hairsim.errors import CombwiseError
from robot_ros.calibrate.board import find_board, opencv
from robot_ros.calibrate.file import read_calibration
from robot_ros.calibrate.head_board import head_to_board, read_head_board, write_head_board
from robot_ros.frames import inverse
from robot_ros.lens import Lens
from robot_ros.nodes import convert, names, qos
from robot_ros.nodes.board_options import BOARD_PARAMS, board_of
from robot_ros.nodes.frame_messages import lens_of
from robot_ros.nodes.head_options import BASE_FRAME
from robot_ros.nodes.node import ManagedNode, run
from robot_ros.nodes.parameters import Param, declare

PARAMS = (
    Param("calibration", "", "calibration file with the head and the camera"),
    Param("camera", "back", "which camera sees the board"),
    Param("mount", "", "file that remembers how the board is mounted to the head's stand"),
    BASE_FRAME,
    *BOARD_PARAMS,
)

LOOKS = 10
"""Looks at the board that are remembered, and averaged when its mount is learned."""


class HeadTracker(ManagedNode):
    """Publishes head poses."""

    def __init__(self) -> None:
        super().__init__(names.HEAD_TRACKER)
        self.options = declare(self, PARAMS)
        self._board = board_of(self.options)
        self._lens: Lens | None = None
        self._looks: deque[np.ndarray] = deque(maxlen=LOOKS)
        self._missed, self._trouble = 0, "no camera info yet"
        self._head_to_board: np.ndarray | None = None

    def start(self) -> None:
        """Read where camera and board are, then listen to the camera."""
        opencv()
        for name in ("calibration", "mount"):
            if not self.options[name]:
                raise CombwiseError(f"parameter '{name}' of {self.get_name()} is empty; expected a file")
        self._mount, camera = Path(self.options["mount"]), self.options["camera"]
        calibration = read_calibration(Path(self.options["calibration"]))
        if camera not in calibration.cameras:
            raise CombwiseError(
                f"calibration {self.options['calibration']} has no camera '{camera}'; "
                "calibrate it: combwise calibrate camera"
            )
        self._camera_to_base, self._head_to_base = calibration.cameras[camera], calibration.head_to_base
        self._head_to_board = read_head_board(self._mount) if self._mount.is_file() else None
        self._out = self.create_publisher(PoseStamped, names.HEAD_POSE, qos.SENSOR)
        self._inputs = [
            self.create_subscription(CameraInfo, names.camera_info_topic(camera), self._on_lens, qos.SENSOR),
            self.create_subscription(Image, names.colour_topic(camera), self._on_picture, qos.SENSOR),
        ]
        self._service = self.create_service(Trigger, names.REMEMBER_BOARD, self._remember)

    def stop(self) -> None:
        """Measure no more."""
        for subscription in self._inputs:
            self.destroy_subscription(subscription)
        self.destroy_service(self._service)
        self.destroy_publisher(self._out)

    def report(self) -> tuple[bool, str, dict[str, str]]:
        """Tell whether the board is seen and its mount known."""
        if self._head_to_board is None:
            return False, f"how the board is mounted is not known: service {names.REMEMBER_BOARD}", {}
        if self._lens is None:
            return False, self._trouble, {}
        seen = self._missed == 0 and bool(self._looks)
        return (
            seen,
            "running" if seen else "the board is not seen",
            {"pictures without it": str(self._missed)},
        )

    def _on_lens(self, message: Any) -> None:
        try:
            self._lens, self._trouble = lens_of(message), ""
        except CombwiseError as error:
            self._lens, self._trouble = None, str(error)

    def _on_picture(self, message: Any) -> None:
        if self._lens is None:
            return
        found = find_board(convert.from_image(message), self._board, self._lens)
        if found is None:
            self._missed += 1
            return
        self._missed = 0
        self._looks.append(found)
        if self._head_to_board is not None:
            pose = self._camera_to_base @ found @ self._head_to_board
            told = PoseStamped(pose=convert.to_pose(pose))
            told.header.stamp, told.header.frame_id = message.header.stamp, self.options["base_frame"]
            self._out.publish(told)

    def _remember(self, _: Trigger.Request, response: Trigger.Response) -> Trigger.Response:
        """Learn how the board is mounted from the newest looks: the head stands where it was calibrated."""
        try:
            if len(self._looks) < LOOKS:
                raise CombwiseError(f"the board was seen {len(self._looks)} times; expected {LOOKS}")
            mount = head_to_board(self._camera_to_base, list(self._looks), self._head_to_base)
            write_head_board(self._mount, mount)
        except CombwiseError as error:
            response.success, response.message = False, str(error)
            return response
        self._head_to_board = mount
        away = 1000.0 * float(np.linalg.norm(inverse(mount)[:3, 3]))
        response.success, response.message = True, f"the board is {away:.0f} mm from the head's middle"
        return response


def main() -> int:
    """Run the head tracker."""
    return run(HeadTracker)


if __name__ == "__main__":
    sys.exit(main())
