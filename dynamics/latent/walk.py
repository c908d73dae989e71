"""A walk between two hairstyles on a straight line through the latent space."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import combinations
from zlib import crc32

import torch
from torch import Tensor

from dynamics.baselines.predictors import Volume
from dynamics.batches import state_batch
from dynamics.cases import State, hair_window
from dynamics.latent.autoencoder import Codes, features, volume_of
from dynamics.latent.model import LatentModel
from dynamics.pictures import draw_volumes
from dynamics.precision import fast_arithmetic


@torch.no_grad()
def walk(model: LatentModel, start: Volume, end: Volume, head_distance: Tensor, steps: int) -> list[Volume]:
    """Return `steps` volumes from one hairstyle to another on the same head, both reconstructions included.

    On each of the two levels, with z the encoder's latents in [-1, 1] before they are rounded,

        z(t) = (1 - t) z(start) + t z(end),    hair(t) = decode(round(z(t))),    t = 0, ..., 1 evenly.

    So the line is straight, the codes move along it level by level, and the ends are what `start` and
    `end` are reconstructed to from their codes alone.

    Args:
        model: the autoencoder.
        start, end: hair of one sample, [1, X, Y, Z] and [1, X, Y, Z, 3].
        head_distance: of the head below both, [1, X, Y, Z] [m].
        steps: volumes; at least 2.
    """
    found: list[Volume] = []
    with fast_arithmetic(head_distance.device):
        _, here = model.encoder(features(*start, head_distance))
        _, there = model.encoder(features(*end, head_distance))
        for t in torch.linspace(0.0, 1.0, steps).tolist():
            latents = (torch.lerp(a, b, t) for a, b in zip(here, there, strict=True))
            codes = Codes(*(model.quantiser(latent) for latent in latents))
            found.append(Volume(*volume_of(model.decoder(codes, head_distance))))
    return found


def two_hairstyles(found: Sequence[State]) -> tuple[State, State]:
    """Return two states on one head: of two families where that can be, of two episodes, or of one.

    The last split comes first, and of an episode the least combed state.
    """
    firsts: dict[tuple[int, int], State] = {}
    for one in sorted(found, key=lambda state: state.split != found[-1].split):
        firsts.setdefault((one.number, one.combing.index), one)
    heads: dict[int, list[State]] = {}
    for one in firsts.values():
        heads.setdefault(crc32(one.combing.head_distance.tobytes()), []).append(one)
    pairs = [pair for head in heads.values() for pair in combinations(head, 2)]
    of_two_families = [(a, b) for a, b in pairs if a.combing.family != b.combing.family]
    last = found[-1]
    of_one = [s for s in found if (s.number, s.combing.index) == (last.number, last.combing.index)]
    return (of_two_families or pairs or [(of_one[0], of_one[-1])])[0]


def draw_walk(model: LatentModel, ends: tuple[State, State], steps: int, device: torch.device) -> bytes:
    """Return a PNG: the hair of one end as it is, `steps` volumes of `walk`, the hair of the other end."""
    hair = [end.combing.full[end.state] for end in ends]
    window = hair_window(hair, ends[0].store.grid)
    batch = state_batch([(end.combing, end.state, "full", window) for end in ends])
    start, end = (
        Volume(batch.occupancy[n : n + 1].to(device), batch.direction[n : n + 1].to(device)) for n in (0, 1)
    )
    return draw_volumes(start, *walk(model, start, end, batch.head_distance[:1].to(device), steps), end)


def describe_walk(ends: tuple[State, State]) -> str:
    """Return the two ends in words."""
    start, end = (f"{e.combing.family} (episode {e.combing.index}, state {e.state})" for e in ends)
    return f"from {start} to {end} on one head"
