"""Load the trained baselines for an evaluation."""

from __future__ import annotations

from pathlib import Path
from typing import TypeVar

import torch
from torch import nn

from dynamics.baselines.predictors import Direct, EditingAlone, Predictor
from dynamics.baselines.train import MODELS
from dynamics.baselines.unet import UNet, UNetConfig
from dynamics.checkpoint import Checkpoint, CheckpointInfo, load_checkpoint
from dynamics.latent.train import MODEL_FILE
from dynamics.model import build_model
from hairsim.errors import CombwiseError

Network = TypeVar("Network", bound=nn.Module)


def load_baselines(folder: Path | None, beside: CheckpointInfo, device: torch.device) -> dict[str, Predictor]:
    """Return the baselines that a run of `combwise train baselines` made, by name.

    Args:
        folder: of the run; None for no baselines.
        beside: the model that they are compared with; grid and observer must be the same.
        device: where to compute.

    Raises:
        CombwiseError: there are none, or they do not fit.
    """
    if folder is None:
        return {}
    found: dict[str, Predictor] = {}
    for name in MODELS:
        path = folder / name / MODEL_FILE
        if not path.is_file():
            continue
        checkpoint = load_checkpoint(
            path,
            kind="dynamics" if name == "no_pretraining" else name,
            profile=beside.profile,
            grid=beside.grid,
            observer_version=beside.observer_version,
        )
        if name == "unet":
            unet = UNet(UNetConfig(**checkpoint.info.sizes["unet"]))
            found[name] = Direct(_filled(unet, checkpoint, device))
        else:
            found[name] = EditingAlone(_filled(build_model(checkpoint.info), checkpoint, device))
    if not found:
        raise CombwiseError(
            f"folder {folder} holds no baselines; expected one made by 'combwise train baselines'"
        )
    return found


def _filled(model: Network, checkpoint: Checkpoint, device: torch.device) -> Network:
    model.load_state_dict({name: t.float() for name, t in checkpoint.tensors.items()})
    return model.to(device).eval()
