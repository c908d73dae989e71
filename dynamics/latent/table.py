"""From values of single states to rows with intervals, and to the words that a run ends with."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from dynamics.baselines.predictors import Volume
from dynamics.cases import State
from dynamics.data import Source
from dynamics.evaluation_table import hair_class, interval
from dynamics.latent.measure import Reconstructed, closeness, drift
from dynamics.latent.quantiser import Quantiser

Row = dict[str, Any]

AIMS = {"iou": 0.75, "median_deg": 12.0, "used": 0.5}
"""At 64^3, of codes alone: least IoU, largest median direction error [deg], least share of entries used."""


@dataclass(frozen=True)
class Measured:
    """One state seen in one way: its episode, and values by (what, metric)."""

    split: str
    input: Source
    family: str
    episode: tuple[int, int]
    values: Mapping[tuple[str, str], float]


def measure_state(
    one: State, source: Source, hair: Reconstructed, truth: Volume, quantiser: Quantiser
) -> Measured:
    """Return closeness to the truth of every reconstruction, and the drift of codes alone."""
    values = {
        (what, metric): value
        for what, volume in hair.volumes.items()
        for metric, value in closeness(volume, truth).items()
    }
    for metric, value in drift(hair.first, hair.third, quantiser).items():
        values["third", metric] = value
    return Measured(one.split, source, one.combing.family, (one.number, one.combing.index), values)


def latent_rows(measured: Sequence[Measured], seed: int) -> list[Row]:
    """Return mean and 95 % interval of every split, input, what and metric."""
    groups: dict[tuple[str, ...], list[tuple[tuple[int, int], float]]] = {}
    for one in measured:
        for (what, metric), value in one.values.items():
            groups.setdefault((one.split, one.input, what, metric), []).append((one.episode, value))
    names = ("split", "input", "what", "metric")
    return [dict(zip(names, key, strict=True)) | interval(values, seed) for key, values in groups.items()]


def class_rows(measured: Sequence[Measured], seed: int) -> list[Row]:
    """Return the same for each class of hair, which the rows name beside."""
    classes = sorted({hair_class(one.family) for one in measured})
    return [
        {"hair_class": kind} | row
        for kind in classes
        for row in latent_rows([one for one in measured if hair_class(one.family) == kind], seed)
    ]


def last_words(rows: Sequence[Row], codebooks: Sequence[Row]) -> Iterator[str]:
    """Yield how codes alone do beside the aims, for each split and input."""
    yield f"aims {_aims()}"
    means = {(r["split"], r["input"], r["what"], r["metric"]): r["mean"] for r in rows}
    used = {(r["split"], r["input"], r["level"]): r["used"] for r in codebooks if r["where"] == "all"}
    for place in dict.fromkeys((r["split"], r["input"]) for r in rows):
        iou, turn = (_compared(metric, means[*place, "codes", metric]) for metric in ("iou", "median_deg"))
        third_iou, third_turn = (means[*place, "third", metric] for metric in ("iou", "median_deg"))
        fine, coarse = (_compared("used", used[*place, level]) for level in ("fine", "coarse"))
        yield (
            f"{', '.join(place)} input: IoU {iou}, median direction {turn}, the third time {third_iou:.3f} "
            f"and {third_turn:.1f} deg, entries used fine {fine}, coarse {coarse}"
        )


def _aims() -> str:
    """Return the aims in words."""
    return (
        f"IoU {AIMS['iou']:g} at least, median direction {AIMS['median_deg']:g} deg at most, "
        f"entries used over {100.0 * AIMS['used']:g} %"
    )


def _compared(metric: str, value: float) -> str:
    """Return a value and whether it meets its aim, in words."""
    aim = AIMS[metric]
    text, met = {
        "iou": (f"{value:.3f}", value >= aim),
        "median_deg": (f"{value:.1f} deg", value <= aim),
        "used": (f"{100.0 * value:.0f} %", value > aim),
    }[metric]
    return f"{text} ({'met' if met else 'missed'})"
