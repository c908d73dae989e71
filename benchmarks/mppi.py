"""Compare searches for a stroke on the same cost at the same number of model calls.

    python -m benchmarks.mppi --out benchmarks/results/mppi.json

What is minimised is the planner's own promise (`planner/planners/search.py`) of one stroke, eight numbers:
the share of the present cost that it is predicted to leave. On development heads three models predict:

    learned     the shipped model
    advection   hair that the comb meets goes along with it
    sweep       none: only the turn that the sweep of the teeth gives counts; cheap, for many searches

A goal is what the shipped model makes of the head's hair with three random strokes: there is something
to find and nothing is simulated. The searches are those of `benchmarks/searches.py`. What a head has given is
kept in a folder; a killed run goes on with the next.
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from rich.progress import track

from benchmarks.promise import FAMILIES, FIRST_SEED
from benchmarks.provenance import provenance
from benchmarks.searches import Searches, proposals
from dynamics.model import HairDynamics, load_model
from hairsim.atomic_file import write_json
from hairsim.cameras.camera import three_camera_rig
from hairsim.cameras.capture import capture
from hairsim.device import start_warp
from hairsim.generate.random_stroke import random_stroke
from hairsim.groom.children import make_children
from hairsim.groom.families import make_groom
from hairsim.head.head import Head
from hairsim.head.parametric import parametric_head
from hairsim.tools.stroke import Stroke
from hairsim.volume import HairVolume
from planner.benchmark.bootstrap import bootstrap_mean, paired_difference
from planner.observe import observe
from planner.planners.advection_model import AdvectionDynamics
from planner.planners.mppi import MppiPlanner
from planner.planners.mppi_config import MppiConfig
from planner.planners.screen import SweepScreen
from planner.planners.search import Opening

STARTS = {"learned": ("sieved",), "advection": ("sieved",), "sweep": ("drawn",)}
"""How the first proposals come about for each model; the sieve is the sweep itself."""

HIDDEN = 3
"""Strokes that make a goal."""

Row = dict[str, Any]


class Wish(NamedTuple):
    """A head of hair as cameras see it, and what is wanted."""

    head: Head
    seen: HairVolume
    goal: HairVolume


def make_wish(family: str, seed: int, model: HairDynamics) -> Wish:
    """Return a head of a family and what the model makes of it with hidden strokes."""
    head, rng = parametric_head(), np.random.default_rng([seed, 5])
    groom = make_groom(family, head, guides=400, seed=seed)
    hair = make_children(groom, count=4000).strands(groom.strands)
    seen = observe(capture(hair, head, three_camera_rig(), seed=seed), head, model.grid)
    hidden = [random_stroke(groom.strands, head, rng) for _ in range(HIDDEN)]
    occupancy, direction, *_ = model.rollout(model.encode(seen, head), [hidden], head)
    return Wish(head, seen, HairVolume(occupancy[0].numpy(), direction[0].numpy(), model.grid))


class SweepOnly:
    """A promise without a prediction: what the teeth leave of the turn that the goal asks for."""

    current = 1.0

    def __init__(self, screen: SweepScreen) -> None:
        self._screen = screen

    def __call__(self, plans: Sequence[list[Stroke]], _: None) -> np.ndarray:
        """Return what plans of one stroke leave [N]."""
        return 1.0 - self._screen.scores([plan[0] for plan in plans])


class NoModel:
    """Predicts nothing."""

    def rollout(self, state: object, strokes: Sequence[Sequence[Stroke]], head: Head) -> tuple[None]:
        """Return nothing."""
        return (None,)


@dataclass(frozen=True)
class Job:
    """Searches on one head.

    Attributes:
        seed, family: of the head.
        searches: how many through each model, each from proposals of its own.
        kept: folder of the rows that are done.
    """

    seed: int
    family: str
    searches: dict[str, int]
    kept: Path


def search_head(job: Job) -> list[Row]:
    """Return what is left after the best stroke of every search on one head."""
    missing = {name: n for name, n in job.searches.items() if n and not _file(job, name).exists()}
    if missing:
        learned = load_model()
        wish = make_wish(job.family, job.seed, learned)
        opening = MppiPlanner(learned, MppiConfig())._opening(wish.seen, wish.goal, wish.head)
        for name in reversed(missing):  # the quickest first: what is done is kept
            write_json(_file(job, name), _searched(job, name, learned, opening, wish.head))
    return [row for name, n in job.searches.items() if n for row in json.loads(_file(job, name).read_text())]


def _searched(job: Job, name: str, learned: HairDynamics, opening: Opening, head: Head) -> list[Row]:
    """Return the rows of the searches through one model."""
    if name == "sweep":
        model: Any = NoModel()
        opening = opening._replace(promise=SweepOnly(opening.screen))  # pyright: ignore[reportArgumentType]
    else:
        model = learned if name == "learned" else AdvectionDynamics(learned)
    planner, rows = MppiPlanner(model, MppiConfig()), []
    for number in range(job.searches[name]):
        for start in STARTS[name]:
            first, further = proposals(planner, opening, start, [job.seed, 3, number])
            left = Searches(planner, opening, head).run(first, further, [job.seed, 4, number])
            rows.append({"model": name, "seed": job.seed, "family": job.family, "start": start, "left": left})
    return rows


def _file(job: Job, name: str) -> Path:
    return job.kept / f"{name}-{job.seed}-{job.searches[name]}.json"


def summarise(rows: Sequence[Row]) -> list[Row]:
    """Return for each start and search the mean of what is left, and the difference to `mppi`.

    Heads are what vary: the searches of one head are averaged first, intervals are bootstrapped over heads.
    """
    found = []
    for start in dict.fromkeys(row["start"] for row in rows):
        mine = [row for row in rows if row["start"] == start]
        heads = list(dict.fromkeys(row["seed"] for row in mine))
        left = {
            name: np.array([np.mean([row["left"][name] for row in mine if row["seed"] == h]) for h in heads])
            for name in mine[0]["left"]
        }
        for name, values in left.items():
            mean, beside = bootstrap_mean(values), paired_difference(values, left["mppi"])
            wins = [row["left"]["mppi"] < row["left"][name] - 1e-12 for row in mine]
            found.append(
                {
                    "start": start, "search": name, "heads": len(heads), "searches": len(mine),
                    "left": [mean.mean, mean.low, mean.high],
                    "worse_than_mppi": [beside.mean, beside.low, beside.high],
                    "mppi_finds_better": float(np.mean(wins)),
                }
            )  # fmt: skip
    return found


def main() -> None:
    """Search, print and write the table."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--heads", type=int, default=8)
    for name, default in (("learned", 1), ("advection", 2), ("sweep", 8)):
        parser.add_argument(f"--{name}", type=int, default=default, help="searches on each head")
    parser.add_argument("--kept", type=Path, default=Path("runs/mppi"), help="what is done already")
    parser.add_argument("--out", type=Path)
    arguments = parser.parse_args()
    if not 2 <= arguments.heads <= 100 - FIRST_SEED:
        parser.error(f"--heads is {arguments.heads}; expected 2 .. {100 - FIRST_SEED}, seeds below 100")
    start_warp()
    arguments.kept.mkdir(parents=True, exist_ok=True)
    searches = {name: getattr(arguments, name) for name in STARTS}
    jobs = [
        Job(FIRST_SEED + n, FAMILIES[n % len(FAMILIES)], searches, arguments.kept)
        for n in range(arguments.heads)
    ]
    rows = [row for job in track(jobs, description="searching") for row in search_head(job)]
    found = [
        {"model": name, **row}
        for name, count in searches.items()
        if count
        for row in summarise([row for row in rows if row["model"] == name])
    ]
    for row in found:
        print(
            f"{row['model']}, {row['start']}: {row['search']} leaves {row['left'][0]:.4f}, "
            f"{row['worse_than_mppi'][0]:+.4f} ({row['worse_than_mppi'][1]:+.4f} .. "
            f"{row['worse_than_mppi'][2]:+.4f}) beside mppi"
        )
    if arguments.out is not None:
        counts = " ".join(f"--{name} {count}" for name, count in searches.items())
        command = f"python -m benchmarks.mppi --heads {arguments.heads} {counts}"
        config = MppiConfig()
        calls = {"proposals": config.proposals, "calls": config.model_calls}
        write_json(arguments.out, {**provenance(command), **calls, "summary": found, "searches": rows})


if __name__ == "__main__":
    main()
