"""The heads of a dataset: each is measured once, by the process that comes first, and kept for the others."""

from __future__ import annotations

import zipfile
from collections.abc import Callable, Iterable
from functools import cache, partial
from pathlib import Path

import numpy as np

from hairsim.atomic_file import written_aside
from hairsim.head.head import DistanceField, Head, Scalp
from hairsim.head.parametric import HeadShape, head_of, random_shape

NAME = "random head"


def heads_of(seed: int, heads: int, episodes: Iterable[int]) -> list[int]:
    """Return which of a dataset's heads some episodes grow on, in rising order."""
    return sorted({head_number(np.random.default_rng([seed, index]), heads) for index in episodes})


def head_number(rng: np.random.Generator, heads: int) -> int:
    """Draw the head of an episode: the first draw of the episode's own source of chance."""
    return int(rng.integers(heads))


@cache
def numbered_head(seed: int, number: int, kept_in: Path | None = None) -> tuple[Head, HeadShape]:
    """Return head `number` of a dataset; its distance field takes seconds to measure.

    Args:
        seed: of the dataset.
        number: of the head.
        kept_in: folder in which processes leave the heads that they measured for others, to the bit.
    """
    shape = random_shape(np.random.default_rng([seed, 2**31 + number]))
    if kept_in is None:
        return head_of(shape, name=NAME), shape
    path = kept_in / f"{number:06d}.npz"
    head = _read(path)
    if head is None:
        head = head_of(shape, name=NAME)
        kept_in.mkdir(parents=True, exist_ok=True)
        _write(path, head)
    return head, shape


def keep_head(seed: int, number: int, kept_in: Path) -> None:
    """Make sure that a head is there for other processes."""
    numbered_head(seed, number, kept_in)


def jobs_of_heads(
    seed: int, heads: int, kept_in: Path, episodes: Iterable[int]
) -> list[Callable[[], object]]:
    """Return what workers do first: measure the heads that some episodes grow on, one a job."""
    return [partial(keep_head, seed, number, kept_in) for number in heads_of(seed, heads, episodes)]


def _write(path: Path, head: Head) -> None:
    with written_aside(path) as aside:
        np.savez(
            aside,
            allow_pickle=False,
            distance=head.field.values,
            origin=head.field.origin,
            spacing=head.field.spacing,
            points=head.scalp.points,
            normals=head.scalp.normals,
            centre=head.centre,
        )


def _read(path: Path) -> Head | None:
    """Return a head that was kept; None where there is none, or not a whole one."""
    try:
        with path.open("rb") as file, np.load(file, allow_pickle=False) as kept:
            x, y, z = (float(value) for value in kept["origin"])
            i, j, k = (float(value) for value in kept["centre"])
            distance, points, normals = kept["distance"], kept["points"], kept["normals"]
            for array in (distance, points, normals):
                array.setflags(write=False)
            field = DistanceField(distance, (x, y, z), float(kept["spacing"]))
            return Head(field, Scalp(points, normals), NAME, (i, j, k))
    except (OSError, EOFError, KeyError, ValueError, zipfile.BadZipFile):
        return None
