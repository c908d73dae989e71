"""Spread independent jobs over this machine's cores, or over machines with Ray."""

from __future__ import annotations

import multiprocessing
import os
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor, as_completed
from socket import socketpair
from typing import Any

from hairsim.errors import CombwiseError
from hairsim.generate.workers import end_with_driver


def spread(
    work: Callable[..., Any], jobs: Sequence[tuple[Any, ...]], *, workers: int, ray: bool = False
) -> Iterator[tuple[tuple[Any, ...], Any]]:
    """Yield each job with its result as it is done, in any order.

    Args:
        work: called with each job's arguments; must be importable in another process.
        jobs: the arguments.
        workers: processes on this machine; with Ray, the cluster decides.
        ray: whether to use the Ray cluster that RAY_ADDRESS names, or start one on this machine.

    Raises:
        CombwiseError: Ray is asked for and not installed; or what a job raises.
    """
    if not jobs:
        return
    if ray:
        yield from _spread_over_machines(work, jobs, workers)
        return
    for name in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"):
        os.environ.setdefault(name, "1")  # one core each: the jobs are the parallelism
    context = multiprocessing.get_context("spawn")
    driver_runs, end_workers = socketpair()
    with (
        driver_runs,
        ProcessPoolExecutor(
            workers, mp_context=context, initializer=end_with_driver, initargs=(driver_runs,)
        ) as pool,
        end_workers,  # left first: workers end at once, whatever they are at, and the pool is joined
    ):
        running = {pool.submit(work, *job): job for job in jobs}
        for done in as_completed(running):
            yield running[done], done.result()


def _spread_over_machines(
    work: Callable[..., Any], jobs: Sequence[tuple[Any, ...]], workers: int
) -> Iterator[tuple[tuple[Any, ...], Any]]:
    try:
        import ray
        from ray.exceptions import RayTaskError
    except ImportError as error:
        raise CombwiseError(
            "--ray needs Ray, which is not installed; install combwise[cluster], or leave --ray out"
        ) from error
    address = os.environ.get("RAY_ADDRESS")
    threads = dict.fromkeys(("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"), "1")
    ray.init(
        address=address,
        num_cpus=None if address else workers,
        include_dashboard=None if address else False,
        runtime_env={"env_vars": threads},
        log_to_driver=False,
    )
    try:
        remote = ray.remote(num_cpus=1)(work)
        running = {remote.remote(*job): job for job in jobs}
        while running:
            (done,), _ = ray.wait(list(running), num_returns=1)
            job = running.pop(done)
            try:
                yield job, ray.get(done)
            except RayTaskError as error:
                raise error.as_instanceof_cause() from None
    finally:
        ray.shutdown()
