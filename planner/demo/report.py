"""The report: one page that shows what was wanted, what was done, and how well it went."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from dataclasses import dataclass
from importlib import resources
from pathlib import Path

import jinja2
import numpy as np

from hairsim.cameras.picture import draw
from hairsim.version import code_version
from planner.benchmark.metrics import Scores
from planner.demo.config import DemoConfig
from planner.demo.pictures import (
    STROKE_COLOURS,
    VIEWS,
    draw_stroke,
    draw_views,
    embedded,
    facing_camera,
    view_cameras,
)
from planner.demo.scene import Scene
from planner.episode import EpisodeResult

PICTURE = 420
"""Width and height of the report's pictures [pixel]."""


@dataclass(frozen=True)
class Curve:
    """A line of the chart.

    Attributes:
        name: what it shows.
        unit: of its values.
        colour: of the line.
        values: one after each stroke, the start first.
    """

    name: str
    unit: str
    colour: str
    values: tuple[float, ...]


def render_report(
    config: DemoConfig, scene: Scene, result: EpisodeResult, scores: Sequence[Scores], headline: str
) -> str:
    """Return the page as HTML that needs no other file but episode.mp4.

    Args:
        config: of the demo.
        scene: after the episode.
        result: of the episode.
        scores: after 0, 1, ... strokes; empty where the truth is not known.
        headline: what was made and how well it went.
    """
    environment = jinja2.Environment(autoescape=True, undefined=jinja2.StrictUndefined)
    template = environment.from_string(
        resources.files("planner.demo").joinpath("report.html").read_text("utf-8")
    )
    return template.render(
        headline=headline,
        config={f.name: _shown(getattr(config, f.name)) for f in dataclasses.fields(config)},
        code_version=code_version(),
        views=_views(config, scene),
        strokes=_strokes(config, scene, result, scores),
        charts=[_chart(curves) for curves in _curves(result, scores) if len(curves[0].values) > 1],
        initial=scores[0] if scores else None,
        final=scores[-1] if scores else None,
        deepest=[_deepest(scene, strands) for strands in (scene.salon.history[0], scene.salon.history[-1])],
        stopped=result.stopped,
        video=config.video,
    )


def _deepest(scene: Scene, strands: np.ndarray) -> float:
    """Return how deep in the head the deepest vertex of strands [S, V, 3] lies, roots left out [mm]."""
    return -1000.0 * float(scene.head.field.sample(strands[:, 1:]).min())


def _shown(value: object) -> str:
    return value.name if isinstance(value, Path) else str(value)


def _views(config: DemoConfig, scene: Scene) -> list[dict[str, str]]:
    """Return before, goal and after from three views."""
    history = scene.salon.history
    if scene.truth is not None:
        names = [name for name, _ in VIEWS]
        cameras = view_cameras(PICTURE)
        goal = draw_views(scene.hair(scene.truth.strands), scene.head, cameras, config.device)
    else:
        names = [picture.camera.name for picture in scene.goal.pictures]
        cameras = [picture.camera for picture in scene.goal.pictures]
        goal = [picture.colour for picture in scene.goal.pictures]
    before = draw_views(scene.hair(history[0]), scene.head, cameras, config.device)
    after = draw_views(scene.hair(history[-1]), scene.head, cameras, config.device)
    return [
        {"name": name, "before": embedded(b), "goal": embedded(g), "after": embedded(a)}
        for name, b, g, a in zip(names, before, goal, after, strict=True)
    ]


def _strokes(
    config: DemoConfig, scene: Scene, result: EpisodeResult, scores: Sequence[Scores]
) -> list[dict[str, object]]:
    """Return one card a stroke: where the comb went, in which hair, and what it was expected to do."""
    cards: list[dict[str, object]] = []
    done = [step for step in result.steps if step.reading is not None and step.planned is not None]
    done = [step for step in done if step.planned is not None and step.planned.stroke is not None]
    for number, (step, path) in enumerate(zip(done, scene.salon.paths, strict=True)):
        assert step.planned is not None
        assert step.planned.stroke is not None
        assert step.reading is not None
        camera = facing_camera(path, scene.head, PICTURE)
        hair = scene.hair(scene.salon.history[number])
        picture = draw(hair, scene.head, camera, supersample=2, device=config.device)
        stroke = step.planned.stroke
        cards.append(
            {
                "number": number + 1,
                "colour": STROKE_COLOURS[number % len(STROKE_COLOURS)],
                "picture": embedded(draw_stroke(picture, camera, path, number)),
                "length_cm": 100.0 * stroke.length,
                "depth_mm": 1000.0 * stroke.depth,
                "force": step.reading.peak_force,
                "planning": step.planning_seconds,
                "observed": step.observed_cost if np.isfinite(step.observed_cost) else None,
                "predicted": step.planned.predicted_cost
                if np.isfinite(step.planned.predicted_cost)
                else None,
                "moved": scores[number + 1].moved_mm if len(scores) > number + 1 else None,
            }
        )
    return cards


def _curves(result: EpisodeResult, scores: Sequence[Scores]) -> list[list[Curve]]:
    charts = []
    if scores:
        charts.append(
            [
                Curve("moved", "mm", "#ff5a36", tuple(s.moved_mm for s in scores)),
                Curve("disturbance", "mm", "#3d7dff", tuple(s.disturbance_mm for s in scores)),
            ]
        )
        charts.append([Curve("direction", "degrees", "#c04bff", tuple(s.direction_deg for s in scores))])
    costs = tuple(c for c in result.observed_costs if np.isfinite(c))
    if costs:
        charts.append([Curve("observed cost", "mm", "#18b5a5", costs)])
    return charts


def _chart(curves: Sequence[Curve]) -> dict[str, object]:
    """Return a line chart as numbers for SVG: 320 wide, 180 high, margins 38 and 24."""
    top = max(max(curve.values) for curve in curves) * 1.12 + 1e-9
    steps = max(len(curve.values) for curve in curves) - 1

    def x(step: float) -> float:
        return round(38.0 + 268.0 * step / steps, 1)

    def y(value: float) -> float:
        return round(156.0 - 140.0 * value / top, 1)

    return {
        "title": ", ".join(curve.name for curve in curves) + f" [{curves[0].unit}]",
        "levels": [{"y": y(top * share), "label": f"{top * share:.3g}"} for share in (0.0, 0.3, 0.6, 0.9)],
        "steps": [{"x": x(step), "label": step} for step in range(steps + 1)],
        "curves": [
            {
                "name": curve.name,
                "colour": curve.colour,
                "points": " ".join(f"{x(i)},{y(v)}" for i, v in enumerate(curve.values)),
                "dots": [{"x": x(i), "y": y(v), "value": f"{v:.1f}"} for i, v in enumerate(curve.values)],
            }
            for curve in curves
        ],
    }
