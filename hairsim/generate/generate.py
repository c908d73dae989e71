"""The data engine: episodes on every core, a GPU or a cluster; identical however often it was killed."""

from __future__ import annotations

from functools import partial
from pathlib import Path
from shutil import rmtree

from hairsim.cameras.camera import three_camera_rig
from hairsim.device import resolve_device
from hairsim.generate.comb_episode import Observe, comb_block
from hairsim.generate.config import GenerateConfig
from hairsim.generate.dataset import Dataset
from hairsim.generate.dataset_info import DatasetInfo
from hairsim.generate.fill import fill
from hairsim.generate.heads import jobs_of_heads
from hairsim.generate.layout import Sizes
from hairsim.physics.launch import STRANDS_A_BLOCK
from hairsim.tools.stroke_path import APPROACH_SPEED, RETRACTION, WALK_STEP
from hairsim.tools.tool_file import load_tool
from hairsim.volume import GRIDS
from hairsim.world import READINGS_PER_SECOND

HEADS = "heads"
"""Where in a dataset's folder workers leave heads for each other; removed with the last episode."""

COMPILERS = 8
"""Threads that compile kernels, a module each."""


def generate(
    config: GenerateConfig,
    out: Path,
    *,
    observe: Observe,
    observer_version: str,
    workers: int | None = None,
    device: str = "cpu",
    ray: str | None = None,
    minutes: float | None = None,
    lookers: int | None = None,
) -> int:
    """Fill the dataset folder `out`; episodes that are there already are kept.

    An episode depends on (seed, number) alone, and this process is the only one that writes. So a run that
    was killed and is started again gives what an uninterrupted one gives.

    Args:
        config: what to simulate.
        out: the dataset's folder.
        observe: camera frames to volume, see `comb_episode`.
        observer_version: travels with the dataset.
        workers: processes on this machine, each a block at a time; default one per core, and on a GPU two.
        device: "cpu", or "cuda": blocks of `config.worlds` heads on the GPU.
        ray: address of a Ray cluster to simulate on, or "auto"; None for this machine.
        minutes: stop after so long, with the blocks finished then; None for no end. Not on a cluster.
        lookers: processes beside each worker that make grooms and look at them; default none on the CPU, and
            on a GPU the cores that its workers leave.

    Returns:
        How many episodes were simulated now.
    """
    place = resolve_device(device)
    if place != "cpu" and ray is None:
        compile_kernels(place)
    kept = out / HEADS
    heads = kept if ray is None else None
    simulate = partial(comb_block, config=config, observe=observe, device=place, heads=heads, lookers=lookers)
    measure_heads = partial(jobs_of_heads, config.seed, config.heads, kept)
    made = fill(
        out,
        dataset_info(config, observer_version),
        simulate,
        worlds=config.worlds_on(place),
        workers=workers,
        device=device,
        ray=ray,
        first=measure_heads if place == "cpu" and not lookers else None,  # lookers measure their own
        seconds=None if minutes is None else 60.0 * minutes,
    )
    if len(Dataset(out)) == config.episodes:
        rmtree(kept, ignore_errors=True)
    return made


def compile_kernels(device: str) -> None:
    """Compile all kernels for a GPU once, into Warp's cache, before many processes look for them there."""
    import warp

    warp.load_module(
        "hairsim.physics", device, recursive=True, block_dim=STRANDS_A_BLOCK, max_workers=COMPILERS
    )
    warp.load_module("hairsim.cameras", device, recursive=True, max_workers=COMPILERS)


def dataset_info(config: GenerateConfig, observer_version: str) -> DatasetInfo:
    """Return what a dataset of this configuration says of itself."""
    rig = three_camera_rig()
    strokes = config.randomisation.strokes
    slowest = 2.2 * strokes.length[1] / strokes.speed[0] + 2.0 * RETRACTION / APPROACH_SPEED
    return DatasetInfo(
        profile=config.profile,
        grid=GRIDS[config.profile],
        observer_version=observer_version,
        generation=config.as_json(),
        families=config.families,
        count=config.episodes,
        sizes=Sizes(
            strokes=config.strokes,
            guides=config.guides,
            vertices=config.vertices,
            children=config.children,
            poses=max(2, round(strokes.length[1] / WALK_STEP)) + 3,
            readings=round(1.1 * READINGS_PER_SECOND * slowest) + 10,
            cameras=len(rig),
            pixels=rig[0].width if config.frames else 0,
        ),
        tools=tuple(load_tool(name) for name in config.randomisation.tools),
        cameras=tuple(rig),
    )
