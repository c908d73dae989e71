"""Blocks of episodes simulated on a Ray cluster; Ray restarts what dies there."""

from __future__ import annotations

import logging
import os
from collections import deque
from collections.abc import Generator, Sequence
from typing import Any

from hairsim.errors import CombwiseError
from hairsim.generate.episode import Episode
from hairsim.generate.workers import Simulate

RETRIES = 5
"""How often Ray takes up a block again whose worker or machine died."""


def on_ray(
    blocks: Sequence[int], simulate: Simulate, address: str, *, gpus: float = 0.0
) -> Generator[list[Episode]]:
    """Yield the episodes of each block as they are finished on a running cluster.

    Every machine of it needs Combwise installed, of the same version; nothing is shared through disks.

    Args:
        blocks: numbers of blocks.
        simulate: what to do with each.
        address: "auto" for the cluster that this machine belongs to, else HOST:PORT or ray://HOST:PORT.
        gpus: of each task.

    Raises:
        CombwiseError: Ray is not installed, there is no such cluster, or a block fails for good.
    """
    try:
        import ray
        from ray.exceptions import RayError, RayTaskError
    except ImportError as error:
        raise CombwiseError("--ray needs Ray; install it with: pip install 'combwise[cluster]'") from error
    try:
        ray.init(
            address=address, log_to_driver=False, logging_level=logging.ERROR, runtime_env=_environment()
        )
    except (ConnectionError, ValueError, RuntimeError) as error:
        raise CombwiseError(
            f"no Ray cluster at '{address}' ({' '.join(str(error).split())[:200]}); "
            "start one with: ray start --head"
        ) from error
    try:

        def simulate_block(block: int) -> list[Episode]:
            return simulate(block)

        task = ray.remote(num_cpus=1, num_gpus=gpus, max_retries=RETRIES)(simulate_block)
        todo = deque(blocks)
        running: list[Any] = []
        while todo or running:
            slots = max(1, int(ray.cluster_resources().get("CPU", 1)))
            while todo and len(running) < 2 * slots:
                running.append(task.remote(todo.popleft()))
            finished, running = ray.wait(running, num_returns=1)
            for job in finished:
                try:
                    yield ray.get(job)
                except RayTaskError as error:
                    raise error.as_instanceof_cause() from error
                except RayError as error:
                    raise CombwiseError(
                        f"the Ray cluster gave a block up after {RETRIES} tries ({type(error).__name__}); "
                        "go on with --resume"
                    ) from error
    finally:
        ray.shutdown()


def _environment() -> dict[str, Any]:
    """Return what workers find in their environment; a path to the code is passed on where there is one."""
    kept = {name: os.environ[name] for name in ("PYTHONPATH",) if os.environ.get(name)}
    return {"env_vars": {"OMP_NUM_THREADS": "1", **kept}}
