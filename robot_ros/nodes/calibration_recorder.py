"""The calibration recorder: an operator moves the arm, it keeps looks and touches for `combwise calibrate`.

    python -m robot_ros.nodes.calibration_recorder --ros-args -p camera:=left -p folder:=session

`calibration/look` keeps a picture of the board on the flange, `calibration/touch` the posture in which the
parameter `mark` touches or is touched. Both want an arm that stands still. Nothing here moves it.
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
from sensor_msgs.msg import CameraInfo, Image, JointState
from std_srvs.srv import Trigger

from hairsim.errors import CombwiseError
from robot_ros.arms.arm import ARMS, arm_named
from robot_ros.calibrate.board import opencv
from robot_ros.calibrate.recording import StandingStill, add_look, add_touch
from robot_ros.nodes import convert, names, qos
from robot_ros.nodes.board_options import BOARD_PARAMS, board_of
from robot_ros.nodes.frame_messages import lens_of
from robot_ros.nodes.node import ManagedNode, run
from robot_ros.nodes.parameters import Param, declare, value

PARAMS = (
    Param("arm", "ur5e", "which arm", choices=ARMS),
    Param("camera", "left", "which camera looks at the board"),
    Param("folder", "calibration_session", "folder of the sessions; what is there already is continued"),
    Param("touches", "comb", "file of the touches: comb.json or head.json", choices=("comb", "head"),
          live=True),
    Param("mark", "", "what touches (comb) or is touched (head)", live=True),
    Param("at", [0.0, 0.0, 0.0], "where the mark is, in the comb's or the head's frame [m]", live=True),
    *BOARD_PARAMS,
)  # fmt: skip

OLDEST = 1.0
"""Age at which a picture or joint state is no answer to "now" [s]."""


class CalibrationRecorder(ManagedNode):
    """Keeps sessions."""

    def __init__(self) -> None:
        super().__init__(names.CALIBRATION_RECORDER)
        self.options = declare(self, PARAMS)
        self._board, self._joints = board_of(self.options), arm_named(self.options["arm"]).joints
        self._still = StandingStill()
        self._heard = self._seen = float("-inf")
        self._picture: Any | None = None
        self._info: Any | None = None
        self._last = ""

    def start(self) -> None:
        """Listen to the arm and the camera."""
        opencv()
        camera = self.options["camera"]
        subscribe = self.create_subscription
        self._inputs = [
            subscribe(JointState, names.JOINT_STATES, self._on_joints, qos.SENSOR),
            subscribe(CameraInfo, names.camera_info_topic(camera), self._on_info, qos.SENSOR),
            subscribe(Image, names.colour_topic(camera), self._on_picture, qos.SENSOR),
        ]
        self._services = [
            self.create_service(Trigger, names.KEEP_LOOK, self._answers(self._look)),
            self.create_service(Trigger, names.KEEP_TOUCH, self._answers(self._touch)),
        ]

    def stop(self) -> None:
        """Listen no more."""
        for service in self._services:
            self.destroy_service(service)
        for subscription in self._inputs:
            self.destroy_subscription(subscription)

    def report(self) -> tuple[bool, str, dict[str, str]]:
        """Tell what was kept last."""
        return True, self._last or "nothing kept yet", {}

    def _on_joints(self, message: Any) -> None:
        order = {name: number for number, name in enumerate(message.name)}
        if all(name in order for name in self._joints):
            self._heard = convert.seconds(message.header.stamp)
            self._still.feed(self._heard, np.array([message.position[order[name]] for name in self._joints]))

    def _on_info(self, message: Any) -> None:
        self._info = message

    def _on_picture(self, message: Any) -> None:
        self._picture, self._seen = message, convert.seconds(message.header.stamp)

    def _look(self) -> str:
        camera = self.options["camera"]
        if self._picture is None or self._info is None or self._now() - self._seen > OLDEST:
            raise CombwiseError(f"camera '{camera}' sends no pictures, or no camera info")
        joints = self._still.posture(min(self._seen, self._heard))
        return add_look(
            Path(self.options["folder"]) / camera, self.options["arm"], camera, self._board,
            lens_of(self._info), convert.from_image(self._picture), joints,
        )  # fmt: skip

    def _touch(self) -> str:
        if self._now() - self._heard > OLDEST:
            raise CombwiseError(f"no joint states of {self.options['arm']}")
        path = Path(self.options["folder"]) / f"{value(self, 'touches')}.json"
        at, joints = np.array(value(self, "at"), np.float64), self._still.posture(self._heard)
        return add_touch(path, self.options["arm"], value(self, "mark"), at, joints)

    def _answers(self, keep: Callable[[], str]) -> Callable[[Any, Any], Any]:
        """Return a service's callback: what was kept, or why nothing was."""

        def answer(_: Any, response: Any) -> Any:
            try:
                response.success, response.message = True, keep()
                self._last = response.message
            except (CombwiseError, OSError) as error:
                response.success, response.message = False, str(error)
            return response

        return answer

    def _now(self) -> float:
        return 1e-9 * self.get_clock().now().nanoseconds


def main() -> int:
    """Run the calibration recorder."""
    return run(CalibrationRecorder)


if __name__ == "__main__":
    sys.exit(main())
