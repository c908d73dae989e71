"""The arm bridge: between a real arm's drivers and what Combwise listens to.

    python -m robot_ros.nodes.arm_bridge --ros-args -p arm:=ur5e -p calibration:=cell.json

It turns the force sensor's readings from the flange into the comb's axes, stamps untouched, and beats for the
controller as long as joint states keep coming: a driver that hangs stops the arm as a dead process would.
Where head, comb and cameras were calibrated to be it hangs into the drivers' tf tree, for RViz.
"""

from __future__ import annotations

import sys
import time
from typing import Any

import numpy as np
from geometry_msgs.msg import TransformStamped, WrenchStamped
from sensor_msgs.msg import JointState
from tf2_msgs.msg import TFMessage

from robot_ros.arms.cell import Cell
from robot_ros.frames import inverse, wrench_in
from robot_ros.nodes import convert, names, qos
from robot_ros.nodes.cell_options import CELL_PARAMS, cell_of
from robot_ros.nodes.head_options import BASE_FRAME
from robot_ros.nodes.heartbeat import Heartbeat
from robot_ros.nodes.node import ManagedNode, run
from robot_ros.nodes.parameters import Param, declare

PARAMS = (
    *CELL_PARAMS,
    Param(
        "sign", 1.0, "1 where the driver gives what acts on the arm, -1 what it exerts", low=-1.0, high=1.0
    ),
    BASE_FRAME,
)

FRESH = 0.02
"""Wall time without joint states after which the controller no longer counts as alive [s]."""


class ArmBridge(ManagedNode):
    """Passes a real arm's readings on."""

    def __init__(self) -> None:
        super().__init__(names.ARM_BRIDGE)
        options = declare(self, PARAMS)
        cell = cell_of(options)
        self._sign = 1.0 if options["sign"] >= 0.0 else -1.0
        self._mount, self._frames = cell.calibration.tool_to_flange, _frames(cell, options["base_frame"])
        self._wanted = set(cell.arm.joints)
        self._heard, self._readings = 0.0, 0

    def start(self) -> None:
        """Listen to the drivers, and beat for the controller while they speak."""
        self._wrench_out = self.create_publisher(WrenchStamped, names.WRENCH, qos.SENSOR)
        self._inputs = [
            self.create_subscription(JointState, names.JOINT_STATES, self._on_joints, qos.SENSOR),
            self.create_subscription(WrenchStamped, names.DRIVER_WRENCH, self._on_wrench, qos.SENSOR),
        ]
        self._frames_out = self.create_publisher(TFMessage, names.TF_STATIC, qos.TF_STATIC)
        self._frames_out.publish(TFMessage(transforms=self._frames))
        self._beat = Heartbeat(self, "controller", alive=self._is_alive)

    def stop(self) -> None:
        """Fall silent."""
        self._beat.stop()
        for subscription in self._inputs:
            self.destroy_subscription(subscription)
        for publisher in (self._wrench_out, self._frames_out):
            self.destroy_publisher(publisher)

    def report(self) -> tuple[bool, str, dict[str, str]]:
        """Tell whether the drivers speak."""
        alive = self._is_alive()
        return (
            alive,
            "running" if alive else "no joint states of the arm",
            {"force readings": str(self._readings)},
        )

    def _is_alive(self) -> bool:
        return time.monotonic() - self._heard < FRESH

    def _on_joints(self, message: Any) -> None:
        if self._wanted <= set(message.name):
            self._heard = time.monotonic()

    def _on_wrench(self, message: Any) -> None:
        f, t = message.wrench.force, message.wrench.torque
        told = self._sign * np.array([f.x, f.y, f.z, t.x, t.y, t.z])
        out = WrenchStamped()
        out.header.stamp, out.header.frame_id = message.header.stamp, names.COMB
        force, torque = out.wrench.force, out.wrench.torque
        values = wrench_in(self._mount, told).tolist()
        force.x, force.y, force.z, torque.x, torque.y, torque.z = values
        self._wrench_out.publish(out)
        self._readings += 1


def _frames(cell: Cell, base: str) -> list[TransformStamped]:
    """Return where head, comb and cameras were calibrated to be, as children of the arm's own frames."""
    placed, stamp = cell.calibration, convert.to_time(0.0)
    base_to_head = inverse(placed.head_to_base)
    return [
        convert.to_transform(placed.head_to_base, base, names.HEAD, stamp),
        convert.to_transform(placed.tool_to_flange, cell.arm.flange, names.COMB, stamp),
        *(
            convert.to_transform(base_to_head @ pose, names.HEAD, names.camera_frame(camera), stamp)
            for camera, pose in placed.cameras.items()
        ),
    ]


def main() -> int:
    """Run the bridge."""
    return run(ArmBridge, real_time=True)


if __name__ == "__main__":
    sys.exit(main())
