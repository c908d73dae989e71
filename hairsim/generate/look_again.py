"""Look at a dataset's hair again with another observer: strands are dear, looks are cheap.

    strands, strokes, forces, ...   as they were, to the bit
    camera frames                   as they were, where they are kept; else the same cameras, with new noise
    observed volumes                new

What comes of it can be grown by `combwise generate --resume`, like any set of the same configuration.
"""

from __future__ import annotations

import dataclasses
import json
from functools import partial
from pathlib import Path
from shutil import rmtree
from typing import Any

import numpy as np

from hairsim.atomic_file import write_json
from hairsim.device import start_warp
from hairsim.errors import CombwiseError
from hairsim.generate.dataset import STORE, Dataset, create_dataset
from hairsim.generate.dataset_info import DatasetInfo
from hairsim.generate.episode import Episode, SparseVolume
from hairsim.generate.fill import fill
from hairsim.generate.generate import HEADS
from hairsim.generate.heads import jobs_of_heads, numbered_head
from hairsim.generate.subject import Observe, studio_frames
from hairsim.run_folder import CONFIG_FILE

CHANCE = 2**30
"""Third number of the seed of new noise, beside the dataset's and the episode's."""


def look_again(
    source: Path,
    out: Path,
    *,
    observe: Observe,
    observer_version: str,
    workers: int | None = None,
    resume: bool = False,
) -> int:
    """Make a dataset of another's hair as a new observer sees it; episodes that are there already are kept.

    Args:
        source: the dataset; of one that is not finished its episodes up to the first that is missing.
        out: folder of the new one.
        observe: camera frames to volume.
        observer_version: travels with the new dataset.
        workers: processes; default one per core.
        resume: go on with what a killed run left in `out`.

    Returns:
        How many episodes were looked at now.

    Raises:
        CombwiseError: no dataset, one that nobody looked at, one without a finished episode, or a folder
            that is taken.
    """
    dataset = Dataset(source)
    info = info_looked_at_again(dataset, observer_version)
    if out.resolve() == source.resolve() or (out.exists() and not out.is_dir()):
        raise CombwiseError(f"{out} cannot take the new set; expected a folder beside {source}")
    if out.exists() and any(out.iterdir()) and not (resume and (out / STORE).exists()):
        raise CombwiseError(f"folder {out} is not empty; expected a new one, or --resume of one half made")
    seed, heads = int(info.generation["seed"]), int(info.generation["heads"])
    kept = out / HEADS
    told = _run_looked_at_again(dataset, info)
    create_dataset(out, info)  # or complain, before anything is written
    if told is not None:
        write_json(out / CONFIG_FILE, told)
    seen = fill(
        out,
        info,
        partial(_looked_at, source=source, observe=observe, heads=kept),
        workers=workers,
        label="looking",
        first=partial(jobs_of_heads, seed, heads, kept),
    )
    rmtree(kept, ignore_errors=True)
    return seen


def info_looked_at_again(dataset: Dataset, observer_version: str) -> DatasetInfo:
    """Return what the new dataset says of itself: see `look_again`."""
    if dataset.info.generation.get("blind"):
        raise CombwiseError(f"dataset {dataset.path} was made blind; expected one that cameras looked at")
    numbers = [meta.index for meta in dataset.episodes]
    count = next((n for n, number in enumerate(numbers) if n != number), len(numbers))
    if count == 0:
        raise CombwiseError(f"dataset {dataset.path} lacks its first episode; expected a set to look at")
    missing = [name for name in ("seed", "heads") if name not in dataset.info.generation]
    if missing:
        raise CombwiseError(
            f"dataset {dataset.path} does not tell its {missing[0]}; expected a generated set"
        )
    generation = {**dataset.info.generation, "episodes": count}
    return dataclasses.replace(
        dataset.info, observer_version=observer_version, count=count, generation=generation
    )


def _run_looked_at_again(dataset: Dataset, info: DatasetInfo) -> dict[str, Any] | None:
    """Return the config.json of the new set: the run that moved the hair, and what was looked at again.

    Raises:
        CombwiseError: the source's is no run's.
    """
    path = dataset.path / CONFIG_FILE
    if not path.exists():
        return None
    try:
        told = json.loads(path.read_text())
        told["config"]["episodes"] = info.count
        told["looked_again"] = {
            "observer_version": dataset.info.observer_version,
            "content": dataset.content_hash(),
        }
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise CombwiseError(
            f"{path} is damaged ({error}); expected what 'combwise generate' writes"
        ) from error
    return told


def _looked_at(index: int, source: Path, observe: Observe, heads: Path) -> list[Episode]:
    """Return an episode as the observer sees it; alone in a list, as a block of one."""
    start_warp()
    dataset = Dataset(source)
    info, episode = dataset.info, dataset.read(index)
    seed = int(info.generation["seed"])
    head, _ = numbered_head(seed, episode.head.number, heads)
    rng = np.random.default_rng([seed, index, CHANCE])
    children = episode.groom.make_children()
    observed, seen = [], []
    for state, (guides, used) in enumerate(zip(episode.strands, episode.cameras, strict=True)):
        noise = int(rng.integers(2**31))
        if info.sizes.pixels:
            frames = list(dataset.frames(index, state))
            seen.append(tuple(frames))
        else:
            looking = [camera for camera, looks in zip(info.cameras, used, strict=True) if looks]
            frames = studio_frames(children.strands(guides), head, looking, seed=noise)
        observed.append(SparseVolume.of(observe(frames, head, info.grid)))
    return [dataclasses.replace(episode, observed=tuple(observed), frames=tuple(seen))]
