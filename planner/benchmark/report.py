"""The benchmark's page and its videos: the best, the median and the worst episode of the first planner."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from importlib import resources
from pathlib import Path
from typing import Any

import jinja2
import numpy as np

from hairsim.run_folder import RunFolder
from hairsim.tools.stroke import Stroke
from planner.benchmark.episodes import record_of
from planner.benchmark.styling import BenchmarkConfig
from planner.benchmark.tables import METRICS, verdict
from planner.benchmark.tasks import Task
from planner.demo.film import write_film
from planner.demo.pictures import draw_stroke, draw_views, embedded, view_cameras
from planner.demo.scene import Scene

PICTURE = 300
"""Width and height of the page's pictures [pixel]."""

SHOWN = ("moved_mm", "disturbance_mm", "success_rate")
"""Metrics that are drawn as bars."""


@dataclass(frozen=True)
class Played:
    """An episode shown on the page.

    Attributes:
        which: best, median or worst.
        record: of the episode.
        views: pictures before, goal and after, each with the name of its side.
        video: name of the video beside the page; empty for none.
    """

    which: str
    record: dict[str, Any]
    views: list[dict[str, str]]
    video: str


def write_report(config: BenchmarkConfig, folder: RunFolder, result: dict[str, Any]) -> Path:
    """Write report.html, and the videos that it shows; return its path."""
    chosen = best_median_worst([r for r in result["episodes"] if r["planner"] == config.planners[0]])
    played = [_play(config, folder, which, record) for which, record in chosen]
    template = jinja2.Environment(autoescape=True, undefined=jinja2.StrictUndefined).from_string(
        resources.files("planner.benchmark").joinpath("styling.html").read_text("utf-8")
    )
    page = template.render(
        headline=verdict(result),
        result=result,
        planner=config.planners[0],
        levels=list(dict.fromkeys(row["level"] for row in result["rows"])),
        metrics=METRICS,
        cells={(r["planner"], r["level"], r["metric"]): r for r in result["rows"]},
        planners=[p for p in dict.fromkeys(r["planner"] for r in result["rows"]) if p != "start"],
        charts=[_bars(result, metric) for metric in SHOWN],
        played=played,
    )
    return folder.write_text("report.html", page)


def best_median_worst(records: Sequence[dict[str, Any]]) -> list[tuple[str, dict[str, Any]]]:
    """Return up to three different episodes by how much of the way is left at the end."""
    left = [record_of(r, "moved_mm") / max(record_of(r, "moved_mm", "initial"), 1e-9) for r in records]
    order = np.argsort(left, kind="stable")
    places = {"best": 0, "median": (len(order) - 1) // 2, "worst": len(order) - 1}
    chosen: dict[int, str] = {}
    for which, place in places.items():
        chosen.setdefault(int(order[place]), which)
    return [(which, records[number]) for number, which in chosen.items()]


def replayed(task: Task, record: dict[str, Any]) -> Scene:
    """Return the scene of an episode played again from its strokes; the simulator repeats itself."""
    scene = task.scene()
    for vector in record["vectors"]:
        scene.salon.execute(Stroke.from_vector(np.array(vector)))
    return scene


def _play(config: BenchmarkConfig, folder: RunFolder, which: str, record: dict[str, Any]) -> Played:
    """Play an episode again, film it and draw it."""
    task_config = config.task(record["level"], record["seed"])
    kept = folder.path / "tasks" / f"{task_config.name}.npz"
    scene = replayed(Task(task_config, kept, film=config.videos), record)
    video = ""
    if config.videos:
        video = f"{which}-{task_config.name}-{record['planner']}.mp4"
        write_film(folder.path / video, scene, device=config.device, on_frame=lambda drawn, total: None)
    return Played(which, record, _views(scene, config.device), video)


def _views(scene: Scene, device: str) -> list[dict[str, str]]:
    assert scene.truth is not None
    cameras = view_cameras(PICTURE)
    history = scene.salon.history
    pictures = {
        name: draw_views(scene.hair(strands), scene.head, cameras, device)
        for name, strands in (("before", history[0]), ("goal", scene.truth.strands), ("after", history[-1]))
    }
    for number, path in enumerate(scene.salon.paths):
        pictures["after"] = [
            draw_stroke(p, camera, path, number) if _faces(camera.camera_to_head, path.positions) else p
            for p, camera in zip(pictures["after"], cameras, strict=True)
        ]
    return [{name: embedded(pictures[name][side]) for name in pictures} for side in range(len(cameras))]


def _faces(camera_to_head: np.ndarray, positions: np.ndarray) -> bool:
    """Return whether the middle of a path lies on the camera's side of the head."""
    return float(camera_to_head[:2, 3] @ positions[len(positions) // 2, :2]) > 0.0


def _bars(result: dict[str, Any], metric: str) -> dict[str, Any]:
    """Return a bar chart of a metric over all levels as numbers for SVG: 360 wide, 22 a bar."""
    rows = [r for r in result["rows"] if r["metric"] == metric and r["level"] == "all"]
    scale = 200.0 / max(max(r["high"] for r in rows), 1e-9)
    return {
        "title": metric,
        "height": 22 * len(rows) + 8,
        "bars": [
            {
                "name": row["planner"],
                "y": 22 * number + 4,
                "width": round(scale * row["mean"], 1),
                "low": round(110 + scale * row["low"], 1),
                "high": round(110 + scale * row["high"], 1),
                "value": f"{row['mean']:.2f}",
            }
            for number, row in enumerate(rows)
        ],
    }
