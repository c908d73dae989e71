"""The calibration of the editing model on one run of strokes."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import NamedTuple

from torch import Tensor

from dynamics.baselines.predictors import Volume
from dynamics.calibration.reliability import Reliability, doubtful, expected_error, reliability
from dynamics.cases import Case
from dynamics.metrics import score

REGIONS = ("mask", "doubtful", "changed")
"""Where the strokes may act; of these the voxels that the model calls doubtful; the changed voxels of the
scores, which the truth has a say in (see `reliability`). What is said of whole strokes is over "mask"."""

RIVALS = ("identity", "reconstruction")


class Stroke(NamedTuple):
    """What a prediction expected, what came true, and how much it changed, over the mask; each 1 - F1."""

    expected: float
    error: float
    change: float


@dataclass(frozen=True)
class Calibrated:
    """The editing model on one run of strokes: where, voxels by (model, region), and the whole."""

    split: str
    input: str
    horizon: int
    episode: tuple[int, int]
    voxels: Mapping[tuple[str, str], Reliability]
    stroke: Stroke


def calibrate(
    case: Case, volumes: Mapping[str, tuple[Volume, Volume]], truth: Volume, mask: Tensor, region: Tensor
) -> Calibrated:
    """Return the calibration of a case of one sample.

    Args:
        case: what was predicted.
        volumes: before and after, of "editing" and `RIVALS`.
        truth: the hair after.
        mask: [1, X, Y, Z] bool, where the strokes may act.
        region: [1, X, Y, Z] bool, the changed voxels.
    """
    before, after = volumes["editing"]
    hair = truth.occupancy >= 0.5
    regions = dict(zip(REGIONS, (mask, mask & doubtful(after.occupancy), region), strict=True))
    said = {name: volumes[name][1].occupancy for name in ("editing", *RIVALS)}
    said["identity"] = (said["identity"] >= 0.5).to(hair.device, after.occupancy.dtype)
    voxels = {(m, r): reliability(p, hair, where) for m, p in said.items() for r, where in regions.items()}
    stroke = Stroke(
        float(expected_error(after.occupancy, mask)[0]),
        float(score(*after, *truth, mask).occupancy_error[0]),
        float(score(*after, *before, mask).occupancy_error[0]),
    )
    return Calibrated(
        case.split, case.source, case.horizon, (case.number, case.combing.index), voxels, stroke
    )
