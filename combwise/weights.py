"""`combwise weights install`: make a trained model the one that the package ships."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import tyro

from combwise.options import DeviceOption
from hairsim.errors import CombwiseError

LARGEST = {
    "dynamics": {"small": 8_000_000, "base": 15_000_000},
    "completion": {"small": 4_000_000, "base": 4_000_000},
    "goal": {"small": 4_000_000, "base": 4_000_000},
}
"""Most bytes of a shipped checkpoint, by kind and profile."""


@dataclass(frozen=True, kw_only=True)
class InstallOptions(DeviceOption):
    """Options of `combwise weights install`.

    Attributes:
        run: folder of `combwise train dynamics`, `completion` or `goal`, or its checkpoint.
        kind: dynamics, completion for what fills in hidden hair, or goal for the network that reads pictures.
        evaluation: folder of `combwise evaluate dynamics` or `goal` on it; its figures go onto the card.
        out: where to put weights and card; the package's own folder when left out.
        profile: whose weights they become.
        overwrite: replace the weights that are there.
    """

    run: tyro.conf.Positional[Path]
    kind: Literal["dynamics", "completion", "goal"] = "dynamics"
    evaluation: Path | None = None
    out: Path | None = None
    profile: str = "small"
    overwrite: bool = False


def install(options: InstallOptions) -> str:
    """Copy a checkpoint that loads, and write its card: hash, training, figures; return the closing line."""
    import torch

    from dynamics.checkpoint import file_hash, load_checkpoint, profile_grid
    from dynamics.completion.completion import KIND, load_completion
    from dynamics.model import WEIGHTS, load_model
    from hairsim.atomic_file import write_bytes, write_json
    from hairsim.device import resolve_device

    device = resolve_device(options.device)
    source = options.run / "model.safetensors" if options.run.is_dir() else options.run
    info = load_checkpoint(
        source, kind=options.kind, profile=options.profile, grid=profile_grid(options.profile)
    ).info
    size = source.stat().st_size
    largest = LARGEST[options.kind][options.profile]
    if size > largest:
        raise CombwiseError(
            f"checkpoint {source} has {size / 1e6:.1f} MB; a shipped '{options.profile}' may have "
            f"{largest / 1e6:.0f} MB at most"
        )
    folder, name = WEIGHTS, f"{options.profile}.safetensors"
    if options.kind == "completion":
        load_completion(
            source,
            profile=options.profile,
            grid=info.grid,
            observer_version=info.observer_version,
            device=torch.device(device),
        )
        name = f"{options.profile}_{KIND}.safetensors"
    elif options.kind == "goal":
        from planner.goal.picture_goal import WEIGHTS as GOAL_WEIGHTS
        from planner.goal.picture_goal import load_picture_goals

        load_picture_goals(source, device=device, profile=options.profile)
        folder = GOAL_WEIGHTS
    else:
        load_model(source, device=device, profile=options.profile)
    folder = options.out or folder
    target = folder / name
    if target.exists() and not options.overwrite:
        raise CombwiseError(f"file {target} exists; use --overwrite or another --out")
    card: dict[str, Any] = {
        "sha256": file_hash(source),
        "bytes": size,
        "profile": info.profile,
        "simulator_version": info.simulator_version,
        "observer_version": info.observer_version,
        "code_version": info.code_version,
        "training": dict(info.training),
        "evaluation": None if options.evaluation is None else _evaluation(options.evaluation),
    }
    folder.mkdir(parents=True, exist_ok=True)
    write_json(target.with_suffix(".json"), card)
    write_bytes(target, source.read_bytes())
    return f"{target}: {size / 1e6:.1f} MB, sha256 {card['sha256'][:12]}, card beside it"


def _evaluation(folder: Path) -> dict[str, Any]:
    """Return the content of an evaluation's metrics.json."""
    path = folder / "metrics.json"
    if not path.is_file():
        raise CombwiseError(f"{path} does not exist; expected a folder made by 'combwise evaluate'")
    return json.loads(path.read_text(encoding="utf-8"))
