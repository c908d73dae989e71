"""Load the trained baselines for an evaluation."""

from __future__ import annotations

from pathlib import Path

import torch

from dynamics.baselines.predictors import Direct, EditingAlone, Predictor
from dynamics.baselines.train import MODELS
from dynamics.baselines.unet import UNet, UNetConfig
from dynamics.checkpoint import CheckpointInfo, fill_network, load_checkpoint
from dynamics.latent.train import MODEL_FILE
from dynamics.model import build_model
from hairsim.errors import CombwiseError


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
            fill_network(unet, checkpoint, path)
            found[name] = Direct(unet.to(device).eval())
        else:
            model = build_model(checkpoint.info)
            fill_network(model, checkpoint, path)
            found[name] = EditingAlone(model.to(device).eval())
    if not found:
        raise CombwiseError(
            f"folder {folder} holds no baselines; expected one made by 'combwise train baselines'"
        )
    return found
