"""How sure the model is: laws of probabilities that are as right as they say, and of those that are not."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pytest
import torch
from torch import Tensor

from dynamics.calibration.figures import draw_calibration
from dynamics.calibration.measure import Calibrated, Stroke
from dynamics.calibration.reliability import BINS, Reliability, doubtful, expected_error, reliability
from dynamics.calibration.table import (
    METRICS,
    calibration_figures,
    calibration_rows,
    calibration_words,
)
from dynamics.data import SOURCES
from dynamics.metrics import score

EVERYWHERE = torch.ones(4, 40, 40, 40, dtype=torch.bool)


def drawn(sharpen: float = 1.0) -> tuple[Tensor, Tensor]:
    """Return probabilities [4, 40, 40, 40], their logits times `sharpen`, and hair drawn from those of 1."""
    generator = torch.Generator().manual_seed(0)
    logits = 2.5 * torch.randn(EVERYWHERE.shape, generator=generator)
    hair = torch.rand(EVERYWHERE.shape, generator=generator) < logits.sigmoid()
    return (sharpen * logits).sigmoid(), hair


def true_error(probability: Tensor, hair: Tensor, region: Tensor = EVERYWHERE) -> Tensor:
    none = torch.zeros(*hair.shape, 3)
    return score(probability, none, hair.float(), none, region).occupancy_error


def test_probabilities_that_are_right_have_no_calibration_error_and_know_their_error() -> None:
    probability, hair = drawn()
    found = reliability(probability, hair, EVERYWHERE)
    assert found.voxels.sum() == EVERYWHERE.sum() and found.hair.sum() == hair.sum()
    assert float(found.ece) < 0.005
    assert expected_error(probability, EVERYWHERE) == pytest.approx(true_error(probability, hair), abs=0.005)
    # The Brier score of calibrated probabilities is their own variance.
    assert float(found.brier) == pytest.approx(float((probability * (1 - probability)).mean()), abs=0.002)


def test_probabilities_that_are_too_sure_are_found_out() -> None:
    right, hair = drawn()
    sure, _ = drawn(sharpen=3.0)
    assert torch.equal(right >= 0.5, sure >= 0.5)
    found = reliability(sure, hair, EVERYWHERE)
    assert float(found.ece) > 0.08
    assert float(found.brier) > float(reliability(right, hair, EVERYWHERE).brier)
    assert (expected_error(sure, EVERYWHERE) < 0.6 * true_error(sure, hair)).all()


def test_a_region_chosen_by_the_truth_makes_right_probabilities_look_wrong() -> None:
    probability, hair = drawn()
    surprising = (probability >= 0.5) != hair
    assert float(reliability(probability, hair, surprising).ece) > 0.5
    assert float(reliability(probability, hair, doubtful(probability)).ece) < 0.005


def test_certain_predictions_expect_no_error_and_a_coin_expects_one_half() -> None:
    everywhere = EVERYWHERE[:1]
    hair = torch.rand(everywhere.shape) < 0.3
    assert float(expected_error(hair.float(), everywhere)) == 0.0
    assert float(reliability(hair.float(), hair, everywhere).brier) == 0.0
    half = torch.full(everywhere.shape, 0.5)
    # All are predicted, half of them true: (n / 2 wrong) / (n + n / 2).
    assert float(expected_error(half, everywhere)) == pytest.approx(1.0 / 3.0)


@pytest.mark.parametrize("fill", [0.0, 0.3, 1.0])
def test_no_voxels_give_zeros(fill: float) -> None:
    probability = torch.full(EVERYWHERE.shape, fill)
    nowhere = ~EVERYWHERE
    found = reliability(probability, EVERYWHERE, nowhere)
    assert [x.tolist() for x in found] == [[0.0] * BINS] * 4
    assert float(found.ece) == float(found.brier) == 0.0
    assert expected_error(probability, nowhere).tolist() == [0.0] * 4
    assert expected_error(torch.zeros(EVERYWHERE.shape), EVERYWHERE).tolist() == [0.0] * 4


# Over strokes


def strokes(stroke: Callable[[int, np.random.Generator], Stroke], count: int = 40) -> list[Calibrated]:
    """Return `count` made-up strokes seen both ways, four to an episode, over calibrated voxels."""
    rng = np.random.default_rng(1)
    voxels = reliability(*drawn(), EVERYWHERE)
    keys = [
        (m, r) for m in ("editing", "identity", "reconstruction") for r in ("mask", "doubtful", "changed")
    ]
    return [
        Calibrated("unseen", source, 1, (0, n // 4), dict.fromkeys(keys, voxels), stroke(n, rng))
        for n in range(count)
        for source in SOURCES
    ]


def value(measured: list[Calibrated], metric: str) -> dict[str, float]:
    rows = calibration_rows(measured, 0)
    assert {row["metric"] for row in rows} == set(METRICS)
    assert np.isfinite([row[k] for row in rows for k in ("mean", "low", "high", "n")]).all()
    return next(row for row in rows if row["metric"] == metric and row["input"] == "full")


def test_an_error_that_is_known_beforehand_is_ranked_and_one_that_is_not_is_not() -> None:
    def known(n: int, rng: np.random.Generator) -> Stroke:
        error = rng.uniform(0.1, 0.5)
        return Stroke(0.5 * error, error, rng.uniform())

    def unknown(n: int, rng: np.random.Generator) -> Stroke:
        return Stroke(*rng.uniform(0.1, 0.5, 3))

    found = value(strokes(known), "rank")
    assert (found["mean"], found["low"], found["n"]) == pytest.approx((1.0, 1.0, 40))
    assert value(strokes(known), "bias")["high"] < 0.0
    unranked = value(strokes(unknown), "rank")
    assert unranked["low"] < 0.0 < unranked["high"]
    change = value(strokes(known), "rank_of_change")
    assert change["low"] < 0.0 < change["high"]


def test_what_tells_heads_apart_does_not_rank_strokes_on_one_head() -> None:
    def head(n: int, rng: np.random.Generator) -> Stroke:
        return Stroke(0.05 * (n // 4) + 0.01 * rng.uniform(), 0.05 * (n // 4) + 0.01 * rng.uniform(), 0.0)

    assert value(strokes(head), "rank")["mean"] > 0.9
    inside = value(strokes(head), "rank_in_episode")
    assert inside["low"] < 0.0 < inside["high"]


@pytest.mark.parametrize("count", [1, 2, 40])
def test_constant_and_few_strokes_are_not_ranked(count: int) -> None:
    measured = strokes(lambda n, rng: Stroke(0.2, 0.2, 0.0), count)
    for metric in ("rank", "rank_in_episode", "rank_of_change", "rank_of_change_in_episode"):
        found = value(measured, metric)
        assert (found["mean"], found["low"], found["high"], found["n"]) == (0.0, 0.0, 0.0, 0)
    assert "correlation unknown" in next(calibration_words(calibration_rows(measured, 0), "unseen", 1))


def test_strokes_that_touch_no_hair_are_not_counted_as_foreseen() -> None:
    nothing = Reliability(*np.zeros((4, BINS)))
    good = strokes(lambda n, rng: Stroke(0.2, 0.3, 0.1))
    idle = [replace(o, voxels=dict.fromkeys(o.voxels, nothing), stroke=Stroke(0.0, 0.0, 0.0)) for o in good]
    assert value(good + idle, "expected_error")["mean"] == pytest.approx(0.2)
    assert value(idle, "expected_error")["n"] == 0


def test_the_figure_draws_every_bin_and_stroke() -> None:
    measured = strokes(lambda n, rng: Stroke(*rng.uniform(0.1, 0.5, 3)))
    figures = calibration_figures(measured)
    (drawing,) = draw_calibration(figures)
    dots = sum(len(one["voxels"]) + len(one["expected_error"]) for one in figures)
    assert drawing["svg"].count("<circle") == dots and drawing["svg"].endswith("</svg>")
    assert "nan" not in drawing["svg"] and "unseen, 1 stroke" in drawing["title"]
    assert draw_calibration([]) == []
