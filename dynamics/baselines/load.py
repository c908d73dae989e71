"""Load the trained baselines for an evaluation, and say whether the comparison is fair."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import torch

from dynamics.baselines.effort import Effort
from dynamics.baselines.predictors import Predictor
from dynamics.baselines.roster import BASELINES
from dynamics.checkpoint import MODEL_FILE, CheckpointInfo, fill_network, load_checkpoint
from hairsim.errors import CombwiseError


@dataclass(frozen=True)
class Learned:
    """A trained baseline."""

    predictor: Predictor
    effort: Effort


def load_baselines(folder: Path | None, beside: CheckpointInfo, device: torch.device) -> dict[str, Learned]:
    """Return the baselines that a run of `combwise train baselines` made, by name.

    Args:
        folder: of the run; None for no baselines.
        beside: the model that they are compared with; grid and observer must be the same.
        device: where to compute.

    Raises:
        CombwiseError: there are none, or they do not fit.
    """
    if folder is None:
        return {}
    found: dict[str, Learned] = {}
    for name, baseline in BASELINES.items():
        path = folder / name / MODEL_FILE
        if not path.is_file():
            continue
        checkpoint = load_checkpoint(
            path,
            kind=baseline.kind,
            profile=beside.profile,
            grid=beside.grid,
            observer_version=beside.observer_version,
        )
        network = baseline.build(checkpoint.info)
        fill_network(network, checkpoint, path)
        predictor = baseline.predictor(network.to(device).eval())
        found[name] = Learned(predictor, Effort.of(network, checkpoint.info))
    if not found:
        raise CombwiseError(
            f"folder {folder} holds no baselines; expected one made by 'combwise train baselines'"
        )
    return found
