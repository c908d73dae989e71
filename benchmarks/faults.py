"""How fast the arm stops: every fault injected while real processes comb, and what happened when.

    python -m benchmarks.faults [--faults NAME ...] [--out benchmarks/results/faults.json]

Rows of other faults that the file holds are kept, each with how it was measured.

A fault's detection limit is the moment from which it can be known: silence or age beyond its limit, or the
first reading beyond a limit of force, pose or tracking. Times of data are in ROS time, those of silent
processes on the wall clock. Needs make ros.
"""

from __future__ import annotations

import argparse
import os
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.kept_rows import Kept, command, read_rows, write_rows
from benchmarks.provenance import provenance
from benchmarks.robot_graph import Heard, RobotGraph, paced, way_back
from robot_ros.nodes import convert
from robot_ros.real_time import ask_for_real_time
from robot_ros.safety.limits import SafetyLimits
from robot_ros.safety.motion import OVERSPEED
from robot_ros.safety.verdict import Mode
from tests.robot.ros_process import ros_domain

RESULTS = Path(__file__).parent / "results" / "faults.json"
LIMITS = SafetyLimits()
AT_REST = 1e-3
"""Joint speed below which the arm is at rest [rad/s]."""


@dataclass(frozen=True)
class Fault:
    """What to break and when it can be known.

    Attributes:
        rule: the supervisor's rule that must name it.
        limit: time from the fault's begin to its detection limit [s]; None: from readings, see `crossed`.
        process: to kill instead of setting a fault of the virtual robot.
        crossed: finds the stamp of the first reading beyond the limit [s].
    """

    rule: str
    limit: float | None
    process: str = ""
    crossed: Callable[[RobotGraph, float, float], float] | None = None


def _first_force(graph: RobotGraph, wall: float, _: float) -> float:
    """Return the stamp of the first pull beyond its hard limit [s]."""
    return _first(graph.probe.since("wrench", wall), lambda m: _force(m) > LIMITS.pull_hard)


def _first_spike(graph: RobotGraph, wall: float, _: float) -> float:
    return _first(graph.probe.since("wrench", wall), lambda m: _force(m) > 10.0)


def _first_shift(graph: RobotGraph, wall: float, _: float) -> float:
    before = [h.message.pose.position for h in graph.probe.heard["head"] if h.wall < wall][-1]

    def moved(message: Any) -> bool:
        p = message.pose.position
        return np.hypot(np.hypot(p.x - before.x, p.y - before.y), p.z - before.z) > LIMITS.head_shift

    return _first(graph.probe.since("head", wall), moved)


def _first_error(graph: RobotGraph, wall: float, _: float) -> float:
    """Return the stamp of the first joint state beyond the tracking limit of the piece in force [s]."""
    pieces = graph.probe.since("pieces", wall - 1.0)
    stamps = [convert.seconds(h.message.header.stamp) for h in pieces]

    def beyond(message: Any) -> bool:
        now = convert.seconds(message.header.stamp)
        index = int(np.searchsorted(stamps, now, side="right")) - 1
        if index < 0:
            return False
        points = pieces[index].message.points
        times = [convert.seconds(p.time_from_start) for p in points]
        wish = np.array([p.positions for p in points])
        at = np.array([np.interp(now - stamps[index], times, wish[:, j]) for j in range(wish.shape[1])])
        return float(np.abs(at - message.position).max()) > LIMITS.tracking_hard

    cell = graph.cell

    def fast(message: Any) -> bool:
        cell.tool_pose(np.array(message.position))
        speed = cell.tool_jacobian(np.array(message.position))[:3] @ np.array(message.velocity)
        return float(np.linalg.norm(speed)) > OVERSPEED * LIMITS.speed_near

    # The other joints go on, and may make the comb too fast before the blocked one is far enough behind.
    joints = graph.probe.since("joints", wall)
    return float(np.nanmin([_first(joints, beyond), _first(joints, fast)]))


def _first_work(graph: RobotGraph, wall: float, _: float) -> float:
    """Return the stamp at which hair seems to have worked on the comb beyond the limit [s]."""
    joints = [h.message for h in graph.probe.since("joints", wall)]
    stamps = [convert.seconds(m.header.stamp) for m in joints]
    work, before, cell = 0.0, None, graph.cell
    for heard in graph.probe.since("wrench", wall):
        stamp, f = convert.seconds(heard.message.header.stamp), heard.message.wrench.force
        state = joints[min(int(np.searchsorted(stamps, stamp)), len(joints) - 1)]
        pose = cell.calibration.head_to_base @ cell.tool_pose(np.array(state.position))
        velocity = cell.tool_jacobian(np.array(state.position))[:3] @ np.array(state.velocity)
        power = float(pose[:3, :3] @ [f.x, f.y, f.z] @ velocity)
        work += max(0.0, power) * (stamp - before if before is not None else 0.0)
        before = stamp
        if work > LIMITS.returned_work_hard:
            return stamp
    return float("nan")


FAULTS = {
    "executor killed": Fault("silence", LIMITS.fast_beat, process="stroke_executor"),
    "controller silent": Fault("silence", LIMITS.fast_beat),
    "planner killed": Fault("silence", LIMITS.slow_beat, process="planner"),
    "supervisor killed": Fault("", 0.0, process="safety_supervisor"),
    "force stopped": Fault("age of force data", LIMITS.force_age),
    "force late": Fault("age of force data", LIMITS.force_age),
    "force frozen": Fault("frozen force sensor", LIMITS.force_frozen),
    "force spike": Fault("force rate", None, crossed=_first_spike),
    "force sign": Fault("work of the hair on the comb", None, crossed=_first_work),
    "snag": Fault("pull", None, crossed=_first_force),
    "joints stopped": Fault("age of joint states", LIMITS.joint_age),
    "joints late": Fault("age of joint states", LIMITS.joint_age),
    "joint blocked": Fault("speed of the comb", None, crossed=_first_error),
    "arm held": Fault("tracking error", None, crossed=_first_error),
    "camera stopped": Fault("age of the head pose", LIMITS.head_age),
    "camera frozen": Fault("frozen camera (head pose)", LIMITS.head_frozen),
    "head moved": Fault("head moved", None, crossed=_first_shift),
    "e-stop": Fault("e-stop", 0.0),
    "e-stop silent": Fault("silence", LIMITS.stop_signal_age),
}
"""Every fault of the table; a space in a name is an underscore in the virtual robot's."""

WALL_CLOCK = {"executor killed", "controller silent", "planner killed", "e-stop silent", "e-stop"}
"""Faults whose limit is on the wall clock."""

CAMERA_PERIOD = {"camera stopped", "camera frozen"}
"""Faults that begin with the last camera frame before them."""


@dataclass(frozen=True)
class Row:
    """One line of the table; times in [s].

    Attributes:
        fault: its name.
        rule: that the supervisor named.
        clock: "wall" or "ROS".
        limit: from the fault to its detection limit.
        reaction: from the detection limit to the stop command; negative: stopped by a stricter rule before.
        rest: from the stop command to joint speed zero, ROS time; None where joints cannot be seen.
        deceleration: largest of any joint meanwhile [rad/s^2].
        jump: largest joint movement within half a second after the reset [rad]; None without a reset.
        speed: ROS seconds per second of wall time meanwhile.
    """

    fault: str
    rule: str
    clock: str
    limit: float
    reaction: float
    rest: float | None
    deceleration: float | None
    jump: float | None
    speed: float


def measure(graph: RobotGraph, name: str, way: np.ndarray) -> Row:
    """Comb along a way [T, J], inject the fault, and read what happened."""
    fault = FAULTS[name]
    result = graph.send(paced(graph.cell, way, 0.08))
    start = graph.joints()
    graph.wait("the comb to move", lambda: np.abs(graph.joints() - start).max() > 0.05)
    before = wall = time.monotonic()
    if fault.process:
        graph.processes[fault.process].kill()
        began = graph.now()
    else:
        graph.fault(name.replace(" ", "_").replace("-", "_"))
        told = graph.wait("the fault", lambda: graph.probe.since("faults", wall))[0]
        began = convert.seconds(told.message.stamp)
        wall = told.wall if name in WALL_CLOCK else wall
    if name in CAMERA_PERIOD:
        stamps = [convert.seconds(h.message.header.stamp) for h in graph.probe.heard["head"]]
        began = max(stamp for stamp in stamps if stamp <= began + 1e-6)
    if name == "supervisor killed":
        stop_wall, stop, rule = wall, began, "200 ms horizon"
    else:
        # The stop of an e-stop may be heard before the word that the fault began.
        stopped = graph.wait("a stop", lambda: _stopped(graph.probe.since("safety", before)))
        stop_wall, stop = stopped.wall, convert.seconds(stopped.message.stamp)
        rule = " + ".join(sorted({f.rule for f in stopped.message.interventions}))
    rest = None
    if name != "joints stopped":
        rest = graph.wait("rest", lambda: _at_rest(graph.probe.since("joints", wall), stop))
    limit = fault.limit or 0.0
    if fault.crossed is not None:
        limit = fault.crossed(graph, wall, began) - began
    passed = (stop_wall - wall) if name in WALL_CLOCK else (stop - began)
    deceleration = None if rest is None else _deceleration(graph.probe.since("joints", wall), stop, rest)
    speed = _speed_of_time(graph.probe.since("joints", wall - 1.0))
    if not fault.process or name == "executor killed" or name == "planner killed":
        graph.future("the motion's result", result)
    jump = _recover(graph, name, fault)
    _go_back(graph, way)
    return Row(
        name, rule, "wall" if name in WALL_CLOCK else "ROS", limit, passed - limit,
        None if rest is None else rest - stop, deceleration, jump, speed,
    )  # fmt: skip


def _recover(graph: RobotGraph, name: str, fault: Fault) -> float | None:
    """End the fault, go on, and return how far the joints jumped after the reset [rad]."""
    if fault.process:
        graph.start(fault.process)
    else:
        if name != "joints stopped":
            # Until set-points are where the joints are measured: an arm set free must not leap.
            end = graph.now() + 0.5
            graph.wait("half a second", lambda: graph.now() > end)
        graph.fault("")
    if name == "supervisor killed":
        graph.wait("a new supervisor", lambda: graph.mode is Mode.READY and _fresh(graph))
        return None
    graph.recover()
    wall, before = time.monotonic(), graph.joints()
    end = graph.now() + 0.5
    graph.wait("half a second", lambda: graph.now() > end)
    return max(
        float(np.abs(np.array(h.message.position) - before).max()) for h in graph.probe.since("joints", wall)
    )


def _go_back(graph: RobotGraph, way: np.ndarray) -> None:
    """Bring the comb back to where the way begins."""
    back = paced(graph.cell, way_back(way, graph.joints()), 0.08)
    outcome = graph.future("the way back", graph.send(back)).result
    assert outcome.error_code == 0, outcome.error_string


def _fresh(graph: RobotGraph) -> bool:
    return time.monotonic() - graph.probe.heard["safety"][-1].wall < 0.3


def _stopped(states: list[Heard]) -> Heard | None:
    bad = (Mode.STOPPED, Mode.EMERGENCY, Mode.RETREATING)
    return next((h for h in states if Mode(h.message.mode) in bad and h.message.interventions), None)


def _at_rest(joints: list[Heard], stop: float) -> float | None:
    """Return the stamp after `stop` from which the joints stayed at rest for at least 50 ms, or None."""
    rest = None
    for heard in joints:
        stamp = convert.seconds(heard.message.header.stamp)
        still = float(np.abs(heard.message.velocity).max()) < AT_REST
        if stamp < stop:
            continue
        if still and rest is None:
            rest = stamp
        elif still and rest is not None and stamp - rest > 0.05:
            return rest
        elif not still:
            rest = None
    return None


def _deceleration(joints: list[Heard], start: float, end: float) -> float:
    rows = [(convert.seconds(h.message.header.stamp), np.array(h.message.velocity)) for h in joints]
    rows = [row for row in rows if start - 0.02 <= row[0] <= end + 0.01]
    changes = [
        float(np.abs(b[1] - a[1]).max()) / (b[0] - a[0])
        for a, b in zip(rows, rows[1:], strict=False)
        if b[0] > a[0]
    ]
    return max(changes, default=0.0)


def _speed_of_time(joints: list[Heard]) -> float:
    first, last = joints[0], joints[-1]
    passed = convert.seconds(last.message.header.stamp) - convert.seconds(first.message.header.stamp)
    return passed / max(last.wall - first.wall, 1e-9)


def _first(messages: list[Heard], condition: Callable[[Any], bool]) -> float:
    found = next((h for h in messages if condition(h.message)), None)
    return float("nan") if found is None else convert.seconds(found.message.header.stamp)


def _force(message: Any) -> float:
    f = message.wrench.force
    return float(np.sqrt(f.x**2 + f.y**2 + f.z**2))


def approach(graph: RobotGraph) -> np.ndarray:
    """Bring the comb into the hair; return the way through it [T, J]."""
    graph.await_mode(Mode.READY)
    way = graph.hair_path()
    here = graph.joints()
    lead = np.linspace(0.0, 1.0, 200)[:, None]
    outcome = graph.future("the approach", graph.send(paced(graph.cell, here + lead * (way[0] - here), 0.09)))
    assert outcome.result.error_code == 0, outcome.result.error_string
    return way


def main() -> int:
    """Inject, measure, write the file."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--faults", nargs="+", choices=list(FAULTS), default=list(FAULTS))
    parser.add_argument("--out", type=Path, default=RESULTS)
    options = parser.parse_args()
    ask_for_real_time()
    kept = read_rows(options.out, "fault")
    source = provenance(command("benchmarks.faults", "--faults", options.faults, list(FAULTS)))
    with ros_domain(), tempfile.TemporaryDirectory(prefix="faults") as folder:
        graph = RobotGraph(Path(folder))
        try:
            way = approach(graph)
            for name in options.faults:
                row = measure(graph, name, way)
                print(row, flush=True)
                kept[name] = Kept(source, asdict(row))
                write_rows(options.out, "reaction to faults over real processes", kept, FAULTS)
        except Exception:
            for log in sorted(Path(folder).glob("*.log")):
                print(log.name, *log.read_text().splitlines()[-5:], sep="\n  ", file=sys.stderr)
            raise
        finally:
            graph.close()
    return 0


if __name__ == "__main__":
    os.environ.setdefault("OMP_NUM_THREADS", "1")
    sys.exit(main())
