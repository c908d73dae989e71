"""Train the learned baselines on as many strokes as the editing model saw: `combwise train baselines`."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import torch

from dynamics.baselines.particle_graph import ParticleGraphConfig
from dynamics.baselines.pretraining import FOLDER, Budget, pretrain
from dynamics.baselines.roster import BASELINES
from dynamics.checkpoint import MODEL_FILE, CheckpointInfo, load_checkpoint
from dynamics.completion.unet import UNetConfig
from dynamics.data import Store
from dynamics.editing.train import TrainDynamicsConfig
from dynamics.training import STATE_FILE, FitConfig, fit, machine, save_trained
from hairsim.device import resolve_device
from hairsim.errors import CombwiseError
from hairsim.run_folder import RunFolder

MODELS = ("unet", "no_pretraining")
"""Which are trained unless others are asked for."""

ENDLESS = 1e4
"""Minutes that no training takes."""

LATENT_SHARE = 0.25
"""Of the minutes of a baseline with a latent space of its own, how many pre-train it: about as with ours."""


@dataclass(frozen=True)
class TrainBaselinesConfig:
    """Configure the training of the baselines.

    Attributes:
        data: dataset folder, the one that the editing model was trained on.
        dynamics: the editing model's run folder or checkpoint: steps, batch and sizes are taken from it. One
            that is still being trained will do where `steps` or `minutes` are given.
        out: run folder; each model gets a folder in it.
        models: which to train, some of unet, no_pretraining, occupancy_only, one_level, particle_graph.
        minutes: time limit for each, pre-training included; as long as the steps take, by default.
        steps: instead of the editing model's; 0 for those. Pre-training is shortened as much.
        latent_batch: crops a step of pre-training, as many crops in all; 0 for as many a step as ours.
        seed: of everything random.
        device: "cpu" or "cuda".
        threads: on the CPU; 0 for all cores.
        resume, overwrite: what to do with a run that is in `out` already.
        unet: sizes of the U-Net.
        particle_graph: sizes of the particle graph.
    """

    data: Path
    dynamics: Path
    out: Path
    models: tuple[str, ...] = MODELS
    minutes: float = ENDLESS
    steps: int = 0
    latent_batch: int = 0
    seed: int = 0
    device: str = "cpu"
    threads: int = 0
    resume: bool = False
    overwrite: bool = False
    unet: UNetConfig = field(default_factory=UNetConfig)
    particle_graph: ParticleGraphConfig = field(default_factory=ParticleGraphConfig)

    def __post_init__(self) -> None:
        if min(self.steps, self.latent_batch) < 0:
            raise CombwiseError(
                f"{self.steps} steps, {self.latent_batch} crops a step of pre-training; "
                "expected none negative"
            )
        unknown = [name for name in self.models if name not in BASELINES]
        if unknown or not self.models:
            raise CombwiseError(f"baselines {list(self.models)}; expected some of {', '.join(BASELINES)}")


def train_baselines(config: TrainBaselinesConfig) -> str:
    """Train the baselines one after the other; return the line that says what was made and where."""
    device = torch.device(resolve_device(config.device))
    if config.threads:
        torch.set_num_threads(config.threads)
    store = Store(config.data)
    model = _trained_beside(config, store)
    folder = RunFolder.open(config.out, config, resume=config.resume, overwrite=config.overwrite)
    words = [_train(name, model, store, config, folder.path / name, device) for name in config.models]
    return f"baselines {folder.path}: " + ", ".join(words)


def _train(
    name: str,
    model: CheckpointInfo,
    store: Store,
    config: TrainBaselinesConfig,
    place: Path,
    device: torch.device,
) -> str:
    """Train one baseline in its folder; return in words what that took."""
    place.mkdir(exist_ok=True)
    if (place / MODEL_FILE).exists():
        return f"{name} was there"
    torch.manual_seed(config.seed)
    baseline, batch = BASELINES[name], int(model.training["batch"])
    trained: dict[str, Any] = {
        "data": dict(store.info.generation),
        "episodes": len(store.split("training")),
        "seed": config.seed,
        "batch": batch,
        "machine": machine(),
    }
    own = {"unet": config.unet, "particle_graph": config.particle_graph}
    sizes = {name: dataclasses.asdict(own[name])} if name in own else dict(model.sizes)
    info = dataclasses.replace(model, kind=baseline.kind, sizes=sizes, training=trained)
    network = baseline.build(info).to(device)
    minutes = config.minutes
    if baseline.pretraining is not None:
        budget = _pretraining_budget(config, model)
        minutes -= 0.0 if minutes >= ENDLESS else budget.minutes
        latent_info = dataclasses.replace(
            model, kind=f"{name}_latent", sizes={"latent": model.sizes["latent"]}, training={}
        )
        trained["latent"] = pretrain(
            network.latent, baseline.pretraining, store, budget, place / FOLDER, latent_info, device
        )
    drawing = TrainDynamicsConfig(
        data=config.data,
        latent=config.data,
        out=config.out,
        batch=batch,
        seed=config.seed,
        **{"balanced": False, **model.training.get("drawing", {})},  # weights of before it was told
    )
    fitting = FitConfig(
        minutes,
        steps=config.steps or _steps(model.training),
        batch=batch,
        learning_rate=float(model.training["learning_rate"]),
        seed=config.seed,
    )
    task = baseline.task(network, store, drawing, device)
    result = fit(task, fitting, place, info, device=device, label=f"train {name}")
    trained["parameters"] = sum(p.numel() for p in network.parameters())
    save_trained(place / MODEL_FILE, dataclasses.replace(info, training=trained), result, network)
    return f"{name} {result.steps} steps in {result.seconds / 60.0:.1f} min"


def _steps(training: Mapping[str, Any]) -> int:
    """Return the steps that draw as many crops as a training did: one process draws what several drew."""
    return int(training.get("processes", 1)) * int(training.get("steps", 0))


def _pretraining_budget(config: TrainBaselinesConfig, model: CheckpointInfo) -> Budget:
    """Return how long latent spaces are pre-trained: as ours, or as much less as the strokes after it."""
    ours = model.training["latent"]
    batch, editing = config.latent_batch or int(ours["batch"]), _steps(model.training)
    shortened = config.steps / editing if config.steps and editing else 1.0
    steps = max(1, round(_steps(ours) * int(ours["batch"]) * shortened / batch))
    minutes = config.minutes if config.minutes >= ENDLESS else LATENT_SHARE * config.minutes
    return Budget(steps, batch, float(ours["learning_rate"]), minutes, config.seed)


def _trained_beside(config: TrainBaselinesConfig, store: Store) -> CheckpointInfo:
    """Return what the editing model is, finished or not."""
    path = config.dynamics
    done = path / MODEL_FILE if path.is_dir() else path
    unfinished = path.is_dir() and not done.exists() and (path / STATE_FILE).exists()
    info = load_checkpoint(
        path / STATE_FILE if unfinished else done,
        kind="training" if unfinished else "dynamics",
        profile=store.info.profile,
        grid=store.grid,
        observer_version=store.info.observer_version,
    ).info
    if unfinished and info.training["of"] != "dynamics":
        raise CombwiseError(f"{path} trains a model of kind {info.training['of']}; expected dynamics")
    needed = ["batch", "learning_rate"]
    needed += ["latent"] if any(BASELINES[name].pretraining for name in config.models) else []
    missing = [name for name in needed if name not in info.training]
    if missing:
        raise CombwiseError(
            f"{path} does not tell {', '.join(missing)} of its training; expected 'combwise train dynamics'"
        )
    if unfinished and not config.steps and config.minutes >= ENDLESS:
        raise CombwiseError(
            f"{path} is still being trained, so that its steps are not known; expected --steps or --minutes"
        )
    return info
