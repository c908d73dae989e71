"""Blocks of episodes simulated on the cores of this machine, by processes that may die."""

from __future__ import annotations

import multiprocessing
import os
import threading
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ProcessPoolExecutor, wait
from concurrent.futures.process import BrokenProcessPool
from multiprocessing.connection import wait as wait_for_any

from hairsim.errors import CombwiseError
from hairsim.generate.episode import Episode

Simulate = Callable[[int], list[Episode]]
"""A block's number to its episodes; picklable."""

MOST_BREAKS = 3
"""Pools that may break in a row without one block finished: then something kills every worker."""


def on_this_machine(blocks: Sequence[int], simulate: Simulate, workers: int) -> Iterator[list[Episode]]:
    """Yield the episodes of each block as they are finished.

    A worker that is killed breaks its pool; a new one takes up what was not finished.

    Raises:
        CombwiseError: workers keep dying.
    """
    todo = deque(blocks)
    breaks = 0
    while todo:
        running: dict[Future[list[Episode]], int] = {}
        pool = ProcessPoolExecutor(
            workers, mp_context=multiprocessing.get_context("spawn"), initializer=end_with_driver
        )
        try:
            while todo or running:
                while todo and len(running) < 2 * workers:
                    running[pool.submit(simulate, todo[0])] = todo[0]
                    todo.popleft()
                finished, _ = wait(running, return_when=FIRST_COMPLETED)
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


def end_with_driver() -> None:
    """End this worker when the driver dies, however it dies: orphans would go on simulating."""
    driver = multiprocessing.parent_process()
    assert driver is not None

    def watch() -> None:
        wait_for_any([driver.sentinel])
        os._exit(1)

    threading.Thread(target=watch, daemon=True).start()
