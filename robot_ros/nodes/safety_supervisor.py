"""The safety supervisor as a ROS node, a process of its own: the only one that talks to the controller.

    python -m robot_ros.nodes.safety_supervisor --ros-args -p real_robot:=false -p use_sim_time:=true

It serves FollowJointTrajectory, judges every 4 ms with robot_ros/safety, and hands the controller pieces of
at most 200 ms that end at rest. It has no lifecycle: nothing can switch it off, and killing it stops the arm.
"""

from __future__ import annotations

import sys
import threading
import time
from typing import Any

import numpy as np
from combwise_interfaces.msg import SafetyFinding, SafetyState
from combwise_interfaces.srv import ResetSafety
from geometry_msgs.msg import PoseStamped, WrenchStamped
from rclpy.node import Node
from rosgraph_msgs.msg import Clock
from sensor_msgs.msg import JointState
from std_msgs.msg import Bool, Empty
from std_srvs.srv import Trigger
from trajectory_msgs.msg import JointTrajectory

from hairsim.errors import CombwiseError
from robot_ros.arms.cell import JOINT_MARGIN, Cell, distance_from_skin
from robot_ros.frames import inverse
from robot_ros.head_place import HeadPlace
from robot_ros.nodes import convert, names, qos
from robot_ros.nodes.cell_options import CELL_PARAMS, cell_of
from robot_ros.nodes.follow_server import Outcome, Run, read_points, serve_motions, write_trajectory
from robot_ros.nodes.head_options import BASE_FRAME
from robot_ros.nodes.node import Diagnostics, run
from robot_ros.nodes.parameters import Param, declare
from robot_ros.nodes.polled import Polled
from robot_ros.safety.gate import CombAt, End, Gate
from robot_ros.safety.governor import Piece
from robot_ros.safety.limits import FAST_BEATS, SLOW_BEATS, SafetyLimits
from robot_ros.safety.samples import ForceSample, HeadSample, JointRange, JointSample, ToolSample
from robot_ros.safety.supervisor import Supervisor
from robot_ros.safety.verdict import Finding, Intervention, Mode, Verdict
from robot_ros.virtual.controller import ResultCode

PARAMS = (
    *CELL_PARAMS,
    BASE_FRAME,
    Param("controller", names.CONTROLLER, "namespace of the controller's interfaces"),
    Param("real_robot", True, "the e-stop must be pressed and released once before anything moves"),
    *(
        Param(f"limits.{name}", default, f"{what} [{unit or '1'}]", low=low, high=high)
        for name, default, low, high, unit, what in SafetyLimits.describe()
    ),
)

PERIOD = 0.004
"""Wall time between two checks [s]."""

STALL = 2 * PERIOD
"""Most of the time between two checks that counts as silence of others on a virtual robot [s]: while this
process itself did not run, the machine was busy, and the arm came to rest where its piece ended. On a real
robot all of it counts."""

TICKS = 0.040
"""How far readings may run ahead of the last tick of /clock [s]: two ticks."""

STATE_PERIOD, FEEDBACK_PERIOD = 0.1, 0.04
"""Wall time between two messages of an unchanged state, and of feedback [s]."""

CODES = {
    End.DONE: int(ResultCode.SUCCESSFUL),
    End.CANCELLED: 0,
    End.STOPPED: names.FOLLOW_STOPPED,
    End.SNAGGED: names.FOLLOW_SNAGGED,
    End.NOT_THERE: int(ResultCode.GOAL_TOLERANCE_VIOLATED),
}


class SafetySupervisor(Node):
    """Feeds the pure supervisor, and does what it says."""

    def __init__(self) -> None:
        super().__init__(names.SAFETY_SUPERVISOR)
        options = declare(self, PARAMS)
        limits = SafetyLimits(**{name: options[f"limits.{name}"] for name, *_ in SafetyLimits.describe()})
        self._cell = cell_of(options)
        self._supervisor = Supervisor(
            joint_ranges(self._cell),
            limits=limits,
            zones=self._cell.zones,
            real_robot=options["real_robot"],
        )
        self._gate = Gate(self._supervisor, CombAt(self._cell.skin_distance, self._comb_speed))
        self._tool = ToolReader(self._cell)
        self._head = HeadPlace(options["base_frame"])
        self._lock = threading.Lock()
        self._run: Run | None = None
        self._measured: np.ndarray | None = None
        self._measured_at = -np.inf
        self._now = self._clock_said = 0.0
        self._simulated = bool(self.get_parameter("use_sim_time").value)
        self._stall = STALL if self._simulated and not options["real_robot"] else np.inf
        self._silence_clock, self._woken = 0.0, time.monotonic()
        self._told: tuple[Mode, int] | None = None
        self._told_at = self._fed_back_at = 0.0
        self._untold: list[Intervention] = []
        self._listen()
        self._pieces = self.create_publisher(
            JointTrajectory, names.controller_topic(options["controller"]), qos.COMMAND
        )
        self._state = self.create_publisher(SafetyState, names.SAFETY_STATE, qos.STATE)
        self.create_service(ResetSafety, names.RESET_SAFETY, self._on_reset)
        self.create_service(Trigger, names.TARE, self._on_tare)
        self._server = serve_motions(self, names.FOLLOW, begin=self._begin, cancel=self._cancel)
        self._diagnostics = Diagnostics(self)
        self._diagnostics.begin(self._report)
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._watch, name="safety", daemon=True)
        self._thread.start()

    def destroy_node(self) -> None:
        """Stop watching; the arm comes to rest by itself."""
        self._ended.set()
        self._thread.join(timeout=2.0)
        super().destroy_node()

    def _listen(self) -> None:
        self._clock_topic = Polled(self, Clock, names.CLOCK, qos.CLOCK)
        self._joints = Polled(self, JointState, names.JOINT_STATES, qos.SENSOR)
        self._wrench = Polled(self, WrenchStamped, names.WRENCH, qos.SENSOR)
        self._head_pose = Polled(self, PoseStamped, names.HEAD_POSE, qos.SENSOR)
        self._e_stop = Polled(self, Bool, names.E_STOP, qos.COMMAND)
        self._beats = {
            name: Polled(self, Empty, names.heartbeat_topic(name), qos.BEAT)
            for name in (*FAST_BEATS, *SLOW_BEATS)
        }

    # ---- every 4 ms ----

    def _watch(self) -> None:
        due = time.monotonic()
        while not self._ended.wait(max(0.0, due - time.monotonic())):
            due = max(due + PERIOD, time.monotonic())
            with self._lock:
                before, self._woken = self._woken, time.monotonic()
                self._silence_clock += min(self._woken - before, self._stall)
                self._feed(self._silence_clock)
                # Before the first /clock of a simulation there is no time to judge anything by.
                if self._now > 0.0:
                    self._judge(self._silence_clock, self._woken)

    def _feed(self, wall: float) -> None:
        """Take everything that was measured: the time first, so that no reading looks older than it is."""
        clock = self._clock_topic.newest()
        joints, wrenches = list(self._joints.take()), list(self._wrench.take())
        if self._simulated:
            if clock is not None:
                self._clock_said = convert.seconds(clock.clock)
            # /clock ticks at 50 Hz only; between two ticks the time is what the newest reading says.
            newest = [convert.seconds(m[-1].header.stamp) for m in (joints, wrenches) if m]
            self._now = max(self._now, self._clock_said, *(min(t, self._clock_said + TICKS) for t in newest))
        else:
            self._now = self.get_clock().now().nanoseconds * 1e-9
        for name, beat in self._beats.items():
            if beat.newest() is not None:
                self._supervisor.heartbeat(name, wall)
        for message in self._e_stop.take():
            self._supervisor.feed_emergency_stop(message.data, wall)
        for message in self._head_pose.take():
            self._feed_head(message)
        for message in joints:
            self._feed_joints(message)
        for message in wrenches:
            self._feed_wrench(message)

    def _feed_head(self, message: Any) -> None:
        pose, p, q = convert.from_pose(message.pose), message.pose.position, message.pose.orientation
        refused = self._head.feed(pose, message.header.frame_id)
        if refused:
            self._supervisor.refuse_head(refused)
            return
        stamp = convert.seconds(message.header.stamp)
        self._supervisor.feed_head(HeadSample(stamp, (p.x, p.y, p.z), (q.x, q.y, q.z, q.w)))
        mean = self._head.head_to_base()
        if mean is not None and not self._gate.active:
            self._tool.base_to_head = inverse(mean)

    def _feed_joints(self, message: Any) -> None:
        order = {name: number for number, name in enumerate(message.name)}
        wanted = self._cell.arm.joints
        if any(name not in order for name in wanted):
            return  # joint states of something else, a gripper's say
        positions = [message.position[order[name]] for name in wanted]
        velocities = [message.velocity[order[name]] for name in wanted] if message.velocity else []
        stamp = convert.seconds(message.header.stamp)
        self._supervisor.feed_joints(JointSample(stamp, tuple(positions), tuple(velocities)))
        if len(velocities) == len(positions) and np.isfinite([*positions, *velocities]).all():
            self._measured, self._measured_at = np.array(positions), stamp
            self._supervisor.feed_tool(self._tool.sample(stamp, self._measured, np.array(velocities)))

    def _feed_wrench(self, message: Any) -> None:
        force, torque = message.wrench.force, message.wrench.torque
        turn = self._tool.turn
        f, t = turn @ [force.x, force.y, force.z], turn @ [torque.x, torque.y, torque.z]
        stamp = convert.seconds(message.header.stamp)
        raw = (force.x, force.y, force.z, torque.x, torque.y, torque.z)
        self._supervisor.feed_force(ForceSample(stamp, _vector(f), _vector(t), raw))

    def _judge(self, silence_clock: float, wall: float) -> None:
        """Ask the supervisor, tell the controller, then everybody else."""
        self._gate.advance(self._now)
        verdict = self._supervisor.check(self._now, silence_clock)
        fresh = self._now - self._measured_at <= self._supervisor.limits.joint_age
        step = self._gate.step(verdict, self._measured if fresh else None, self._now)
        if step.piece is not None:
            self._send(step.piece)
        run = self._run
        if step.end is not None and run is not None:
            self._run = None
            self.get_logger().info(f"motion {step.end.value}: {step.text}")
            run.finish(Outcome(CODES[step.end], step.text, cancelled=step.end is End.CANCELLED))
        elif run is not None and self._measured is not None and wall - self._fed_back_at > FEEDBACK_PERIOD:
            self._fed_back_at = wall
            run.feedback(self._cell.arm.joints, self._gate.tau, self._measured, self._measured)
        self._tell(verdict, wall)

    def _send(self, piece: Piece) -> None:
        message = write_trajectory(self._cell.arm.joints, piece.times, piece.positions, piece.velocities)
        message.header.stamp = convert.to_time(self._now)
        self._pieces.publish(message)

    def _tell(self, verdict: Verdict, wall: float) -> None:
        self._untold += verdict.interventions
        total = len(self._supervisor.interventions)
        if self._told == (verdict.mode, total) and wall - self._told_at < STATE_PERIOD:
            return
        self._told, self._told_at = (verdict.mode, total), wall
        now = convert.to_time(self._now)
        state = SafetyState(stamp=now, mode=int(verdict.mode), share=float(verdict.share))
        state.findings = [_finding_message(f, self._now) for f in verdict.findings]
        state.interventions = [_finding_message(i.finding, i.stamp) for i in self._untold]
        state.interventions_total = total
        self._state.publish(state)
        for intervention in self._untold:
            self.get_logger().warning(intervention.finding.sentence())
        self._untold = []

    def _comb_speed(self, q: np.ndarray, speed: np.ndarray) -> float:
        self._cell.tool_pose(q)
        return float(np.linalg.norm(self._cell.tool_jacobian(q)[:3] @ speed))

    # ---- requests ----

    def _begin(self, run: Run) -> Outcome | None:
        message = run.goal.trajectory
        try:
            joints = self._cell.arm.joints
            if sorted(message.joint_names) != sorted(joints):
                text = f"joints {sorted(message.joint_names)}; expected {sorted(joints)}"
                return Outcome(int(ResultCode.INVALID_JOINTS), text)
            points = read_points(message)
            if any(point.velocities is None for point in points):
                raise CombwiseError("trajectory without velocities; expected them at every point")
            order = [list(message.joint_names).index(name) for name in joints]
            with self._lock:
                if self._measured is None:
                    raise CombwiseError("no joint state yet; nothing can move")
                stamp = convert.seconds(message.header.stamp)
                refusal = self._gate.begin(
                    np.array([point.time for point in points]),
                    np.array([point.positions[order] for point in points]),
                    np.array([point.velocities[order] for point in points if point.velocities is not None]),
                    measured=self._measured,
                    plan_stamp=stamp if stamp > 0.0 else self._now,
                    now=self._now,
                )
                if not refusal:
                    self._run = run
        except CombwiseError as error:
            return Outcome(int(ResultCode.INVALID_GOAL), str(error))
        return Outcome(names.FOLLOW_STOPPED, refusal) if refusal else None

    def _cancel(self) -> None:
        with self._lock:
            self._gate.cancel()

    def _on_reset(self, _: Any, response: Any) -> Any:
        with self._lock:
            if self._gate.active:
                response.message = "the arm is still coming to rest"
                return response
            why, positions = self._supervisor.reset(self._now, self._silence_clock)
            response.success, response.message, response.positions = not why, why, list(positions)
            if not why:
                self._send(self._gate.seed(np.array(positions)))
        self.get_logger().info(f"reset: {why or 'done'}")
        return response

    def _on_tare(self, _: Any, response: Any) -> Any:
        with self._lock:
            response.message = self._supervisor.tare()
        response.success = not response.message
        return response

    def _report(self) -> tuple[bool, str, dict[str, str]]:
        mode = self._supervisor.mode
        figures = {"interventions": str(len(self._supervisor.interventions))}
        return mode in (Mode.READY, Mode.SLOWED), mode.name.lower(), figures


class ToolReader:
    """Where the comb is, from measured joints and the measured head."""

    def __init__(self, cell: Cell) -> None:
        self._cell = cell
        self.base_to_head = cell.base_to_head
        self.turn = np.eye(3)
        self._points = cell.comb_points()
        half = 0.5 * cell.head.field.spacing
        self._around = half * np.concatenate(
            [np.zeros((1, 3)), np.stack([np.eye(3), -np.eye(3)], 1).reshape(6, 3)]
        )

    def sample(self, stamp: float, q: np.ndarray, velocity: np.ndarray) -> ToolSample:
        """Return the comb's sample for joints [J] and their speeds."""
        cell = self._cell
        in_base = cell.calibration.head_to_base @ cell.tool_pose(q)
        speed = self.base_to_head[:3, :3] @ (cell.tool_jacobian(q)[:3] @ velocity)
        pose = self.base_to_head @ in_base
        self.turn, at = pose[:3, :3], pose[:3, 3]
        points = self._points @ self.turn.T + at
        # The distance here and half a cell to both sides along each axis: normal and distance in one look.
        distance = distance_from_skin(cell.head.field, at + self._around)
        outward = distance[1::2] - distance[2::2]
        outward = outward / max(float(np.linalg.norm(outward)), 1e-12)
        return ToolSample(
            stamp, _vector(at), _vector(speed), tuple(map(tuple, points.tolist())), _vector(outward),
            float(distance[0]),
        )  # fmt: skip


def joint_ranges(cell: Cell) -> list[JointRange]:
    """Return the joints' ends: plans keep JOINT_MARGIN from them, the supervisor stops at half of it."""
    return [
        JointRange(name, float(low) - JOINT_MARGIN, float(high) + JOINT_MARGIN)
        for name, low, high in zip(cell.arm.joints, cell.lower, cell.upper, strict=True)
    ]


def _vector(array: np.ndarray) -> tuple[float, float, float]:
    x, y, z = array.tolist()
    return (x, y, z)


def _finding_message(finding: Finding, stamp: float) -> SafetyFinding:
    return SafetyFinding(
        stamp=convert.to_time(max(stamp, 0.0)),
        rule=finding.rule,
        subject=finding.subject,
        level=int(finding.level),
        measured=float(finding.measured),
        limit=float(finding.limit),
        excess=float(finding.excess),
        unit=finding.unit,
        text=finding.sentence(),
    )


def main() -> int:
    """Run the supervisor."""
    return run(SafetySupervisor, real_time=True)


if __name__ == "__main__":
    sys.exit(main())
