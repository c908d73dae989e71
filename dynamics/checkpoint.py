"""Checkpoints: one safetensors file that says of itself what it is.

The file's JSON metadata names profile, grid, simulator, observer and code version, the network's
sizes and how it was trained. A mismatch is named with both values; nothing in a file is executed.
"""

from __future__ import annotations

import dataclasses
import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save_file
from torch import Tensor, nn

from hairsim.atomic_file import written_aside
from hairsim.errors import CombwiseError
from hairsim.version import SIMULATOR_VERSION, code_version
from hairsim.volume import GRIDS, GridSpec

FORMAT = "combwise-checkpoint-1"

MODEL_FILE = "model.safetensors"
"""The trained network in the folder of a run."""


@dataclass(frozen=True)
class CheckpointInfo:
    """What a checkpoint is.

    Attributes:
        kind: "latent" (autoencoder), "dynamics" (autoencoder and editing branch) or "training" (resumable).
        profile: "small" or "base".
        grid: the grid it was trained on.
        observer_version: of the code that made the inputs: fused camera frames, or turned pictures into maps.
        sizes: the networks' configs, JSON-able.
        training: command, data, seed, minutes, machine and whatever else tells how it came to be.
        simulator_version: of the physics that made the data.
        code_version: of the code that trained it.
    """

    kind: str
    profile: str
    grid: GridSpec
    observer_version: str
    sizes: Mapping[str, Any]
    training: Mapping[str, Any] = field(default_factory=dict)
    simulator_version: str = SIMULATOR_VERSION
    code_version: str = field(default_factory=code_version)


@dataclass(frozen=True)
class Checkpoint:
    """Tensors by name, and what they are."""

    info: CheckpointInfo
    tensors: dict[str, Tensor]


def save_checkpoint(path: Path, info: CheckpointInfo, tensors: Mapping[str, Tensor]) -> None:
    """Write a checkpoint, whole or not at all."""
    record = {"format": FORMAT, **dataclasses.asdict(info)}
    metadata = {"combwise": json.dumps(record, sort_keys=True)}
    path.parent.mkdir(parents=True, exist_ok=True)
    with written_aside(path) as aside:
        save_file(
            {name: t.detach().contiguous().cpu() for name, t in tensors.items()}, aside, metadata=metadata
        )


def load_checkpoint(
    path: Path,
    *,
    kind: str | None = None,
    profile: str | None = None,
    grid: GridSpec | None = None,
    simulator_version: str | None = SIMULATOR_VERSION,
    observer_version: str | None = None,
) -> Checkpoint:
    """Read a checkpoint; what is given must match. None as `simulator_version` takes one of any physics.

    Raises:
        CombwiseError: the file is missing, truncated, foreign, or of another kind, profile, grid,
            simulator or observer version.
    """
    if not Path(path).is_file():
        raise CombwiseError(
            f"checkpoint {path} does not exist; expected a safetensors file made by 'combwise train'"
        )
    try:
        with safe_open(str(path), framework="pt", device="cpu") as file:
            metadata = file.metadata() or {}
            info = _info(path, metadata)
            tensors = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118 - not a mapping
    except (SafetensorError, OSError, ValueError) as error:
        raise CombwiseError(
            f"checkpoint {path} is truncated or no safetensors file ({error}); "
            "expected one made by 'combwise train'"
        ) from error
    _require(path, "is of kind", info.kind, kind)
    _require(path, "was trained for profile", info.profile, profile)
    _require(path, "was trained on grid", describe_grid(info.grid), describe_grid(grid) if grid else None)
    _require(path, "was trained on simulator version", info.simulator_version, simulator_version)
    _require(path, "was trained on observer version", info.observer_version, observer_version)
    return Checkpoint(info, tensors)


def fill_network(network: nn.Module, checkpoint: Checkpoint, path: Path, *, under: str = "") -> None:
    """Give a network the tensors of a checkpoint, in single precision.

    Args:
        network: of the checkpoint's sizes.
        checkpoint: read from `path`.
        path: of the file, for the error.
        under: take only the tensors whose names begin so, without that beginning.

    Raises:
        CombwiseError: they are not those of this version's network.
    """
    tensors = {
        name.removeprefix(under): t.float()
        for name, t in checkpoint.tensors.items()
        if name.startswith(under)
    }
    try:
        network.load_state_dict(tensors)
    except RuntimeError as error:
        raise CombwiseError(
            f"checkpoint {path} (code {checkpoint.info.code_version}) does not fit the networks of this "
            "version; train it again, or name another"
        ) from error


def describe_grid(grid: GridSpec) -> str:
    """Return a grid in words: '64^3 voxels of 7.5 mm from (-0.24, -0.24, -0.32) m'."""
    same = len(set(grid.shape)) == 1
    shape = f"{grid.shape[0]}^3" if same else "x".join(str(n) for n in grid.shape)
    corner = ", ".join(f"{o:g}" for o in grid.origin)
    return f"{shape} voxels of {1000 * grid.voxel:g} mm from ({corner}) m"


def profile_grid(profile: str) -> GridSpec:
    """Return the grid of a profile.

    Raises:
        CombwiseError: there is no such profile.
    """
    if profile not in GRIDS:
        raise CombwiseError(f"there is no profile '{profile}'; expected one of {', '.join(GRIDS)}")
    return GRIDS[profile]


def file_hash(path: Path) -> str:
    """Return the SHA-256 of a file as hexadecimal digits."""
    return hashlib.sha256(path.read_bytes()).hexdigest()


def require_hash(path: Path, expected: str) -> None:
    """Compare a file with its recorded hash.

    Raises:
        CombwiseError: they differ.
    """
    if path.is_file() and (found := file_hash(path)) != expected:
        raise CombwiseError(
            f"weights {path} have SHA-256 {found[:16]}...; expected {expected[:16]}...: "
            "install the package again"
        )


def halved(tensors: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """Return tensors as they are shipped: float16, which loses less than the codes' rounding does."""
    return {name: t.to(torch.float16) if t.is_floating_point() else t for name, t in tensors.items()}


def _info(path: Path, metadata: Mapping[str, str]) -> CheckpointInfo:
    try:
        record = json.loads(metadata["combwise"])
        found = record.pop("format")
    except (KeyError, ValueError, AttributeError) as error:
        raise CombwiseError(
            f"checkpoint {path} was not made by Combwise; expected one made by 'combwise train'"
        ) from error
    if found != FORMAT:
        raise CombwiseError(f"checkpoint {path} has format {found}; expected {FORMAT}")
    try:
        grid = record.pop("grid")
        shape = tuple(grid["shape"])
        return CheckpointInfo(grid=GridSpec(tuple(grid["origin"]), grid["voxel"], shape), **record)
    except (KeyError, TypeError) as error:
        raise CombwiseError(
            f"checkpoint {path} has damaged metadata ({error}); expected format {FORMAT}"
        ) from error


def _require(path: Path, what: str, found: str, expected: str | None) -> None:
    if expected is not None and found != expected:
        raise CombwiseError(f"checkpoint {path} {what} {found}; expected {expected}")
