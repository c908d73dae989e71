"""What the planner is promised, set beside what strokes truly do."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from benchmarks.promise import brought, fitted, ranking, summarise

TRUE = np.array([0.7, -0.2, -1.6])


def heads(noise: float) -> list[dict[str, Any]]:
    """Return eight made-up heads whose strokes do what weighted parts say, each around its own mean."""
    rng = np.random.default_rng(0)
    made = []
    for seed in range(8):
        parts = rng.normal(size=(24, 3))
        truly = parts @ TRUE + 10.0 * seed + noise * rng.normal(size=24)
        made.append(
            {"seed": seed, "parts": parts.tolist(), "completed": (-parts).tolist(), "truly": truly.tolist()}
        )
    return made


def test_weights_that_make_strokes_do_what_they_do_are_found_again() -> None:
    assert fitted(heads(0.0)) == pytest.approx(TRUE)
    assert ranking(heads(0.0), [TRUE] * 8) == pytest.approx([1.0] * 8)


def test_a_head_is_judged_by_the_weights_of_the_others() -> None:
    found = summarise(heads(1.0), np.array([0.0, 0.0, -1.0]))["rank_correlation"]
    assert found["fitted, each head by the others"] > found["shipped"] == pytest.approx(found["sweep"])
    assert found["sweep"] > found["cost"] > found["distance"]
    assert found["shipped, hair completed"] == pytest.approx(-found["shipped"])
    bare = [{name: told for name, told in head.items() if name != "completed"} for head in heads(1.0)]
    assert "shipped, hair completed" not in summarise(bare, TRUE)["rank_correlation"]


def test_strokes_are_counted_by_what_they_promised() -> None:
    parts = [[-0.25, 0.0, 0.0], [-0.10, 0.0, 0.0], [-0.11, 0.0, 0.0], [0.30, 0.0, 0.0]]
    found = brought([{"parts": parts, "truly": [-0.2, 0.1, -0.3, 0.4]}], np.array([1.0, 0.0, 0.0]))
    assert [(c["above"], c["strokes"], c["better"]) for c in found] == [
        (0.20, 1, 1.0),
        (0.09, 2, 0.5),
        (None, 1, 0.0),
    ]
    assert [c["brought"] for c in found] == pytest.approx([0.2, 0.1, -0.4])
