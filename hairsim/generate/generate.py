"""The data engine: episodes on every core, a GPU or a cluster; identical however often it was killed."""

from __future__ import annotations

from functools import partial
from pathlib import Path

from hairsim.cameras.camera import three_camera_rig
from hairsim.device import resolve_device
from hairsim.generate.comb_episode import Observe, comb_block
from hairsim.generate.config import GenerateConfig
from hairsim.generate.dataset_info import DatasetInfo
from hairsim.generate.fill import fill
from hairsim.generate.layout import Sizes
from hairsim.tools.stroke_path import APPROACH_SPEED, RETRACTION, WALK_STEP
from hairsim.tools.tool_file import load_tool
from hairsim.volume import GRIDS
from hairsim.world import READINGS_PER_SECOND


def generate(
    config: GenerateConfig,
    out: Path,
    *,
    observe: Observe,
    observer_version: str,
    workers: int | None = None,
    device: str = "cpu",
    ray: str | None = None,
) -> int:
    """Fill the dataset folder `out`; episodes that are there already are kept.

    An episode depends on (seed, number) alone, and this process is the only one that writes. So a run that
    was killed and is started again gives what an uninterrupted one gives.

    Args:
        config: what to simulate.
        out: the dataset's folder.
        observe: camera frames to volume, see `comb_episode`.
        observer_version: travels with the dataset.
        workers: processes on this machine; default one per core.
        device: "cpu", or "cuda": blocks of `config.worlds` heads on the GPU.
        ray: address of a Ray cluster to simulate on, or "auto"; None for this machine.

    Returns:
        How many episodes were simulated now.
    """
    simulate = partial(comb_block, config=config, observe=observe, device=resolve_device(device))
    info = dataset_info(config, observer_version)
    return fill(out, info, simulate, worlds=config.worlds, workers=workers, device=device, ray=ray)


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
