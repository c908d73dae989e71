"""The hair-styling benchmark: every planner tries the same tasks in the full loop through noisy cameras.

    combwise evaluate styling --out runs/styling [--quick] [--resume] [--ray]

Leaves tasks/ (what takes long to make), episodes/ (one file for each episode and planner, so that a killed
run goes on where it stopped), metrics.json, styling.md, videos of the best, median and worst episode and
report.html.
"""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

from hairsim import atomic_file
from hairsim.errors import CombwiseError
from hairsim.groom.families import FAMILIES, TRAINING_FAMILIES, UNSEEN_FAMILIES
from hairsim.head.keep_out import KeepOutZones
from hairsim.run_folder import RunFolder
from planner.benchmark.levels import LEVELS
from planner.benchmark.roster import ORACLES, Entry, load_dynamics, load_unet
from planner.benchmark.spread import spread
from planner.benchmark.tables import markdown, result_of, verdict
from planner.benchmark.tasks import Task, TaskConfig

GROWS = ("seeds", "few", "levels", "planners", "few_planners", "oracle")
"""What a resumed benchmark may be asked more of: the tasks and planners that were tried stay as they are."""

FULL = ("mppi", "rule_based", "random", "no_stroke")
FEW = ("replay", "replay_1mm", "cem", "mppi_advection", "mppi_64", "mppi_simulator")


@dataclass(frozen=True, kw_only=True)
class BenchmarkConfig:
    """One run of the benchmark's machinery. The defaults are the published setting of `StylingConfig`.

    Attributes:
        out: output folder.
        first_seed: the first seed of every level; published tables start at 10,000, development stays below
            100.
        seeds: how many of each level.
        few: on how many of them the slow planners and the oracles run.
        levels: of difficulty: lock, part, sweep.
        families: of the grooms, in turn; default the unseen ones.
        groom: hair file (USC-HairSalon .data, ...) that all tasks are made of, in place of families: a run
            that is reported apart. Read where it lies, never copied.
        head: mesh file of the head that it grows on; the built-in one when left out.
        groom_unit: unit of both files; None for what the groom file says itself, and cm for the head.
        groom_axes: axes of both; None likewise, and y-up for the head.
        planners: who tries every task.
        few_planners: who tries the first `few` of each level.
        oracle: what is swapped for its perfect version behind mppi, in turn, on the first `few`.
        weights: checkpoint of the learned model; None for the shipped one.
        unet: folder of a run of `combwise train baselines`, for the planner mppi_unet.
        preset: how far MPPI searches.
        guides: simulated strands.
        keep_out: zones that planners' strokes must stay out of: an adult's eyes, face, ears and
            neck, fitted to the head; none when left out, as in the published tables.
        videos: whether the best, median and worst episode are filmed.
        workers: processes; one core each.
        ray: spread over the Ray cluster that RAY_ADDRESS names, or over one started here.
        device: where planners compute.
        resume: continue an interrupted run.
        overwrite: replace the run in `out`.
    """

    out: Path = Path("runs/styling")
    first_seed: int = 10_000
    seeds: int = 20
    few: int = 4
    levels: tuple[str, ...] = ("lock", "part", "sweep")
    families: tuple[str, ...] = UNSEEN_FAMILIES
    groom: Path | None = None
    head: Path | None = None
    groom_unit: str | None = None
    groom_axes: str | None = None
    planners: tuple[str, ...] = FULL
    few_planners: tuple[str, ...] = FEW
    oracle: tuple[str, ...] = ORACLES
    weights: Path | None = None
    unet: Path | None = None
    preset: str = "cpu"
    guides: int = 400
    keep_out: KeepOutZones | None = None
    videos: bool = True
    workers: int = 2
    ray: bool = False
    device: str = "cpu"
    resume: bool = False
    overwrite: bool = False

    def __post_init__(self) -> None:
        for name in ("seeds", "guides", "workers"):
            if getattr(self, name) < 1:
                raise CombwiseError(f"--{name} is {getattr(self, name)}; expected at least 1")
        if self.first_seed < 0 or self.few < 0:
            raise CombwiseError(f"--first-seed {self.first_seed}, --few {self.few}; expected 0 or more")
        for name, known in (("levels", LEVELS), ("families", FAMILIES), ("oracle", ORACLES)):
            unknown = [value for value in getattr(self, name) if value not in known]
            if unknown:
                raise CombwiseError(f"--{name} {unknown[0]} is unknown; expected some of {', '.join(known)}")
        self._check_files()
        if not (self.levels and self.families and self.planners):
            raise CombwiseError("levels, families or planners are empty; expected at least one of each")
        for name in self.names(0):
            if Entry.parse(name).planner == "mppi_unet" and (self.unet is None or not self.unet.is_dir()):
                given = "none is shipped" if self.unet is None else f"--unet {self.unet} is no folder"
                raise CombwiseError(
                    f"planner '{name}' needs a trained U-Net, and {given}; train one with 'combwise train "
                    "baselines' and name its folder with --unet"
                )

    def _check_files(self) -> None:
        """Refuse files that are not there, a head without its hair, and a groom beside families."""
        for name in ("groom", "head"):
            path = getattr(self, name)
            if path is not None and not path.is_file():
                raise CombwiseError(f"--{name} {path} does not exist; expected a file that can be read")
        if self.head is not None and self.groom is None:
            raise CombwiseError("--head is given without --groom; expected the hair that grows on that head")
        if self.groom is not None and self.families != UNSEEN_FAMILIES:
            raise CombwiseError("--groom and --families exclude each other; give one of them")

    def names(self, number: int) -> tuple[str, ...]:
        """Return who tries the task of number 0, 1, ... of a level."""
        names = self.planners
        if number < self.few:
            names += self.few_planners + tuple(f"mppi+{oracle}" for oracle in self.oracle)
        return tuple(dict.fromkeys(names))

    def tasks(self) -> list[tuple[TaskConfig, tuple[str, ...]]]:
        """Return every task with who tries it; the levels in turn, so that part of a run is a fair part."""
        return [
            (self.task(level, self.first_seed + number), self.names(number))
            for number in range(self.seeds)
            for level in self.levels
        ]

    def task(self, level: str, seed: int) -> TaskConfig:
        """Return the task of a level and a seed."""
        return TaskConfig(
            level,
            seed,
            self.families[seed % len(self.families)] if self.groom is None else self.groom.stem,
            guides=self.guides,
            device=self.device,
            keep_out=self.keep_out,
            groom=self.groom,
            head=self.head,
            groom_unit=self.groom_unit,
            groom_axes=self.groom_axes,
        )


@dataclass(frozen=True, kw_only=True)
class StylingConfig(BenchmarkConfig):
    """One run of the benchmark. The defaults are the published setting.

    Attributes:
        quick: a look in minutes: one development task of level lock, by mppi, rule_based and no_stroke.
    """

    quick: bool = False


def quickly(config: StylingConfig) -> StylingConfig:
    """Return a run of minutes in place of one of hours, on development seeds: no held-back task is used."""
    families = TRAINING_FAMILIES if config.groom is None else config.families
    return dataclasses.replace(
        config, first_seed=0, seeds=1, few=0, levels=("lock",), families=families,
        planners=("mppi", "rule_based", "no_stroke"),
    )  # fmt: skip


def run_styling(config: StylingConfig) -> str:
    """Run the benchmark; return the line that says how it went."""
    asked, config = config, quickly(config) if config.quick else config
    folder = RunFolder.open(config.out, asked, resume=config.resume, overwrite=config.overwrite, grows=GROWS)
    records, refused = try_tasks(config, folder.path)
    result = result_of(
        records,
        refused,
        what="final scores of hair styling, full loop through noisy cameras",
        command=command_of(config),
        config=config,
    )
    folder.write_json("metrics.json", result)
    folder.write_text("styling.md", markdown(result))
    from planner.benchmark.report import write_report  # late: drawing

    page = write_report(config, folder, result)
    return f"{len(records)} episodes styled: {verdict(result)}; see {page}"


def try_tasks(config: BenchmarkConfig, folder: Path) -> tuple[list[dict[str, Any]], list[dict[str, Any]]]:
    """Run what is missing of a run; return all episodes' records and the tasks that could not be made."""
    jobs = []
    for task, names in config.tasks():
        missing = tuple(n for n in names if not _episode(folder, task, n).exists())
        if missing and not _refusal(folder, task).exists():
            jobs.append((folder, task, missing, config.preset, config.weights, config.unet))
    total = sum(len(names) for _, names in config.tasks())
    columns = (TextColumn("[bold]styling"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
    with Progress(*columns) as progress:
        bar = progress.add_task("episodes", total=total, completed=total - sum(len(j[2]) for j in jobs))
        for (_, task, missing, *_), found in spread(style_task, jobs, workers=config.workers, ray=config.ray):
            _keep(folder, task, found)
            progress.advance(bar, len(missing))
    records, refused = [], []
    for task, names in config.tasks():
        if _refusal(folder, task).exists():
            refused.append(json.loads(_refusal(folder, task).read_text()))
            continue
        records += [json.loads(_episode(folder, task, name).read_text()) for name in names]
    if not records:
        raise CombwiseError(f"none of {len(refused)} tasks could be made; the first: {refused[0]['why']}")
    return records, refused


def style_task(
    folder: Path,
    config: TaskConfig,
    names: Sequence[str],
    preset: str,
    weights: Path | None,
    unet: Path | None = None,
) -> list[dict[str, Any]]:
    """Let planners try one task; each record is written as soon as it is there, and returned.

    The folder is this machine's: where machines share it, files are written once; where they do not, the
    driver writes what this returns.
    """
    from hairsim.device import start_warp
    from planner.benchmark.episodes import try_task

    start_warp()
    entries = [Entry.parse(name) for name in names]
    dynamics = load_dynamics(weights, config.device) if any(e.learned for e in entries) else None
    direct = None
    if unet is not None and any(entry.planner == "mppi_unet" for entry in entries):
        direct = load_unet(unet, dynamics, config.device)
    here = folder.is_dir()
    try:
        task = Task(config, folder / "tasks" / f"{config.name}.npz" if here else None)
    except CombwiseError as error:
        return [{"refused": config.name, "family": config.family, "why": str(error)}]
    records = []
    for name in names:
        records.append(try_task(task, name, dynamics, preset, unet=direct))
        if here:
            _keep(folder, config, records[-1:])
    return records


def command_of(config: BenchmarkConfig) -> str:
    """Return the command that repeats a run."""
    words = [f"combwise evaluate styling --first-seed {config.first_seed} --seeds {config.seeds}"]
    fields = (
        "few", "levels", "families", "groom", "head", "groom_unit", "groom_axes", "planners", "few_planners",
        "oracle", "unet", "preset", "guides", "keep_out",
    )  # fmt: skip
    for field in fields:
        value = getattr(config, field)
        if value != BenchmarkConfig.__dataclass_fields__[field].default:
            shown = " ".join(value) if isinstance(value, tuple) else getattr(value, "name", value)
            words.append(f"--{field.replace('_', '-')} {shown}".rstrip())
    return " ".join(words)


def _keep(folder: Path, task: TaskConfig, records: Sequence[dict[str, Any]]) -> None:
    for record in records:
        path = (
            _refusal(folder, task) if "refused" in record else _episode(folder, task, str(record["planner"]))
        )
        if not path.exists():
            path.parent.mkdir(parents=True, exist_ok=True)
            atomic_file.write_json(path, record)


def _episode(folder: Path, task: TaskConfig, planner: str) -> Path:
    return folder / "episodes" / f"{task.name}-{planner}.json"


def _refusal(folder: Path, task: TaskConfig) -> Path:
    return folder / "tasks" / f"{task.name}.refused.json"
