"""A planner in a child process plans as the planner does, and is still there after a wait was given up."""

from __future__ import annotations

import numpy as np
import pytest

from dynamics.model import load_model
from hairsim.errors import CombwiseError
from planner.planners.mppi import MppiPlanner
from planner.planners.mppi_config import PRESETS
from robot_ros.planner_process import PlannerChoice, PlannerProcess
from tests.planner_scene import Scene, lock_moved, scene

__all__ = ["scene"]  # fixture

pytestmark = [pytest.mark.slow, pytest.mark.timeout(900)]


class Impatience:
    """Gives up when told to."""

    def __init__(self) -> None:
        self.given_up = False

    def __call__(self) -> None:
        if self.given_up:
            raise CombwiseError("cancelled")


def test_a_child_plans_as_the_planner_does_and_outlives_impatience(scene: Scene) -> None:
    goal, impatience = lock_moved(scene, 0.05), Impatience()
    child = PlannerProcess(PlannerChoice(preset="quick"), patience=impatience)
    try:
        trait = child.await_ready(600.0)
        here = MppiPlanner(load_model(), PRESETS["quick"])
        assert trait.grid == scene.volume.grid
        assert child.assess(scene.volume, goal, scene.head) == here.assess(scene.volume, goal, scene.head)
        impatience.given_up = True
        with pytest.raises(CombwiseError, match="cancelled"):
            child.plan(scene.volume, goal, scene.head, np.random.default_rng(9))
        impatience.given_up = False
        ours, theirs = np.random.default_rng(3), np.random.default_rng(3)
        for _ in range(2):
            expected = here.plan(scene.volume, goal, scene.head, ours)
            planned = child.plan(scene.volume, goal, scene.head, theirs)
            assert planned.stroke == expected.stroke
            assert ours.bit_generator.state == theirs.bit_generator.state
            if expected.stroke is not None:
                here.refuse(expected.stroke)
                child.refuse(expected.stroke)
    finally:
        child.close()
    with pytest.raises(CombwiseError, match="preset"):
        PlannerChoice(preset="none")
