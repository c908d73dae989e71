"""Searches are compared fairly: the same proposals, the same calls, heads that vary."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pytest
from torch import Tensor

from benchmarks.mppi import summarise
from benchmarks.searches import LIBRARY, SEARCHES, Searches, proposals
from hairsim.head.head import Head
from hairsim.tools.stroke import Stroke
from hairsim.volume import HairVolume
from planner.planners import MppiPlanner
from tests.planner_scene import QUICK, Scene, SweepModel, lock_moved, scene

__all__ = ["scene"]


class Counted(SweepModel):
    """A model that counts its rollouts."""

    def __init__(self) -> None:
        self.calls = 0

    def rollout(
        self, state: HairVolume, strokes: Sequence[Sequence[Stroke]], head: Head
    ) -> tuple[Tensor, Tensor]:
        self.calls += len(strokes)
        return super().rollout(state, strokes, head)


def left(scene: Scene, start: str, name: str) -> tuple[float, int]:
    """Return what one search leaves of the cost, and the model calls that it took."""
    model = Counted()
    planner = MppiPlanner(model, QUICK)
    opening = planner._opening(scene.volume, lock_moved(scene, 0.05), scene.head)
    first, further = proposals(planner, opening, start, [0])
    found = Searches(planner, opening, scene.head).run(first, further, [1], names=(name,))
    return found[name], model.calls


@pytest.mark.parametrize("start", ["sieved", "drawn"])
def test_searches_begin_alike_and_spend_as_many_calls(scene: Scene, start: str) -> None:
    begun, calls = left(scene, start, "first proposals")
    assert calls == QUICK.proposals
    for name in ("mppi", "cem", "random"):
        share, calls = left(scene, start, name)
        assert share <= begun
        assert calls == QUICK.model_calls


@pytest.mark.parametrize("name", LIBRARY)
def test_the_library_gets_its_last_stroke_for_free(scene: Scene, name: str) -> None:
    pytest.importorskip("pytorch_mppi", reason="the extra `peers`")
    share, calls = left(scene, "sieved", name)
    assert share <= left(scene, "sieved", "first proposals")[0]
    assert calls == QUICK.model_calls + 1
    assert left(scene, "sieved", name)[0] == share  # the same seed, the same search


def test_differences_are_paired_over_heads() -> None:
    """A search that is a point worse on every head is surely worse, however much heads differ."""
    rng = np.random.default_rng(0)
    rows = []
    for head in range(5):
        for _ in range(3):
            base = 0.9 - 0.1 * head + 0.01 * rng.random()
            rows.append(
                {
                    "seed": head,
                    "start": "drawn",
                    "left": dict.fromkeys(SEARCHES, base + 0.01) | {"mppi": base},
                }
            )
    found = {row["search"]: row for row in summarise(rows)}
    assert found["cem"]["worse_than_mppi"] == pytest.approx([0.01] * 3)
    assert found["cem"]["mppi_finds_better"] == 1.0
    assert found["mppi"]["worse_than_mppi"] == [0.0] * 3
    assert found["mppi"]["left"][1] < found["mppi"]["left"][0] < found["mppi"]["left"][2]
