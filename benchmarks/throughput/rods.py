"""Time our own solver on one case, and ask its cantilever how right it is."""

from __future__ import annotations

from dataclasses import replace
from functools import cache

import numpy as np

from benchmarks.physics.rods import elastica
from benchmarks.physics.scenes import clamped_rods, floor
from benchmarks.throughput.cases import Case
from benchmarks.throughput.timing import fastest_step
from hairsim.groom.families import make_groom
from hairsim.groom.groom import Groom
from hairsim.head.head import Head
from hairsim.head.parametric import parametric_head
from hairsim.physics.config import PhysicsConfig
from hairsim.physics.material import Material
from hairsim.world import HairWorld

LENGTH = 0.25
"""Of free rods, root to tip [m]."""

GRAVITY = 9.81
AIR_DRAG = 20.0
"""Of a rod whose rest shape is asked for [1/s]: it settles in seconds."""


def free_length(vertices: int) -> float:
    """Return how much of a rod is free [m]: all but half of its first edge, which the clamp holds."""
    return LENGTH * (vertices - 1.5) / (vertices - 1.0)


def heavy_rod_ratio(length: float) -> float:
    """Return drop over reach of a clamped hair of default material under its own weight [Romero2021]."""
    material = Material()
    return elastica(material.linear_density * GRAVITY * length**3 / material.bending_stiffness)


@cache
def cantilever_error(vertices: int, dt: float, device: str) -> float:
    """Return the relative error of drop over reach of one free rod at this resolution and step."""
    rods = clamped_rods(vertices, free_length(vertices), (1.0, 0.0, 0.0))
    config = PhysicsConfig(time_step=dt, contacts=False)
    world = HairWorld(
        [floor()], [rods], material=Material(air_drag=AIR_DRAG), config=config, device=device, threads=1
    )
    world.settle(6.0)
    strand = world.strands()[0].astype(np.float64)
    tip = strand[-1] - 0.5 * (strand[0] + strand[1])
    return float(abs(-tip[2] / tip[0] / heavy_rod_ratio(free_length(vertices)) - 1.0))


def hair_of(head: Head, strands: int, vertices: int) -> Groom:
    """Return a groom of so many guides; above 1000, copies of those moved by up to 4 mm."""
    groom = make_groom("straight_long", head, guides=min(strands, 1000), vertices=vertices, seed=5)
    if len(groom.strands) == strands:
        return groom
    rng = np.random.default_rng(0)
    which = np.arange(strands) % len(groom.strands)
    moved = rng.uniform(-0.004, 0.004, (strands, 1, 3)).astype(np.float32)
    return replace(
        groom,
        strands=groom.strands[which] + moved,
        hair_count=(groom.hair_count[which] * (len(groom.strands) / strands)).astype(np.float32),
    )


def make_world(case: Case) -> HairWorld:
    """Return what is timed: free rods over a deep floor, or hair on heads."""
    config = PhysicsConfig(time_step=case.dt, contacts=case.contacts)
    if case.contacts or case.purpose in ("contacts", "strands"):
        head = parametric_head()
        groom = hair_of(head, case.strands, case.vertices)
        heads, grooms = [head] * case.worlds, [groom] * case.worlds
    else:
        heads = [floor()] * case.worlds
        rods = clamped_rods(case.vertices, free_length(case.vertices), (1.0, 0.0, 0.0), case.strands)
        grooms = [rods] * case.worlds
    return HairWorld(heads, grooms, config=config, device=case.device, threads=case.cores)


def seconds_a_step(case: Case, *, repeats: int, block_seconds: float) -> float:
    """Return seconds that one step of our solver takes."""
    world = make_world(case)

    def advance(steps: int) -> None:
        world.settle(steps * case.dt)
        world.strands()  # on a device, waits for it

    return fastest_step(advance, case, repeats=repeats, block_seconds=block_seconds)
