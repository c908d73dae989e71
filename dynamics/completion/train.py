"""Train what fills in the hair that cameras missed: `combwise train completion`."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import torch
from torch import Tensor, nn

from dynamics.baselines.predictors import Volume
from dynamics.batches import StateBatch, random_states
from dynamics.beginning import read_beginning
from dynamics.checkpoint import MODEL_FILE, CheckpointInfo, fill_network
from dynamics.completion.completion import KIND, Completion
from dynamics.completion.unet import HAIR_CHANNELS, Hair, UNet, UNetConfig
from dynamics.data import SOURCES, Store
from dynamics.latent.loss import volume_loss
from dynamics.latent.train import held_back_states
from dynamics.metrics import intersection_over_union, median_turn, score
from dynamics.pictures import draw_volumes
from dynamics.processes import Processes, processes_of
from dynamics.resident import training_episodes
from dynamics.train_run import open_run, train_into, training_record
from hairsim.errors import CombwiseError


@dataclass(frozen=True)
class TrainCompletionConfig:
    """Configure the training of the completion network.

    Attributes:
        data: dataset folder, made with cameras.
        out: run folder; RUN/completion in a run RUN of `combwise train dynamics` belongs to its model.
        begin: what to begin with, a file or its folder: a trained U-Net of `combwise train baselines`, whose
            eyes for strokes are taken out, or a completion, of this simulator's hair or of an earlier one's.
            None begins from nothing.
        minutes: time budget.
        batch: crops a step.
        learning_rate: at its highest.
        cameras_share: share of the inputs that are fused from cameras; the rest are full, to be left alone.
        seed: of everything random.
        device: "cpu" or "cuda".
        threads: on the CPU; 0 for all cores.
        steps: stop after so many steps; 0 for no limit.
        resume, overwrite: what to do with a run that is in `out` already.
        model: sizes of the network; those of `begin` where that is given.
    """

    data: Path
    out: Path
    begin: Path | None = None
    minutes: float = 10.0
    batch: int = 8
    learning_rate: float = 1e-3
    cameras_share: float = 0.8
    seed: int = 0
    device: str = "cpu"
    threads: int = 0
    steps: int = 0
    resume: bool = False
    overwrite: bool = False
    model: UNetConfig = field(default_factory=UNetConfig)

    def __post_init__(self) -> None:
        if not 0.0 < self.cameras_share <= 1.0:
            raise CombwiseError(
                f"cameras share {self.cameras_share}; expected more than 0 and at most 1: full hair needs no "
                "completion"
            )


class CompletionTask:
    """Predict the full hair from what was seen of it."""

    def __init__(
        self, network: UNet, store: Store, config: TrainCompletionConfig, device: torch.device
    ) -> None:
        self._network = network
        self._store = store
        self._config = config
        self._device = device
        self._training, self._cutter = training_episodes(store, device)
        self._held_back = {source: held_back_states(store, source) for source in SOURCES}

    def trainable(self) -> nn.Module:
        """Return the network."""
        return self._network

    def draw(self, rng: np.random.Generator, progress: float) -> StateBatch:
        """Return random states of training episodes."""
        del progress
        config = self._config
        rows = random_states(
            self._training,
            self._store.grid,
            rng,
            batch=config.batch,
            cameras_share=config.cameras_share,
        )
        return self._cutter.states(rows)

    def loss(self, batch: StateBatch, progress: float) -> dict[str, Tensor]:
        """Return the parts of the loss; hair and air count alike, or hair would grow with every stroke."""
        del progress
        batch = StateBatch(*(t.to(self._device) for t in batch))
        decoded = self._network(Hair(batch.seen, batch.seen_direction, batch.head_distance))
        return volume_loss(decoded, batch.occupancy, batch.direction, positive=1.0)._asdict()

    @torch.no_grad()
    def validate(self) -> dict[str, float]:
        """Score completions of held-back episodes, from full and from camera input."""
        self._network.eval()
        scores: dict[str, float] = {}
        for source, batch in self._held_back.items():
            batch = StateBatch(*(t.to(self._device) for t in batch))
            volume = Completion(self._network)(batch.seen, batch.seen_direction, batch.head_distance)
            truth = (batch.occupancy, batch.direction)
            found = score(*volume, *truth, torch.ones_like(batch.occupancy, dtype=torch.bool))
            scores[f"{source}_f1"] = float((1.0 - found.occupancy_error).mean())
            scores[f"{source}_iou"] = float(intersection_over_union(volume[0], batch.occupancy).mean())
            scores[f"{source}_median_deg"] = float(median_turn(*volume, *truth).mean())
        return scores

    @torch.no_grad()
    def picture(self) -> bytes:
        """Draw one held-back head: the truth, what cameras show, and what that is completed to."""
        batch = StateBatch(*(t[:1].to(self._device) for t in self._held_back["cameras"]))
        made = Completion(self._network)(batch.seen, batch.seen_direction, batch.head_distance)
        shown = [(batch.occupancy, batch.direction), (batch.seen, batch.seen_direction), made]
        return draw_volumes(*(Volume(*volume) for volume in shown))


def without_strokes(tensors: dict[str, Tensor]) -> dict[str, Tensor]:
    """Return a direct U-Net's tensors without what reads strokes: it then says what no stroke leaves.

    A raster of no stroke is zero everywhere, so that this changes nothing of what is said.
    """
    stem, spread = tensors["stem.weight"], tensors["spread.weight"]
    rasters = stem.shape[1] - HAIR_CHANNELS
    return {
        **tensors,
        "stem.weight": stem[:, :HAIR_CHANNELS],
        "spread.weight": spread[:, : spread.shape[1] - rasters],
    }


def train_completion(config: TrainCompletionConfig) -> str:
    """Train the network; return the line that says what was made, where, and how good it is.

    Started by `torchrun` it trains in several processes; all but the first return an empty line.
    """
    if config.threads:
        torch.set_num_threads(config.threads)
    with processes_of(config.device) as (processes, device):
        return _train(config, processes, device)


def _train(config: TrainCompletionConfig, processes: Processes, device: torch.device) -> str:
    with processes.one_first():
        store = Store(config.data)
        network, begun = _begun(config, store)
        folder = open_run(config, processes)
    info = CheckpointInfo(
        kind=KIND,
        profile=store.info.profile,
        grid=store.grid,
        observer_version=store.info.observer_version,
        sizes={"unet": dataclasses.asdict(network.config)},
        training={**training_record(config, store, processes), **begun},
    )
    task = CompletionTask(network.to(device), store, config, device)
    result = train_into(
        folder, task, network, info, config, label="train completion", device=device, processes=processes
    )
    if not processes.leads:
        return ""
    path = folder.path / MODEL_FILE
    return (
        f"completion {path}: {result.steps} steps in {result.seconds / 60:.1f} min, validation IoU "
        f"{result.scores['cameras_iou']:.3f} from cameras ({result.scores['full_iou']:.3f} from full hair), "
        f"median direction {result.scores['cameras_median_deg']:.1f} deg"
    )


def _begun(config: TrainCompletionConfig, store: Store) -> tuple[UNet, dict[str, object]]:
    """Return the network before training, and what a checkpoint tells of how it began."""
    torch.manual_seed(config.seed)
    if config.begin is None:
        return UNet(config.model, strokes=False), {}
    begun = read_beginning(
        config.begin,
        ("unet", KIND),
        profile=store.info.profile,
        grid=store.grid,
    )
    checkpoint = begun.checkpoint
    network = UNet(UNetConfig(**checkpoint.info.sizes["unet"]), strokes=False)
    if checkpoint.info.kind == "unet":
        checkpoint = dataclasses.replace(checkpoint, tensors=without_strokes(checkpoint.tensors))
    fill_network(network, checkpoint, begun.path)
    return network, begun.told
