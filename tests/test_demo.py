"""The demo: the whole line on a small head, its folder, its report, its replay."""

from __future__ import annotations

import dataclasses
import json
from pathlib import Path

import numpy as np
import pytest

from hairsim.cameras.camera import three_camera_rig
from hairsim.errors import CombwiseError
from hairsim.groom.children import make_children
from hairsim.groom.families import make_groom
from hairsim.head.parametric import parametric_head
from hairsim.tools.tool import rake_comb
from hairsim.world import HairWorld
from planner.benchmark.metrics import is_task, score, strand_distance
from planner.demo.config import DemoConfig
from planner.demo.demo import run_demo
from planner.demo.salon import SimulatedSalon
from planner.goal.virtual_goal import make_virtual_goal

SMALL = DemoConfig(
    family="straight_bob", guides=120, vertices=16, children=2000, strokes=3, video=False, seed=3
)


@pytest.mark.slow
def test_replayed_strokes_lead_to_the_goal_and_waiting_does_not() -> None:
    """The harness is right: the goal's own strokes come to nearly zero."""
    head = parametric_head()
    groom = make_groom("straight_bob", head, guides=120, vertices=16, seed=3)
    world = HairWorld([head], [groom])
    world.settle(4.0)
    start, before = world.strands(), world.snapshot()
    goal = make_virtual_goal(world, rake_comb(), np.random.default_rng(3), strokes=2)
    assert is_task(start, goal.strands)
    assert np.array_equal(world.strands(), start)  # put back as it was
    children = make_children(groom, count=1000)
    salon = SimulatedSalon(world, children, three_camera_rig(), rake_comb(), seed=0, noise=None)
    for stroke in goal.strokes:
        assert salon.execute(stroke).peak_force >= 0.0
    assert len(salon.history) == len(goal.strokes) + 1
    assert score(salon.history[-1], start, goal.strands).moved_mm < 0.5
    world.restore(before)
    salon.execute(None)
    assert strand_distance(world.strands(), start).mean() < 0.002


@pytest.mark.slow
def test_a_demo_leaves_scores_goal_strokes_and_a_page(tmp_path: Path) -> None:
    config = dataclasses.replace(SMALL, out=tmp_path / "run", planner="replay", video=True)
    result = run_demo(config)
    metrics = json.loads((result.folder / "metrics.json").read_text())
    assert set(metrics) == {"initial", "final", "success", "strokes", "seconds", "seed"}
    for moment in ("initial", "final"):
        assert set(metrics[moment]) == {"moved_mm", "disturbance_mm", "chamfer_mm", "direction_deg"}
    assert metrics["success"]
    assert metrics["final"]["moved_mm"] < 0.5 < metrics["initial"]["moved_mm"]
    page = (result.folder / "report.html").read_text()
    assert page.count("data:image/jpeg;base64,") == 9 + metrics["strokes"]
    assert "http://" not in page
    assert "https://" not in page
    assert (result.folder / "episode.mp4").stat().st_size > 10_000
    assert str(result.folder / "report.html") in result.line
    again = run_demo(dataclasses.replace(config, resume=True))
    assert again.metrics == metrics
    recorded = dataclasses.replace(
        SMALL, out=tmp_path / "second", planner="no_stroke", goal=result.folder, strokes=1
    )
    waited = run_demo(recorded).metrics
    assert waited["initial"]["moved_mm"] == pytest.approx(metrics["initial"]["moved_mm"], rel=1e-3)
    assert not waited["success"]


@pytest.mark.parametrize(
    ("bad", "says"),
    [
        ({"strokes": 0}, "--strokes is 0"),
        ({"family": "mohawk"}, "--family mohawk is unknown"),
        ({"groom": Path("nowhere.data")}, "--groom nowhere.data does not exist"),
        ({"seed": -1}, "--seed is -1"),
    ],
)
def test_bad_demo_configs_get_one_clear_sentence(bad: dict[str, object], says: str) -> None:
    with pytest.raises(CombwiseError, match=says):
        dataclasses.replace(SMALL, **bad)
