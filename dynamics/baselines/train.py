"""Train the learned baselines on as many strokes as the editing model saw: `combwise train baselines`."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from dynamics.baselines.unet import Hair, UNet, UNetConfig
from dynamics.checkpoint import CheckpointInfo, halved, load_checkpoint, save_checkpoint
from dynamics.data import Store, StrokeBatch
from dynamics.editing.branch import EditingModel
from dynamics.editing.train import EditingTask, StrokeTask, TrainDynamicsConfig
from dynamics.latent.autoencoder import volume_of
from dynamics.latent.train import MODEL_FILE, reconstruction_loss
from dynamics.metrics import changed, changed_region, score
from dynamics.model import build_model
from dynamics.precision import fast_arithmetic
from dynamics.training import STATE_FILE, FitConfig, Task, fit, machine
from hairsim.device import resolve_device
from hairsim.errors import CombwiseError
from hairsim.run_folder import RunFolder

MODELS = ("unet", "no_pretraining")

ENDLESS = 1e4
"""Minutes that no training takes."""


@dataclass(frozen=True)
class TrainBaselinesConfig:
    """Configure the training of the baselines.

    Attributes:
        data: dataset folder, the one that the editing model was trained on.
        dynamics: the editing model's run folder or checkpoint: steps, batch and sizes are taken from it. One
            that is still being trained will do where `steps` or `minutes` are given.
        out: run folder; each model gets a folder in it.
        models: which to train.
        minutes: time limit for each; as long as the steps take, by default.
        steps: instead of the editing model's; 0 for those.
        seed: of everything random.
        device: "cpu" or "cuda".
        threads: on the CPU; 0 for all cores.
        resume, overwrite: what to do with a run that is in `out` already.
        unet: sizes of the U-Net.
    """

    data: Path
    dynamics: Path
    out: Path
    models: tuple[str, ...] = MODELS
    minutes: float = ENDLESS
    steps: int = 0
    seed: int = 0
    device: str = "cpu"
    threads: int = 0
    resume: bool = False
    overwrite: bool = False
    unet: UNetConfig = field(default_factory=UNetConfig)

    def __post_init__(self) -> None:
        unknown = [name for name in self.models if name not in MODELS]
        if unknown or not self.models:
            raise CombwiseError(f"baselines {list(self.models)}; expected some of {', '.join(MODELS)}")


class UNetTask(StrokeTask):
    """Predict the full hair after a stroke from what was seen before it, everywhere."""

    def __init__(self, model: UNet, store: Store, config: TrainDynamicsConfig, device: torch.device) -> None:
        super().__init__(store, config, device)
        self._model = model

    def trainable(self) -> nn.Module:
        """Return the U-Net."""
        return self._model

    def loss(self, batch: StrokeBatch, progress: float) -> dict[str, Tensor]:
        """Return the parts of the loss of the last stroke of the batch, as the editing model's."""
        del progress
        batch = batch.to(self._device)
        start = batch.start
        hair = Hair(start.seen, start.seen_direction, start.head_distance)
        before = (start.occupancy, start.direction)
        with torch.no_grad():
            for number, raster in enumerate(batch.rasters[:-1]):
                hair = Hair(*volume_of(self._model(hair, raster)), start.head_distance)
                before = (batch.occupancy[number], batch.direction[number])
        return self.stroke_loss(self._model(hair, batch.rasters[-1]), before, batch)

    @torch.no_grad()
    def validate(self) -> dict[str, float]:
        """Score held-back strokes on changed voxels."""
        self._model.eval()
        scores: dict[str, float] = {}
        for source, batch in self._held_back.items():
            batch = batch.to(self._device)
            start, after = batch.start, (batch.occupancy[0], batch.direction[0])
            with fast_arithmetic(self._device):
                decoded = self._model(
                    Hair(start.seen, start.seen_direction, start.head_distance), batch.rasters[0]
                )
            region = changed_region(changed(start.occupancy, start.direction, *after))
            found = score(*volume_of(decoded), *after, region)
            scores[f"{source}_error"] = float(found.occupancy_error.mean())
            scores[f"{source}_deg"] = float(found.direction_deg.nanmean())
        return scores


class NoPretrainingTask(EditingTask):
    """Latent model and editing branch, untrained both, learn all at once from the strokes."""

    def __init__(
        self, model: EditingModel, store: Store, config: TrainDynamicsConfig, device: torch.device
    ) -> None:
        super().__init__(model, store, config, device)
        model.latent.requires_grad_(True)

    def trainable(self) -> nn.Module:
        """Return both."""
        return self._model

    def loss(self, batch: StrokeBatch, progress: float) -> dict[str, Tensor]:
        """Return the editing loss, the latent model's of the state before the stroke, and their sum."""
        edit = super().loss(batch, progress)
        start = type(batch.start)(*(t.to(self._device) for t in batch.start))
        latent = reconstruction_loss(self._model.latent, start)["total"]
        return {**edit, "latent": latent, "total": edit["total"] + latent}


def train_baselines(config: TrainBaselinesConfig) -> str:
    """Train the baselines one after the other; return the line that says what was made and where."""
    device = torch.device(resolve_device(config.device))
    if config.threads:
        torch.set_num_threads(config.threads)
    store = Store(config.data)
    model = _trained_beside(config, store)
    # Here one process draws what several drew then.
    together = int(model.training.get("processes", 1))
    steps = config.steps or together * int(model.training.get("steps", 0))
    batch = int(model.training["batch"])
    folder = RunFolder.open(config.out, config, resume=config.resume, overwrite=config.overwrite)
    words = []
    for name in config.models:
        place = folder.path / name
        place.mkdir(exist_ok=True)
        if (place / MODEL_FILE).exists():
            words.append(f"{name} was there")
            continue
        torch.manual_seed(config.seed)
        drawing = TrainDynamicsConfig(
            data=config.data,
            latent=config.data,
            out=config.out,
            batch=batch,
            seed=config.seed,
            **model.training.get("drawing", {}),
        )
        task, network, sizes = _task(name, model, store, config, drawing, device)
        trained: dict[str, Any] = {
            "data": dict(store.info.generation),
            "episodes": len(store.split("training")),
            "seed": config.seed,
            "batch": batch,
            "machine": machine(),
        }
        info = dataclasses.replace(
            model, kind="dynamics" if name == "no_pretraining" else name, sizes=sizes, training=trained
        )
        rate = float(model.training["learning_rate"])
        fitting = FitConfig(config.minutes, steps=steps, batch=batch, learning_rate=rate, seed=config.seed)
        result = fit(task, fitting, place, info, device=device, label=f"train {name}")
        trained |= {
            "steps": result.steps,
            "seconds": round(result.seconds),
            "validation": dict(result.scores),
            "parameters": sum(p.numel() for p in network.parameters()),
        }
        save_checkpoint(
            place / MODEL_FILE, dataclasses.replace(info, training=trained), halved(network.state_dict())
        )
        words.append(f"{name} {result.steps} steps in {result.seconds / 60.0:.1f} min")
    return f"baselines {folder.path}: " + ", ".join(words)


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
    if unfinished and not config.steps and config.minutes >= ENDLESS:
        raise CombwiseError(
            f"{path} is still being trained, so that its steps are not known; expected --steps or --minutes"
        )
    return info


def _task(
    name: str,
    model: CheckpointInfo,
    store: Store,
    config: TrainBaselinesConfig,
    drawing: TrainDynamicsConfig,
    device: torch.device,
) -> tuple[Task, nn.Module, dict[str, Any]]:
    """Return what to train, its network, and the sizes that its checkpoint tells."""
    if name == "unet":
        unet = UNet(config.unet).to(device)
        return UNetTask(unet, store, drawing, device), unet, {"unet": dataclasses.asdict(config.unet)}
    network = build_model(model).to(device)
    return NoPretrainingTask(network, store, drawing, device), network, dict(model.sizes)
