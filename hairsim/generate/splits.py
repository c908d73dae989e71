"""Which episodes are for training, for validation, and never for either."""

from __future__ import annotations

from zlib import crc32

from hairsim.groom.families import UNSEEN_FAMILIES

SPLITS = ("training", "validation", "unseen")

VALIDATION_SHARE = 10
"""One in so many episodes of the training families is kept for validation, whatever the size of the set."""


def split_of(index: int, family: str) -> str:
    """Return which split an episode belongs to; it never changes when a dataset grows."""
    if family in UNSEEN_FAMILIES:
        return "unseen"
    # A hash and not the remainder of the number: families take turns, and one of them would be all of it.
    return "validation" if crc32(b"%d" % index) % VALIDATION_SHARE == 0 else "training"
