"""Compare searches for a stroke on the same cost at the same number of model calls.

    python -m benchmarks.mppi --out benchmarks/results/mppi.json

What is minimised is the planner's own promise (`planner/planners/mppi.py`) of one stroke, eight numbers, on
development heads: the share of the present cost that it is predicted to leave, by the shipped model and, for
more searches, by kinematic advection. The searches are those of `benchmarks/searches.py`. What a head has
given is kept in a folder; a killed run goes on with the next.
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from rich.progress import track

from benchmarks.promise import FAMILIES, FIRST_SEED
from benchmarks.provenance import provenance
from benchmarks.searches import STARTS, Searches, proposals
from hairsim.atomic_file import write_json
from hairsim.device import start_warp
from hairsim.errors import CombwiseError
from planner.benchmark.bootstrap import bootstrap_mean, paired_difference
from planner.planners.mppi import MppiConfig, MppiPlanner

Row = dict[str, Any]


@dataclass(frozen=True)
class Job:
    """Searches on one head.

    Attributes:
        seed, family: of the task.
        model: "learned", the shipped one, or "advection".
        searches: how many, each from proposals of its own.
        guides: simulated strands of the task.
        kept: folder of tasks and of rows that are done.
    """

    seed: int
    family: str
    model: str
    searches: int
    guides: int
    kept: Path


def search_head(job: Job) -> list[Row]:
    """Return what is left after the best stroke of every search on one head; none where it makes no task."""
    path = job.kept / f"{job.model}-{job.seed}-{job.searches}.json"
    if path.exists():
        return json.loads(path.read_text(encoding="utf-8"))
    from dynamics.model import load_model
    from planner.benchmark.tasks import Task, TaskConfig
    from planner.observe import observe
    from planner.planners.advection_model import AdvectionDynamics

    config = TaskConfig("any", job.seed, job.family, guides=job.guides)
    rows: list[Row] = []
    try:
        scene = Task(config, job.kept / f"{config.name}.npz").scene()
    except CombwiseError as error:
        print(f"left out: {error}")
    else:
        learned = load_model()
        model = learned if job.model == "learned" else AdvectionDynamics(learned)
        planner = MppiPlanner(model, MppiConfig())
        seen = observe(scene.salon.look(), scene.head, model.grid)
        opening = planner._opening(seen, scene.goal_volume(model.grid), scene.head)
        for number in range(job.searches):
            for start in STARTS:
                first, further = proposals(planner, opening, start, [job.seed, 3, number])
                found = Searches(planner, opening, scene.head).run(first, further, [job.seed, 4, number])
                rows.append({"seed": job.seed, "family": job.family, "start": start, "left": found})
    job.kept.mkdir(parents=True, exist_ok=True)
    write_json(path, rows)
    return rows


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
    parser.add_argument("--searches", type=int, default=2, help="through the learned model, on each head")
    parser.add_argument("--advection-searches", type=int, default=6, help="through kinematic advection")
    parser.add_argument("--guides", type=int, default=200, help="simulated strands of the tasks")
    parser.add_argument("--kept", type=Path, default=Path("runs/mppi"), help="what is done already")
    parser.add_argument("--out", type=Path)
    arguments = parser.parse_args()
    if not 2 <= arguments.heads <= 100 - FIRST_SEED:
        parser.error(f"--heads is {arguments.heads}; expected 2 .. {100 - FIRST_SEED}, seeds below 100")
    start_warp()
    models = {"learned": arguments.searches, "advection": arguments.advection_searches}
    jobs = [
        Job(FIRST_SEED + n, FAMILIES[n % len(FAMILIES)], model, searches, arguments.guides, arguments.kept)
        for n in range(arguments.heads)
        for model, searches in models.items()
        if searches > 0
    ]
    rows: dict[str, list[Row]] = {}
    for job in track(jobs, description="searching"):
        rows.setdefault(job.model, []).extend(search_head(job))
    found = [{"model": model, **row} for model, some in rows.items() if some for row in summarise(some)]
    for row in found:
        print(
            f"{row['model']}, {row['start']}: {row['search']} leaves {row['left'][0]:.4f}, "
            f"{row['worse_than_mppi'][0]:+.4f} ({row['worse_than_mppi'][1]:+.4f} .. "
            f"{row['worse_than_mppi'][2]:+.4f}) beside mppi"
        )
    if arguments.out is not None:
        command = (
            f"python -m benchmarks.mppi --heads {arguments.heads} --searches {arguments.searches} "
            f"--advection-searches {arguments.advection_searches} --guides {arguments.guides}"
        )
        config = MppiConfig()
        calls = {"proposals": config.proposals, "calls": config.model_calls}
        write_json(arguments.out, {**provenance(command), **calls, "summary": found, "searches": rows})


if __name__ == "__main__":
    main()
