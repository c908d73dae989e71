"""Blocks of episodes simulated on the cores of this machine, by processes that may die."""

from __future__ import annotations

import multiprocessing
import os
import signal
import threading
import time
from collections import deque
from collections.abc import Callable, Generator, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ProcessPoolExecutor, wait
from concurrent.futures.process import BrokenProcessPool
from multiprocessing.connection import wait as wait_for_any
from socket import socket, socketpair

from hairsim.errors import CombwiseError
from hairsim.generate.episode import Episode

Simulate = Callable[[int], list[Episode]]
"""A block's number to its episodes; picklable."""

MOST_BREAKS = 3
"""Pools that may break in a row without one block finished: then something kills every worker."""


def on_this_machine(
    blocks: Sequence[int],
    simulate: Simulate,
    workers: int,
    *,
    first: Sequence[Callable[[], object]] = (),
    deadline: float | None = None,
) -> Generator[list[Episode]]:
    """Yield the episodes of each block as they are finished.

    A worker that is killed breaks its pool; a new one takes up what was not finished. However this ends,
    workers end at once, and blocks that they are at are lost.

    Args:
        blocks: numbers of blocks.
        simulate: what to do with each.
        workers: how many processes.
        first: done before the blocks, for what it leaves behind; nothing waits for it.
        deadline: on the clock `time.monotonic` [s]; blocks that are not finished then are left out.

    Raises:
        CombwiseError: workers keep dying.
    """
    todo = deque(blocks)
    breaks = 0
    context = multiprocessing.get_context("spawn")
    while todo:
        running: dict[Future[list[Episode]], int] = {}
        driver_runs, end_workers = socketpair()
        pool = ProcessPoolExecutor(workers, mp_context=context, initializer=obey, initargs=(driver_runs,))
        try:
            for job in first:
                pool.submit(job)
            first = ()
            while todo or running:
                while todo and len(running) < 2 * workers:
                    running[pool.submit(simulate, todo[0])] = todo[0]
                    todo.popleft()
                left = None if deadline is None else max(0.0, deadline - time.monotonic())
                finished, _ = wait(running, left, return_when=FIRST_COMPLETED)
                if not finished:
                    return
                for job in finished:
                    episodes = job.result()
                    del running[job]
                    breaks = 0
                    yield episodes
        except BrokenProcessPool as error:
            todo.extendleft(sorted(running.values(), reverse=True))
            breaks += 1
            if breaks == MOST_BREAKS:
                raise CombwiseError(
                    f"worker processes died {breaks} times without finishing an episode (out of memory?); "
                    "try fewer --workers, then --resume"
                ) from error
        finally:
            pool.shutdown(wait=False, cancel_futures=True)
            end_workers.close()
            driver_runs.close()


def obey(driver_runs: socket) -> None:
    """Make this worker end when the driver says so, and leave Ctrl-C to the driver."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    end_with_driver(driver_runs)


def end_with_driver(*ends: socket) -> None:
    """End this worker when the driver dies, however it dies: orphans would go on simulating.

    Args:
        ends: end it also when the other end of one of these is closed.
    """
    driver = multiprocessing.parent_process()
    assert driver is not None

    def watch() -> None:
        wait_for_any([driver.sentinel, *ends])
        os._exit(1)

    threading.Thread(target=watch, daemon=True).start()
