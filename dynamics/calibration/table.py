"""From the calibration of single strokes to rows with intervals, to figures, and to a run's last words."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Any, NamedTuple

import numpy as np
from scipy.stats import rankdata

from dynamics.calibration.measure import Calibrated
from dynamics.calibration.reliability import Reliability
from dynamics.data import SOURCES
from dynamics.evaluation_table import interval

Row = dict[str, Any]
Found = tuple[tuple[str, str, str], dict[str, float | int]]
"""Model, region and metric, and what `interval` returns."""

METRICS = {
    "ece": "expected calibration error of the probabilities of hair",
    "brier": "their Brier score; the identity says 0 or 1",
    "expected_error": "occupancy error, 1 - F1, that the model expects of itself",
    "occupancy_error": "the true one on the same voxels",
    "bias": "expected minus true",
    "rank": "Spearman correlation over strokes of expected and true",
    "rank_in_episode": "the same once the mean of its episode is taken off both: strokes on one head",
    "rank_of_change": "as rank, for how much the prediction changes (1 - F1 of before and after)",
    "rank_of_change_in_episode": "as rank_in_episode, for the same",
}
"""Metrics of the rows. Ranks of change need no probabilities: what those of `rank` have to beat."""

DRAWS = 500
"""Bootstrap samples; 95 % intervals need no more, and ranks are slow."""


class Place(NamedTuple):
    """What rows and figures are made for, one by one."""

    split: str
    input: str
    horizon: int


def calibration_rows(measured: Sequence[Calibrated], seed: int) -> list[Row]:
    """Return rows as of `summary_rows`, of `METRICS` over `measure.REGIONS`; n is 0 where none is known."""
    return [
        {"model": model, **place._asdict(), "region": region, "hair_class": "all", "metric": metric, **found}
        for place, ones in _places(measured).items()
        for (model, region, metric), found in (*_of_voxels(ones, seed), *_of_strokes(ones, seed))
    ]


def _of_voxels(ones: Sequence[Calibrated], seed: int) -> Iterator[Found]:
    episodes = [one.episode for one in ones]
    for (model, region), stacked in _stacked(ones).items():
        for metric in ("ece", "brier") if model == "editing" else ("brier",):
            yield (model, region, metric), _bootstrap(episodes, _pooled(stacked, metric), seed)


def _of_strokes(ones: Sequence[Calibrated], seed: int) -> Iterator[Found]:
    # A stroke that touches no hair is right by construction, and would only flatter.
    ones = [one for one in ones if one.voxels["editing", "mask"].voxels.any()]
    episodes = [one.episode for one in ones]
    expected, error, change = np.array([one.stroke for one in ones]).reshape(-1, 3).T
    means = {"expected_error": expected, "occupancy_error": error, "bias": expected - error}
    for metric, values in means.items():
        found = interval(list(zip(episodes, values.tolist(), strict=True)), seed)
        yield ("editing", "mask", metric), found
    for metric, guess in {"rank": expected, "rank_of_change": change}.items():
        inside = _ranked(_less_mean(guess, episodes), _less_mean(error, episodes))
        yield ("editing", "mask", metric), _bootstrap(episodes, _ranked(guess, error), seed)
        yield ("editing", "mask", f"{metric}_in_episode"), _bootstrap(episodes, inside, seed)


def calibration_figures(measured: Sequence[Calibrated]) -> list[Row]:
    """Return what is drawn: bins over the mask (mean probability, share of hair, voxels) and strokes."""
    figures: list[Row] = []
    for place, ones in _places(measured).items():
        bins = Reliability(*(x.sum(0) for x in _stacked(ones)["editing", "mask"]))
        kept = bins.voxels > 0
        figures.append(
            place._asdict()
            | {
                "probability": (bins.probability[kept] / bins.voxels[kept]).tolist(),
                "share": (bins.hair[kept] / bins.voxels[kept]).tolist(),
                "voxels": bins.voxels[kept].tolist(),
                "expected_error": [one.stroke.expected for one in ones],
                "occupancy_error": [one.stroke.error for one in ones],
            }
        )
    return figures


def calibration_words(rows: Sequence[Row], split: str, horizon: int) -> Iterator[str]:
    """Yield one sentence: how wrong the model thinks it is, and how wrong it is, for each input."""
    found = {(r["input"], r["region"], r["metric"]): r for r in rows
             if (r["model"], r["split"], r["horizon"]) == ("editing", split, horizon)}  # fmt: skip
    said = []
    for source in SOURCES:
        if (source, "mask", "rank") in found:
            rank = found[source, "mask", "rank"]
            order = (
                f"{rank['mean']:.2f} ({rank['low']:.2f} .. {rank['high']:.2f})" if rank["n"] else "unknown"
            )
            said.append(
                f"{source} input {found[source, 'mask', 'expected_error']['mean']:.3f} for "
                f"{found[source, 'mask', 'occupancy_error']['mean']:.3f}, rank correlation {order}"
            )
    if said:
        yield f"editing expects of itself, where strokes act, an occupancy error of {' and of '.join(said)}"


def _places(measured: Sequence[Calibrated]) -> dict[Place, list[Calibrated]]:
    groups: dict[Place, list[Calibrated]] = {}
    for one in measured:
        groups.setdefault(Place(one.split, one.input, one.horizon), []).append(one)
    return groups


def _stacked(ones: Sequence[Calibrated]) -> dict[tuple[str, str], Reliability]:
    """Return sums of every stroke, [strokes, B] each, by (model, region)."""
    return {
        key: Reliability(
            *(np.stack(column) for column in zip(*(one.voxels[key] for one in ones), strict=True))
        )
        for key in ones[0].voxels
    }


def _pooled(stacked: Reliability, metric: str) -> Callable[[np.ndarray], float]:
    """Return the metric over the voxels of chosen strokes."""
    return lambda chosen: float(getattr(Reliability(*(x[chosen].sum(0) for x in stacked)), metric))


def _ranked(first: np.ndarray, second: np.ndarray) -> Callable[[np.ndarray], float]:
    """Return Spearman's correlation over chosen strokes; NaN of fewer than three or where one is constant."""

    def correlation(chosen: np.ndarray) -> float:
        a, b = rankdata(first[chosen]), rankdata(second[chosen])
        if len(chosen) < 3 or np.ptp(a) == 0.0 or np.ptp(b) == 0.0:
            return float("nan")
        return float(np.corrcoef(a, b)[0, 1])

    return correlation


def _less_mean(values: np.ndarray, episodes: Sequence[tuple[int, int]]) -> np.ndarray:
    """Take the mean of its episode off every value; rounded, so that one alone is 0."""
    own = {episode: number for number, episode in enumerate(dict.fromkeys(episodes))}
    place = np.array([own[episode] for episode in episodes], int)
    mean = np.bincount(place, values) / np.bincount(place)
    return np.round(values - mean[place], 9)


def _bootstrap(
    episodes: Sequence[tuple[int, int]], statistic: Callable[[np.ndarray], float], seed: int
) -> dict[str, float | int]:
    """Return a statistic of all strokes and its 95 % bootstrap interval over episodes.

    Args:
        episodes: of every stroke.
        statistic: of the numbers of chosen strokes.
        seed: of the draws.
    """
    value = statistic(np.arange(len(episodes)))
    if not np.isfinite(value):
        return {"mean": 0.0, "low": 0.0, "high": 0.0, "n": 0}
    own: dict[tuple[int, int], list[int]] = {}
    for number, episode in enumerate(episodes):
        own.setdefault(episode, []).append(number)
    strokes = list(own.values())
    draws = np.random.default_rng(seed).integers(len(strokes), size=(DRAWS, len(strokes)))
    drawn = [statistic(np.concatenate([strokes[n] for n in draw]).astype(int)) for draw in draws]
    low, high = np.quantile([v for v in drawn if np.isfinite(v)] or [value], [0.025, 0.975])
    return {"mean": value, "low": float(low), "high": float(high), "n": len(episodes)}
