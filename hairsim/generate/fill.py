"""Fill a dataset with episodes that are simulated elsewhere: one process writes, and may be killed."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Sequence
from contextlib import closing
from pathlib import Path

from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from hairsim.generate.card import write_card
from hairsim.generate.dataset import DatasetWriter, create_dataset
from hairsim.generate.dataset_info import DatasetInfo
from hairsim.generate.lookers import BLOCKS_ON_A_GPU
from hairsim.generate.ray_cluster import on_ray
from hairsim.generate.workers import Simulate, on_this_machine


def fill(
    out: Path,
    info: DatasetInfo,
    simulate: Simulate,
    *,
    worlds: int = 1,
    workers: int | None = None,
    device: str = "cpu",
    ray: str | None = None,
    first: Callable[[Sequence[int]], Sequence[Callable[[], object]]] | None = None,
    seconds: float | None = None,
    label: str = "combing",
) -> int:
    """Make a dataset, or go on with one; episodes that are there already are kept.

    Args:
        out: the dataset's folder.
        info: what the set is.
        simulate: a block's number to its episodes.
        worlds: episodes of a block.
        workers, device, ray: where blocks are simulated, as in `generate`.
        first: from the numbers of the episodes that are missing to what workers of this machine do first.
        seconds: stop after so long [s], without the blocks that are not finished then; None for no end.
        label: what the progress bar says is done.

    Returns:
        How many episodes were simulated now.
    """
    deadline = None if seconds is None else time.monotonic() + seconds
    create_dataset(out, info)
    writer = DatasetWriter(out)
    missing = writer.missing()
    blocks = sorted({index // worlds for index in missing})
    os.environ.setdefault("OMP_NUM_THREADS", "1")
    columns = (
        TextColumn(f"[bold]{label}"),
        BarColumn(),
        MofNCompleteColumn(),
        TextColumn("{task.fields[rate]}"),
        TimeRemainingColumn(elapsed_when_finished=True),
    )
    simulated = (
        on_this_machine(
            blocks,
            simulate,
            workers or _workers(device),
            first=first(missing) if first is not None else (),
            deadline=deadline,
        )
        if ray is None
        else on_ray(blocks, simulate, ray, gpus=0.0 if device == "cpu" else 1.0)
    )
    with Progress(*columns) as progress, closing(simulated):
        task = progress.add_task("episodes", total=info.count, completed=info.count - len(missing), rate="")
        done = 0
        for episodes in simulated:
            for episode in episodes:
                writer.write(episode)
            done += len(episodes)
            elapsed = progress.tasks[task].elapsed or 1.0
            progress.update(
                task,
                completed=info.count - len(writer.missing()),
                rate=f"{60.0 * done * info.sizes.strokes / elapsed:.0f} strokes/min",
            )
    write_card(out)
    return len(missing) - len(writer.missing())


def _workers(device: str) -> int:
    """Return how many processes simulate unless told: one a core, on a GPU two that take turns."""
    return os.cpu_count() or 1 if device == "cpu" else BLOCKS_ON_A_GPU
