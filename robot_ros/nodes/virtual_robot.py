"""The virtual robot as a ROS node: what a real arm, its controller, a force sensor and three cameras publish.

    python -m robot_ros.nodes.virtual_robot --ros-args -p guides:=500

It keeps the time: /clock runs as fast as the machine sustains (virtual/pace.py), or at most as fast as the
parameter `speed` says; slower where hair and pictures take longer.
Pictures are taken only while somebody subscribes. Faults begin with the parameter `fault`.
"""

from __future__ import annotations

import sys
import threading
import time
from collections import deque
from dataclasses import fields
from typing import Any

import numpy as np
from geometry_msgs.msg import PoseStamped, WrenchStamped
from rcl_interfaces.msg import SetParametersResult
from rosgraph_msgs.msg import Clock as ClockMessage
from sensor_msgs.msg import CameraInfo, Image, JointState, PointCloud2
from std_msgs.msg import Bool, Header
from tf2_msgs.msg import TFMessage
from trajectory_msgs.msg import JointTrajectory

from hairsim.cameras.camera import Frame, three_camera_rig
from hairsim.errors import CombwiseError
from robot_ros.nodes import convert, names, qos
from robot_ros.nodes.cell_options import CELL_PARAMS, cell_of
from robot_ros.nodes.follow_server import Outcome, Run, read_points, serve_motions
from robot_ros.nodes.hair_messages import to_strand_cloud
from robot_ros.nodes.heartbeat import Heartbeat, Repeated
from robot_ros.nodes.node import ManagedNode, run
from robot_ros.nodes.parameters import Param, declare, value
from robot_ros.nodes.polled import Polled
from robot_ros.virtual.controller import Goal, Result, ResultCode
from robot_ros.virtual.faults import FAULTS
from robot_ros.virtual.hair import HairConfig
from robot_ros.virtual.pace import Pace
from robot_ros.virtual.robot import TICK, Reading, VirtualRobot

PARAMS = (
    *CELL_PARAMS,
    Param("controller", names.CONTROLLER, "namespace of the controller's interfaces"),
    Param("speed", 0.0, "ROS seconds per second of wall time, at most; 0 for what the machine sustains",
          low=0.0, high=10.0, live=True),
    Param("camera_rate", 10.0, "looks of the cameras [1/s]", low=0.5, high=30.0),
    Param("camera_size", 400, "width and height of images [pixel]", low=64, high=1024),
    Param("family", "straight_long", "family of the groom, see combwise groom"),
    Param("guides", 500, "simulated strands", low=32, high=20000),
    Param("vertices", 32, "vertices of each", low=8, high=64),
    Param("children", 4000, "hairs that cameras see", low=500, high=100000),
    Param("settle", 12.0, "longest time for the hair to come to rest at first [s]", low=0.0, high=60.0),
    Param("seed", 0, "of groom and noise", low=0, high=2**31 - 1),
    Param("fault", "", "what goes wrong: " + "; ".join(f"{k}: {v}" for k, v in FAULTS.items()),
          choices=("", *FAULTS), live=True),
)  # fmt: skip

CLOCK_TICKS = 5
"""Ticks between two messages on /clock, 50 Hz of ROS time: every Python node pays for each of them."""

E_STOP_RATE = 20.0
"""Messages of the e-stop's contact per second of wall time; a press is told at once as well."""


class VirtualRobotNode(ManagedNode):
    """Publishes what a robot would."""

    def __init__(self) -> None:
        super().__init__(names.VIRTUAL_ROBOT)
        self.options = declare(self, PARAMS)
        self._lock = threading.Lock()
        self._goal: Run | None = None
        self._running = threading.Event()
        self._beat: Heartbeat | None = None
        self._speed, self._clock_ticks = 0.0, 0

    def start(self) -> None:
        """Start the hair, then the clock."""
        options = self.options
        hair = HairConfig(**{field.name: options[field.name] for field in fields(HairConfig)})
        cell = cell_of(options)
        self._robot = VirtualRobot(cell, hair, camera_rate=options["camera_rate"], seed=options["seed"])
        self._robot.await_ready()
        self._cameras = three_camera_rig(options["camera_size"], options["camera_size"])
        self._pictures: deque[tuple[Any, Any]] = deque()
        # All of a look's messages are out before the next look.
        self._spacing = max(1, round(1.0 / (options["camera_rate"] * TICK)) // (5 * len(self._cameras)))
        self._advertise()
        controller = options["controller"]
        self._commands = Polled(self, JointTrajectory, names.controller_topic(controller), qos.COMMAND)
        self._server = serve_motions(
            self, names.controller_action(controller), begin=self._begin, cancel=self._cancel
        )
        self.add_on_set_parameters_callback(self._on_parameters)
        self._button = Repeated(1.0 / E_STOP_RATE, self._tell_e_stop, name="e-stop")
        self._beat = Heartbeat(self, "controller")
        self._running.set()
        self._thread = threading.Thread(target=self._keep_time, name="virtual robot", daemon=True)
        self._thread.start()

    def stop(self) -> None:
        """Stop the clock and the hair."""
        self._running.clear()
        self._thread.join(timeout=10.0)
        self._commands.close()
        self._button.stop()
        if self._beat is not None:
            self._beat.stop()
        self._server.destroy()
        self._robot.close()

    def report(self) -> tuple[bool, str, dict[str, str]]:
        """Tell how fast time runs."""
        return (
            True,
            "running",
            {"ROS seconds per second": f"{self._speed:.3f}", "fault": self._robot.fault.name},
        )

    def _advertise(self) -> None:
        make = self.create_publisher
        self._clock_out = make(ClockMessage, names.CLOCK, qos.CLOCK)
        self._joints_out = make(JointState, names.JOINT_STATES, qos.SENSOR)
        self._wrench_out = make(WrenchStamped, names.WRENCH, qos.SENSOR)
        self._head_out = make(PoseStamped, names.HEAD_POSE, qos.SENSOR)
        self._e_stop_out = make(Bool, names.E_STOP, qos.COMMAND)
        self._fault_out = make(Header, names.FAULT, qos.LATCHED)
        self._strands_out = make(PointCloud2, names.TRUE_STRANDS, qos.LATCHED)
        self._tf_out = make(TFMessage, names.TF, qos.TF)
        self._static_out = make(TFMessage, names.TF_STATIC, qos.TF_STATIC)
        self._images = {
            camera.name: (
                make(CameraInfo, names.camera_info_topic(camera.name), qos.PICTURE),
                make(Image, names.colour_topic(camera.name), qos.PICTURE),
                make(Image, names.depth_topic(camera.name), qos.PICTURE),
                make(Image, names.mask_topic(camera.name), qos.PICTURE),
            )
            for camera in self._cameras
        }
        stamp = convert.to_time(self._robot.now)
        head = self._robot.cell.calibration.head_to_base
        frames = [convert.to_transform(head, names.BASE, names.HEAD, stamp)]
        frames += [
            convert.to_transform(c.camera_to_head, names.HEAD, names.camera_frame(c.name), stamp)
            for c in self._cameras
        ]
        self._static_out.publish(TFMessage(transforms=frames))

    def _keep_time(self) -> None:
        """Tick until stopped, as fast as the parameter `speed` or the machine allows."""
        began, ticks = time.monotonic(), 0
        pace = Pace(TICK, began)
        while self._running.is_set():
            look = any(p.get_subscription_count() for group in self._images.values() for p in group[1:])
            # In the controller's own loop: an executor may be late, and a set-point that has braked meanwhile
            # would leap to where a late command says it is.
            for command in self._commands.take():
                self._on_trajectory(command)
            try:
                with self._lock:
                    reading = self._robot.tick(look=look)
            except CombwiseError as error:
                self.get_logger().fatal(str(error))
                return
            self._publish(reading)
            ticks += 1
            if ticks == 250:
                self._speed = ticks * TICK / (time.monotonic() - began)
                began, ticks = time.monotonic(), 0
            due = pace.next(time.monotonic(), speed=value(self, "speed"))
            time.sleep(max(0.0, due - time.monotonic()))

    def _publish(self, reading: Reading) -> None:
        """Publish readings first and the clock last: who knows the time has the data of that time."""
        if reading.joints is not None:
            stamp, positions, velocities = reading.joints
            message = JointState(name=list(self._robot.cell.arm.joints))
            message.header.stamp = convert.to_time(stamp)
            message.position, message.velocity = positions.tolist(), velocities.tolist()
            self._joints_out.publish(message)
        if reading.wrench is not None:
            self._wrench_out.publish(_wrench_message(*reading.wrench))
        now = convert.to_time(reading.now)
        if reading.head is not None:
            head = PoseStamped(pose=convert.to_pose(reading.head))
            head.header.stamp, head.header.frame_id = now, names.BASE
            self._head_out.publish(head)
            moving = convert.to_transform(reading.comb, names.BASE, names.COMB, now)
            self._tf_out.publish(TFMessage(transforms=[moving]))
        if reading.frames is not None:
            self._queue_frames(*reading.frames)
            if reading.strands is not None:
                stamp = convert.to_time(reading.frames[0])
                self._strands_out.publish(to_strand_cloud(reading.strands, stamp))
        self._clock_ticks += 1
        if self._pictures and self._clock_ticks % self._spacing == 0:
            publisher, picture = self._pictures.popleft()
            publisher.publish(picture)
        if self._clock_ticks % CLOCK_TICKS == 0:
            self._clock_out.publish(ClockMessage(clock=now))
        if reading.result is not None:
            self._end_goal(reading.result)

    def _queue_frames(self, when: float, frames: list[Frame]) -> None:
        """Have pictures sent one by one, as cameras do: all at once do not fit into the shared memory."""
        stamp = convert.to_time(when)
        for frame in frames:
            info, colour, depth, mask = self._images[frame.camera.name]
            name = names.camera_frame(frame.camera.name)
            depths, masks = convert.depth_millimetres(frame.depth), frame.hair_mask.astype(np.uint8) * 255
            self._pictures += [
                (info, convert.to_camera_info(frame.camera, stamp)),
                (colour, convert.to_image(frame.colour, "rgb8", name, stamp)),
                (depth, convert.to_image(depths, "16UC1", name, stamp)),
                (mask, convert.to_image(masks, "mono8", name, stamp)),
            ]

    # ---- the controller's interfaces ----

    def _on_trajectory(self, message: Any) -> None:
        """Follow a trajectory as joint_trajectory_controller does from a topic: no tolerances, no answer."""
        refusal = self._accept(message, {})
        if refusal is not None:
            self.get_logger().warning(f"trajectory refused: {refusal.text}")

    def _begin(self, goal: Run) -> Outcome | None:
        request = goal.goal
        refusal = self._accept(
            request.trajectory,
            {
                "path_tolerance": {t.name: t.position for t in request.path_tolerance},
                "goal_tolerance": {t.name: t.position for t in request.goal_tolerance},
                "goal_time": convert.seconds(request.goal_time_tolerance),
            },
        )
        if refusal is None:
            self._goal = goal
        return refusal

    def _accept(self, message: Any, tolerances: dict[str, Any]) -> Outcome | None:
        try:
            points = read_points(message)
        except CombwiseError as error:
            return Outcome(int(ResultCode.INVALID_GOAL), str(error))
        if not tolerances:
            unlimited = dict.fromkeys(message.joint_names, -1.0)
            tolerances = {"path_tolerance": unlimited, "goal_tolerance": unlimited}
        start = convert.seconds(message.header.stamp)
        with self._lock:
            refusal = self._robot.controller.accept(
                Goal(list(message.joint_names), points, start, **tolerances), self._robot.now
            )
        if refusal is not None:
            return Outcome(int(refusal.code), refusal.text)
        self._end_goal(Result(ResultCode.INVALID_GOAL, "replaced by a newer trajectory"))
        return None

    def _cancel(self) -> None:
        with self._lock:
            self._robot.controller.cancel(self._robot.now)
        goal, self._goal = self._goal, None
        if goal is not None:
            goal.finish(Outcome(0, "cancelled", cancelled=True))

    def _end_goal(self, result: Result) -> None:
        goal, self._goal = self._goal, None
        if goal is not None:
            goal.finish(Outcome(int(result.code), result.text))

    # ---- faults ----

    def _on_parameters(self, changes: list[Any]) -> SetParametersResult:
        for change in changes:
            if change.name == "fault" and change.value in ("", *FAULTS):
                self._begin_fault(change.value)
        return SetParametersResult(successful=True)

    def _begin_fault(self, name: str) -> None:
        with self._lock:
            self._robot.begin_fault(name)
            now = self._robot.now
        self._fault_out.publish(Header(stamp=convert.to_time(now), frame_id=name))
        if self._beat is not None and name == "controller_silent":
            self._beat.stop()
            self._beat = None
        elif self._beat is None:
            self._beat = Heartbeat(self, "controller")
        self._tell_e_stop()

    def _tell_e_stop(self) -> None:
        if not self._robot.fault.is_on("e_stop_silent"):
            self._e_stop_out.publish(Bool(data=self._robot.fault.is_on("e_stop")))


def _wrench_message(stamp: float, wrench: np.ndarray) -> WrenchStamped:
    message = WrenchStamped()
    message.header.stamp, message.header.frame_id = convert.to_time(stamp), names.COMB
    force, torque = message.wrench.force, message.wrench.torque
    force.x, force.y, force.z, torque.x, torque.y, torque.z = (float(v) for v in wrench)
    return message


def main() -> int:
    """Run the virtual robot."""
    return run(VirtualRobotNode, real_time=True)


if __name__ == "__main__":
    sys.exit(main())
