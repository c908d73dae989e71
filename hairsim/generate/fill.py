"""Fill a dataset with episodes that are simulated elsewhere: one process writes, and may be killed."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from pathlib import Path

from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from hairsim.generate.card import write_card
from hairsim.generate.dataset import DatasetWriter, create_dataset
from hairsim.generate.dataset_info import DatasetInfo
from hairsim.generate.episode import Episode
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
) -> int:
    """Make a dataset, or go on with one; episodes that are there already are kept.

    Args:
        out: the dataset's folder.
        info: what the set is.
        simulate: a block's number to its episodes.
        worlds: episodes of a block.
        workers, device, ray: where blocks are simulated, as in `generate`.

    Returns:
        How many episodes were simulated now.
    """
    create_dataset(out, info)
    writer = DatasetWriter(out)
    missing = writer.missing()
    blocks = sorted({index // worlds for index in missing})
    os.environ.setdefault("OMP_NUM_THREADS", "1")
    columns = (
        TextColumn("[bold]combing"),
        BarColumn(),
        MofNCompleteColumn(),
        TextColumn("{task.fields[rate]}"),
        TimeRemainingColumn(elapsed_when_finished=True),
    )
    with Progress(*columns) as progress:
        task = progress.add_task("episodes", total=info.count, completed=info.count - len(missing), rate="")
        done = 0
        for episodes in _simulated(blocks, simulate, workers, device, ray):
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
    return len(missing)


def _simulated(
    blocks: Sequence[int], simulate: Simulate, workers: int | None, device: str, ray: str | None
) -> Iterator[list[Episode]]:
    """Choose where blocks are simulated."""
    if ray is not None:
        return on_ray(blocks, simulate, ray, gpus=0.0 if device == "cpu" else 1.0)
    if device != "cpu":
        return (simulate(block) for block in blocks)
    return on_this_machine(blocks, simulate, workers or os.cpu_count() or 1)
