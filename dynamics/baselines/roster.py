"""The baselines that are trained: how each is built, pre-trained, trained and asked."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

import torch
from torch import nn

from dynamics.baselines.no_pretraining import NoPretrainingTask
from dynamics.baselines.occupancy_only import (
    OccupancyLatentTask,
    OccupancyOnly,
    OccupancyOnlyTask,
    build_occupancy_only,
)
from dynamics.baselines.one_level import build_one_level
from dynamics.baselines.particle_graph import GraphPredictor, build_particle_graph
from dynamics.baselines.particle_task import ParticleTask
from dynamics.baselines.predictors import Direct, EditingAlone, Predictor
from dynamics.baselines.unet_task import UNetTask
from dynamics.checkpoint import CheckpointInfo
from dynamics.completion.unet import build_unet
from dynamics.data import Store
from dynamics.editing.train import EditingTask, TrainDynamicsConfig
from dynamics.latent.model import LatentModel
from dynamics.latent.train import LatentTask, TrainLatentConfig
from dynamics.model import build_model
from dynamics.training import Task

Network = TypeVar("Network", bound=nn.Module)

Pretraining = Callable[[LatentModel, Store, TrainLatentConfig, torch.device], LatentTask]


@dataclass(frozen=True)
class Baseline(Generic[Network]):
    """One of them.

    Attributes:
        kind: of its checkpoint.
        build: returns the untrained network that a checkpoint's sizes describe.
        task: what to train it on.
        predictor: the trained network as evaluation sees it.
        pretraining: what its own latent space, `network.latent`, is trained on before; None without one.
    """

    kind: str
    build: Callable[[CheckpointInfo], Network]
    task: Callable[[Network, Store, TrainDynamicsConfig, torch.device], Task]
    predictor: Callable[[Network], Predictor]
    pretraining: Pretraining | None = None


BASELINES: Mapping[str, Baseline[Any]] = {
    "unet": Baseline("unet", build_unet, UNetTask, Direct),
    "no_pretraining": Baseline("dynamics", build_model, NoPretrainingTask, EditingAlone),
    "occupancy_only": Baseline(
        "occupancy_only", build_occupancy_only, OccupancyOnlyTask, OccupancyOnly, OccupancyLatentTask
    ),
    "one_level": Baseline("one_level", build_one_level, EditingTask, EditingAlone, LatentTask),
    "particle_graph": Baseline("particle_graph", build_particle_graph, ParticleTask, GraphPredictor),
}
"""By name, in the order of tables."""
