"""Score goals that are read out of one picture, on hairstyles never trained on: `combwise evaluate goal`."""

from __future__ import annotations

import io
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, NamedTuple

import imageio.v3 as imageio
import numpy as np
import torch
from rich.progress import track

from dynamics.baselines.predictors import Volume
from dynamics.evaluation_table import interval
from dynamics.latent.measure import closeness
from dynamics.pictures import draw_volumes
from hairsim.device import resolve_device
from hairsim.errors import CombwiseError
from hairsim.generate.dataset import Dataset
from hairsim.generate.episode import Episode
from hairsim.generate.splits import SPLITS
from hairsim.head.head import Head
from hairsim.head.scalp import scalp_above_hairline
from hairsim.run_folder import RunFolder
from hairsim.volume import GridSpec, HairVolume
from planner.goal.baselines import carved_hull, load_mean
from planner.goal.picture_goal import PictureGoals, load_picture_goals
from planner.goal.picture_views import SIDES, View, ViewRanges, head_of, take_views
from planner.goal.report import ShownGoal, render_report
from planner.goal.train import MEAN_FILE

CEILING = "codes of the true hair"
"""What the latent space alone makes of the hair that is to be found."""

METRICS = ("iou", "f1", "median_deg", "direction_deg")


@dataclass(frozen=True)
class EvaluateGoalConfig:
    """Configure an evaluation of goals of one picture.

    Attributes:
        data: dataset folder; pictures are rendered of its strands.
        out: run folder.
        weights: checkpoint of `combwise train goal` or its run folder; None for the shipped ones.
        latent: checkpoint of the latent space that they were trained for; None for the shipped one.
        mean: mean hair of the training set, as `combwise train goal` leaves it; None for the one beside the
            weights, and no such baseline where there is none.
        splits: which splits to score.
        episodes: most episodes of a split; 0 for all.
        pictures: how many pictures the page shows of each side.
        seed: of views, colours, lights and the bootstrap.
        device: "cpu" or "cuda".
        threads: on the CPU; 0 for all cores.
        resume, overwrite: what to do with a run that is in `out` already.
        ranges: how pictures vary.
    """

    data: Path
    out: Path
    weights: Path | None = None
    latent: Path | None = None
    mean: Path | None = None
    splits: tuple[str, ...] = ("unseen",)
    episodes: int = 0
    pictures: int = 4
    seed: int = 10_000
    device: str = "cpu"
    threads: int = 0
    resume: bool = False
    overwrite: bool = False
    ranges: ViewRanges = field(default_factory=ViewRanges)

    def __post_init__(self) -> None:
        if not self.splits or not set(self.splits) <= set(SPLITS):
            raise CombwiseError(
                f"splits {', '.join(self.splits) or 'none'}; expected at least one out of {', '.join(SPLITS)}"
            )
        if min(self.episodes, self.pictures) < 0:
            raise CombwiseError(f"{self.episodes} episodes, {self.pictures} pictures; expected 0 or more")


class MeasuredGoal(NamedTuple):
    """One way to make a goal of one picture: where, and its scores."""

    what: str
    split: str
    side: str
    family: str
    episode: tuple[int, int]
    scores: Mapping[str, float]


def evaluate_goal(config: EvaluateGoalConfig) -> str:
    """Score goals of pictures beside two baselines; return the line that says how well they do.

    Writes metrics.json (rows with 95 % bootstrap intervals over episodes), pictures and report.html.
    """
    device = resolve_device(config.device)
    if config.threads:
        torch.set_num_threads(config.threads)
    dataset = Dataset(config.data)
    grid = dataset.info.grid
    goals = load_picture_goals(
        config.weights, latent=config.latent, device=device, profile=dataset.info.profile
    )
    found = [
        (split, number)
        for split in config.splits
        for number in _numbers(dataset, split)[: config.episodes or None]
    ]
    if not found:
        raise CombwiseError(
            f"no episodes of the splits {', '.join(config.splits)} in {config.data}; generate more"
        )
    mean = _mean(config, grid)
    folder = RunFolder.open(config.out, config, resume=config.resume, overwrite=config.overwrite)
    measured: list[MeasuredGoal] = []
    shown: list[ShownGoal] = []
    for split, number in track(found, "evaluate goal"):
        episode = dataset.read(number)
        family, head = episode.family, _with_scalp(episode)
        views = take_views(
            dataset, number, tuple(SIDES), seed=config.seed, device=device, ranges=config.ranges
        )
        for view in views:
            truth = view.hair.dense(grid)
            made = _made(view, goals, mean, head) | {CEILING: goals.of_true_hair(truth, head)}
            for what, hair in made.items():
                scores = closeness(Volume.of(hair), Volume.of(truth))
                measured.append(MeasuredGoal(what, split, view.side, family, (0, number), scores))
            if sum(one.side == view.side for one in shown) < config.pictures:
                picture = _page_picture(view, truth, made)
                folder.write_bytes(f"pictures/{split}_{family}_{number:06d}_{view.side}.png", picture)
                shown.append(ShownGoal(family, view.side, tuple(made), picture))
    rows = goal_rows(measured, config.seed)
    headline = _headline(rows)
    folder.write_json(
        "metrics.json",
        {
            "rows": rows,
            "views": len(found) * len(SIDES),
            "not_run": {} if mean is not None else {"mean hair": "no mean of a training set was given"},
            "weights": {"code_version": goals.info.code_version, "training": goals.info.training},
        },
    )
    folder.write_text("report.html", render_report(headline, rows, shown))
    return f"goals of pictures {folder.path}/report.html, metrics.json: {headline}"


def goal_rows(measured: Sequence[MeasuredGoal], seed: int) -> list[dict[str, Any]]:
    """Return mean and 95 % interval of each way, split, side (and all of them), family and metric."""
    groups: dict[tuple[str, ...], list[tuple[tuple[int, int], float]]] = {}
    for one in measured:
        for metric in METRICS:
            for side, family in ((one.side, "all"), ("all", "all"), ("all", one.family)):
                key = (one.what, one.split, side, family, metric)
                groups.setdefault(key, []).append((one.episode, one.scores[metric]))
    names = ("what", "split", "side", "family", "metric")
    return [dict(zip(names, key, strict=True)) | interval(values, seed) for key, values in groups.items()]


def _made(view: View, goals: PictureGoals, mean: HairVolume | None, head: Head) -> dict[str, HairVolume]:
    """Return the hair of a view as each way to read it gives it."""
    made = {"picture model": goals.volume(view.maps, head)}
    if mean is not None:
        made["mean hair"] = mean
    made["hull"] = carved_hull(view.maps, head, goals.grid)
    return made


def _mean(config: EvaluateGoalConfig, grid: GridSpec) -> HairVolume | None:
    if config.mean is not None:
        return load_mean(config.mean, grid)
    if config.weights is None:
        return None
    beside = (config.weights if config.weights.is_dir() else config.weights.parent) / MEAN_FILE
    return load_mean(beside, grid) if beside.is_file() else None


def _with_scalp(episode: Episode) -> Head:
    """Return an episode's head with the skin above a usual hairline as its scalp."""
    head = head_of(episode)
    top = head.field.origin[2] + head.field.spacing * int(np.argwhere(head.field.values < 0.0)[:, 2].max())
    scalp = scalp_above_hairline(head.field, centre=np.asarray(head.centre), vertex_height=top)
    return Head(head.field, scalp, head.name, head.centre)


def _numbers(dataset: Dataset, split: str) -> list[int]:
    return [meta.index for meta in dataset.episodes if meta.split == split]


def _page_picture(view: View, truth: HairVolume, made: Mapping[str, HairVolume]) -> bytes:
    """Return a PNG: the picture, and volumes of the truth and of each way beside it."""
    volumes = np.asarray(
        imageio.imread(
            draw_volumes(Volume.of(truth), *(Volume.of(hair) for hair in made.values())), extension=".png"
        )
    )
    height = volumes.shape[0]
    picture = np.zeros((height, view.colour.shape[1], 3), np.uint8)
    rows = min(height, view.colour.shape[0])
    picture[:rows] = view.colour[:rows]
    buffer = io.BytesIO()
    imageio.imwrite(buffer, np.concatenate([picture, volumes[..., :3]], axis=1), extension=".png")
    return buffer.getvalue()


def _headline(rows: Sequence[Mapping[str, Any]]) -> str:
    """Return how the ways compare over all sides of the last split."""
    last = rows[-1]["split"]
    parts: dict[str, dict[str, float]] = {}
    for row in rows:
        if row["split"] == last and row["side"] == "all" and row["family"] == "all":
            parts.setdefault(row["what"], {})[row["metric"]] = row["mean"]
    return f"{last}: " + "; ".join(
        f"{what} IoU {values['iou']:.3f}, median direction {values['median_deg']:.1f} deg"
        for what, values in parts.items()
    )
