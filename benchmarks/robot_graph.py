# pyright: reportMissingImports=false, reportAttributeAccessIssue=false
# ROS 2 is an extra: where it is not installed, neither are its types.
"""The robot's graph over real processes, a probe that hears everything, and faults on request.

Virtual robot, safety supervisor and stroke executor run as processes of their own; beats.py stands in for
planner, observer, goal server and recorder, which do not move the arm. The probe lives in this process.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import rclpy
from combwise_interfaces.action import ExecuteStroke
from combwise_interfaces.msg import SafetyState, StrokePlan
from combwise_interfaces.msg import Stroke as StrokeMessage
from combwise_interfaces.srv import PlanStroke, ResetSafety
from control_msgs.action import FollowJointTrajectory
from geometry_msgs.msg import PoseStamped, WrenchStamped
from rcl_interfaces.msg import Parameter as ParameterMessage
from rcl_interfaces.msg import ParameterType, ParameterValue
from rcl_interfaces.srv import SetParameters
from rclpy.executors import SingleThreadedExecutor
from sensor_msgs.msg import JointState
from std_msgs.msg import Header
from std_srvs.srv import Trigger
from trajectory_msgs.msg import JointTrajectory

from hairsim.errors import CombwiseError
from hairsim.head.parametric import parametric_head
from hairsim.tools.stroke import Stroke
from hairsim.tools.stroke_path import stroke_path
from robot_ros.arms.arm import arm_named
from robot_ros.arms.cell import Cell
from robot_ros.arms.motion import SECTIONS, plan_motion
from robot_ros.arms.motion import JointTrajectory as Motion
from robot_ros.nodes import convert, names, qos
from robot_ros.nodes.action_client import LockedActionClient
from robot_ros.nodes.follow_server import write_trajectory
from robot_ros.nodes.polled import Polled
from robot_ros.real_time import ask_for_real_time
from robot_ros.safety.verdict import Mode
from tests.robot.ros_process import RosProcess

STROKE = Stroke(azimuth=3.0, elevation=0.6, heading=0.1, length=0.08, depth=0.006, speed=0.08)
"""Down the back of the head, which faces the arm."""

PATIENCE = 120.0
"""Wall time that anything may take before the graph is given up [s]."""


@dataclass(frozen=True)
class Heard:
    """A message and when it came, on the wall clock [s]."""

    wall: float
    message: Any


class Probe:
    """Hears joints, force, head, safety state, pieces and faults; keeps everything."""

    def __init__(self, node: Any) -> None:
        kinds = {
            "joints": (JointState, names.JOINT_STATES, qos.SENSOR),
            "wrench": (WrenchStamped, names.WRENCH, qos.SENSOR),
            "head": (PoseStamped, names.HEAD_POSE, qos.SENSOR),
            "safety": (SafetyState, names.SAFETY_STATE, qos.STATE),
            "pieces": (JointTrajectory, names.controller_topic(names.CONTROLLER), qos.COMMAND),
            "faults": (Header, names.FAULT, qos.LATCHED),
        }
        self._topics = {name: Polled(node, *kind) for name, kind in kinds.items()}
        self.heard: dict[str, list[Heard]] = {name: [] for name in kinds}
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._listen, name="probe", daemon=True)
        self._thread.start()

    def close(self) -> None:
        """Hear no more."""
        self._ended.set()
        self._thread.join()

    def last(self, name: str) -> Any | None:
        """Return the newest message of a kind."""
        return self.heard[name][-1].message if self.heard[name] else None

    def since(self, name: str, wall: float) -> list[Heard]:
        """Return what came after a moment of the wall clock."""
        return [heard for heard in self.heard[name] if heard.wall >= wall]

    def forget(self, *kinds: str) -> None:
        """Let go of all but the newest message of some kinds: a long run would fill the memory."""
        for kind in kinds:
            del self.heard[kind][:-1]

    def _listen(self) -> None:
        ask_for_real_time()
        while not self._ended.wait(0.002):
            for name, topic in self._topics.items():
                for message in topic.take():
                    self.heard[name].append(Heard(time.monotonic(), message))


class RobotGraph:
    """Starts the processes, moves the arm, injects faults. Use `ros_domain` of the tests around it."""

    def __init__(self, folder: Path, *, guides: int = 64, vertices: int = 12, speed: float = 1.0) -> None:
        """Start everything and wait until the supervisor is ready; logs go to `folder`."""
        self._folder = folder
        self._robot = {
            "guides": guides,
            "vertices": vertices,
            "settle": 1.0,
            "camera_size": 64,
            "speed": speed,
        }
        self.processes: dict[str, RosProcess] = {}
        self.node = rclpy.create_node("robot_graph")
        self._executor = SingleThreadedExecutor()
        self._executor.add_node(self.node)
        self._thread = threading.Thread(target=self._executor.spin, daemon=True)
        self._thread.start()
        self.probe = Probe(self.node)
        self.cell = Cell(arm_named("ur5e"), parametric_head())
        client, act = self.node.create_client, LockedActionClient
        self._set = client(SetParameters, f"{names.VIRTUAL_ROBOT}/set_parameters")
        self._reset = client(ResetSafety, names.RESET_SAFETY)
        self._ready = client(Trigger, names.GO_READY)
        self.plan_stroke = client(PlanStroke, names.PLAN_STROKE)
        self.follow = act(self.node, FollowJointTrajectory, names.FOLLOW)
        self.execute = act(self.node, ExecuteStroke, names.EXECUTE_STROKE)
        for name in ("virtual_robot", "safety_supervisor", "stroke_executor", "planner", "rest"):
            self.start(name)

    def start(self, name: str) -> None:
        """Start one of the processes."""
        log = self._folder / f"{name}_{len(self.processes)}.log"
        simulated = {"use_sim_time": True}
        if name in ("planner", "rest"):
            beats = ["planner"] if name == "planner" else ["observer", "goal", "recorder"]
            self.processes[name] = RosProcess("benchmarks.beats", {}, log, words=beats)
            return
        own = {"virtual_robot": self._robot, "safety_supervisor": {"real_robot": False, **simulated}}
        self.processes[name] = RosProcess(f"robot_ros.nodes.{name}", own.get(name, simulated), log)

    def close(self) -> None:
        """End everything."""
        for process in reversed(self.processes.values()):
            process.stop()
        self.probe.close()
        self._executor.shutdown()
        self._thread.join()
        self.node.destroy_node()

    # ---- waiting ----

    def wait(self, what: str, condition: Callable[[], Any], seconds: float = PATIENCE) -> Any:
        """Wait until something holds and return it.

        Raises:
            CombwiseError: it does not within `seconds`, or a process ended by itself.
        """
        end = time.monotonic() + seconds
        while not (found := condition()):
            if time.monotonic() > end:
                raise CombwiseError(f"{what} took longer than {seconds:g} s; logs are in {self._folder}")
            time.sleep(0.005)
        return found

    @property
    def mode(self) -> Mode | None:
        """What the supervisor said last."""
        state = self.probe.last("safety")
        return None if state is None else Mode(state.mode)

    def await_mode(self, *modes: Mode) -> None:
        """Wait for the supervisor to be in one of some modes."""
        self.wait(f"mode {'/'.join(m.name for m in modes)}", lambda: self.mode in modes)

    def joints(self) -> np.ndarray:
        """Return the newest measured joints [J] [rad]."""
        return np.array(self.wait("a joint state", lambda: self.probe.last("joints")).position)

    def now(self) -> float:
        """Return ROS time as the newest joint state says it [s]."""
        return convert.seconds(self.wait("a joint state", lambda: self.probe.last("joints")).header.stamp)

    def future(self, what: str, future: Any, seconds: float = PATIENCE) -> Any:
        """Wait for an answer."""
        self.wait(what, future.done, seconds)
        return future.result()

    # ---- doing ----

    def fault(self, name: str) -> None:
        """Begin a fault of the virtual robot, or end it with an empty name."""
        value = ParameterValue(type=ParameterType.PARAMETER_STRING, string_value=name)
        request = SetParameters.Request(parameters=[ParameterMessage(name="fault", value=value)])
        self.wait("the virtual robot", self._set.service_is_ready)
        answer = self.future("setting a fault", self._set.call_async(request))
        assert answer.results[0].successful, answer.results[0].reason

    def reset(self) -> tuple[bool, str]:
        """Ask the supervisor to go on; return whether it does, and why not."""
        self.wait("the reset service", self._reset.service_is_ready)
        answer = self.future("a reset", self._reset.call_async(ResetSafety.Request()))
        return answer.success, answer.message

    def recover(self) -> None:
        """Reset until the supervisor lets us go on."""
        self.wait("a granted reset", lambda: self.mode is Mode.READY or self.reset()[0] or time.sleep(0.2))
        self.await_mode(Mode.READY)

    def send(self, motion: Motion) -> Any:
        """Send a motion to the supervisor; return the future of its result."""
        goal = FollowJointTrajectory.Goal(
            trajectory=write_trajectory(motion.joints, motion.times, motion.positions, motion.velocities)
        )
        self.wait("the supervisor's action", self.follow.server_is_ready)
        handle = self.future("an accepted motion", self.follow.send_goal_async(goal))
        assert handle.accepted
        return handle.get_result_async()

    def go_ready(self) -> tuple[bool, str]:
        """Have the arm go to its ready posture; return whether it is there, and why not."""
        self.wait("the service", self._ready.service_is_ready)
        answer = self.future("the ready posture", self._ready.call_async(Trigger.Request()))
        return answer.success, answer.message

    def stroke_goal(self, stroke: Stroke) -> ExecuteStroke.Goal:
        """Return the goal of ExecuteStroke for a stroke planned now."""
        fields = ("azimuth", "elevation", "heading", "length", "depth", "tilt", "roll", "speed")
        message = StrokeMessage(**{name: float(getattr(stroke, name)) for name in fields})
        plan = StrokePlan(stroke=message, planner="test")
        plan.header.stamp, plan.header.frame_id = convert.to_time(self.now()), names.HEAD
        return ExecuteStroke.Goal(plan=plan)

    def hair_path(self) -> np.ndarray:
        """Return the postures [T, J] of STROKE from where the teeth enter to its last pose in the hair."""
        motion = plan_motion(self.cell, stroke_path(STROKE, parametric_head(), self.cell.tool))
        first, last = motion.sections[SECTIONS.index("hair")]
        return motion.trajectory.positions[first : last + 1]


def paced(cell: Cell, way: np.ndarray, speed: float) -> Motion:
    """Return the motion along postures [T, J], smooth at both ends, the comb at most at `speed` [m/s]."""
    points = np.array([cell.tool_pose(q)[:3, 3] for q in way])
    gaps = np.maximum(np.linalg.norm(np.diff(points, axis=0), axis=-1), 1e-5)
    along = np.concatenate([[0.0], np.cumsum(gaps)])
    seconds = max(1.0, 0.5 * np.pi * along[-1] / speed)
    times = np.linspace(0.0, seconds, max(20, int(seconds / 0.02)))
    wish = along[-1] * (0.5 - 0.5 * np.cos(np.pi * times / seconds))
    positions = np.stack([np.interp(wish, along, way[:, j]) for j in range(way.shape[1])], axis=1)
    velocities = np.gradient(positions, times, axis=0)
    velocities[0] = velocities[-1] = 0.0
    return Motion(cell.arm.joints, times, positions, velocities, np.gradient(velocities, times, axis=0))


def way_back(way: np.ndarray, here: np.ndarray) -> np.ndarray:
    """Return the postures from `here` [J] back along a way [T, J] to its begin."""
    nearest = int(np.abs(way - here).max(axis=1).argmin())
    return np.concatenate([here[None], way[: nearest + 1][::-1]])


__all__ = ["STROKE", "Heard", "Motion", "Probe", "RobotGraph", "paced", "way_back"]
