"""Score the learned model beside its baselines on the voxels that change: `combwise evaluate dynamics`."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import torch
from rich.progress import track
from torch import Tensor

from dynamics.baselines.advection import Advection
from dynamics.baselines.effort import Effort
from dynamics.baselines.load import load_baselines
from dynamics.baselines.nearest import Nearest
from dynamics.baselines.predictors import (
    Advected,
    CodesOnly,
    Editing,
    EditingCompleted,
    Identity,
    Predictor,
    Reconstruction,
    Seen,
    Volume,
)
from dynamics.baselines.roster import BASELINES
from dynamics.baselines.tune_advection import tune_advection
from dynamics.batches import StrokeBatch
from dynamics.calibration.measure import Calibrated, calibrate
from dynamics.calibration.table import METRICS, calibration_figures, calibration_rows, calibration_words
from dynamics.cases import Case, case_batch, cases
from dynamics.checkpoint import MODEL_FILE, CheckpointInfo, fill_network, load_checkpoint
from dynamics.completion.completion import Completion, completion_of
from dynamics.data import SOURCES, Store, Window
from dynamics.editing.branch import EditingModel
from dynamics.editing.caution import CAUTIOUS, Caution
from dynamics.evaluation_report import Shown, render_report
from dynamics.evaluation_table import Measured, paired_rows, summary_rows
from dynamics.metrics import chamfer_mm, changed, changed_region, score
from dynamics.model import WEIGHTS, build_model
from dynamics.pictures import draw_prediction
from dynamics.precision import fast_arithmetic
from dynamics.speed import measure_speed
from hairsim.device import resolve_device
from hairsim.errors import CombwiseError
from hairsim.run_folder import RunFolder

COMPLETED = "completed"
"""The row of editing hair that a completion has filled in; there is none of hair that is seen in full."""

TUNING = 12
"""Training episodes that the advection's numbers are chosen on."""


@dataclass(frozen=True)
class EvaluateDynamicsConfig:
    """Configure an evaluation.

    Attributes:
        data: dataset folders; their episodes fall into splits by family and number.
        out: run folder.
        baselines: run folder of `combwise train baselines`; None leaves the learned baselines out.
        weights: checkpoint of kind "dynamics" or the run folder that holds it; None for the shipped ones.
        caution: of the row "cautious": the editing model, believed where it is surer than by that margin.
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
    baselines: Path | None = None
    caution: Caution = field(default_factory=lambda: Caution(CAUTIOUS))
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


def evaluate_dynamics(config: EvaluateDynamicsConfig) -> str:
    """Score the model and its baselines; return the line that says how they compare.

    Writes metrics.json (rows with 95 % bootstrap intervals over episodes, paired differences, times, and in
    "calibration" the same kind of rows of `calibration.table.METRICS`, with what its figures draw),
    side-by-side pictures and report.html into the run folder.
    """
    device = torch.device(resolve_device(config.device))
    if config.threads:
        torch.set_num_threads(config.threads)
    stores = [Store(path) for path in config.data]
    model, model_info, completion = _load(config.weights, stores[0], device)
    found = list(cases(stores, config.splits, config.horizons, episodes=config.episodes))
    if not found:
        raise CombwiseError(f"no episodes of the splits {config.splits} in the data; generate more")
    folder = RunFolder.open(config.out, config, resume=config.resume, overwrite=config.overwrite)
    rivals, rule = _rivals(model, stores, config.caution, device)
    if completion is not None:
        rivals[COMPLETED] = EditingCompleted(model, completion)
    learned = load_baselines(config.baselines, model_info, device)
    rivals |= {name: baseline.predictor for name, baseline in learned.items()}
    effort = {"editing": Effort.of(model, model_info)} | {n: b.effort for n, b in learned.items()}
    not_run = {name: "not run: no checkpoint" for name in BASELINES if name not in learned}
    measured: list[Measured] = []
    calibrated: list[Calibrated] = []
    shown: list[Shown] = []
    for case in track(found, "evaluate dynamics"):
        batch, window = case_batch(case, device)
        asked = {n: rival for n, rival in rivals.items() if n != COMPLETED or case.source == "cameras"}
        scored = measure(model, asked, batch, window)
        measured += [_measured(case, *scores) for scores in scored.scores]
        truth = Volume(batch.occupancy[-1], batch.direction[-1])
        calibrated.append(calibrate(case, scored.volumes, truth, scored.mask, scored.changed))
        if _is_shown(case, config) and len(shown) < config.pictures:
            before, after = scored.volumes["reconstruction"][0], scored.volumes["editing"][1]
            name = f"{case.split}_{case.combing.family}_{case.combing.index:06d}_{case.source}.png"
            picture = draw_prediction(before, after, truth)
            folder.write_bytes(f"pictures/{name}", picture)
            shown.append(Shown(case.combing.family, case.source, picture))
    rows, paired = summary_rows(measured, config.seed), paired_rows(measured, config.seed)
    certain, figures = calibration_rows(calibrated, config.seed), calibration_figures(calibrated)
    speed = measure_speed(model, case_batch(found[0], device)[0])
    sure = calibration_words(certain, config.splits[-1], config.horizons[0])
    unfair = [f"{n} has had {w}" for n, e in effort.items() if (w := e.beside(effort["editing"]))]
    words = "; ".join([*_last_words(paired, config), *sure, *unfair])
    folder.write_json(
        "metrics.json",
        {
            "rows": rows,
            "paired": paired,
            "not_run": not_run,
            "effort": {name: dataclasses.asdict(e) for name, e in effort.items()},
            "speed": speed,
            "advection": dataclasses.asdict(rule),
            "calibration": {"rows": certain, "figures": figures, "metrics": METRICS},
        },
    )
    page = render_report(
        words,
        rows,
        paired,
        shown,
        calibration=(certain, figures),
        speed=speed,
        not_run=not_run,
        effort=effort,
    )
    folder.write_text("report.html", page)
    return f"evaluation {folder.path}/report.html, metrics.json: {words}"


def _rivals(
    model: EditingModel, stores: Sequence[Store], caution: Caution, device: torch.device
) -> tuple[dict[str, Predictor], Advection]:
    """Return every rival of the editing model, and the advection's tuned numbers."""
    tuning = [c for store in stores for c in store.split("training")[:TUNING]][:TUNING]
    rule = tune_advection(model, tuning, stores[0], device) if tuning else Advection()
    rivals: dict[str, Predictor] = {
        "identity": Identity(),
        "codes": CodesOnly(model),
        "reconstruction": Reconstruction(),
        "advection": Advected(rule, stores[0].grid.voxel),
        "cautious": Editing(model, caution),
    }
    if tuning:
        rivals["nearest"] = Nearest(stores)
    return rivals, rule


def _measured(case: Case, model: str, against: str, scores: dict[tuple[str, str], float]) -> Measured:
    episode = (case.number, case.combing.index)
    return Measured(
        model, case.split, case.source, case.horizon, case.combing.family, episode, scores, against
    )


def _is_shown(case: Case, config: EvaluateDynamicsConfig) -> bool:
    """Return whether a case may be drawn: the first stroke of an episode of the last split."""
    return case.horizon == min(config.horizons) and case.split == config.splits[-1] and case.stroke == 0


def _load(
    weights: Path | None, store: Store, device: torch.device
) -> tuple[EditingModel, CheckpointInfo, Completion | None]:
    path = weights or WEIGHTS / f"{store.info.profile}.safetensors"
    file = path / MODEL_FILE if path.is_dir() else path
    checkpoint = load_checkpoint(
        file,
        kind="dynamics",
        profile=store.info.profile,
        grid=store.grid,
        observer_version=store.info.observer_version,
    )
    model = build_model(checkpoint.info)
    fill_network(model, checkpoint, file)
    return model.to(device).eval(), checkpoint.info, completion_of(path, checkpoint.info, device)


@dataclass(frozen=True)
class Found:
    """Scores and predictions.

    Attributes:
        scores: (model, against, scores).
        volumes: each model's before and after.
        changed: [N, X, Y, Z] bool, the changed voxels of "editing".
        mask: [N, X, Y, Z] bool, where it says that strokes may act.
    """

    scores: list[tuple[str, str, dict[tuple[str, str], float]]]
    volumes: Mapping[str, tuple[Volume, Volume]]
    changed: Tensor
    mask: Tensor


def measure(
    model: EditingModel, rivals: Mapping[str, Predictor], batch: StrokeBatch, window: Window
) -> Found:
    """Score the model, "editing", and its rivals on one run of strokes.

    A model's own region is what changed in truth or, against its own idea of the hair before, in its
    prediction. To be compared in pairs, "editing" and its rival are both scored on the union of theirs.
    """
    start = batch.start
    with fast_arithmetic(start.seen.device):
        state = model.encode(start.seen, start.seen_direction, start.head_distance)
    seen = Seen(Volume(start.seen, start.seen_direction), start.head_distance, state, window)
    truth = Volume(batch.occupancy[-1], batch.direction[-1])
    truly = changed(start.occupancy, start.direction, *truth)
    edited, mask = Editing(model).predict_where(seen, batch.rasters)
    volumes = {"editing": edited} | {
        name: rival.predict(seen, batch.rasters) for name, rival in rivals.items()
    }
    own = {name: changed(*before, *after) for name, (before, after) in volumes.items()}
    everywhere = torch.ones_like(truly)
    scores: list[tuple[str, str, dict[tuple[str, str], float]]] = []
    for name, (_, after) in volumes.items():
        regions = {"changed": changed_region(truly, own[name]), "all": everywhere}
        scores.append((name, "", _scores(after, truth, regions, model.voxel)))
    for rival in rivals:
        region = {"changed": changed_region(truly, own["editing"], own[rival])}
        for name, against in (("editing", rival), (rival, "editing")):
            scores.append((name, against, _scores(volumes[name][1], truth, region, model.voxel)))
    return Found(scores, volumes, changed_region(truly, own["editing"]), mask)


def _scores(
    volume: Volume, truth: Volume, regions: Mapping[str, Tensor], voxel: float
) -> dict[tuple[str, str], float]:
    found: dict[tuple[str, str], float] = {}
    for region, where in regions.items():
        for metric, value in score(*volume, *truth, where)._asdict().items():
            found[region, metric] = float(value[0])
        found[region, "chamfer_mm"] = float(chamfer_mm(volume.occupancy, truth.occupancy, where, voxel)[0])
    return found


def _last_words(paired: Sequence[Mapping[str, Any]], config: EvaluateDynamicsConfig) -> Iterator[str]:
    """Yield how editing does beside its rivals on the same voxels of the last split, per input.

    Scores over each model's own changed voxels do not compare: who changes more is asked about easier voxels.
    """
    for source in SOURCES:
        beside = [
            f"{row['against']} {100.0 * row['relative']:+.1f} % "
            f"({100.0 * row['low'] / row['rival_mean']:+.1f} .. "
            f"{100.0 * row['high'] / row['rival_mean']:+.1f})"
            for row in paired
            if (row["split"], row["input"], row["horizon"]) == (config.splits[-1], source, config.horizons[0])
            and row["metric"] == "occupancy_error"
            and row["against"] in ("identity", "reconstruction", "advection")
            and row["rival_mean"] > 0.0
        ]
        yield f"{config.splits[-1]}, {source} input: occupancy error of editing beside {', '.join(beside)}"
