"""Load an autoencoder from a checkpoint that holds one."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from dynamics.checkpoint import MODEL_FILE, CheckpointInfo, describe_grid, fill_network, load_checkpoint
from dynamics.data import Store
from dynamics.latent.autoencoder import LatentConfig
from dynamics.latent.model import LatentModel
from hairsim.errors import CombwiseError
from hairsim.version import SIMULATOR_VERSION
from hairsim.volume import GridSpec

KINDS = ("latent", "dynamics")
"""Kinds of checkpoints that hold an autoencoder: alone, or under the editing branch."""

PREFIX = "latent."
"""What the names of its tensors begin with in a checkpoint of kind "dynamics"."""


def load_latent(
    path: Path,
    stores: Sequence[Store],
    *,
    any_version: bool = False,
) -> tuple[LatentModel, CheckpointInfo]:
    """Load an autoencoder that fits datasets; return it and what its file says.

    Args:
        path: checkpoint, or the run folder that holds it.
        stores: the datasets; at least one.
        any_version: whether the hair that it learned may come from any simulator and observer.

    Raises:
        CombwiseError: there is none, it is of another kind, grid or version, or its tensors are not
            those of this version's networks.
    """
    first = stores[0]
    model, info = read_latent(
        path,
        profile=first.info.profile,
        grid=first.grid,
        observer_version=None if any_version else first.info.observer_version,
        simulator_version=None if any_version else SIMULATOR_VERSION,
    )
    for store in stores:
        if (store.grid, store.info.observer_version) != (first.grid, first.info.observer_version):
            raise CombwiseError(
                f"datasets of {describe_grid(first.grid)}, observer {first.info.observer_version}, and of "
                f"{describe_grid(store.grid)}, observer {store.info.observer_version}; expected one of each"
            )
    return model, info


def read_latent(
    path: Path,
    *,
    profile: str,
    grid: GridSpec,
    observer_version: str | None = None,
    simulator_version: str | None = SIMULATOR_VERSION,
) -> tuple[LatentModel, CheckpointInfo]:
    """Load an autoencoder for a profile and grid; return it and what its file says.

    Args:
        path: checkpoint, or the run folder that holds it.
        profile: "small" or "base".
        grid: that it must have been trained on.
        observer_version: that its camera inputs must come from; any when None.
        simulator_version: of the hair that it learned; any when None.

    Raises:
        CombwiseError: as `load_latent`.
    """
    file = path / MODEL_FILE if path.is_dir() else path
    checkpoint = load_checkpoint(
        file,
        profile=profile,
        grid=grid,
        simulator_version=simulator_version,
        observer_version=observer_version,
    )
    info = checkpoint.info
    if info.kind not in KINDS:
        raise CombwiseError(f"checkpoint {file} is of kind {info.kind}; expected {' or '.join(KINDS)}")
    model = LatentModel(LatentConfig(**info.sizes["latent"]))
    fill_network(model, checkpoint, file, under=PREFIX if info.kind == "dynamics" else "")
    return model, info
