"""The nodes of a graph as processes: started in order, watched, ended in order; needs no launch system."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from hairsim.errors import CombwiseError
from robot_ros.nodes import names
from robot_ros.nodes.parent import PARENT

PATIENCE = 20.0
"""Wall time that a node may take to end in an orderly way [s]."""


@dataclass(frozen=True)
class NodeSpec:
    """One node: the module of robot_ros.nodes that runs it, and its parameters."""

    module: str
    parameters: Mapping[str, Any] = field(default_factory=dict)

    def command(self) -> list[str]:
        """Return the command line."""
        line = [sys.executable, "-m", f"robot_ros.nodes.{self.module}"]
        if self.parameters:
            line.append("--ros-args")
        for name, value in self.parameters.items():
            line += ["-p", f"{name}:={parameter_text(value)}"]
        return line


def parameter_text(value: Any) -> str:
    """Return a parameter's value as ROS 2 reads it on a command line: YAML, texts quoted."""
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, str):
        return "'" + value.replace("'", "''") + "'"
    if isinstance(value, (list, tuple)):
        return "[" + ", ".join(parameter_text(item) for item in value) + "]"
    return str(value)


class GraphProcesses:
    """Processes of one graph, in a ROS domain of its own on this machine."""

    def __init__(self, specs: Sequence[NodeSpec], logs: Path, *, domain: int) -> None:
        """Start all nodes; what they say goes to `logs`, a file each.

        Args:
            specs: the nodes, in the order of starting.
            logs: folder; made if it is missing.
            domain: ROS_DOMAIN_ID.
        """
        logs.mkdir(parents=True, exist_ok=True)
        self.logs = logs
        environment = {**os.environ, **domain_environment(domain), PARENT: str(os.getpid())}
        self._running: dict[str, subprocess.Popen[bytes]] = {}
        try:
            for spec in specs:
                with self._log(spec.module).open("wb") as file:
                    # In a process group of its own: Ctrl-C reaches us alone, who end them in order.
                    self._running[spec.module] = subprocess.Popen(
                        spec.command(), stdin=subprocess.DEVNULL, stdout=file, stderr=subprocess.STDOUT,
                        env=environment, process_group=0,
                    )  # fmt: skip
        except OSError as error:
            self.close()
            raise CombwiseError(f"cannot start the robot's processes: {error.strerror}") from error

    def check(self) -> None:
        """Raise CombwiseError if a node ended by itself."""
        for module, process in self._running.items():
            status = process.poll()
            if status is not None:
                said = self._log(module).read_text(encoding="utf-8", errors="replace").splitlines()
                last = next((line.strip() for line in reversed(said) if line.strip()), "it said nothing")
                raise CombwiseError(f"{module} ended with status {status}: {last}; see {self._log(module)}")

    def process_id(self, module: str) -> int:
        """Return the process id of a node."""
        return self._running[module].pid

    def close(self) -> dict[str, int]:
        """End all nodes, last started first; return their exit statuses by module."""
        statuses = {}
        for module, process in reversed(self._running.items()):
            if process.poll() is None:
                process.send_signal(signal.SIGINT)
            try:
                statuses[module] = process.wait(PATIENCE)
            except subprocess.TimeoutExpired:
                process.kill()
                statuses[module] = process.wait()
        self._running = {}
        return statuses

    def _log(self, module: str) -> Path:
        return self.logs / f"{module}.log"


def domain_environment(domain: int) -> dict[str, str]:
    """Return the variables that keep a graph to one domain on this machine."""
    return {"ROS_DOMAIN_ID": str(domain), "ROS_AUTOMATIC_DISCOVERY_RANGE": "LOCALHOST"}


def virtual_graph(
    *, robot: Mapping[str, Any], planner: Mapping[str, Any], bags: Path, bag: str, pictures: float
) -> list[NodeSpec]:
    """Return the whole virtual graph, in the order in which it is started; ended in reverse.

    Args:
        robot: parameters of the virtual robot; `arm` is everybody's.
        planner: parameters of the styling planner.
        bags, bag: folder and name of the recording.
        pictures: ROS time between kept pictures [s].
    """
    simulated = {"use_sim_time": True}
    arm = {"arm": robot.get("arm", "ur5e"), **simulated}
    return [
        NodeSpec(names.VIRTUAL_ROBOT, robot),
        NodeSpec(
            names.EPISODE_RECORDER, {"folder": str(bags), "name": bag, "pictures": pictures} | simulated
        ),
        NodeSpec(names.SAFETY_SUPERVISOR, {"real_robot": False, **arm}),
        NodeSpec(names.STROKE_EXECUTOR, arm),
        NodeSpec(names.HAIR_OBSERVER, simulated),
        NodeSpec(names.GOAL_SERVER, simulated),
        NodeSpec(names.STYLING_PLANNER, {**planner, **simulated}),
    ]
