"""Many random strokes on many random grooms, stepped as one batch: no NaN, no state that cannot be."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np

from benchmarks.physics.laws import Laws, Row, row
from hairsim.generate.random_stroke import random_stroke
from hairsim.groom.families import FAMILIES, make_groom
from hairsim.head.parametric import parametric_head
from hairsim.tools.stroke_path import stroke_paths
from hairsim.tools.tool import ToolPath, rake_comb
from hairsim.world import HairWorld

STROKES_A_TURN = 3
"""Strokes that each head gets from one look at its hair, one after the other, so that no head waits long."""

HANDOVER = 1e-6
"""Time in which the comb, held clear of the hair, goes from one stroke's end to the next one's start [s]."""

LONGER = 1.05
"""An edge longer than this many times its length cannot be: the state is rejected."""


def many_strokes(laws: Laws) -> Iterator[Row]:
    """Yield in how many of many random strokes a small head of hair was left in a state that cannot be."""
    yield tried(laws, *((20, 3) if laws.quick else (100, 100)), guides=64, vertices=16)


def many_strokes_on_full_heads(laws: Laws) -> Iterator[Row]:
    """Yield the same for heads of as many strands as are combed for real."""
    yield tried(laws, *((1, 3) if laws.quick else (6, 50)), guides=500, vertices=24)


def tried(laws: Laws, grooms: int, strokes_each: int, *, guides: int, vertices: int) -> Row:
    """Return how many states were rejected over strokes on a batch of heads."""
    bad, done = batch(laws, grooms, strokes_each, guides, vertices)
    case = f"{done} strokes on {grooms} grooms of {guides} x {vertices}, rejected states"
    return row("robustness", case, float(bad), 0.0, float(bad), 0.0)


def batch(laws: Laws, grooms: int, strokes_each: int, guides: int, vertices: int) -> tuple[int, int]:
    """Return how many states of how many strokes were rejected, over a batch of heads."""
    head = parametric_head()
    families = sorted(FAMILIES)
    heads = [
        make_groom(families[n % len(families)], head, guides=guides, vertices=vertices, seed=n)
        for n in range(grooms)
    ]
    world = HairWorld([head] * grooms, heads, material=laws.material(), config=laws.config())
    world.settle(1.0)
    edge = [np.linalg.norm(np.diff(world.strands(w), axis=1), axis=-1).mean(axis=1) for w in range(grooms)]
    rng = [np.random.default_rng(n) for n in range(grooms)]
    bad = done = 0
    while done < grooms * strokes_each:
        turn = min(STROKES_A_TURN, strokes_each - done // grooms)
        drawn = [random_stroke(world.strands(w), head, rng[w]) for w in range(grooms) for _ in range(turn)]
        paths = stroke_paths(drawn, head, rake_comb())
        world.comb(
            [one_after_the_other(paths[w * turn : (w + 1) * turn]) for w in range(grooms)],
            rake_comb(),
            rest_seconds=0.2,
        )
        done += grooms * turn
        bad += sum(rejected(world.strands(w), edge[w]) for w in range(grooms))
        if bad:
            break  # a broken head would be counted again and again
    return bad, done


def rejected(strands: np.ndarray, edge: np.ndarray) -> bool:
    """Return whether strands [S, V, 3] with edges of `edge` [S] [m] are not finite or torn."""
    if not np.isfinite(strands).all():
        return True
    length = np.linalg.norm(np.diff(strands, axis=1), axis=-1)
    return bool((length > LONGER * edge[:, None]).any())


def one_after_the_other(paths: Sequence[ToolPath]) -> ToolPath:
    """Return one path that plays several; between two, the comb jumps from one retracted pose to the next."""
    offset, times = 0.0, []
    for path in paths:
        times.append(path.times + offset)
        offset = float(times[-1][-1]) + HANDOVER
    positions = np.concatenate([path.positions for path in paths])
    quaternions = np.concatenate([path.quaternions for path in paths])
    return ToolPath(np.concatenate(times), positions, quaternions, (1, len(positions) - 2))
