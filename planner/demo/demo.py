"""Run the whole line once: goal look, styling loop, scores, video, report."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import warp as wp
from rich.progress import BarColumn, Progress, SpinnerColumn, TextColumn, TimeElapsedColumn

from hairsim.device import resolve_device
from hairsim.errors import CombwiseError
from hairsim.run_folder import RunFolder
from hairsim.tools.stroke import Stroke
from planner.benchmark.metrics import Scores, is_success, score
from planner.demo.config import DemoConfig
from planner.demo.film import write_film
from planner.demo.report import render_report
from planner.demo.scene import Scene, Wish, read_wish, save_truth, set_scene
from planner.episode import EpisodeConfig, EpisodeResult, EpisodeStep, noise_floor, run_episode
from planner.goal.goals import save_goal
from planner.planners.keep_out import KeepOut
from planner.planners.mppi import MppiPlanner
from planner.planners.mppi_config import PRESETS
from planner.planners.no_stroke import NoStrokePlanner
from planner.planners.planner import Dynamics, PlannedStroke, Planner
from planner.planners.replay import ReplayPlanner


@dataclass(frozen=True)
class DemoResult:
    """What a demo made.

    Attributes:
        folder: where everything is.
        metrics: the content of metrics.json.
        line: one sentence that says what was made, where, and how well it went.
    """

    folder: Path
    metrics: Mapping[str, Any]
    line: str


def run_demo(config: DemoConfig, *, dynamics: Dynamics | None = None) -> DemoResult:
    """Style one virtual head of hair towards a goal look.

    Leaves config.json, goal.npz, strokes.json (grows stroke by stroke; a resumed run plays them again instead
    of planning them again), metrics.json, episode.json, episode.mp4 and report.html in `config.out`.

    Args:
        config: whose hair, which goal, which planner.
        dynamics: the model of combing; None loads the one that `config.weights` names.

    Raises:
        CombwiseError: anything in the config that cannot be used, or an output folder of another run.
    """
    began = time.perf_counter()
    wp.config.quiet = True  # pyright: ignore[reportAttributeAccessIssue]
    device = resolve_device(config.device)
    planner_model = dynamics
    if config.planner == "mppi" and planner_model is None:
        from dynamics.model import load_model  # late: torch takes seconds

        planner_model = load_model(config.weights, device=device)
    wish = read_wish(config)
    folder = RunFolder.open(config.out, config, resume=config.resume, overwrite=config.overwrite)
    finished = folder.path / "metrics.json"
    if folder.resumed and finished.exists():
        metrics = json.loads(finished.read_text())
        return DemoResult(folder.path, metrics, final_line(metrics, folder.path))
    with _progress() as progress:
        scene, result, scores = _style(config, wish, folder, planner_model, progress)
        metrics = summary(config, result, scores, time.perf_counter() - began)
        _show(config, folder, scene, result, scores, metrics, progress)
        metrics["seconds"] = round(time.perf_counter() - began, 1)
        folder.write_json("metrics.json", metrics)
    return DemoResult(folder.path, metrics, final_line(metrics, folder.path))


def _progress() -> Progress:
    return Progress(
        SpinnerColumn(), TextColumn("{task.description}"), BarColumn(), TextColumn("{task.fields[note]}"),
        TimeElapsedColumn(),
    )  # fmt: skip


def _style(
    config: DemoConfig, wish: Wish, folder: RunFolder, dynamics: Dynamics | None, progress: Progress
) -> tuple[Scene, EpisodeResult, list[Scores]]:
    """Set the scene, style, and score what the salon kept aside."""
    task = progress.add_task("growing hair, making the goal", total=None, note="")
    scene = set_scene(config, wish)
    save_goal(folder.path, scene.goal)
    if scene.truth is not None:
        save_truth(folder.path / "truth.npz", scene.truth)
    progress.update(task, total=1, completed=1)
    done, done_now = _strokes_before(folder), []
    task = progress.add_task("styling", total=config.strokes, note="")

    def keep(number: int, step: EpisodeStep) -> None:
        if step.planned is not None and step.reading is not None:
            done_now.append(_stroke_record(step.planned))
            if len(done_now) > len(done):
                folder.write_json("strokes.json", done_now)
        seen = f"observed cost {step.observed_cost:.2f} mm" if np.isfinite(step.observed_cost) else ""
        progress.update(task, completed=min(number + 1, config.strokes), note=seen)

    result = style_scene(config, scene, dynamics, done=done, on_step=keep)
    progress.update(task, completed=config.strokes, note=f"stopped: {result.stopped}")
    return scene, result, score_history(scene)


def style_scene(
    config: DemoConfig,
    scene: Scene,
    dynamics: Dynamics | None,
    *,
    done: Sequence[PlannedStroke] = (),
    on_step: Callable[[int, EpisodeStep], None] | None = None,
) -> EpisodeResult:
    """Run the closed loop in a scene with the planner that the config names; see `run_episode`."""
    planner, grid = make_planner(config, scene, dynamics)
    goal = scene.goal_volume(grid)
    return run_episode(
        scene.salon,
        planner,
        goal,
        scene.head,
        grid,
        config.seed,
        config=EpisodeConfig(strokes=config.strokes),
        floor=noise_floor(scene.salon, planner, scene.head, grid),
        done=done,
        on_step=on_step,
    )


def make_planner(config: DemoConfig, scene: Scene, dynamics: Dynamics | None) -> tuple[Planner, Any]:
    """Return the planner that the config names, and the grid on which hair is observed for it.

    Raises:
        CombwiseError: an unknown preset.
    """
    from hairsim.volume import GRIDS

    grid = getattr(dynamics, "grid", GRIDS["small"])
    if config.planner == "no_stroke":
        return NoStrokePlanner(), grid
    if config.planner == "replay":
        assert scene.truth is not None
        return ReplayPlanner(scene.truth.strokes), grid
    if config.preset not in PRESETS:
        raise CombwiseError(f"--preset {config.preset} is unknown; expected one of {', '.join(PRESETS)}")
    assert dynamics is not None
    keep_out = None if config.keep_out is None else KeepOut(scene.head, scene.salon.tool)
    planner = MppiPlanner(
        dynamics,
        PRESETS[config.preset],
        device=resolve_device(config.device),
        reach=None if keep_out is None else keep_out.allows,
    )
    return planner, grid


def score_history(scene: Scene) -> list[Scores]:
    """Return the scores after 0, 1, ... strokes; none where the truth is not known."""
    if scene.truth is None:
        return []
    history = scene.salon.history
    return [score(strands, history[0], scene.truth.strands) for strands in history]


def summary(
    config: DemoConfig, result: EpisodeResult, scores: Sequence[Scores], seconds: float
) -> dict[str, Any]:
    """Return the content of metrics.json; scores are null where the truth is not known."""
    names = ("moved_mm", "disturbance_mm", "chamfer_mm", "direction_deg")
    first = scores[0].to_dict() if scores else {}
    last = scores[-1].to_dict() if scores else {}
    return {
        "initial": {name: first.get(name) for name in names},
        "final": {name: last.get(name) for name in names},
        "success": is_success(scores[-1], scores[0]) if scores else result.stopped == "success",
        "strokes": len(result.strokes),
        "seconds": round(seconds, 1),
        "seed": config.seed,
    }


def final_line(metrics: Mapping[str, Any], folder: Path) -> str:
    """Return the sentence that a demo ends with."""
    return f"{_headline(metrics)}; see {folder / 'report.html'}"


def _headline(metrics: Mapping[str, Any]) -> str:
    strokes = metrics["strokes"]
    count = f"{strokes} stroke{'' if strokes == 1 else 's'}"
    before, after = metrics["initial"]["moved_mm"], metrics["final"]["moved_mm"]
    outcome = "success" if metrics["success"] else "not yet the goal"
    if before is None or after is None:
        return f"Styled hair towards a recorded goal with {count}: {outcome}"
    change = 100.0 * (after / max(before, 1e-9) - 1.0)
    return (
        f"Styled with {count}: the hair that had to move is {after:.1f} mm from its goal, {before:.1f} mm "
        f"before ({change:+.0f} %), {outcome}"
    )


def _show(
    config: DemoConfig,
    folder: RunFolder,
    scene: Scene,
    result: EpisodeResult,
    scores: Sequence[Scores],
    metrics: Mapping[str, Any],
    progress: Progress,
) -> None:
    """Write episode.json, the video and the report."""
    folder.write_json("episode.json", _episode_record(result, scores))
    if config.video:
        task = progress.add_task("filming", total=None, note="")
        write_film(
            folder.path / "episode.mp4",
            scene,
            device=config.device,
            on_frame=lambda drawn, total: progress.update(task, completed=drawn, total=total),
        )
    task = progress.add_task("drawing the report", total=None, note="")
    folder.write_text("report.html", render_report(config, scene, result, scores, _headline(metrics)))
    progress.update(task, total=1, completed=1)


def _episode_record(result: EpisodeResult, scores: Sequence[Scores]) -> dict[str, Any]:
    return {
        "stopped": result.stopped,
        "steps": [
            {
                "observed_cost": _number(step.observed_cost),
                "observed_progress": round(step.observed_progress, 3),
                "planning_seconds": round(step.planning_seconds, 2),
                "peak_force": None if step.reading is None else step.reading.peak_force,
                "stroke": None if step.planned is None else _stroke_record(step.planned),
            }
            for step in result.steps
        ],
        "scores": [s.to_dict() for s in scores],
    }


def _stroke_record(planned: PlannedStroke) -> dict[str, Any]:
    return {
        "vector": None if planned.stroke is None else planned.stroke.to_vector(),
        "predicted_cost": _number(planned.predicted_cost),
        "wait": planned.wait,
    }


def _strokes_before(folder: RunFolder) -> list[PlannedStroke]:
    """Return what an interrupted run of this folder had planned and executed."""
    path = folder.path / "strokes.json"
    if not folder.resumed or not path.exists():
        return []
    try:
        return [
            PlannedStroke(
                stroke=None if entry["vector"] is None else Stroke.from_vector(np.array(entry["vector"])),
                predicted_cost=float("nan") if entry["predicted_cost"] is None else entry["predicted_cost"],
                wait=bool(entry["wait"]),
            )
            for entry in json.loads(path.read_text())
        ]
    except (ValueError, KeyError, TypeError) as error:
        raise CombwiseError(f"{path} is damaged ({error}); start again with --overwrite") from error


def _number(value: float) -> float | None:
    return round(float(value), 4) if np.isfinite(value) else None
