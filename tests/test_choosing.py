"""Where the choice of a stroke goes wrong, told from what judges say and what strokes do."""

from __future__ import annotations

import pytest

from benchmarks.choosing import JUDGES, summarise


def test_a_judge_is_told_by_how_it_ranks_and_by_what_it_chooses() -> None:
    truly = [-0.4, -0.1, 0.0, 0.2]
    said = {
        "planner": [0.0, -0.3, 0.1, 0.2],  # chooses the second best
        "perfect eyes": [0.2, 0.0, -0.1, -0.4],  # all the wrong way round
        "perfect model": truly,
        "both": [2.0 * change for change in truly],
    }
    rows = {row["judge"]: row for row in summarise([{"truly": truly, "said": said}] * 2)}
    assert [*rows] == ["the best there is", "chance", *JUDGES]
    assert rows["the best there is"]["brings"] == pytest.approx(0.4)
    assert rows["chance"]["brings"] == pytest.approx(0.075)
    assert rows["planner"]["brings"] == pytest.approx(0.1)
    assert rows["planner"]["rank_correlation"] == pytest.approx(0.8)
    assert rows["perfect eyes"]["brings"] == pytest.approx(-0.2)
    assert rows["perfect eyes"]["rank_correlation"] == pytest.approx(-1.0)
    assert rows["both"]["brings"] == pytest.approx(0.4)
    assert rows["both"]["rank_correlation"] == pytest.approx(1.0)
