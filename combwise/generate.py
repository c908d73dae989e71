"""Simulate combed heads of hair on every core and store them: what the networks learn from."""

from __future__ import annotations

from dataclasses import dataclass, field

import tyro

from combwise.options import DeviceOption, OutOptions
from hairsim.generate.config import GenerateConfig


@dataclass(frozen=True, kw_only=True)
class Arguments(DeviceOption, OutOptions):
    """Options of `combwise generate`.

    Attributes:
        config: what to simulate.
        workers: processes; default one for each core.
    """

    config: tyro.conf.OmitArgPrefixes[GenerateConfig] = field(default_factory=GenerateConfig)
    workers: int | None = None


def run(arguments: Arguments) -> str:
    """Fill the dataset folder; return the line that says what is in it."""
    from hairsim.device import resolve_device
    from hairsim.errors import CombwiseError
    from hairsim.generate.generate import generate
    from hairsim.run_folder import RunFolder
    from planner.observe import OBSERVER_VERSION, observe

    if resolve_device(arguments.device) != "cpu":
        raise CombwiseError("data is simulated on all CPU cores for now; use --device cpu")
    folder = RunFolder.open(
        arguments.out, arguments.config, resume=arguments.resume, overwrite=arguments.overwrite
    )
    made = generate(
        arguments.config,
        folder.path,
        observe=observe,
        observer_version=OBSERVER_VERSION,
        workers=arguments.workers,
    )
    total = arguments.config.episodes
    return f"{total} episodes of {arguments.config.strokes} strokes in {arguments.out} ({made} simulated now)"
