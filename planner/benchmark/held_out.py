"""Style the held-back seeds with every planner: the table that shows whether the learned planner helps.

    python -m planner.benchmark.held_out --out runs/held_out [--resume]

Each seed is one file, written when its last planner is done: a killed run goes on where it stopped.
"""

from __future__ import annotations

import dataclasses
import datetime
import json
import multiprocessing
import os
import platform
from collections.abc import Sequence
from concurrent.futures import ProcessPoolExecutor, as_completed
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

from hairsim import atomic_file
from hairsim.errors import CombwiseError
from hairsim.groom.families import UNSEEN_FAMILIES
from hairsim.run_folder import RunFolder
from hairsim.version import SIMULATOR_VERSION, code_version
from planner.benchmark.bootstrap import Interval, bootstrap_mean, paired_difference
from planner.benchmark.metrics import is_success, strand_distance

PLANNERS = ("mppi", "no_stroke", "replay")
NOT_PUBLISHED = ("out", "weights", "workers", "resume", "overwrite")
"""Config fields that say where a run was, not what it did."""

METRICS = ("moved_mm", "disturbance_mm", "chamfer_mm", "direction_deg")


@dataclass(frozen=True)
class HeldOutConfig:
    """One run over held-back seeds.

    Attributes:
        out: output folder.
        first_seed: the first of them; published tables start at 10,000.
        seeds: how many.
        families: of the grooms, in turn; default the unseen ones.
        planners: who styles.
        weights: checkpoint of the learned model; None for the shipped one.
        preset: how far MPPI searches.
        strokes: most strokes.
        guides: simulated strands.
        workers: processes; one core each.
        device: where the planner computes.
        resume: continue an interrupted run.
        overwrite: replace the run in `out`.
    """

    out: Path = Path("runs/held_out")
    first_seed: int = 10_000
    seeds: int = 20
    families: tuple[str, ...] = UNSEEN_FAMILIES
    planners: tuple[str, ...] = PLANNERS
    weights: Path | None = None
    preset: str = "cpu"
    strokes: int = 5
    guides: int = 400
    workers: int = 2
    device: str = "cpu"
    resume: bool = False
    overwrite: bool = False

    def __post_init__(self) -> None:
        for name in ("seeds", "strokes", "guides", "workers"):
            if getattr(self, name) < 1:
                raise CombwiseError(f"--{name} is {getattr(self, name)}; expected at least 1")
        unknown = [name for name in self.planners if name not in PLANNERS]
        if unknown or not self.planners or not self.families:
            raise CombwiseError(
                f"unknown planners {unknown} or no families; expected some of {list(PLANNERS)}"
            )


def run_held_out(config: HeldOutConfig) -> str:
    """Style every seed with every planner; return the line that says how it went.

    Leaves seeds/SEED.json, held_out.json (rows, intervals, command, commit, date, machine) and held_out.md.
    """
    folder = RunFolder.open(config.out, config, resume=config.resume, overwrite=config.overwrite)
    (folder.path / "seeds").mkdir(exist_ok=True)
    seeds = range(config.first_seed, config.first_seed + config.seeds)
    missing = [seed for seed in seeds if not _seed_path(folder.path, seed).exists()]
    for name in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"):
        os.environ.setdefault(name, "1")
    columns = (TextColumn("[bold]styling"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
    context = multiprocessing.get_context("spawn")
    with Progress(*columns) as progress, ProcessPoolExecutor(config.workers, mp_context=context) as pool:
        task = progress.add_task("seeds", total=config.seeds, completed=config.seeds - len(missing))
        jobs = [pool.submit(style_seed, config, seed) for seed in missing]
        try:
            for job in as_completed(jobs):
                job.result()
                progress.advance(task)
        except BaseException:
            pool.shutdown(wait=False, cancel_futures=True)
            raise
    rows = [row for seed in seeds for row in json.loads(_seed_path(folder.path, seed).read_text())]
    result = summarise(rows, config)
    folder.write_json("held_out.json", result)
    folder.write_text("held_out.md", markdown(result))
    return (
        f"{config.seeds} seeds styled by {', '.join(config.planners)}: {_verdict(result)}; see {config.out}"
    )


def style_seed(config: HeldOutConfig, seed: int) -> None:
    """Style one seed with every planner from the same start, and write its rows."""
    from planner.demo.config import DemoConfig
    from planner.demo.demo import score_history, style_scene
    from planner.demo.scene import open_salon, set_scene

    demo = DemoConfig(
        seed=seed,
        family=config.families[seed % len(config.families)],
        strokes=config.strokes,
        guides=config.guides,
        preset=config.preset,
        video=False,
        device=config.device,
    )
    dynamics = None
    if "mppi" in config.planners:
        from dynamics.model import load_model

        dynamics = load_model(config.weights, device=config.device)
    scene = set_scene(demo)
    world, start = scene.salon.world, scene.salon.world.snapshot()
    rows: list[dict[str, Any]] = []
    for name in config.planners:
        world.restore(start)
        salon = open_salon(demo, world, scene.salon.children)
        again = dataclasses.replace(scene, salon=salon)
        planner_config = dataclasses.replace(demo, planner=name)  # pyright: ignore[reportArgumentType]
        result = style_scene(planner_config, again, dynamics)
        scores = score_history(again)
        planning = [s.planning_seconds for s in result.steps if s.planned is not None]
        forces = [s.reading.peak_force for s in result.steps if s.reading is not None]
        drift = strand_distance(salon.history[-1], salon.history[0]).max()
        rows.append(
            {
                "seed": seed,
                "family": demo.family,
                "planner": name,
                "initial": scores[0].to_dict(),
                "final": scores[-1].to_dict(),
                "history_moved_mm": [round(s.moved_mm, 3) for s in scores],
                "success": is_success(scores[-1], scores[0]),
                "strokes": len(result.strokes),
                "stopped": result.stopped,
                "planning_seconds": round(float(np.mean(planning)), 2) if planning else None,
                "largest_drift_mm": round(1000.0 * float(drift), 2) if name == "no_stroke" else None,
                "peak_force": round(max(forces, default=0.0), 3),
            }
        )
    atomic_file.write_json(_seed_path(config.out, seed), rows)


def summarise(rows: Sequence[dict[str, Any]], config: HeldOutConfig) -> dict[str, Any]:
    """Return the published result: every row, the means, and the paired intervals against no_stroke."""
    by_planner = {name: [row for row in rows if row["planner"] == name] for name in config.planners}
    table = []
    for name, mine in by_planner.items():
        for metric in METRICS:
            table.append(_entry(name, metric, bootstrap_mean(_final(mine, metric))))
        table.append(
            _entry(name, "success_rate", bootstrap_mean(np.array([float(r["success"]) for r in mine])))
        )
    result: dict[str, Any] = {
        "what": "final scores on held-back seeds, full loop through noisy cameras",
        "command": "python -m planner.benchmark.held_out "
        f"--first-seed {config.first_seed} --seeds {config.seeds} --guides {config.guides}",
        "commit": code_version(),
        "simulator_version": SIMULATOR_VERSION,
        "date": datetime.datetime.now(datetime.UTC).date().isoformat(),
        "machine": f"{os.cpu_count()} CPU cores, {platform.machine()}, Python {platform.python_version()}",
        "config": {k: v for k, v in dataclasses.asdict(config).items() if k not in NOT_PUBLISHED},
        "rows": table,
        "episodes": list(rows),
    }
    if {"mppi", "no_stroke"} <= by_planner.keys():
        mine, other = by_planner["mppi"], by_planner["no_stroke"]
        start = np.array([row["initial"]["moved_mm"] for row in mine])
        difference = paired_difference(_final(mine, "moved_mm"), _final(other, "moved_mm"))
        result["mppi_minus_no_stroke_moved_mm"] = dataclasses.asdict(difference)
        result["mppi_change_of_moved"] = dataclasses.asdict(
            bootstrap_mean(_final(mine, "moved_mm") / start - 1.0)
        )
        result["initial_moved_mm"] = float(start.mean())
    return result


def markdown(result: dict[str, Any]) -> str:
    """Return the result as markdown: every episode, then the means."""
    planners = list(dict.fromkeys(row["planner"] for row in result["episodes"]))
    heads = ["seed", "family", "start", *(f"{p}: moved / disturbance" for p in planners), "strokes (mppi)"]
    lines = [
        "Moved and disturbance in millimetres, after the last stroke; a star marks success.",
        "",
        "| " + " | ".join(heads) + " |",
        "|" + " --- |" * len(heads),
    ]
    for seed in dict.fromkeys(row["seed"] for row in result["episodes"]):
        mine = {row["planner"]: row for row in result["episodes"] if row["seed"] == seed}
        first = next(iter(mine.values()))
        cells = [str(seed), first["family"], f"{first['initial']['moved_mm']:.1f}"]
        for name in planners:
            final = mine[name]["final"]
            star = " *" if mine[name]["success"] else ""
            cells.append(f"{final['moved_mm']:.1f} / {final['disturbance_mm']:.1f}{star}")
        cells.append(str(mine["mppi"]["strokes"]) if "mppi" in mine else "-")
        lines.append("| " + " | ".join(cells) + " |")
    lines += ["", "| planner | metric | mean | 95 % interval |", "| --- | --- | --- | --- |"]
    for row in result["rows"]:
        interval = f"{row['low']:.2f} .. {row['high']:.2f}"
        lines.append(f"| {row['planner']} | {row['metric']} | {row['mean']:.2f} | {interval} |")
    lines += ["", f"{_verdict(result)}.", ""]
    lines.append(f"`{result['command']}`, {result['commit']}, {result['date']}, {result['machine']}.")
    return "\n".join(lines) + "\n"


def _verdict(result: dict[str, Any]) -> str:
    if "mppi_minus_no_stroke_moved_mm" not in result:
        return "no pair of planners to compare"
    difference, change = result["mppi_minus_no_stroke_moved_mm"], result["mppi_change_of_moved"]
    return (
        f"mppi ends {difference['mean']:+.1f} mm beside no_stroke in moved "
        f"(95 % interval {difference['low']:+.1f} .. {difference['high']:+.1f}), "
        f"{100.0 * change['mean']:+.0f} % against its start"
    )


def _final(rows: Sequence[dict[str, Any]], metric: str) -> np.ndarray:
    return np.array([row["final"][metric] for row in rows])


def _entry(planner: str, metric: str, interval: Interval) -> dict[str, Any]:
    return {
        "planner": planner,
        "level": "all",
        "metric": metric,
        "mean": round(interval.mean, 4),
        "low": round(interval.low, 4),
        "high": round(interval.high, 4),
        "episodes": interval.episodes,
    }


def _seed_path(folder: Path, seed: int) -> Path:
    return folder / "seeds" / f"{seed}.json"


if __name__ == "__main__":
    import tyro

    print(run_held_out(tyro.cli(HeldOutConfig, description=__doc__)))
