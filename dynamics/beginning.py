"""What a training goes on from: weights of an earlier one, of any simulator and observer version."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from dynamics.checkpoint import MODEL_FILE, Checkpoint, file_hash, load_checkpoint
from hairsim.errors import CombwiseError
from hairsim.volume import GridSpec


@dataclass(frozen=True)
class Beginning:
    """Weights to go on from.

    Attributes:
        path: of their file.
        checkpoint: what is in it.
    """

    path: Path
    checkpoint: Checkpoint

    @property
    def told(self) -> dict[str, Any]:
        """What the checkpoint of the training that goes on tells of them."""
        info = self.checkpoint.info
        told = {
            "kind": info.kind,
            "simulator_version": info.simulator_version,
            "observer_version": info.observer_version,
            "sha256": file_hash(self.path),
        }
        return {"begun_with": {**told, "training": dict(info.training)}}


def read_beginning(path: Path, kinds: Collection[str], *, profile: str, grid: GridSpec) -> Beginning:
    """Read the weights that a training is to begin with, of any simulator and observer version.

    Args:
        path: checkpoint, or the folder that holds it.
        kinds: of checkpoint that will do.
        profile, grid: of the data that it goes on with.

    Raises:
        CombwiseError: there is none, or it is of another kind, profile or grid.
    """
    file = path / MODEL_FILE if path.is_dir() else path
    checkpoint = load_checkpoint(file, simulator_version=None, profile=profile, grid=grid)
    if checkpoint.info.kind not in kinds:
        wanted = " or ".join(kinds)
        raise CombwiseError(f"checkpoint {file} is of kind {checkpoint.info.kind}; expected {wanted}")
    return Beginning(file, checkpoint)
