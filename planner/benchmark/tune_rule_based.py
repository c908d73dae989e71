"""Tune the rules on development tasks, by whole episodes: what is to be beaten shall be as good as it can be.

    python -m planner.benchmark.tune_rule_based --out runs/tune_rules [--resume]

Random search with successive halving: `candidates` sets of numbers, the present ones first, try the first
tasks; the better third goes on to further tasks, until one is left. Heads of which no task can be made are
left out. The objective is what MPPI's weights were
regressed on: moved plus disturbance at the end, over moved at the start. Seeds below 100, training families.
"""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np

from hairsim.errors import CombwiseError
from hairsim.groom.families import TRAINING_FAMILIES
from hairsim.run_folder import RunFolder
from planner.benchmark.spread import spread
from planner.benchmark.tasks import Task, TaskConfig
from planner.planners.rule_based import RuleBasedConfig, RuleBasedPlanner

RANGES: dict[str, tuple[Any, ...]] = {
    "difference": (20.0, 30.0, 40.0, 55.0),
    "missing": (0.0, 45.0, 90.0),
    "reach": (0.0075, 0.015, 0.03),
    "group": (0.012, 0.02, 0.03),
    "turn": (0.02, 0.04, 0.08),
    "fewest": (6, 12, 24),
    "span": (0.04, 0.08, 0.15),
    "overshoot": (0.0, 0.3, 0.8),
    "lead": (0.0, 0.015, 0.03),
    "length": (0.5, 0.75, 1.0),
    "depth": (0.1, 0.3, 0.5),
    "speed": (0.08, 0.12, 0.18),
    "repeats": (1, 2, 4),
    "watch": (True, False),
}


@dataclass(frozen=True, kw_only=True)
class TuneConfig:
    """One search.

    Attributes:
        out: output folder.
        candidates: sets of numbers that are tried.
        tasks: development tasks of each round, added to those of the rounds before.
        first_seed: the first task's.
        levels: of the tasks, in turn.
        seed: of the search.
        guides: simulated strands.
        workers: processes.
        resume: continue an interrupted run.
        overwrite: replace the run in `out`.
    """

    out: Path = Path("runs/tune_rules")
    candidates: int = 18
    tasks: tuple[int, ...] = (2, 2, 4)
    first_seed: int = 20
    levels: tuple[str, ...] = ("lock",)
    seed: int = 0
    guides: int = 200
    workers: int = 2
    resume: bool = False
    overwrite: bool = False

    def __post_init__(self) -> None:
        if self.candidates < 1 or not self.tasks or min(self.tasks) < 1:
            raise CombwiseError(
                f"--candidates {self.candidates}, --tasks {self.tasks}; expected at least 1 of each"
            )
        if self.first_seed < 0 or self.first_seed + sum(self.tasks) > 100:
            raise CombwiseError(
                f"--first-seed {self.first_seed} with {sum(self.tasks)} tasks; expected seeds 0 .. 99: "
                "the others are not for development"
            )


def tune(config: TuneConfig) -> str:
    """Search; leave trials/, tuning.json; return the line that names the best numbers."""
    folder = RunFolder.open(config.out, config, resume=config.resume, overwrite=config.overwrite)
    left = candidates(config.candidates, config.seed)
    trials: list[dict[str, Any]] = []
    for number in range(len(config.tasks)):
        seeds = range(config.first_seed, config.first_seed + sum(config.tasks[: number + 1]))
        jobs = [(folder.path, config, seed, rules) for seed in seeds for rules in left]
        trials = [trial for _, trial in spread(try_rules, jobs, workers=config.workers)]
        left = ranked(left, trials)[: max(1, len(left) // 3)]
        best = dataclasses.asdict(left[0])
        print(f"round {number + 1}: {objective(left[0], trials):.3f} {best}", flush=True)
    used = [json.loads(path.read_text()) for path in sorted((folder.path / "trials").glob("*.json"))]
    strokes = sum(trial["strokes"] for trial in used)
    folder.write_json(
        "tuning.json",
        {"best": dataclasses.asdict(left[0]), "objective": objective(left[0], trials), "trials": used,
         "episodes": len(used), "strokes": strokes},
    )  # fmt: skip
    return (
        f"{len(used)} episodes of {strokes} strokes; best {objective(left[0], trials):.3f}: {left[0]}; "
        f"see {config.out}"
    )


def candidates(count: int, seed: int) -> list[RuleBasedConfig]:
    """Return sets of numbers, the present ones first."""
    rng = np.random.default_rng(seed)
    found = [RuleBasedConfig()]
    while len(found) < count:
        found.append(RuleBasedConfig(**{k: v[int(rng.integers(len(v)))] for k, v in RANGES.items()}))
    return found


def objective(rules: RuleBasedConfig, trials: Sequence[dict[str, Any]]) -> float:
    """Return the mean of what is left, over the tasks that these rules tried; infinite for none."""
    left = [t["left"] for t in trials if t["rules"] == dataclasses.asdict(rules) and "refused" not in t]
    return float(np.mean(left)) if left else float("inf")


def ranked(rules: Sequence[RuleBasedConfig], trials: Sequence[dict[str, Any]]) -> list[RuleBasedConfig]:
    """Return rules, the best first."""
    return sorted(rules, key=lambda r: objective(r, trials))


def try_rules(folder: Path, config: TuneConfig, seed: int, rules: RuleBasedConfig) -> dict[str, Any]:
    """Try a task by rules; from the file when it was tried before."""
    from hairsim import atomic_file
    from hairsim.device import start_warp
    from hairsim.volume import GRIDS
    from planner.benchmark.metrics import score
    from planner.episode import EpisodeConfig, run_episode

    start_warp()
    level = config.levels[seed % len(config.levels)]
    name = "-".join(str(value) for value in dataclasses.astuple(rules))
    path = folder / "trials" / f"{level}-{seed}-{name}.json"
    if path.exists():
        return json.loads(path.read_text())
    task = _task(folder, level, seed, config.guides)
    if isinstance(task, str):
        return {"level": level, "seed": seed, "rules": dataclasses.asdict(rules), "refused": task}
    scene = task.scene()
    assert scene.truth is not None
    grid = GRIDS["small"]
    goal = scene.goal_volume(grid)
    result = run_episode(
        scene.salon, RuleBasedPlanner(rules), goal, scene.head, grid, seed,
        config=EpisodeConfig(strokes=task.level.allowed),
    )  # fmt: skip
    history = scene.salon.history
    first, last = (score(strands, history[0], scene.truth.strands) for strands in (history[0], history[-1]))
    trial = {
        "level": level,
        "seed": seed,
        "rules": dataclasses.asdict(rules),
        "left": round((last.moved_mm + last.disturbance_mm) / first.moved_mm, 4),
        "moved": [round(first.moved_mm, 2), round(last.moved_mm, 2)],
        "disturbance": [round(first.disturbance_mm, 2), round(last.disturbance_mm, 2)],
        "strokes": len(result.strokes),
        "stopped": result.stopped,
    }
    path.parent.mkdir(exist_ok=True)
    atomic_file.write_json(path, trial)
    return trial


@lru_cache(maxsize=2)
def _task(folder: Path, level: str, seed: int, guides: int) -> Task | str:
    """Return a task, or why none can be made; kept, because jobs of one task follow each other."""
    family = TRAINING_FAMILIES[seed % len(TRAINING_FAMILIES)]
    config = TaskConfig(level, seed, family, guides=guides)
    try:
        return Task(config, folder / "tasks" / f"{config.name}.npz")
    except CombwiseError as error:
        return str(error)


if __name__ == "__main__":
    import tyro

    print(tune(tyro.cli(TuneConfig, description=__doc__)))
