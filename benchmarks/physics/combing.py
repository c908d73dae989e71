"""Whole heads of hair: what combing stretches and sinks, and what waiting moves."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np

from benchmarks.physics.laws import Laws, Row, row
from hairsim.generate.random_stroke import random_stroke
from hairsim.groom.families import make_groom
from hairsim.head.head import Head
from hairsim.head.parametric import parametric_head
from hairsim.tools.stroke_path import stroke_path
from hairsim.tools.tool import rake_comb
from hairsim.world import HairWorld

FAMILIES = ("straight_long", "wavy_long", "curly_bob")


def salon(
    laws: Laws, head: Head, family: str, guides: int = 200, vertices: int = 16, **values: Any
) -> HairWorld:
    """Return a settled head of hair."""
    groom = make_groom(family, head, guides=guides, vertices=vertices, seed=5)
    world = HairWorld([head], [groom], material=laws.material(), config=laws.config(**values))
    world.settle_until_still()
    return world


def strokes(laws: Laws) -> Iterator[Row]:
    """Yield stretch and penetration over random strokes."""
    stretch, height = stroke_states(laws)
    value = float(np.quantile(stretch, 0.999))
    yield row("stretch", "99.9th percentile during random strokes", value, 0.0, value, 0.005)
    deepest = float(max(0.0, -height.min()))
    yield row("penetration", "deepest vertex [m]", deepest, 0.0, deepest, 0.001)
    share = float((height < -0.0002).mean())
    yield row("penetration", "share below -0.2 mm", share, 0.0, share, 0.001)


def stroke_states(laws: Laws) -> tuple[np.ndarray, np.ndarray]:
    """Return strain of all edges and height [m] of all vertices, ten times a second of random strokes."""
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

        for _ in range(2 if laws.quick else 10):
            path = stroke_path(random_stroke(world.strands(), head, rng), head, rake_comb())
            world.comb([path], rake_comb(), on_frame=read, frames_per_second=10.0)
    return np.concatenate(longer), np.concatenate(heights)


def waiting(laws: Laws) -> Iterator[Row]:
    """Yield how far settled grooms move in 60 s when left alone, and whether they still tremble then."""
    head = parametric_head()
    for family in FAMILIES:
        world = salon(laws, head, family)
        start = world.strands()
        world.settle(10.0 if laws.quick else 60.0)
        moved = float(np.linalg.norm(world.strands() - start, axis=-1).mean())
        seconds = 10 if laws.quick else 60
        yield row("settled", f"{family}, mean motion in {seconds} s [m]", moved, 0.0, moved, 0.002)
        speed = step_speed(world)
        yield row(
            "settled", f"{family}, mean speed from step to step after it [m/s]", speed, 0.0, speed, 1e-4
        )


def step_speed(world: HairWorld, steps: int = 20) -> float:
    """Return how fast vertices move within single steps [m/s]: hair that hops on the spot goes nowhere."""
    moved = []
    for _ in range(steps):
        before = world.strands()
        world.settle(world.config.time_step)
        moved.append(np.linalg.norm(world.strands() - before, axis=-1).mean())
        world.settle(0.05)
    return float(np.mean(moved)) / world.config.time_step
