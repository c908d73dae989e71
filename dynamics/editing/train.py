"""Train the stroke-editing branch on frozen latents: `combwise train dynamics`."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass, field
from pathlib import Path
from typing import ClassVar

import numpy as np
import torch
from torch import Tensor, nn

from dynamics.baselines.predictors import Volume
from dynamics.batches import StrokeBatch, class_chances, draw_window, random_strokes, stroke_batch
from dynamics.beginning import read_beginning
from dynamics.checkpoint import MODEL_FILE, CheckpointInfo, file_hash, fill_network
from dynamics.data import SOURCES, Source, Store, Window
from dynamics.editing.branch import EditingConfig, EditingModel
from dynamics.latent.autoencoder import Decoded
from dynamics.latent.load import load_latent
from dynamics.latent.loss import DIRECTION_WEIGHT, volume_loss
from dynamics.metrics import changed, changed_region, score
from dynamics.model import editing_config
from dynamics.pictures import draw_prediction
from dynamics.precision import fast_arithmetic
from dynamics.processes import Processes, processes_of
from dynamics.resident import training_episodes
from dynamics.train_run import open_run, train_into, training_record
from hairsim.errors import CombwiseError

VALIDATION_STROKES = 12

DRAWING = ("changed_weight", "rollout_share", "rollout_from", "rollout_strokes", "cameras_share", "balanced")


@dataclass(frozen=True)
class TrainDynamicsConfig:
    """Configure the training of the editing branch.

    Attributes:
        data: dataset folder.
        latent: trained autoencoder, the run folder of `combwise train latent` or a file that holds one, of
            any simulator and observer: it knows what hair looks like, not how it moves.
        out: run folder.
        begin: trained editing model to go on from, a file or its run folder, of any simulator and observer
            version; its latent space should be `latent`. None begins from nothing.
        minutes: time budget.
        batch: crops a step.
        learning_rate: at its highest.
        changed_weight: how much more a voxel that truly changes counts than one that stays.
        rollout_share: share of batches that start from the model's own prediction of the stroke before,
            once `rollout_from` of the time has passed.
        rollout_from: see there, 0..1.
        rollout_strokes: most strokes of such a batch; their number is drawn from two up. The last alone is
            learned from.
        cameras_share: share of the inputs that are fused from cameras.
        balanced: draw strokes of every hair class as often, however many families of it the data hold; else
            those of every episode.
        seed: of everything random.
        device: "cpu" or "cuda".
        threads: on the CPU; 0 for all cores.
        steps: stop after so many steps; 0 for no limit.
        resume, overwrite: what to do with a run that is in `out` already.
        model: sizes of the branch and reach of its mask; those of `begin` where that is given.
    """

    data: Path
    latent: Path
    out: Path
    begin: Path | None = None
    minutes: float = 30.0
    batch: int = 6
    learning_rate: float = 1e-3
    changed_weight: float = 6.0
    rollout_share: float = 0.25
    rollout_from: float = 0.4
    rollout_strokes: int = 2
    cameras_share: float = 0.5
    balanced: bool = True
    seed: int = 0
    device: str = "cpu"
    threads: int = 0
    steps: int = 0
    resume: bool = False
    overwrite: bool = False
    model: EditingConfig = field(default_factory=EditingConfig)

    def __post_init__(self) -> None:
        if self.changed_weight < 1.0 or not 0.0 <= self.rollout_share <= 1.0 or self.rollout_strokes < 2:
            raise CombwiseError(
                f"changed weight {self.changed_weight}, rollout share {self.rollout_share}, rollouts of "
                f"{self.rollout_strokes} strokes; expected at least 1, a share of 0..1, and at least 2"
            )

    @property
    def drawing(self) -> dict[str, float | int]:
        """What decides which strokes are drawn and how they count: the same for what it is compared with."""
        return {name: getattr(self, name) for name in DRAWING}


class StrokeTask:
    """What all models of strokes are trained and validated on.

    Attributes:
        TURNED: weight of the directions in the loss.
    """

    TURNED: ClassVar[float] = DIRECTION_WEIGHT

    def __init__(self, store: Store, config: TrainDynamicsConfig, device: torch.device) -> None:
        self._store = store
        self._config = config
        self._device = device
        self._training, self._cutter = training_episodes(store, device)
        split = store.require("training")
        self._longest = split.strokes
        self._chances = class_chances(split.families) if config.balanced else None
        self._held_back = {source: held_back_strokes(store, source) for source in SOURCES}

    def draw(self, rng: np.random.Generator, progress: float) -> StrokeBatch:
        """Return random strokes; some with strokes before them, which the model rolls out itself."""
        config = self._config
        ahead = progress >= config.rollout_from and rng.random() < config.rollout_share
        horizon, most = 1, min(config.rollout_strokes, self._longest)
        if ahead and most >= 2:
            horizon = 2 if most == 2 else int(rng.integers(2, most + 1))
        rows = random_strokes(
            self._training,
            self._store.grid,
            rng,
            batch=config.batch,
            horizon=horizon,
            cameras_share=config.cameras_share,
            chances=self._chances,
        )
        return self._cutter.strokes(rows, horizon)

    def stroke_loss(
        self,
        decoded: Decoded,
        before: tuple[Tensor, Tensor],
        batch: StrokeBatch,
        *,
        inside: Tensor | None = None,
    ) -> dict[str, Tensor]:
        """Return the parts of the loss of a prediction of the last stroke of a batch.

        Args:
            decoded: the prediction.
            before: the true occupancy [N, X, Y, Z] and direction [N, X, Y, Z, 3] before that stroke.
            batch: with the truth after it.
            inside: [N, X, Y, Z] bool, where the prediction counts; everywhere when None.
        """
        after = (batch.occupancy[-1], batch.direction[-1])
        weight = 1.0 + (self._config.changed_weight - 1.0) * changed_region(changed(*before, *after))
        if inside is not None:
            weight = inside * weight
        # What a stroke does is uncertain: weighted up, every voxel that may hold hair is called hair.
        return volume_loss(decoded, *after, weight=weight, positive=1.0, turned=self.TURNED)._asdict()


class EditingTask(StrokeTask):
    """Predict the full hair after a stroke from the latents before it."""

    def __init__(
        self, model: EditingModel, store: Store, config: TrainDynamicsConfig, device: torch.device
    ) -> None:
        super().__init__(store, config, device)
        self._model = model

    def trainable(self) -> nn.Module:
        """Return the editing branch; the latent model stays as it is."""
        return self._model.branch

    def loss(self, batch: StrokeBatch, progress: float) -> dict[str, Tensor]:
        """Return the parts of the loss of the last stroke of the batch."""
        del progress
        batch = batch.to(self._device)
        start = batch.start
        state = self._model.encode(start.seen, start.seen_direction, start.head_distance)
        before = (start.occupancy, start.direction)
        with torch.no_grad():
            for number, raster in enumerate(batch.rasters[:-1]):
                state = self._model(state, raster).state
                before = (batch.occupancy[number], batch.direction[number])
        edit = self._model(state, batch.rasters[-1])
        return self.stroke_loss(edit.decoded, before, batch, inside=edit.mask.voxels)

    @torch.no_grad()
    def validate(self) -> dict[str, float]:
        """Score held-back strokes on changed voxels, beside plain reconstruction and the mask's recall."""
        self._model.eval()
        scores: dict[str, float] = {}
        for source, batch in self._held_back.items():
            batch = batch.to(self._device)
            start, after = batch.start, (batch.occupancy[0], batch.direction[0])
            with fast_arithmetic(self._device):
                state = self._model.encode(start.seen, start.seen_direction, start.head_distance)
                edit = self._model(state, batch.rasters[0])
            truth = changed(start.occupancy, start.direction, *after)
            own = changed(state.occupancy, state.direction, edit.state.occupancy, edit.state.direction)
            region = changed_region(truth, own)
            for name, (occupancy, direction) in (
                ("editing", (edit.state.occupancy, edit.state.direction)),
                ("reconstruction", (state.occupancy, state.direction)),
            ):
                found = score(occupancy, direction, *after, region)
                scores[f"{source}_{name}_error"] = float(found.occupancy_error.mean())
                scores[f"{source}_{name}_deg"] = float(found.direction_deg.nanmean())
            inside = edit.mask.voxels
            scores[f"{source}_mask_recall"] = float((truth & inside).sum() / truth.sum().clamp_min(1))
            scores[f"{source}_mask_share"] = float(inside.float().mean())
        return scores

    @torch.no_grad()
    def picture(self) -> bytes:
        """Draw the held-back stroke that changes most hair: before, predicted, simulated, where they part."""
        batch = self._held_back["full"].to(self._device)
        start, after = batch.start, Volume(batch.occupancy[0], batch.direction[0])
        most = int(changed(start.occupancy, start.direction, *after).flatten(1).sum(1).argmax())
        with fast_arithmetic(self._device):
            state = self._model.encode(start.seen, start.seen_direction, start.head_distance)
            edited = self._model(state, batch.rasters[0]).state
        shown = [Volume(state.occupancy, state.direction), Volume(edited.occupancy, edited.direction), after]
        return draw_prediction(*(Volume(*(t[most : most + 1] for t in volume)) for volume in shown))


def held_back_strokes(store: Store, source: Source) -> StrokeBatch:
    """Return a fixed batch of validation strokes (of training ones where a small set has none)."""
    episodes = store.split("validation") or store.require("training")
    rng = np.random.default_rng(1)
    rows = []
    for _ in range(VALIDATION_STROKES):
        combing = episodes[int(rng.integers(len(episodes)))]
        stroke = int(rng.integers(len(combing.paths)))
        boxes = [h.box() for h in combing.full[stroke : stroke + 2]]
        window = draw_window(boxes, store.grid, (48, 48, 56), rng)
        rows.append((combing, stroke, source, Window(window.low, window.shape)))
    return stroke_batch(rows, 1, store.grid)


def train_dynamics(config: TrainDynamicsConfig) -> str:
    """Train the editing branch; return the line that says what was made, where, and how good it is.

    Started by `torchrun` it trains in several processes; all but the first return an empty line.
    """
    if config.threads:
        torch.set_num_threads(config.threads)
    with processes_of(config.device) as (processes, device):
        return _train(config, processes, device)


def _train(config: TrainDynamicsConfig, processes: Processes, device: torch.device) -> str:
    with processes.one_first():
        store = Store(config.data)
        latent, knows_hair = load_latent(config.latent, [store], any_version=True)
        begun = config.begin and read_beginning(
            config.begin,
            ("dynamics",),
            profile=store.info.profile,
            grid=store.grid,
        )
        folder = open_run(config, processes)
    torch.manual_seed(config.seed)
    sizes = config.model if begun is None else editing_config(begun.checkpoint.info)
    model = EditingModel(latent, sizes, voxel=store.grid.voxel).to(device)
    if begun is not None:
        fill_network(model.branch, begun.checkpoint, begun.path, under="branch.")
    latent_file = config.latent / MODEL_FILE if config.latent.is_dir() else config.latent
    info = CheckpointInfo(
        kind="dynamics",
        profile=store.info.profile,
        grid=store.grid,
        observer_version=store.info.observer_version,
        sizes={"latent": dataclasses.asdict(latent.config), "editing": dataclasses.asdict(sizes)},
        training={
            **training_record(config, store, processes),
            "drawing": config.drawing,
            "latent": dict(
                knows_hair.training if knows_hair.kind == "latent" else knows_hair.training["latent"]
            ),
            "latent_simulator_version": knows_hair.simulator_version,
            "latent_observer_version": knows_hair.observer_version,
            "latent_sha256": file_hash(latent_file),
            **({} if begun is None else begun.told),
        },
    )
    task = EditingTask(model, store, config, device)
    result = train_into(
        folder, task, model, info, config, label="train dynamics", device=device, processes=processes
    )
    if not processes.leads:
        return ""
    path = folder.path / MODEL_FILE
    scores = result.scores
    return (
        f"dynamics {path}: {result.steps} steps in {result.seconds / 60:.1f} min, occupancy error on changed "
        f"voxels {scores['full_editing_error']:.3f} (no edit {scores['full_reconstruction_error']:.3f}), "
        f"direction {scores['full_editing_deg']:.1f} deg ({scores['full_reconstruction_deg']:.1f})"
    )
