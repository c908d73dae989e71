"""The nodes of a graph as processes: started in order, watched, ended in order; needs no launch system."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

from hairsim.errors import CombwiseError
from robot_ros.graph import NodeSpec, parameter_text
from robot_ros.nodes.parent import PARENT

PATIENCE = 20.0
"""Wall time that a node may take to end in an orderly way [s]."""


def command_line(spec: NodeSpec) -> list[str]:
    """Return the words that start a node."""
    line = [sys.executable, "-m", f"robot_ros.nodes.{spec.module}"]
    if spec.parameters or spec.remaps:
        line.append("--ros-args")
    for name, value in spec.parameters.items():
        line += ["-p", f"{name}:={parameter_text(value)}"]
    for name, other in spec.remaps.items():
        line += ["-r", f"{name}:={other}"]
    return line


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
                        command_line(spec), stdin=subprocess.DEVNULL, stdout=file, stderr=subprocess.STDOUT,
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
