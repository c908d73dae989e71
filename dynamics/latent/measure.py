"""What the latent space keeps of hair: reconstructions, their drift, and how codes are used.

seen --encode--> codes 1 --decode--> hair 1 --encode--> codes 2 --> hair 2 --> codes 3 --> hair 3
                    |                  |                                         |           |
                    |            + detail: what the planner starts from          |           |
                    +--------- the same entries? --------------------------------+           |
                                       +------------- drift ---------------------------------+
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any, NamedTuple

import torch
from torch import Tensor
from torch.nn import functional

from dynamics.baselines.predictors import Volume
from dynamics.batches import StateBatch
from dynamics.data import Source
from dynamics.latent.autoencoder import Codes, features, volume_of
from dynamics.latent.detail import refined
from dynamics.latent.model import LatentModel
from dynamics.latent.quantiser import LEVELS, Quantiser
from dynamics.latent.train import perplexity
from dynamics.metrics import intersection_over_union, median_turn, score
from dynamics.precision import fast_arithmetic

TIMES = 3
"""Reconstructions in a row."""

ENTRIES = LEVELS[0] ** len(LEVELS)
"""Entries of a codebook."""


class Reconstruction(NamedTuple):
    """Codes, and the hair that they alone decode to."""

    codes: Codes
    hair: Volume


class Reconstructed(NamedTuple):
    """A batch through the latent space.

    Attributes:
        volumes: "seen" as it went in, "codes" decoded alone, "detail" with what codes cannot say, "third"
            the third reconstruction of codes alone.
        first, third: reconstructions of codes alone.
    """

    volumes: dict[str, Volume]
    first: Reconstruction
    third: Reconstruction


@torch.no_grad()
def reconstruct(model: LatentModel, batch: StateBatch) -> Reconstructed:
    """Encode and decode a batch [B, X, Y, Z], then twice more what comes out."""
    seen, head_distance = Volume(batch.seen, batch.seen_direction), batch.head_distance

    def once(hair: Volume) -> Reconstruction:
        with fast_arithmetic(head_distance.device):
            codes, _ = model.encoder(features(*hair, head_distance))
            return Reconstruction(codes, Volume(*volume_of(model.decoder(codes, head_distance))))

    with fast_arithmetic(head_distance.device):
        encoded = model(*seen, head_distance)
    first = Reconstruction(encoded.codes, Volume(*volume_of(encoded.decoded)))
    third = repeated(once, first, TIMES - 1)
    sharp = Volume(*volume_of(refined(encoded.decoded, encoded.detail)))
    return Reconstructed(
        {"seen": seen, "codes": first.hair, "detail": sharp, "third": third.hair}, first, third
    )


def repeated(once: Callable[[Volume], Reconstruction], start: Reconstruction, times: int) -> Reconstruction:
    """Reconstruct the hair of a reconstruction `times` times over."""
    for _ in range(times):
        start = once(start.hair)
    return start


def closeness(hair: Volume, truth: Volume) -> dict[str, float]:
    """Return how close one sample is to the truth: IoU and F1 of hair voxels, direction errors [deg].

    The median is over voxels that both call hair; the mean over the union, a miss counts 90 degrees.
    """
    found = score(*hair, *truth, torch.ones_like(truth.occupancy, dtype=torch.bool))
    return {
        "iou": float(intersection_over_union(hair.occupancy, truth.occupancy)[0]),
        "f1": 1.0 - float(found.occupancy_error[0]),
        "median_deg": float(median_turn(*hair, *truth)[0]),
        "direction_deg": float(found.direction_deg[0]),
    }


def drift(first: Reconstruction, third: Reconstruction, quantiser: Quantiser) -> dict[str, float]:
    """Return how far one sample went from the first reconstruction to the third.

    1 - IoU of their hair, the median turn [deg], and the share of codebook entries, on either level,
    that are the same.
    """
    return {
        "drift": 1.0 - float(intersection_over_union(third.hair.occupancy, first.hair.occupancy)[0]),
        "drift_deg": float(median_turn(*third.hair, *first.hair)[0]),
        "same_fine": _same(first.codes.fine, third.codes.fine, quantiser),
        "same_coarse": _same(first.codes.coarse, third.codes.coarse, quantiser),
    }


def _same(first: Tensor, third: Tensor, quantiser: Quantiser) -> float:
    return float((quantiser.indices(first) == quantiser.indices(third)).float().mean())


def used_share(indices: Tensor) -> float:
    """Return the mean share over codebooks of the entries that occur in code indices [..., codebooks]."""
    flat = indices.reshape(-1, indices.shape[-1])
    return sum(len(column.unique()) for column in flat.T) / (ENTRIES * flat.shape[1])


class CodebookUse:
    """Which entries of the codebooks occur, pooled over the states of a split.

    Pooled, because a single state has fewer coarse cells than a codebook has entries; and without an
    interval, because a bootstrap draws some states twice and so always sees fewer entries.
    """

    def __init__(self, quantiser: Quantiser) -> None:
        self._quantiser = quantiser
        self._found: dict[tuple[str, Source, str, str], list[Tensor]] = {}

    def add(self, split: str, source: Source, codes: Codes, occupancy: Tensor) -> None:
        """Count the codes of a batch whose true occupancy is [B, X, Y, Z]."""
        hair = (occupancy >= 0.5).float()[:, None]
        for level, latent, edge in (("fine", codes.fine, 4), ("coarse", codes.coarse, 8)):
            indices = self._quantiser.indices(latent).to(torch.int16).cpu()
            in_hair = functional.max_pool3d(hair, edge)[:, 0].bool().cpu()
            self._found.setdefault((split, source, level, "all"), []).append(indices.flatten(0, -2))
            self._found.setdefault((split, source, level, "hair"), []).append(indices[in_hair])

    def rows(self) -> Iterator[dict[str, Any]]:
        """Yield perplexity and share of entries used for each split, input and level.

        `where` says over which cells: all of the windows, or those that hold hair.
        """
        for (split, source, level, where), parts in self._found.items():
            indices = torch.cat(parts).long()
            if len(indices) == 0:
                continue
            yield {
                "split": split,
                "input": source,
                "level": level,
                "where": where,
                "perplexity": perplexity(indices),
                "used": used_share(indices),
                "entries": ENTRIES,
                "cells": len(indices),
            }
