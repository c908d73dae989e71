"""The data engine: episodes on every core, resumable, identical however often it was killed."""

from __future__ import annotations

import multiprocessing
import os
import threading
from concurrent.futures import ProcessPoolExecutor, as_completed
from multiprocessing.connection import wait
from pathlib import Path

from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from hairsim.device import start_warp
from hairsim.generate.comb_episode import Observe, comb_episode
from hairsim.generate.config import GenerateConfig
from hairsim.generate.dataset import DatasetInfo, create_dataset, episode_path, write_episode
from hairsim.volume import GRIDS


def generate(
    config: GenerateConfig, out: Path, *, observe: Observe, observer_version: str, workers: int | None = None
) -> int:
    """Fill the dataset folder `out`; episodes that are there already are kept.

    An episode depends on (seed, index) alone and is renamed into place when whole, so a killed run that is
    started again gives what an uninterrupted one gives.

    Args:
        config: what to simulate.
        out: the dataset's folder.
        observe: camera frames to volume, see `comb_episode`.
        observer_version: travels with the dataset.
        workers: processes; default one per core.

    Returns:
        How many episodes were simulated now.
    """
    info = DatasetInfo(
        profile=config.profile,
        grid=GRIDS[config.profile],
        observer_version=observer_version,
        generation=config.as_json(),
        families=config.families,
        count=config.episodes,
    )
    create_dataset(out, info)
    missing = [index for index in range(config.episodes) if not episode_path(out, index).exists()]
    os.environ.setdefault("OMP_NUM_THREADS", "1")
    columns = (
        TextColumn("[bold]combing"),
        BarColumn(),
        MofNCompleteColumn(),
        TextColumn("{task.fields[rate]}"),
        TimeRemainingColumn(),
    )
    with (
        Progress(*columns) as progress,
        ProcessPoolExecutor(
            workers or os.cpu_count() or 1,
            mp_context=multiprocessing.get_context("spawn"),
            initializer=end_with_driver,
        ) as pool,
    ):
        task = progress.add_task(
            "episodes", total=config.episodes, completed=config.episodes - len(missing), rate=""
        )
        jobs = [pool.submit(_simulate, index, config, out, observe) for index in missing]
        try:
            for done, job in enumerate(as_completed(jobs), start=1):
                job.result()
                elapsed = progress.tasks[task].elapsed or 1.0
                progress.update(
                    task, advance=1, rate=f"{60.0 * done * config.strokes / elapsed:.0f} strokes/min"
                )
        except BaseException:
            pool.shutdown(wait=False, cancel_futures=True)
            raise
    return len(missing)


def _simulate(index: int, config: GenerateConfig, out: Path, observe: Observe) -> int:
    start_warp()
    write_episode(out, comb_episode(index, config, observe))
    return index


def end_with_driver() -> None:
    """End this worker when the driver dies, however it dies: orphans would go on simulating."""
    driver = multiprocessing.parent_process()
    assert driver is not None

    def watch() -> None:
        wait([driver.sentinel])
        os._exit(1)

    threading.Thread(target=watch, daemon=True).start()
