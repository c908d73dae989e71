"""Rods without contact: how they hang, twist, keep their curl and swing."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from scipy.integrate import solve_bvp

from benchmarks.physics.laws import Laws, Row, row
from benchmarks.physics.scenes import clamped_rods, curl, floor
from hairsim.physics.material import Material
from hairsim.world import HairWorld

GRAVITY = 9.81


def elastica(gamma: float) -> float:
    """Return drop over reach of a heavy cantilever: theta'' = -gamma (1 - s) cos theta [Romero2021]."""

    def slope(s: np.ndarray, y: np.ndarray) -> np.ndarray:
        return np.stack([y[1], -gamma * (1.0 - s) * np.cos(y[0]), np.cos(y[0]), np.sin(y[0])])

    def ends(a: np.ndarray, b: np.ndarray) -> np.ndarray:
        return np.array([a[0], b[1], a[2], a[3]])

    # Heavy rods turn down within a boundary layer of width gamma^(-1/3): put the mesh there.
    s = np.linspace(0.0, 1.0, 800) ** 3
    layer = min(1.0, 2.0 * gamma ** (-1.0 / 3.0))
    guess = np.zeros((4, len(s)))
    guess[0] = np.pi / 2.0 * np.tanh(s / layer)
    guess[1] = np.gradient(guess[0], s)
    guess[2] = np.concatenate([[0.0], np.cumsum(np.cos(guess[0, 1:]) * np.diff(s))])
    guess[3] = np.concatenate([[0.0], np.cumsum(np.sin(guess[0, 1:]) * np.diff(s))])
    answer = solve_bvp(slope, ends, s, guess, tol=1e-8, max_nodes=200_000)
    if not answer.success:
        raise RuntimeError(f"no elastica found for gamma {gamma}: {answer.message}")
    return float(answer.y[3, -1] / answer.y[2, -1])


def hang(laws: Laws, gamma: float, vertices: int) -> float:
    """Return drop over reach of a simulated cantilever."""
    material = laws.material(air_drag=20.0)
    whole = Material()
    length = (gamma * whole.bending_stiffness / (whole.linear_density * GRAVITY)) ** (1.0 / 3.0)
    world = HairWorld(
        [floor()], [clamped_rods(vertices, length, (1.0, 0.0, 0.0))], material=material, config=laws.config()
    )
    world.settle(6.0)
    strand = world.strands()[0].astype(np.float64)
    tip = strand[-1] - 0.5 * (strand[0] + strand[1])
    return float(-tip[2] / tip[0])


def cantilever(laws: Laws) -> Iterator[Row]:
    """Yield the drop of heavy cantilevers, and how the error falls with the vertex spacing."""
    cases = [(32, 1.0, 0.01), (32, 10.0, 0.01), (32, 100.0, 0.01), (32, 300.0, 0.02), (96, 1000.0, 0.01)]
    for vertices, gamma, target in cases[1:3] if laws.quick else cases:
        value, expected = hang(laws, gamma, vertices), elastica(gamma)
        error = abs(value / expected - 1.0)
        yield row("cantilever", f"Gamma {gamma:g}, {vertices} vertices", value, expected, error, target)
    expected = elastica(10.0)
    coarse, fine = (abs(hang(laws, 10.0, v) / expected - 1.0) for v in (8, 16))
    order = float(np.log(coarse / fine) / np.log(14.5 / 6.5))
    yield row("cantilever", "order in the vertex spacing", order, 2.0, max(0.0, 2.0 - order), 0.2)


def helix(laws: Laws) -> Iterator[Row]:
    """Yield how far curls without weight leave their rest shape in 5 s."""
    for turns, vertices in ((2.0, 33), (4.0, 33)):
        rest = curl(turns, vertices, 0.02, 0.06)
        world = HairWorld(
            [floor()], [rest], material=laws.material(), config=laws.config(gravity=(0.0, 0.0, 0.0))
        )
        start = world.strands()
        world.settle(5.0)
        length = float(np.linalg.norm(np.diff(start[0], axis=0), axis=-1).sum())
        away = float(np.linalg.norm(world.strands() - start, axis=-1).max()) / length
        case = f"{turns:g} turns, {vertices} vertices"
        yield row("helix", case, away, 0.0, away, 0.005)


def twist(laws: Laws) -> Iterator[Row]:
    """Yield the torque at the clamp of a straight rod whose other end is turned."""
    for turns in (5.0,) if laws.quick else (0.25, 1.0, 3.0, 5.0):
        length = 0.3
        rods = clamped_rods(32, length, (1.0, 0.0, 0.0))
        world = HairWorld(
            [floor()], [rods], material=laws.material(), config=laws.config(gravity=(0.0, 0.0, 0.0))
        )
        world.hold_tips()
        if laws.broken != "twist":
            for step in range(240):
                world.twist_tips(2.0 * np.pi * turns * (step + 1) / 240)
                world.settle(world.config.time_step)
        world.settle(1.0)
        between = 30.0 * length / 30.5  # from the middle of the first edge to the middle of the last
        expected = Material().twisting_stiffness * 2.0 * np.pi * turns / between
        value = float(world.root_torque()[0])
        yield row("twist", f"{turns:g} turns", value, expected, abs(value / expected - 1.0), 0.01)


def vibration(laws: Laws) -> Iterator[Row]:
    """Yield the lowest frequencies of a heavy chain and of a clamped beam."""
    length, vertices = 0.25, 32
    edge = length / (vertices - 2)
    chain = laws.material(young_modulus=4.0e3, air_drag=0.0)
    swing = clamped_rods(vertices, edge * (vertices - 1.5), (0.0, 0.0, -1.0))
    world = HairWorld([floor()], [swing], material=chain, config=laws.config(time_step=1.0 / 960.0))
    push = 0.02 * np.linspace(0.0, 1.0, vertices - 2) ** 1.0
    value = frequency(world, push, 3.0)
    # The first zero of J0 is 2.4048: omega = 2.4048 / 2 sqrt(g / L), a chain hung from its upper end.
    expected = 2.404826 / 2.0 * np.sqrt(GRAVITY / length) / (2.0 * np.pi)
    yield row("vibration", "hanging chain [Hz]", value, expected, abs(value / expected - 1.0), 0.02)

    length = 0.10
    beam = clamped_rods(vertices, length, (0.0, 0.0, -1.0))
    world = HairWorld(
        [floor()],
        [beam],
        material=laws.material(air_drag=0.0),
        config=laws.config(gravity=(0.0, 0.0, 0.0), time_step=1.0 / 960.0),
    )
    value = frequency(world, 0.02 * np.linspace(0.0, 1.0, vertices - 2) ** 2, 3.0)
    whole = Material()
    expected = 3.516015 * np.sqrt(whole.bending_stiffness / whole.linear_density) / length**2 / (2.0 * np.pi)
    yield row("vibration", "clamped beam [Hz]", value, expected, abs(value / expected - 1.0), 0.02)


def frequency(world: HairWorld, speed: np.ndarray, seconds: float) -> float:
    """Return the frequency [Hz] at which the tip swings in x after a push [V-2] [m/s], from its crossings."""
    state = world.snapshot()
    state["velocity"][0, 2:, 0] = speed
    world.restore(state)
    step = world.config.time_step
    tip = []
    for _ in range(round(seconds / step)):
        world.settle(step)
        tip.append(float(world.strands()[0, -1, 0]))
    x = np.array(tip)
    up = np.flatnonzero((x[:-1] < 0.0) & (x[1:] >= 0.0))
    crossing = (up + x[up] / (x[up] - x[up + 1])) * step
    return float((len(crossing) - 1) / (crossing[-1] - crossing[0]))
