"""Pre-train the latent space: `combwise train latent`."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass, field
from pathlib import Path
from typing import ClassVar

import numpy as np
import torch
from torch import Tensor, nn

from dynamics.baselines.predictors import Volume
from dynamics.batches import StateBatch, draw_window, random_states, state_batch
from dynamics.checkpoint import MODEL_FILE, CheckpointInfo
from dynamics.data import SOURCES, Source, Store, Window
from dynamics.latent.autoencoder import Decoded, LatentConfig, volume_of
from dynamics.latent.detail import refined
from dynamics.latent.loss import DIRECTION_WEIGHT, volume_loss
from dynamics.latent.model import LatentModel
from dynamics.metrics import intersection_over_union, median_turn, score
from dynamics.pictures import draw_volumes
from dynamics.precision import fast_arithmetic
from dynamics.processes import Processes, processes_of
from dynamics.resident import training_episodes
from dynamics.train_run import open_run, train_into, training_record

VALIDATION_STATES = 12


@dataclass(frozen=True)
class TrainLatentConfig:
    """Configure the training of the autoencoder.

    Attributes:
        data: dataset folder.
        out: run folder.
        minutes: time budget.
        batch: crops a step.
        learning_rate: at its highest.
        seed: of everything random.
        device: "cpu" or "cuda".
        threads: on the CPU; 0 for all cores.
        steps: stop after so many steps; 0 for no limit.
        resume, overwrite: what to do with a run that is in `out` already.
        model: sizes of the networks.
    """

    data: Path
    out: Path
    minutes: float = 10.0
    batch: int = 8
    learning_rate: float = 1e-3
    seed: int = 0
    device: str = "cpu"
    threads: int = 0
    steps: int = 0
    resume: bool = False
    overwrite: bool = False
    model: LatentConfig = field(default_factory=LatentConfig)


class LatentTask:
    """Reconstruct the full hair from full or camera-fused input.

    Attributes:
        TURNED: weight of the directions in the loss.
    """

    TURNED: ClassVar[float] = DIRECTION_WEIGHT

    def __init__(
        self, model: LatentModel, store: Store, config: TrainLatentConfig, device: torch.device
    ) -> None:
        self._model = model
        self._store = store
        self._config = config
        self._device = device
        self._training, self._cutter = training_episodes(store, device)
        self._held_back = {source: held_back_states(store, source) for source in SOURCES}

    def trainable(self) -> nn.Module:
        """Return the autoencoder."""
        return self._model

    def draw(self, rng: np.random.Generator, progress: float) -> StateBatch:
        """Return random states of training episodes."""
        del progress
        rows = random_states(self._training, self._store.grid, rng, batch=self._config.batch)
        return self._cutter.states(rows)

    def loss(self, batch: StateBatch, progress: float) -> dict[str, Tensor]:
        """Return the parts of the reconstruction loss."""
        del progress
        batch = StateBatch(*(t.to(self._device) for t in batch))
        return reconstruction_loss(self._model, batch, turned=self.TURNED)

    @torch.no_grad()
    def validate(self) -> dict[str, float]:
        """Score reconstructions of held-back episodes, from full and from camera input."""
        self._model.eval()
        scores: dict[str, float] = {}
        for source, batch in self._held_back.items():
            batch = StateBatch(*(t.to(self._device) for t in batch))
            with fast_arithmetic(self._device):
                encoded = self._model(batch.seen, batch.seen_direction, batch.head_distance)
            truth = (batch.occupancy, batch.direction)
            everywhere = torch.ones_like(batch.occupancy, dtype=torch.bool)
            for name, decoded in (
                (source, encoded.decoded),
                (f"{source}_detail", refined(encoded.decoded, encoded.detail)),
            ):
                volume = volume_of(decoded)
                found = score(*volume, *truth, everywhere)
                scores[f"{name}_f1"] = float((1.0 - found.occupancy_error).mean())
                scores[f"{name}_iou"] = float(intersection_over_union(volume[0], batch.occupancy).mean())
                scores[f"{name}_median_deg"] = float(median_turn(*volume, *truth).mean())
                scores[f"{name}_direction_deg"] = float(found.direction_deg.nanmean())
            if source == "full":
                scores["perplexity"] = perplexity(self._model.quantiser.indices(encoded.codes.fine))
        return scores

    @torch.no_grad()
    def picture(self) -> bytes:
        """Draw one held-back head: the truth, what cameras show, its codes alone, and with detail."""
        batch = StateBatch(*(t[:1].to(self._device) for t in self._held_back["cameras"]))
        with fast_arithmetic(self._device):
            encoded = self._model(batch.seen, batch.seen_direction, batch.head_distance)
        made = [volume_of(d) for d in (encoded.decoded, refined(encoded.decoded, encoded.detail))]
        shown = [(batch.occupancy, batch.direction), (batch.seen, batch.seen_direction), *made]
        return draw_volumes(*(Volume(*volume) for volume in shown))


def reconstruction_loss(
    model: LatentModel, batch: StateBatch, *, turned: float = DIRECTION_WEIGHT
) -> dict[str, Tensor]:
    """Return the parts of the loss of decoded codes, that of the detail, and their sum.

    Args:
        model: what reconstructs.
        batch: on the model's device.
        turned: weight of the directions.
    """
    encoded = model(batch.seen, batch.seen_direction, batch.head_distance)
    plain = volume_loss(encoded.decoded, batch.occupancy, batch.direction, turned=turned)
    alone = Decoded(encoded.decoded.logits.detach(), encoded.decoded.direction.detach())
    sharp = volume_loss(refined(alone, encoded.detail), batch.occupancy, batch.direction, turned=turned)
    return {**plain._asdict(), "detail": sharp.total, "total": plain.total + sharp.total}


def perplexity(indices: Tensor) -> float:
    """Return the mean perplexity over codebooks of code indices [..., codebooks]."""
    flat = indices.reshape(-1, indices.shape[-1])
    found = []
    for codebook in range(flat.shape[1]):
        share = torch.bincount(flat[:, codebook]).float() / len(flat)
        share = share[share > 0]
        found.append(float(torch.exp(-(share * share.log()).sum())))
    return float(np.mean(found))


def held_back_states(store: Store, source: Source) -> StateBatch:
    """Return a fixed batch of validation states (of training ones where a small set has none)."""
    episodes = store.split("validation") or store.require("training")
    rng = np.random.default_rng(0)
    rows = []
    for _ in range(VALIDATION_STATES):
        combing = episodes[int(rng.integers(len(episodes)))]
        state = int(rng.integers(len(combing.full)))
        window = draw_window([combing.full[state].box()], store.grid, (48, 48, 56), rng)
        rows.append((combing, state, source, Window(window.low, window.shape)))
    return state_batch(rows)


def train_latent(config: TrainLatentConfig) -> str:
    """Train the autoencoder; return the line that says what was made, where, and how good it is.

    Started by `torchrun` it trains in several processes; all but the first return an empty line.
    """
    if config.threads:
        torch.set_num_threads(config.threads)
    with processes_of(config.device) as (processes, device):
        return _train(config, processes, device)


def _train(config: TrainLatentConfig, processes: Processes, device: torch.device) -> str:
    with processes.one_first():
        store = Store(config.data)
        folder = open_run(config, processes)
    torch.manual_seed(config.seed)
    model = LatentModel(config.model).to(device)
    info = CheckpointInfo(
        kind="latent",
        profile=store.info.profile,
        grid=store.grid,
        observer_version=store.info.observer_version,
        sizes={"latent": dataclasses.asdict(config.model)},
        training=training_record(config, store, processes),
    )
    task = LatentTask(model, store, config, device)
    result = train_into(
        folder, task, model, info, config, label="train latent", device=device, processes=processes
    )
    if not processes.leads:
        return ""
    path = folder.path / MODEL_FILE
    return (
        f"latent model {path}: {result.steps} steps in {result.seconds / 60:.1f} min, validation IoU "
        f"{result.scores['full_iou']:.3f} (cameras {result.scores['cameras_iou']:.3f}), median direction "
        f"{result.scores['full_median_deg']:.1f} deg (cameras {result.scores['cameras_median_deg']:.1f})"
    )
