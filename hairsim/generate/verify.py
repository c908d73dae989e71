"""Is a dataset whole and sound? Every episode is read, and held against what must be true of any."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from hairsim.errors import CombwiseError
from hairsim.generate.dataset import Dataset
from hairsim.generate.episode import Episode
from hairsim.generate.layout import FRAMES
from hairsim.tools.stroke import STROKE_HIGH, STROKE_LOW

ROOT_ABOVE_SKIN = 0.004
"""Furthest that a root may lie from the skin [m]: at most the thickness of a lock's root."""

STRETCH = 0.03
"""Share by which a strand's length may differ from its groom's: rods are stiff, not rigid."""


def faults(dataset: Dataset, index: int) -> Iterator[str]:
    """Yield what is wrong with an episode, in words; nothing for a sound one."""
    try:
        episode = dataset.read(index)
        if dataset.info.sizes.pixels:
            dataset.arrays(index, FRAMES)
        episode.groom.make_children()
    except CombwiseError as error:
        yield str(error)
        return
    yield from (f"episode {index}: {fault}" for fault in _unsound(episode))


def _unsound(episode: Episode) -> Iterator[str]:
    roots = np.abs(episode.head.field.sample(episode.strands[:, :, 0])).max()
    if roots > ROOT_ABOVE_SKIN:
        yield f"a root lies {1000 * roots:.1f} mm from the skin"
    rest = _lengths(episode.groom.rest)
    off = np.abs(_lengths(episode.strands) / rest - 1.0).max()
    if off > STRETCH:
        yield f"a strand is {100 * off:.1f} % longer or shorter than its groom's"
    bounds = (episode.strokes >= STROKE_LOW - 1e-6) & (episode.strokes <= STROKE_HIGH + 1e-6)
    if not bounds.all():
        yield "a stroke lies out of bounds"
    if not all(np.isfinite(force).all() for force in episode.force):
        yield "a force is not finite"
    looked = [bool(used.any()) for used in episode.cameras]
    saw = [len(volume.index) > 0 for volume in episode.observed]
    if len(set(looked)) > 1 or looked != saw:
        yield "cameras looked at some states and not at others, or saw no hair"


def _lengths(strands: np.ndarray) -> np.ndarray:
    return np.linalg.norm(np.diff(strands, axis=-2), axis=-1).sum(axis=-1)
