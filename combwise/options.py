"""Options that commands share, so that they are spelt and explained once."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from hairsim.errors import CombwiseError


@dataclass(frozen=True, kw_only=True)
class OutOptions:
    """Where a command writes.

    Attributes:
        out: the folder; refused when another run is in it.
        resume: go on with the same run, if it is there.
        overwrite: delete the run that is there and begin anew.
    """

    out: Path
    resume: bool = False
    overwrite: bool = False


@dataclass(frozen=True, kw_only=True)
class WorkersOption:
    """Processes of this machine that share the work of a command.

    Attributes:
        workers: how many; default one for each core, where a GPU simulates two.
    """

    workers: int | None = None

    def __post_init__(self) -> None:
        if self.workers is not None and self.workers < 1:
            raise CombwiseError(f"workers is {self.workers}; expected at least 1")


@dataclass(frozen=True, kw_only=True)
class DeviceOption:
    """What a command computes on.

    Attributes:
        device: cpu, cuda or cuda:N.
    """

    device: str = "cpu"
