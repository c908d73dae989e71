"""From scores of single strokes to a table: means, bootstrap intervals, differences in pairs."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from dynamics.data import Source
from hairsim.groom.families import FAMILIES

BOOTSTRAPS = 2000


@dataclass(frozen=True)
class Measured:
    """One model on one run of strokes: where, and the scores by (region, metric)."""

    model: str
    split: str
    input: Source
    horizon: int
    family: str
    episode: tuple[int, int]
    scores: Mapping[tuple[str, str], float]
    against: str = ""


def hair_class(family: str) -> str:
    """Return the class of a groom family, one of `HAIR_CLASSES`; "other" when it is not one of ours."""
    return FAMILIES[family].hair_class if family in FAMILIES else "other"


def summary_rows(measured: Sequence[Measured], seed: int) -> list[dict[str, Any]]:
    """Return mean and 95 % interval of every model, split, input, horizon, region, class and metric."""
    groups: dict[tuple[Any, ...], list[tuple[tuple[int, int], float]]] = {}
    for one in measured:
        if one.against:
            continue
        for (region, metric), value in one.scores.items():
            for kind in ("all", hair_class(one.family)):
                key = (one.model, one.split, one.input, one.horizon, region, kind, metric)
                groups.setdefault(key, []).append((one.episode, value))
    names = ("model", "split", "input", "horizon", "region", "hair_class", "metric")
    return [dict(zip(names, key, strict=True)) | interval(values, seed) for key, values in groups.items()]


def paired_rows(measured: Sequence[Measured], seed: int) -> list[dict[str, Any]]:
    """Return editing minus rival on the same voxels of the same strokes, also as a share of the rival."""
    values: dict[tuple[Any, ...], list[tuple[tuple[int, int], float]]] = {}
    for one in measured:
        if one.against:
            for (_, metric), value in one.scores.items():
                key = (one.model, one.against, one.split, one.input, one.horizon, metric)
                values.setdefault(key, []).append((one.episode, value))
    rows = []
    for (name, against, split, source, horizon, metric), ours in values.items():
        if name != "editing":
            continue
        theirs = values[against, "editing", split, source, horizon, metric]
        pairs = [(episode, a - b) for (episode, a), (_, b) in zip(ours, theirs, strict=True)]
        mean = float(np.nanmean([b for _, b in theirs]))
        row = {
            "model": name,
            "against": against,
            "split": split,
            "input": source,
            "horizon": horizon,
            "metric": metric,
        }
        found = interval(pairs, seed)
        rows.append(row | found | {"rival_mean": mean, "relative": found["mean"] / max(mean, 1e-9)})
    return rows


def interval(values: Sequence[tuple[tuple[int, int], float]], seed: int) -> dict[str, float | int]:
    """Return mean and 95 % bootstrap interval over episodes: strokes or states of one are not independent."""
    kept = [(episode, value) for episode, value in values if np.isfinite(value)]
    if not kept:
        return {"mean": 0.0, "low": 0.0, "high": 0.0, "n": 0}
    episodes = sorted({episode for episode, _ in kept})
    place = {episode: n for n, episode in enumerate(episodes)}
    total, count = np.zeros(len(episodes)), np.zeros(len(episodes))
    for episode, value in kept:
        total[place[episode]] += value
        count[place[episode]] += 1
    draws = np.random.default_rng(seed).integers(len(episodes), size=(BOOTSTRAPS, len(episodes)))
    means = total[draws].sum(1) / count[draws].sum(1)
    low, high = np.quantile(means, [0.025, 0.975])
    return {"mean": float(total.sum() / count.sum()), "low": float(low), "high": float(high), "n": len(kept)}
