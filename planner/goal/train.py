"""Train the network that reads goals out of pictures: `combwise train goal`."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import NamedTuple

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional

from dynamics.baselines.predictors import Volume
from dynamics.beginning import read_beginning
from dynamics.checkpoint import MODEL_FILE, CheckpointInfo, fill_network
from dynamics.latent.autoencoder import Codes, features, volume_of
from dynamics.latent.load import read_latent
from dynamics.latent.loss import volume_loss
from dynamics.latent.model import LatentModel
from dynamics.metrics import intersection_over_union, median_turn
from dynamics.model import WEIGHTS
from dynamics.precision import fast_arithmetic
from dynamics.train_run import fit_config
from dynamics.training import fit, machine, save_trained
from hairsim.device import resolve_device
from hairsim.errors import CombwiseError
from hairsim.generate.dataset import Dataset
from hairsim.run_folder import RunFolder
from hairsim.volume import GridSpec
from planner.goal.baselines import mean_hair, save_mean
from planner.goal.picture_goal import KIND, sights_of
from planner.goal.picture_lift import Sights
from planner.goal.picture_maps import MAPS_VERSION, mirrored
from planner.goal.picture_model import (
    PictureConfig,
    PictureNetwork,
    decoded_goal,
    latent_space,
    latents_of,
    working_box,
)
from planner.goal.picture_views import KeptView, ViewRanges, keep_views, read_views

VALIDATION_VIEWS = 24

LATENT_WEIGHT = 1.0
"""Weight of the squared distance from the latents that the encoder gives the true hair: it shows the way
long before decoded hair looks like any, and still pulls towards codes that the editing model knows."""

MEAN_FILE = "mean.npz"


@dataclass(frozen=True)
class TrainGoalConfig:
    """Configure the training of the picture model.

    Attributes:
        data: dataset folder; its strands are what pictures are rendered of.
        out: run folder; pictures are kept in it.
        latent: checkpoint or run folder of the latent space that goals lie in; None for the shipped one.
        begin: trained picture model to go on from, a file or its run folder, of any simulator version, in the
            same latent space; None begins from nothing.
        minutes: time budget of the fitting; rendering comes before it.
        views: pictures to render, over all training episodes.
        batch: pictures a step.
        learning_rate: at its highest.
        seed: of everything random.
        device: "cpu" or "cuda".
        threads: on the CPU; 0 for all cores.
        workers: processes that render; 0 for one a core.
        steps: stop after so many steps; 0 for no limit.
        resume, overwrite: what to do with a run that is in `out` already.
        model: sizes of the network; those of `begin` where that is given.
        ranges: how pictures vary.
    """

    data: Path
    out: Path
    latent: Path | None = None
    begin: Path | None = None
    minutes: float = 20.0
    views: int = 3000
    batch: int = 8
    learning_rate: float = 1e-3
    seed: int = 0
    device: str = "cpu"
    threads: int = 0
    workers: int = 0
    steps: int = 0
    resume: bool = False
    overwrite: bool = False
    model: PictureConfig = field(default_factory=PictureConfig)
    ranges: ViewRanges = field(default_factory=ViewRanges)

    def __post_init__(self) -> None:
        if self.views < 1:
            raise CombwiseError(f"views is {self.views}; expected at least 1")


class Lesson(NamedTuple):
    """Pictures and the hair in them, over the working box.

    The hair is kept as a list of its voxels, and spread over the box where it is needed: on a GPU the way
    from the CPU would take longer than the step.

    Attributes:
        sights: what the network sees.
        place: [M] int64, flat index of each voxel of hair over [B, X, Y, Z].
        occupancy: [M] uint8 of 255. direction: [M, 3] int8 of 127.
    """

    sights: Sights
    place: Tensor
    occupancy: Tensor
    direction: Tensor

    def to(self, device: torch.device) -> Lesson:
        """Move a batch."""
        return Lesson(self.sights.to(device), *(t.to(device) for t in self[1:]))

    def truth(self) -> Volume:
        """Return the true hair [B, X, Y, Z], [B, X, Y, Z, 3]."""
        shape = self.sights.head_distance.shape
        occupancy = torch.zeros(shape.numel(), device=self.place.device)
        direction = torch.zeros(shape.numel(), 3, device=self.place.device)
        occupancy[self.place] = self.occupancy.float() / 255.0
        direction[self.place] = functional.normalize(self.direction.float(), dim=-1)
        return Volume(occupancy.view(shape), direction.view(*shape, 3))


class Lessons:
    """Kept views and the heads in them, made into batches.

    Args:
        views: to draw on.
        heads: [X, Y, Z] float16 distance to the skin over the working box [m], by the head's number.
        grid: of the views' hair.
    """

    def __init__(self, views: Sequence[KeptView], heads: dict[int, np.ndarray], grid: GridSpec) -> None:
        self.views = views
        self._heads = heads
        self._grid = grid
        low, box = working_box(grid)
        self._low, self._shape = np.asarray(low), box.shape

    def batch(self, numbers: Sequence[int], mirror: Sequence[bool]) -> Lesson:
        """Return views as a batch, some with left and right exchanged."""
        maps, distances, places, occupancies, directions = [], [], [], [], []
        for row, (number, swap) in enumerate(zip(numbers, mirror, strict=True)):
            view = self.views[number]
            seen, distance = view.hair_maps(), self._heads[view.head].astype(np.float32)
            place = np.stack(np.unravel_index(view.hair.index, self._grid.shape), axis=1) - self._low
            kept = np.all((place >= 0) & (place < self._shape), axis=1)
            place, direction = place[kept], view.hair.direction[kept]
            if swap:
                seen, distance = mirrored(seen), distance[:, ::-1]
                place[:, 1] = self._shape[1] - 1 - place[:, 1]
                direction = direction * np.array([1, -1, 1], np.int8)
            maps.append(seen)
            distances.append(distance)
            places.append(np.ravel_multi_index(tuple(place.T), self._shape) + row * distance.size)
            occupancies.append(view.hair.occupancy[kept])
            directions.append(direction)
        found = (np.concatenate(parts) for parts in (places, occupancies, directions))
        return Lesson(sights_of(maps, distances), *(torch.from_numpy(part) for part in found))


class GoalTask:
    """Find the codes of the hair in a picture."""

    def __init__(
        self,
        network: PictureNetwork,
        latent: LatentModel,
        lessons: Lessons,
        held_back: Lessons,
        batch: int,
        device: torch.device,
    ) -> None:
        self._network = network
        self._latent = latent
        self._lessons = lessons
        self._held_back = held_back
        self._batch = batch
        self._device = device

    def trainable(self) -> nn.Module:
        """Return the network; the latent space stays as it is."""
        return self._network

    def draw(self, rng: np.random.Generator, progress: float) -> Lesson:
        """Return random pictures, half of them mirrored."""
        del progress
        numbers = rng.integers(len(self._lessons.views), size=self._batch)
        return self._lessons.batch(numbers.tolist(), (rng.random(self._batch) < 0.5).tolist())

    def loss(self, batch: Lesson, progress: float) -> dict[str, Tensor]:
        """Return the parts of the loss: of decoded hair, and of latents before rounding."""
        del progress
        batch = batch.to(self._device)
        latents = latents_of(self._network, self._latent, batch.sights)
        hair = decoded_goal(self._latent, latents, batch.sights)
        truth = batch.truth()
        decoded = volume_loss(hair, *truth)
        true = true_latents(self._latent, truth, batch.sights.head_distance)
        apart = functional.mse_loss(latents.free.fine, true.fine)
        apart = apart + functional.mse_loss(latents.free.coarse, true.coarse)
        return {**decoded._asdict(), "latent": apart, "total": decoded.total + LATENT_WEIGHT * apart}

    @torch.no_grad()
    def validate(self) -> dict[str, float]:
        """Score goals of pictures of held-back episodes."""
        self._network.eval()
        scores: dict[str, list[Tensor]] = {"iou": [], "median_deg": []}
        for number in range(len(self._held_back.views)):
            batch = self._held_back.batch([number], [False]).to(self._device)
            with fast_arithmetic(self._device):
                latents = latents_of(self._network, self._latent, batch.sights)
                hair = volume_of(decoded_goal(self._latent, latents, batch.sights))
            truth = batch.truth()
            scores["iou"].append(intersection_over_union(hair[0], truth.occupancy))
            scores["median_deg"].append(median_turn(*hair, *truth))
        return {name: float(torch.cat(values).mean()) for name, values in scores.items()}


@torch.no_grad()
def true_latents(latent: LatentModel, truth: Volume, head_distance: Tensor) -> Codes:
    """Return the latents before rounding that the encoder gives the true hair."""
    _, free = latent.encoder(features(*truth, head_distance))
    return free


def train_goal(config: TrainGoalConfig) -> str:
    """Render, then train the picture model; return the line that says what was made and how good it is."""
    device = torch.device(resolve_device(config.device))
    if config.threads:
        torch.set_num_threads(config.threads)
    dataset = Dataset(config.data)
    grid, profile = dataset.info.grid, dataset.info.profile
    space = config.latent or WEIGHTS / f"{profile}.safetensors"
    latent, _ = read_latent(space, profile=profile, grid=grid)
    latent = latent.to(device).eval().requires_grad_(False)
    begun = config.begin and read_beginning(config.begin, (KIND,), profile=profile, grid=grid)
    training, validation = (_numbers(dataset, split) for split in ("training", "validation"))
    if not training:
        raise CombwiseError(f"dataset {config.data} has no episodes of the training split; generate more")
    folder = RunFolder.open(config.out, config, resume=config.resume, overwrite=config.overwrite)
    lessons, held_back = (
        _lessons(config, dataset, numbers, folder.path / "views" / name, views, str(device))
        for name, numbers, views in (
            ("training", training, config.views),
            # A small set has no validation episodes; then it is told how well it learnt by heart.
            ("validation", validation or training, VALIDATION_VIEWS),
        )
    )
    save_mean(folder.path / MEAN_FILE, mean_hair([view.hair for view in lessons.views], grid))
    torch.manual_seed(config.seed)
    sizes = config.model if begun is None else PictureConfig(**begun.checkpoint.info.sizes["picture"])
    network = PictureNetwork(sizes, grid, latent.quantiser.dim).to(device)
    if begun is not None:
        fill_network(network, begun.checkpoint, begun.path)
    info = CheckpointInfo(
        kind=KIND,
        profile=profile,
        grid=grid,
        observer_version=MAPS_VERSION,
        sizes={"picture": dataclasses.asdict(sizes)},
        training={
            "data": dict(dataset.info.generation),
            "episodes": len(training),
            "views": len(lessons.views),
            "ranges": dataclasses.asdict(config.ranges),
            "latent_space": latent_space(latent),
            "seed": config.seed,
            "minutes": config.minutes,
            "batch": config.batch,
            "learning_rate": config.learning_rate,
            "machine": machine(),
            **({} if begun is None else begun.told),
        },
    )
    task = GoalTask(network, latent, lessons, held_back, config.batch, device)
    result = fit(task, fit_config(config), folder.path, info, device=device, label="train goal")
    path = folder.path / MODEL_FILE
    save_trained(path, info, result, network)
    folder.write_json("metrics.json", result.scores)
    return (
        f"picture model {path}: {path.stat().st_size / 1e6:.1f} MB, {result.steps} steps in "
        f"{result.seconds / 60:.1f} min on {len(lessons.views)} pictures, validation IoU "
        f"{result.scores['iou']:.3f}, median direction {result.scores['median_deg']:.1f} deg"
    )


def _numbers(dataset: Dataset, split: str) -> list[int]:
    return [meta.index for meta in dataset.episodes if meta.split == split]


def _lessons(
    config: TrainGoalConfig, dataset: Dataset, numbers: list[int], folder: Path, views: int, device: str
) -> Lessons:
    """Render views of episodes, or read those that are there."""
    files = keep_views(
        config.data,
        numbers,
        folder,
        views=views,
        seed=config.seed,
        device=device,
        workers=config.workers,
        ranges=config.ranges,
    )
    found = read_views(files)
    _, box = working_box(dataset.info.grid)
    heads = {n: dataset.head(n).distance(box).astype(np.float16) for n in {view.head for view in found}}
    return Lessons(found, heads, dataset.info.grid)
