"""Simulate combed heads of hair on every core, a GPU or a cluster: what the networks learn from."""

from __future__ import annotations

from dataclasses import dataclass, field

import tyro

from combwise.options import DeviceOption, OutOptions, WorkersOption
from hairsim.generate.config import GenerateConfig


@dataclass(frozen=True, kw_only=True)
class Arguments(DeviceOption, OutOptions, WorkersOption):
    """Options of `combwise generate`.

    Attributes:
        config: what to simulate.
        lookers: processes beside each worker that make grooms and look at them; default none, on a GPU the
            other cores.
        ray: simulate on a Ray cluster: "auto" for the running one, or its address.
        minutes: stop after so long with the blocks that are finished then; --resume goes on.
    """

    config: tyro.conf.OmitArgPrefixes[GenerateConfig] = field(default_factory=GenerateConfig)
    lookers: int | None = None
    ray: str | None = None
    minutes: float | None = None


def run(arguments: Arguments) -> str:
    """Fill the dataset folder; return the line that says what is in it."""
    from hairsim.errors import CombwiseError
    from hairsim.generate.dataset import Dataset
    from hairsim.generate.generate import generate
    from hairsim.run_folder import RunFolder
    from planner.observe import OBSERVER_VERSION, observe

    if arguments.lookers is not None and arguments.lookers < 0:
        raise CombwiseError(f"lookers is {arguments.lookers}; expected zero or more")
    if arguments.ray is not None and arguments.workers is not None:
        raise CombwiseError("--workers are processes of this machine; expected either them or --ray")
    if arguments.minutes is not None and not 0.0 < arguments.minutes < float("inf"):
        raise CombwiseError(f"minutes is {arguments.minutes}; expected a positive number")
    if arguments.ray is not None and arguments.minutes is not None:
        raise CombwiseError("--minutes stops processes of this machine; expected either it or --ray")
    folder = RunFolder.open(
        arguments.out,
        arguments.config,
        resume=arguments.resume,
        overwrite=arguments.overwrite,
        grows=("episodes",),
    )
    made = generate(
        arguments.config,
        folder.path,
        observe=observe,
        observer_version=OBSERVER_VERSION,
        workers=arguments.workers,
        lookers=arguments.lookers,
        device=arguments.device,
        ray=arguments.ray,
        minutes=arguments.minutes,
    )
    total, there = arguments.config.episodes, len(Dataset(folder.path))
    if there < total:
        return f"{there} of {total} episodes in {arguments.out} ({made} simulated now); --resume goes on"
    return f"{total} episodes of {arguments.config.strokes} strokes in {arguments.out} ({made} simulated now)"
