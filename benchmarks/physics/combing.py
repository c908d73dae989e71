"""Whole heads of hair: what combing stretches and sinks, what stays afterwards, what waiting moves."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import numpy as np

from benchmarks.physics.laws import Laws, Row, row
from hairsim.generate.random_stroke import random_stroke
from hairsim.groom.families import make_groom
from hairsim.head.head import Head
from hairsim.head.parametric import parametric_head
from hairsim.tools.stroke import Stroke
from hairsim.tools.stroke_path import stroke_path
from hairsim.tools.tool import rake_comb
from hairsim.world import HairWorld

FAMILIES = ("straight_long", "wavy_long", "curly_bob")


def salon(laws: Laws, head: Head, family: str, guides: int = 200, vertices: int = 16) -> HairWorld:
    """Return a settled head of hair."""
    groom = make_groom(family, head, guides=guides, vertices=vertices, seed=5)
    world = HairWorld([head], [groom], material=laws.material(), config=laws.config())
    world.settle_until_still()
    return world


def strokes(laws: Laws) -> Iterator[Row]:
    """Yield stretch and penetration over every tenth of a second of random strokes."""
    head = parametric_head()
    longer: list[np.ndarray] = []
    heights: list[np.ndarray] = []
    for number, family in enumerate(FAMILIES):
        world = salon(laws, head, family)
        edge = np.linalg.norm(np.diff(world.strands(), axis=1), axis=-1).mean(axis=1)
        rng = np.random.default_rng(number)

        def read(_: float, world: HairWorld = world, edge: np.ndarray = edge) -> None:
            points = world.strands()
            length = np.linalg.norm(np.diff(points, axis=1), axis=-1)
            longer.append(np.abs(length[:, 1:] / edge[:, None] - 1.0).ravel())
            heights.append(head.field.sample(points[:, 2:]).ravel())

        for _ in range(3 if laws.quick else 10):
            path = stroke_path(random_stroke(world.strands(), head, rng), head)
            world.comb([path], rake_comb(), on_frame=read, frames_per_second=10.0)
    stretch, height = np.concatenate(longer), np.concatenate(heights)
    value = float(np.quantile(stretch, 0.999))
    yield row("stretch", "99.9th percentile during random strokes", value, 0.0, value, 0.005)
    deepest = float(max(0.0, -height.min()))
    yield row("penetration", "deepest vertex [m]", deepest, 0.0, deepest, 0.001)
    share = float((height < -0.0002).mean())
    yield row("penetration", "share below -0.2 mm", share, 0.0, share, 0.001)


def waiting(laws: Laws) -> Iterator[Row]:
    """Yield how far settled grooms move in 60 s when left alone."""
    head = parametric_head()
    for family in FAMILIES:
        world = salon(laws, head, family)
        start = world.strands()
        world.settle(10.0 if laws.quick else 60.0)
        moved = float(np.linalg.norm(world.strands() - start, axis=-1).mean())
        seconds = 10 if laws.quick else 60
        yield row("settled", f"{family}, mean motion in {seconds} s [m]", moved, 0.0, moved, 0.002)


def part(laws: Laws) -> Iterator[Row]:
    """Yield how much of its displacement a combed lock keeps, with friction and without.

    A lock: the strands that the stroke moved by more than 15 mm. Without friction the same strands are asked.
    """
    head = parametric_head()
    seconds = 10.0 if laws.quick else 60.0
    stroke = Stroke(azimuth=1.2, elevation=0.5, heading=1.2, length=0.15, depth=0.004)
    kept: dict[str, float] = {}
    lock: np.ndarray | None = None
    for name, whole in (("default friction", True), ("no friction", False)):
        world = salon(laws if whole else replace(laws, broken="friction"), head, "straight_long")
        before = world.strands()
        world.comb([stroke_path(stroke, head)], rake_comb(), rest_seconds=0.0)
        moved = np.linalg.norm(world.strands() - before, axis=-1).mean(axis=1)
        if lock is None:
            lock = moved > 0.015
        world.settle(seconds)
        stays = np.linalg.norm(world.strands() - before, axis=-1).mean(axis=1)
        kept[name] = float(stays[lock].mean() / max(float(moved[lock].mean()), 1e-9))
    case = f"share of a lock's displacement after {seconds:g} s"
    value = kept["default friction"]
    yield row("part", f"{case}, default friction", value, 1.0, 1.0 - value, 0.2)
    slack = kept["no friction"]
    yield row("part", f"{case}, no friction (less than with)", slack, value, slack - value, 0.0)


def time_steps(laws: Laws) -> Iterator[Row]:
    """Yield how far final styles lie apart when the time step is two and four times smaller."""
    head = parametric_head()
    stroke = Stroke(azimuth=1.2, elevation=0.5, heading=1.2, length=0.15, depth=0.004)
    finals = []
    for divided in (1, 2) if laws.quick else (1, 2, 4):
        groom = make_groom("straight_long", head, guides=200, vertices=16, seed=5)
        config = laws.config()
        config = replace(
            config,
            time_step=config.time_step / divided,
            neighbour_steps=config.neighbour_steps * divided,
            comb_slip=config.comb_slip / divided,
        )
        world = HairWorld([head], [groom], material=laws.material(), config=config)
        world.settle(4.0)
        world.comb([stroke_path(stroke, head)], rake_comb(), rest_seconds=3.0)
        finals.append(world.strands())
    for divided, final in zip((2, 4), finals[1:], strict=False):
        apart = float(np.linalg.norm(final - finals[0], axis=-1).mean())
        yield row("time step", f"1/{divided}, mean distance of final styles [m]", apart, 0.0, apart, 0.002)


def many_strokes(laws: Laws) -> Iterator[Row]:
    """Yield how many of many random strokes on random grooms end in a state that is not finite."""
    head = parametric_head()
    plan = ((4, 10, 64, 16), (1, 5, 500, 24)) if laws.quick else ((100, 100, 64, 16), (3, 100, 500, 24))
    from hairsim.groom.families import FAMILIES as ALL

    for grooms, count, guides, vertices in plan:
        bad = 0
        for number in range(grooms):
            family = sorted(ALL)[number % len(ALL)]
            groom = make_groom(family, head, guides=guides, vertices=vertices, seed=number)
            world = HairWorld([head], [groom], material=laws.material(), config=laws.config())
            world.settle(1.0)
            rng = np.random.default_rng(number)
            for _ in range(count):
                path = stroke_path(random_stroke(world.strands(), head, rng), head)
                world.comb([path], rake_comb(), rest_seconds=0.2)
                strands = world.strands()
                bad += int(not np.isfinite(strands).all() or np.abs(strands).max() > 1.0)
        case = f"{grooms * count} strokes on {grooms} grooms of {guides} x {vertices}, bad states"
        yield row("robustness", case, float(bad), 0.0, float(bad), 0.0)
