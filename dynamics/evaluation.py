"""Score the learned model beside its baselines on the voxels that change: `combwise evaluate dynamics`."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from rich.progress import track
from torch import Tensor

from dynamics.baselines.advection import Advection, candidates
from dynamics.baselines.predictors import (
    Advected,
    CodesOnly,
    Editing,
    Identity,
    Predictor,
    Reconstruction,
    Seen,
    Volume,
)
from dynamics.checkpoint import load_checkpoint
from dynamics.data import SOURCES, Combing, Source, Store, StrokeBatch, Window, stroke_batch
from dynamics.editing.branch import EditingModel
from dynamics.metrics import changed, changed_region, score
from dynamics.model import WEIGHTS, build_model
from dynamics.pictures import draw_prediction
from dynamics.precision import fast_arithmetic
from hairsim.device import resolve_device
from hairsim.errors import CombwiseError
from hairsim.groom.families import FAMILIES
from hairsim.run_folder import RunFolder

METRICS = ("occupancy_error", "direction_deg", "direction_unsigned_deg")
BOOTSTRAPS = 2000


@dataclass(frozen=True)
class EvaluateDynamicsConfig:
    """Configure an evaluation.

    Attributes:
        data: dataset folders; their episodes fall into splits by family and number.
        out: run folder.
        weights: checkpoint of kind "dynamics" or the run folder that holds it; None for the shipped ones.
        splits: which splits to score.
        horizons: strokes ahead.
        episodes: most episodes of a split; 0 for all.
        pictures: how many side-by-side pictures to draw.
        seed: of the bootstrap.
        device: "cpu" or "cuda".
        threads: on the CPU; 0 for all cores.
        resume, overwrite: what to do with a run that is in `out` already.
    """

    data: tuple[Path, ...]
    out: Path
    weights: Path | None = None
    splits: tuple[str, ...] = ("validation", "unseen")
    horizons: tuple[int, ...] = (1, 3)
    episodes: int = 0
    pictures: int = 4
    seed: int = 0
    device: str = "cpu"
    threads: int = 0
    resume: bool = False
    overwrite: bool = False

    def __post_init__(self) -> None:
        if not self.data or not self.horizons or min(self.horizons) < 1:
            raise CombwiseError(
                f"{len(self.data)} datasets, horizons {self.horizons}; expected at least one dataset and "
                "horizons of at least 1"
            )


@dataclass(frozen=True)
class Measured:
    """One model on one run of strokes: where, and the scores by (region, metric)."""

    model: str
    split: str
    input: Source
    horizon: int
    family: str
    episode: tuple[int, int]
    scores: Mapping[tuple[str, str], float]
    against: str = ""


def evaluate_dynamics(config: EvaluateDynamicsConfig) -> str:
    """Score the model and its baselines; return the line that says how they compare.

    Writes metrics.json (rows with 95 % bootstrap intervals over episodes, and paired differences) and
    pictures of slices into the run folder.
    """
    device = torch.device(resolve_device(config.device))
    if config.threads:
        torch.set_num_threads(config.threads)
    stores = [Store(path) for path in config.data]
    model = _load(config.weights, stores[0], device)
    folder = RunFolder.open(config.out, config, resume=config.resume, overwrite=config.overwrite)
    tuning = [c for store in stores for c in store.split("training")][:12]
    rule = tune_advection(model, tuning, stores[0], device) if tuning else Advection()
    predictors: dict[str, Predictor] = {
        "identity": Identity(),
        "codes": CodesOnly(model),
        "reconstruction": Reconstruction(),
        "advection": Advected(rule, stores[0].grid.voxel),
        "editing": Editing(model),
    }
    measured: list[Measured] = []
    drawn = 0
    cases = list(_cases(config, stores))
    for split, number, store, combing, stroke, horizon, source in track(cases, "evaluate dynamics"):
        batch = _batch(combing, stroke, horizon, source, store, device)
        found = measure(model, predictors, batch)
        labels = (split, source, horizon, combing.family, (number, combing.index))
        for name, against, scores in found.scores:
            measured.append(Measured(name, *labels, scores, against))
        if horizon == 1 and split == config.splits[-1] and stroke == 0 and drawn < config.pictures:
            truth = Volume(batch.occupancy[-1], batch.direction[-1])
            picture = draw_prediction(found.volumes["reconstruction"][0], found.volumes["editing"][1], truth)
            name = f"{split}_{combing.family}_{combing.index:06d}_{source}.png"
            folder.write_bytes(f"pictures/{name}", picture)
            drawn += 1
    if not measured:
        raise CombwiseError(f"no episodes of the splits {config.splits} in the data; generate more")
    rows = summary_rows(measured, config.seed)
    paired = paired_rows(measured, config.seed)
    folder.write_json("metrics.json", {"rows": rows, "paired": paired, "advection": dataclasses.asdict(rule)})
    return f"evaluation {folder.path}/metrics.json: " + "; ".join(_last_words(rows, config))


def _load(weights: Path | None, store: Store, device: torch.device) -> EditingModel:
    path = weights or WEIGHTS / f"{store.info.profile}.safetensors"
    checkpoint = load_checkpoint(
        path / "model.safetensors" if path.is_dir() else path,
        kind="dynamics",
        profile=store.info.profile,
        grid=store.grid,
        observer_version=store.info.observer_version,
    )
    model = build_model(checkpoint.info)
    model.load_state_dict({name: t.float() for name, t in checkpoint.tensors.items()})
    return model.to(device).eval()


def _cases(
    config: EvaluateDynamicsConfig, stores: Sequence[Store]
) -> Iterator[tuple[str, int, Store, Combing, int, int, Source]]:
    for split in config.splits:
        episodes = [(n, store, c) for n, store in enumerate(stores) for c in store.split(split)]
        for number, store, combing in episodes[: config.episodes or None]:
            for horizon in config.horizons:
                for stroke in range(len(combing.paths) - horizon + 1):
                    for source in SOURCES:
                        yield split, number, store, combing, stroke, horizon, source


def _batch(
    combing: Combing, stroke: int, horizon: int, source: Source, store: Store, device: torch.device
) -> StrokeBatch:
    """Return one run of strokes on the smallest aligned box that holds all its hair and some air."""
    boxes = [h.box() for h in combing.full[stroke : stroke + horizon + 1]]
    shape = np.asarray(store.grid.shape)
    first = np.clip(np.min([b[0] for b in boxes], axis=0) - 4, 0, shape - 1)
    last = np.clip(np.max([b[1] for b in boxes], axis=0) + 4, 0, shape - 1)
    size = np.minimum(-(-(last - first + 1) // 8) * 8, shape)
    x, y, z = (int(n) for n in np.clip(first, 0, shape - size))
    window = Window((x, y, z), (int(size[0]), int(size[1]), int(size[2])))
    return stroke_batch([(combing, stroke, source, window)], horizon, store.grid).to(device)


@dataclass(frozen=True)
class Found:
    """Scores as (model, against, scores), and each model's volumes before and after."""

    scores: list[tuple[str, str, dict[tuple[str, str], float]]]
    volumes: Mapping[str, tuple[Volume, Volume]]


def measure(model: EditingModel, predictors: Mapping[str, Predictor], batch: StrokeBatch) -> Found:
    """Score all models on one run of strokes.

    A model's own region is what changed in truth or, against its own idea of the hair before, in its
    prediction. To be compared in pairs, "editing" and its rival are both scored on the union of theirs.
    """
    start = batch.start
    with fast_arithmetic(start.seen.device):
        state = model.encode(start.seen, start.seen_direction, start.head_distance)
    seen = Seen(Volume(start.seen, start.seen_direction), start.head_distance, state)
    truth = Volume(batch.occupancy[-1], batch.direction[-1])
    truly = changed(start.occupancy, start.direction, *truth)
    volumes = {name: predictor.predict(seen, batch.rasters) for name, predictor in predictors.items()}
    own = {name: changed(*before, *after) for name, (before, after) in volumes.items()}
    everywhere = torch.ones_like(truly)
    scores: list[tuple[str, str, dict[tuple[str, str], float]]] = []
    for name, (_, after) in volumes.items():
        regions = {"changed": changed_region(truly, own[name]), "all": everywhere}
        scores.append((name, "", _scores(after, truth, regions)))
    for rival in volumes:
        if rival == "editing":
            continue
        region = {"changed": changed_region(truly, own["editing"], own[rival])}
        for name, against in (("editing", rival), (rival, "editing")):
            scores.append((name, against, _scores(volumes[name][1], truth, region)))
    return Found(scores, volumes)


def _scores(volume: Volume, truth: Volume, regions: Mapping[str, Tensor]) -> dict[tuple[str, str], float]:
    found: dict[tuple[str, str], float] = {}
    for region, where in regions.items():
        for metric, value in score(*volume, *truth, where)._asdict().items():
            found[region, metric] = float(value[0])
    return found


def hair_class(family: str) -> str:
    """Return the class of a groom family, one of `HAIR_CLASSES`; "other" when it is not one of ours."""
    return FAMILIES[family].hair_class if family in FAMILIES else "other"


def summary_rows(measured: Sequence[Measured], seed: int) -> list[dict[str, Any]]:
    """Return mean and 95 % interval of every model, split, input, horizon, region, class and metric."""
    groups: dict[tuple[Any, ...], list[tuple[tuple[int, int], float]]] = {}
    for one in measured:
        if one.against:
            continue
        for (region, metric), value in one.scores.items():
            for kind in ("all", hair_class(one.family)):
                key = (one.model, one.split, one.input, one.horizon, region, kind, metric)
                groups.setdefault(key, []).append((one.episode, value))
    names = ("model", "split", "input", "horizon", "region", "hair_class", "metric")
    return [dict(zip(names, key, strict=True)) | _interval(values, seed) for key, values in groups.items()]


def paired_rows(measured: Sequence[Measured], seed: int) -> list[dict[str, Any]]:
    """Return editing minus rival on the same voxels of the same strokes, also as a share of the rival."""
    values: dict[tuple[Any, ...], list[tuple[tuple[int, int], float]]] = {}
    for one in measured:
        if one.against:
            for (_, metric), value in one.scores.items():
                key = (one.model, one.against, one.split, one.input, one.horizon, metric)
                values.setdefault(key, []).append((one.episode, value))
    rows = []
    for (name, against, split, source, horizon, metric), ours in values.items():
        if name != "editing":
            continue
        theirs = values[against, "editing", split, source, horizon, metric]
        pairs = [(episode, a - b) for (episode, a), (_, b) in zip(ours, theirs, strict=True)]
        mean = float(np.nanmean([b for _, b in theirs]))
        row = {
            "model": name,
            "against": against,
            "split": split,
            "input": source,
            "horizon": horizon,
            "metric": metric,
        }
        found = _interval(pairs, seed)
        rows.append(row | found | {"rival_mean": mean, "relative": found["mean"] / max(mean, 1e-9)})
    return rows


def _interval(values: Sequence[tuple[tuple[int, int], float]], seed: int) -> dict[str, float | int]:
    """Return mean and 95 % bootstrap interval over episodes: strokes of one are not independent."""
    kept = [(episode, value) for episode, value in values if np.isfinite(value)]
    if not kept:
        return {"mean": 0.0, "low": 0.0, "high": 0.0, "n": 0}
    episodes = sorted({episode for episode, _ in kept})
    place = {episode: n for n, episode in enumerate(episodes)}
    total, count = np.zeros(len(episodes)), np.zeros(len(episodes))
    for episode, value in kept:
        total[place[episode]] += value
        count[place[episode]] += 1
    draws = np.random.default_rng(seed).integers(len(episodes), size=(BOOTSTRAPS, len(episodes)))
    means = total[draws].sum(1) / count[draws].sum(1)
    low, high = np.quantile(means, [0.025, 0.975])
    return {"mean": float(total.sum() / count.sum()), "low": float(low), "high": float(high), "n": len(kept)}


def tune_advection(
    model: EditingModel, episodes: Sequence[Combing], store: Store, device: torch.device
) -> Advection:
    """Choose the advection's numbers on training episodes: least occupancy plus scaled direction error."""
    cost = dict.fromkeys(candidates()[1:], 0.0)
    for combing in episodes:
        for stroke in range(0, len(combing.paths), 2):
            batch = _batch(combing, stroke, 1, "full", store, device)
            start, truth = batch.start, Volume(batch.occupancy[0], batch.direction[0])
            with fast_arithmetic(device):
                state = model.encode(start.seen, start.seen_direction, start.head_distance)
            truly = changed(start.occupancy, start.direction, *truth)
            for rule in cost:
                after = rule.predict(
                    state.occupancy, state.direction, state.head_distance, batch.rasters[0], store.grid.voxel
                )
                own = changed(state.occupancy, state.direction, *after)
                found = score(*after, *truth, changed_region(truly, own))
                cost[rule] += float(found.occupancy_error + torch.nan_to_num(found.direction_deg) / 90.0)
    return min(cost, key=lambda rule: cost[rule])


def _last_words(rows: Sequence[Mapping[str, Any]], config: EvaluateDynamicsConfig) -> Iterator[str]:
    """Yield how each model does on the last split, one stroke ahead, per input."""
    for source in SOURCES:
        words = []
        for name in ("identity", "reconstruction", "advection", "editing"):
            at = {
                row["metric"]: row["mean"]
                for row in rows
                if (row["model"], row["split"], row["input"]) == (name, config.splits[-1], source)
                and (row["horizon"], row["region"], row["hair_class"])
                == (config.horizons[0], "changed", "all")
            }
            if at:
                words.append(f"{name} {at['occupancy_error']:.3f} / {at['direction_deg']:.1f} deg")
        yield f"{config.splits[-1]}, {source} input: " + ", ".join(words)
