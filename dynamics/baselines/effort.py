"""What a trained model cost: a comparison of models is fair where that is equal."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from torch import nn

from dynamics.checkpoint import CheckpointInfo

TOLERANCE = 0.1
"""Difference in parameters or crops that a fair comparison bears."""


@dataclass(frozen=True)
class Effort:
    """The size of a trained model, and what it has seen.

    Attributes:
        parameters: of all its networks.
        strokes: crops of strokes that it was trained on.
        states: crops of hair that its latent space was pre-trained on.
    """

    parameters: int
    strokes: int
    states: int

    @staticmethod
    def of(network: nn.Module, info: CheckpointInfo) -> Effort:
        """Count the parameters of a network, and read the rest from its checkpoint."""
        parameters = sum(p.numel() for p in network.parameters())
        return Effort(parameters, crops_seen(info.training), crops_seen(info.training.get("latent", {})))

    def beside(self, ours: Effort) -> str:
        """Return in words how this differs from ours by more than a tenth; nothing where it does not."""
        pairs = {"parameters": (self.parameters, ours.parameters), "strokes": (self.strokes, ours.strokes)}
        if self.states:  # who has no latent space of its own is not to see any hair before the strokes
            pairs["pre-training"] = (self.states, ours.states)
        apart = [
            f"{100.0 * theirs / expected:.0f} % of the {what}"
            for what, (theirs, expected) in pairs.items()
            if expected and abs(theirs / expected - 1.0) > TOLERANCE
        ]
        return " and ".join(apart)


def crops_seen(training: Mapping[str, Any]) -> int:
    """Return how many crops a training drew, by what its checkpoint tells; 0 where that is not said."""
    steps, batch = int(training.get("steps", 0)), int(training.get("batch", 0))
    return steps * batch * int(training.get("processes", 1))
