"""What every training does around its network: open the run, fit in time, keep what came out."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Protocol

import torch
from torch import nn

from dynamics.checkpoint import MODEL_FILE, CheckpointInfo
from dynamics.data import Store
from dynamics.processes import Processes
from dynamics.training import FitConfig, FitResult, Task, fit, machine, save_trained
from hairsim.run_folder import RunFolder


class RunConfig(Protocol):
    """What the configs of all such commands hold: the run, its budget, and its chance."""

    @property
    def out(self) -> Path:
        """Return the run's folder."""
        ...

    @property
    def resume(self) -> bool:
        """Return whether to go on with a run that is there."""
        ...

    @property
    def overwrite(self) -> bool:
        """Return whether to replace it."""
        ...

    @property
    def minutes(self) -> float:
        """Return the time budget."""
        ...

    @property
    def steps(self) -> int:
        """Return the most steps; 0 for no limit."""
        ...

    @property
    def batch(self) -> int:
        """Return the samples of a step."""
        ...

    @property
    def learning_rate(self) -> float:
        """Return the rate at its highest."""
        ...

    @property
    def seed(self) -> int:
        """Return the seed of everything random."""
        ...


class Shown(Task, Protocol):
    """A task that draws what its network makes of held-back hair."""

    def picture(self) -> bytes:
        """Return a PNG."""
        ...


def fit_config(config: RunConfig) -> FitConfig:
    """Return how a command's config asks for its network to be fitted."""
    return FitConfig(
        minutes=config.minutes,
        steps=config.steps,
        batch=config.batch,
        learning_rate=config.learning_rate,
        seed=config.seed,
    )


def open_run(config: RunConfig, processes: Processes) -> RunFolder:
    """Return the run's folder, which the first of the processes opens and writes its config into."""
    if not processes.leads:
        return RunFolder(config.out, resumed=False)
    return RunFolder.open(config.out, config, resume=config.resume, overwrite=config.overwrite)


def train_into(
    folder: RunFolder,
    task: Shown,
    network: nn.Module,
    info: CheckpointInfo,
    config: RunConfig,
    *,
    label: str,
    device: torch.device,
    processes: Processes,
) -> FitResult:
    """Fit a task; the first of the processes writes the network, what it is, and its last scores."""
    result = fit(
        task,
        fit_config(config),
        folder.path,
        info,
        device=device,
        label=label,
        processes=processes,
        picture=task.picture,
    )
    if processes.leads:
        save_trained(folder.path / MODEL_FILE, info, result, network)
        folder.write_json("metrics.json", result.scores)
    return result


def training_record(config: RunConfig, store: Store, processes: Processes) -> dict[str, Any]:
    """Return what a checkpoint tells about how it came to be; `batch` is of each of the processes."""
    several = {"processes": processes.count} if processes.count > 1 else {}
    return {
        **several,
        "data": dict(store.info.generation),
        "episodes": len(store.split("training")),
        "seed": config.seed,
        "minutes": config.minutes,
        "batch": config.batch,
        "learning_rate": config.learning_rate,
        "machine": machine(),
    }
