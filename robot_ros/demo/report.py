"""The page that a demo of the robot graph leaves."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined

from robot_ros.demo.config import RosDemoConfig


def render_report(config: RosDemoConfig, metrics: dict[str, Any], pictures: Sequence[str]) -> str:
    """Return report.html.

    Args:
        config: of the demo.
        metrics: content of metrics.json.
        pictures: names of the .jpg files beside the page.
    """
    loader = FileSystemLoader(Path(__file__).parent)
    page = Environment(loader=loader, autoescape=True, undefined=StrictUndefined)
    shown = [name for name in ("before", "goal", "after") if name in pictures]
    return page.get_template("report.html").render(config=config, metrics=metrics, pictures=shown)
