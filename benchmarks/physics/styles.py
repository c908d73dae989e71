"""What combing leaves behind: a lock taken across the part, and the same style from smaller time steps."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import numpy as np
from scipy.spatial.transform import Rotation

from benchmarks.physics.laws import Laws, Row, row, without_friction
from hairsim.groom.families import make_groom
from hairsim.groom.groom import Groom
from hairsim.head.head import Head
from hairsim.head.parametric import parametric_head
from hairsim.tools.stroke import Stroke
from hairsim.tools.stroke_path import APPROACH_SPEED, RETRACTION, stroke_path
from hairsim.tools.tool import ToolPath, rake_comb
from hairsim.world import HairWorld

MOVED = 0.015
"""Strands that end up further than this from where they lay count as the combed lock [m], on average."""


def parted_groom(head: Head, guides: int = 400) -> Groom:
    """Return hair of 12 cm with a middle part: short enough for one sweep to take it over the head."""
    return make_groom(
        "middle_part_straight", head, guides=guides, vertices=16, seed=5, length=0.12, part="middle"
    )


def sweep_across_part(head: Head, radius: float = 0.045, depth: float = 0.002) -> ToolPath:
    """Return a path that takes hair from the wearer's left over the forehead's edge to the right.

    It swings around a point of the part 3 cm in front of the ears, from behind on the left by the front to
    behind on the right, the row of teeth pointing at that point, tooth tips `depth` [m] above the skin.
    """
    angle = np.radians(np.linspace(130.0, -130.0, 52))
    point = np.array([0.03, 0.0, 0.12]) + radius * np.stack(
        [np.cos(angle), np.sin(angle), 0.0 * angle], axis=-1
    )
    normal = head.field.gradient(point)
    for _ in range(40):
        normal = head.field.gradient(point)
        point = point - 0.7 * normal * (head.field.sample(point) - depth)[:, None]
    travel = np.gradient(point, axis=0)
    travel = travel - normal * np.sum(travel * normal, axis=-1, keepdims=True)
    travel = travel / np.linalg.norm(travel, axis=-1, keepdims=True)
    turn = Rotation.from_matrix(np.stack([travel, np.cross(normal, travel), normal], axis=-1)).as_quat()
    same = np.cumprod(np.where(np.sum(turn[1:] * turn[:-1], axis=-1) < 0.0, -1.0, 1.0))
    turn[1:] *= same[:, None]
    points = np.array([point[0] + RETRACTION * normal[0], *point, point[-1] + RETRACTION * normal[-1]])
    pace = np.full(len(points) - 1, 0.1)
    pace[[0, -1]] = APPROACH_SPEED
    times = np.concatenate([[0.0], np.cumsum(np.linalg.norm(np.diff(points, axis=0), axis=-1) / pace)])
    return ToolPath(times, points, np.array([turn[0], *turn, turn[-1]]), (1, len(points) - 2))


def part(laws: Laws) -> Iterator[Row]:
    """Yield how much of its displacement a lock keeps that a comb took across the part.

    Displacement is read when the comb has left and the hair has rested for a second, and a minute later, as
    the mean distance of the lock's vertices from where they lay. The same strands under the same stroke
    without friction are the contrast: what they keep, as a share of the lock's displacement with friction.
    """
    head = parametric_head()
    seconds = 10.0 if laws.quick else 60.0
    path, lock, whole = sweep_across_part(head), None, float("nan")
    for name in ("default friction", "no friction"):
        material = laws.material() if name == "default friction" else without_friction(laws.material())
        world = HairWorld([head], [parted_groom(head)], material=material, config=laws.config())
        world.settle_until_still()
        before = world.strands()
        world.comb([path], rake_comb(), rest_seconds=1.0)
        early = np.linalg.norm(world.strands() - before, axis=-1).mean(axis=1)
        world.settle(seconds)
        late = np.linalg.norm(world.strands() - before, axis=-1).mean(axis=1)
        if lock is None:
            lock = early > MOVED
            whole = float(early[lock].mean()) if lock.any() else float("nan")
            kept = float(late[lock].mean()) / whole
            case = (
                f"lock of {lock.sum()} guides taken {1000.0 * whole:.0f} mm, share kept after {seconds:g} s"
            )
            yield row("part", f"{case}, default friction", kept, 1.0, abs(1.0 - kept), 0.2)
        else:
            slack = float(late[lock].mean()) / whole
            case = f"the same strands after {seconds:g} s without friction (below 0.8 of the displacement)"
            yield row("part", case, slack, 0.8, max(0.0, slack - 0.8), 0.0)


def final_style(laws: Laws, divided: int, nudge: float = 0.0) -> np.ndarray:
    """Return where hair lies [S, V, 3] [m] after a stroke, with the time step divided.

    Args:
        laws: of mechanics.
        divided: of the default time step.
        nudge: size of random displacements of all free vertices before the stroke [m].
    """
    head = parametric_head()
    config = laws.config()
    config = replace(
        config,
        time_step=config.time_step / divided,
        neighbour_steps=config.neighbour_steps * divided,
        comb_slip=config.comb_slip / divided,
    )
    groom = make_groom("straight_long", head, guides=200, vertices=16, seed=5)
    world = HairWorld([head], [groom], material=laws.material(), config=config)
    world.settle(4.0)
    if nudge:
        state = world.snapshot()
        shape = state["position"][:, 2:].shape
        state["position"][:, 2:] += nudge * np.random.default_rng(0).normal(size=shape).astype(np.float32)
        world.restore(state)
    stroke = Stroke(azimuth=1.2, elevation=0.5, heading=1.2, length=0.15, depth=0.004)
    world.comb([stroke_path(stroke, head, rake_comb())], rake_comb(), rest_seconds=3.0)
    return world.strands()


def time_steps(laws: Laws) -> Iterator[Row]:
    """Yield how far final styles lie apart when the time step is divided, and how far chance alone puts them.

    The solver is direct: one Newton step with an exact solve of each strand, so that there is no number of
    iterations to vary. What a smaller step must be judged against is the last row: the same step, and a start
    that differs by a micrometre.
    """
    usual = final_style(laws, 1)
    for divided in (2,) if laws.quick else (2, 4):
        apart = np.linalg.norm(final_style(laws, divided) - usual, axis=-1).mean(axis=1)
        case = f"1/{divided} of the step, mean distance of final styles [m]"
        yield row("time step", case, float(apart.mean()), 0.0, float(apart.mean()), 0.002)
        middle = float(np.median(apart))
        yield row(
            "time step", f"1/{divided} of the step, median over strands [m]", middle, 0.0, middle, 0.002
        )
    if not laws.quick:
        chance = float(np.linalg.norm(final_style(laws, 1, 1e-6) - usual, axis=-1).mean())
        case = "the same step, start displaced by 1 um, mean distance of final styles [m]"
        yield row("time step", case, chance, 0.0, chance, 0.002)
