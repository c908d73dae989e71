"""Real ROS 2 processes for tests, in a domain of their own, never left behind."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any


@contextmanager
def ros_domain() -> Iterator[None]:
    """Give this test session a domain of its own, seen on this machine only, and rclpy in it."""
    import rclpy

    before = {key: os.environ.get(key) for key in ("ROS_DOMAIN_ID", "ROS_AUTOMATIC_DISCOVERY_RANGE")}
    os.environ["ROS_DOMAIN_ID"] = str(1 + os.getpid() % 100)
    os.environ["ROS_AUTOMATIC_DISCOVERY_RANGE"] = "LOCALHOST"
    rclpy.init()
    try:
        yield
    finally:
        rclpy.shutdown()
        for key, value in before.items():
            if value is None:
                os.environ.pop(key, None)
            else:
                os.environ[key] = value


class RosProcess:
    """One node in a process."""

    def __init__(
        self, module: str, parameters: dict[str, Any], log: Path, *, words: Sequence[str] = ()
    ) -> None:
        """Start `python -m module words` with ROS parameters; its output goes to `log`."""
        line = [sys.executable, "-m", module, *words, *(["--ros-args"] if parameters else [])]
        for name, value in parameters.items():
            text = str(value).lower() if isinstance(value, bool) else str(value)
            line += ["-p", f"{name}:={text}"]
        self.log = log
        with log.open("w", encoding="utf-8") as file:
            self._process = subprocess.Popen(line, stdout=file, stderr=subprocess.STDOUT)

    @property
    def running(self) -> bool:
        """Whether it lives."""
        return self._process.poll() is None

    def kill(self) -> None:
        """End it as a crash would: without a word."""
        self._process.send_signal(signal.SIGKILL)
        self._process.wait()

    def stop(self, seconds: float = 10.0) -> int:
        """End it in an orderly way; return its exit status."""
        if self.running:
            self._process.send_signal(signal.SIGINT)
        try:
            return self._process.wait(seconds)
        except subprocess.TimeoutExpired:
            self.kill()
            return -1


def wait_for(what: str, condition: Callable[[], bool], *, seconds: float, spin: Callable[[], None]) -> None:
    """Spin until a condition holds; fail with `what` when it takes longer than `seconds`."""
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end, f"{what} took longer than {seconds:g} s"
        spin()
