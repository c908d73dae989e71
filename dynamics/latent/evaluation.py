"""Score what the latent space keeps of hair, and walk through it: `combwise evaluate latent`."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import torch
from rich.progress import track

from dynamics.baselines.predictors import Volume
from dynamics.cases import State, state_views, states
from dynamics.data import Source, Store
from dynamics.evaluation_report import Shown
from dynamics.latent.autoencoder import compression_ratio
from dynamics.latent.load import load_latent
from dynamics.latent.measure import CodebookUse, Reconstructed, reconstruct
from dynamics.latent.report import render_report
from dynamics.latent.table import AIMS, Measured, class_rows, last_words, latent_rows, measure_state
from dynamics.latent.walk import describe_walk, draw_walk, two_hairstyles
from dynamics.model import WEIGHTS
from dynamics.pictures import draw_volumes
from hairsim.device import resolve_device
from hairsim.errors import CombwiseError
from hairsim.generate.splits import SPLITS
from hairsim.run_folder import RunFolder


@dataclass(frozen=True)
class EvaluateLatentConfig:
    """Configure an evaluation of the latent space.

    Attributes:
        data: dataset folders; their episodes fall into splits by family and number.
        out: run folder.
        weights: checkpoint of kind "latent" or "dynamics", or the run folder that holds it; None for the
            shipped ones.
        splits: which splits to score.
        episodes: most episodes of a split; 0 for all.
        states: of each episode, spread evenly from the first to the last; 0 for all.
        pictures: how many side-by-side pictures to draw.
        steps: volumes of the walk between two hairstyles.
        seed: of the bootstrap.
        device: "cpu" or "cuda".
        threads: on the CPU; 0 for all cores.
        resume, overwrite: what to do with a run that is in `out` already.
    """

    data: tuple[Path, ...]
    out: Path
    weights: Path | None = None
    splits: tuple[str, ...] = ("validation", "unseen")
    episodes: int = 0
    states: int = 3
    pictures: int = 4
    steps: int = 7
    seed: int = 0
    device: str = "cpu"
    threads: int = 0
    resume: bool = False
    overwrite: bool = False

    def __post_init__(self) -> None:
        if not self.data or not self.splits or not set(self.splits) <= set(SPLITS):
            raise CombwiseError(
                f"{len(self.data)} datasets, splits {', '.join(self.splits) or 'none'}; expected at least "
                f"one of each, splits out of {', '.join(SPLITS)}"
            )
        if min(self.episodes, self.states, self.pictures) < 0 or self.steps < 2:
            raise CombwiseError(
                f"{self.episodes} episodes, {self.states} states, {self.pictures} pictures, a walk of "
                f"{self.steps} steps; expected 0 or more, and at least 2 steps"
            )


def evaluate_latent(config: EvaluateLatentConfig) -> str:
    """Score reconstructions, drift and use of codes; return the line that sets them beside the aims.

    Writes metrics.json (rows with 95 % bootstrap intervals over episodes, codebook use), pictures,
    walk.png and report.html into the run folder.
    """
    device = torch.device(resolve_device(config.device))
    if config.threads:
        torch.set_num_threads(config.threads)
    stores = [Store(path) for path in config.data]
    model, info = load_latent(config.weights or WEIGHTS / f"{stores[0].info.profile}.safetensors", stores)
    model = model.to(device).eval()
    found = list(states(stores, config.splits, episodes=config.episodes, each=config.states))
    if not found:
        raise CombwiseError(
            f"no episodes of the splits {', '.join(config.splits)} in the data; generate more"
        )
    folder = RunFolder.open(config.out, config, resume=config.resume, overwrite=config.overwrite)
    use = CodebookUse(model.quantiser)
    measured: list[Measured] = []
    shown: list[Shown] = []
    drawn = _to_draw(found, config.pictures)
    for one in track(found, "evaluate latent"):
        views = state_views(one, device)
        through: dict[Source, Reconstructed] = {}
        truth = Volume(views["full"].occupancy, views["full"].direction)
        for source, batch in views.items():
            through[source] = hair = reconstruct(model, batch)
            measured.append(measure_state(one, source, hair, truth, model.quantiser))
            use.add(one.split, source, hair.first.codes, truth.occupancy)
        if (one.number, one.combing.index, one.state) in drawn:
            name = f"{one.split}_{one.combing.family}_{one.combing.index:06d}_{one.state}.png"
            picture = _picture(truth, through)
            folder.write_bytes(f"pictures/{name}", picture)
            shown.append(Shown(one.combing.family, "full", picture))
    rows, classes = latent_rows(measured, config.seed), class_rows(measured, config.seed)
    codebooks = list(use.rows())
    ends = two_hairstyles(found)
    walked = draw_walk(model, ends, config.steps, device)
    folder.write_bytes("walk.png", walked)
    ratio = compression_ratio(model.config)
    words = "; ".join(last_words(rows, codebooks))
    folder.write_json(
        "metrics.json",
        {
            "rows": rows,
            "by_hair_class": classes,
            "codebooks": codebooks,
            "compression_ratio": ratio,
            "aims": AIMS,
            "states": len(found),
            "weights": {"kind": info.kind, "code_version": info.code_version, "training": info.training},
        },
    )
    walking = Shown(describe_walk(ends), "full", walked)
    page = render_report(words, rows, classes, codebooks, shown, ratio=ratio, walk=walking)
    folder.write_text("report.html", page)
    return f"latent space {folder.path}/report.html, walk.png, metrics.json: {words}"


def _to_draw(found: Sequence[State], count: int) -> set[tuple[int, int, int]]:
    """Return the most combed states of the first `count` episodes of the last split."""
    last = {(s.number, s.combing.index): s.state for s in found if s.split == found[-1].split}
    return {(*episode, state) for episode, state in list(last.items())[:count]}


def _picture(truth: Volume, through: Mapping[Source, Reconstructed]) -> bytes:
    full, cameras = through["full"].volumes, through["cameras"].volumes
    return draw_volumes(
        truth, full["codes"], full["detail"], cameras["seen"], cameras["codes"], cameras["detail"]
    )
