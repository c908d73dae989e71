"""Work in a child process, for processes that must not stall: requests in, answers out, in order.

    planner = Worker(make_planner, config)       # make_planner(config) runs in the child, returns a function
    planner.ask(request); ...; planner.answer()  # answer waits

The child ends when its parent does, however that ended: its pipe closes. Only our own objects travel.
"""

from __future__ import annotations

import multiprocessing
import signal
from collections.abc import Callable
from multiprocessing.connection import Connection
from typing import Any, Generic, TypeVar

from hairsim.errors import CombwiseError
from robot_ros.real_time import leave_real_time

Config = TypeVar("Config")
Request = TypeVar("Request")
Answer = TypeVar("Answer")

NICER = 10
"""Children yield the processor to what must not stall: a busy machine slows the virtual robot's time down and
silences no heartbeat."""


class Worker(Generic[Config, Request, Answer]):
    """One child process."""

    def __init__(
        self, make: Callable[[Config], Callable[[Request], Answer]], config: Config, *, name: str
    ) -> None:
        """Start the child; both `make` and what it closes over are importable from a module."""
        context = multiprocessing.get_context("spawn")
        self._pipe, far = context.Pipe()
        self._process = context.Process(target=_serve, args=(far, make, config), name=name, daemon=True)
        self._process.start()
        far.close()
        self._name = name
        self._open = 0
        self._ready = False

    @property
    def waiting(self) -> int:
        """How many requests have no answer yet."""
        return self._open

    def await_ready(self, seconds: float) -> None:
        """Wait until `make` is done.

        Raises:
            CombwiseError: it failed, or took longer.
        """
        if not self._ready:
            self._receive(seconds)
            self._ready = True

    def ask(self, request: Request) -> None:
        """Send a request."""
        self.await_ready(600.0)
        try:
            self._pipe.send(request)
        except OSError as error:
            raise CombwiseError(f"process '{self._name}' ended") from error
        self._open += 1

    def has_answer(self) -> bool:
        """Whether `answer` would return at once."""
        return self._open > 0 and self._pipe.poll()

    def answer(self, seconds: float = 600.0) -> Answer:
        """Wait for the answer to the oldest open request.

        Raises:
            CombwiseError: what the child raised, or that it ended or took too long.
        """
        self._open -= 1
        return self._receive(seconds)

    def close(self) -> None:
        """End the child."""
        self._pipe.close()
        self._process.join(timeout=2.0)
        if self._process.is_alive():
            self._process.kill()

    def _receive(self, seconds: float) -> Any:
        try:
            if not self._pipe.poll(seconds):
                raise CombwiseError(f"process '{self._name}' gave no answer within {seconds:g} s")
            good, what = self._pipe.recv()
        except (EOFError, OSError) as error:
            raise CombwiseError(f"process '{self._name}' ended") from error
        if not good:
            raise what
        return what


def _serve(pipe: Connection, make: Callable[[Any], Callable[[Any], Any]], config: Any) -> None:
    """Run in the child: make, then answer until the parent is gone."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    leave_real_time(NICER)
    try:
        try:
            work = make(config)
        except CombwiseError as error:
            pipe.send((False, error))
            return
        pipe.send((True, None))
        while True:
            request = pipe.recv()
            try:
                pipe.send((True, work(request)))
            except CombwiseError as error:
                pipe.send((False, error))
    except (EOFError, OSError):
        return
