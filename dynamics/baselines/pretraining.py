"""The latent space that a baseline has of its own, pre-trained on as many crops of hair as ours."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch

from dynamics.baselines.roster import Pretraining
from dynamics.checkpoint import MODEL_FILE, CheckpointInfo, fill_network, load_checkpoint
from dynamics.data import Store
from dynamics.latent.model import LatentModel
from dynamics.latent.train import TrainLatentConfig
from dynamics.training import FitConfig, fit, machine, save_trained

FOLDER = "latent"
"""Where it is kept, in the folder of the baseline."""


@dataclass(frozen=True)
class Budget:
    """How long to pre-train.

    Attributes:
        steps: of `batch` crops.
        batch: crops a step.
        learning_rate: at its highest.
        minutes: after which it ends anyway.
        seed: of everything random.
    """

    steps: int
    batch: int
    learning_rate: float
    minutes: float
    seed: int


def pretrain(
    latent: LatentModel,
    task: Pretraining,
    store: Store,
    budget: Budget,
    folder: Path,
    info: CheckpointInfo,
    device: torch.device,
) -> dict[str, Any]:
    """Train a latent model, or take it from `folder`, and freeze it; return what its training was.

    Args:
        latent: untrained; it then holds what `folder/model.safetensors` does.
        task: what it is trained on.
        store: the dataset.
        budget: how long.
        folder: of this training; one that was killed goes on.
        info: of the checkpoint; its kind names what the latent space is good for.
        device: where to compute.

    Raises:
        CombwiseError: what is in `folder` is damaged or of another model.
    """
    path = folder / MODEL_FILE
    if not path.exists():
        folder.mkdir(exist_ok=True)
        latent.requires_grad_(True)
        drawing = TrainLatentConfig(store.path, folder, batch=budget.batch, seed=budget.seed)
        fitting = FitConfig(
            budget.minutes,
            steps=budget.steps,
            batch=budget.batch,
            learning_rate=budget.learning_rate,
            seed=budget.seed,
        )
        result = fit(
            task(latent, store, drawing, device),
            fitting,
            folder,
            info,
            device=device,
            label=f"train {info.kind}",
        )
        training = {
            "batch": budget.batch,
            "learning_rate": budget.learning_rate,
            "seed": budget.seed,
            "machine": machine(),
        }
        save_trained(path, dataclasses.replace(info, training=training), result, latent)
    checkpoint = load_checkpoint(
        path, kind=info.kind, profile=info.profile, grid=info.grid, observer_version=info.observer_version
    )
    fill_network(latent, checkpoint, path)
    latent.requires_grad_(False)
    return dict(checkpoint.info.training)
