"""Time our own solver on one case, and ask its cantilever how right it is."""

from __future__ import annotations

import time
from dataclasses import replace
from functools import cache

import numpy as np

from benchmarks.physics.rods import elastica
from benchmarks.physics.scenes import clamped_rods, floor
from benchmarks.throughput.cases import Case
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
FEWEST = 12
"""Steps of a timed block: two searches for neighbours."""

LARGE = 200_000
"""Vertices from which one block of half as many steps must do."""


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
        [floor()], [rods], material=Material(air_drag=20.0), config=config, device=device, threads=1
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
    """Return seconds of one step: of the fastest of some blocks, since other programs only slow us down."""
    world = make_world(case)
    steps = FEWEST if case.count < LARGE else FEWEST // 2
    world.settle(steps * case.dt)  # compiles, and lets neighbours meet
    first = fastest = block(world, case, steps)
    if case.count < LARGE:
        steps *= max(1, round(block_seconds / (first * steps)))
        for _ in range(repeats):
            fastest = min(fastest, block(world, case, steps))
    return fastest


def block(world: HairWorld, case: Case, steps: int) -> float:
    """Return seconds a step of a block of steps: the process's own on one core, the clock's on more."""
    clock = time.process_time if case.clock == "cpu" else time.perf_counter
    began = clock()
    world.settle(steps * case.dt)
    world.strands()  # on a device, waits for it
    return (clock() - began) / steps
