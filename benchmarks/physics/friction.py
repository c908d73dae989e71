"""Coulomb friction: where hair on a slope lets go, and how a tooth multiplies tension."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from benchmarks.physics.laws import Laws, Row, row
from benchmarks.physics.scenes import clamped_rods, floor, groom, rod_tool, straight_path
from hairsim.world import HairWorld

COEFFICIENTS = (0.1, 0.2, 0.4, 0.6, 0.8)
LIMP = 4.0e3
"""Young's modulus of hair without noticeable stiffness [Pa]."""


def slides(laws: Laws, coefficient: float, degrees: float) -> bool:
    """Return whether limp hair that lies across a slope slides down it.

    It comes to rest on a level floor; then gravity is tilted. Its far half is slack at first, so nothing but
    friction holds it: it slides by more than 5 mm in 2 s or it stays.
    """
    tilt = np.radians(degrees)
    material = laws.material(friction_skin=coefficient, young_modulus=LIMP, air_drag=0.0)
    rods = clamped_rods(24, 0.25, (1.0, 0.0, 0.0))
    level = HairWorld([floor(-0.00149)], [rods], material=material, config=laws.config())
    level.settle(0.5)
    start = level.strands()
    gravity = (0.0, 9.81 * np.sin(tilt), -9.81 * np.cos(tilt))
    world = HairWorld([floor(-0.00149)], [rods], material=material, config=laws.config(gravity=gravity))
    world.restore(level.snapshot())
    world.settle(2.0)
    return bool(np.abs(world.strands()[0, -1] - start[0, -1]).max() > 0.005)


def incline(laws: Laws) -> Iterator[Row]:
    """Yield the angle at which hair on a slope begins to slide, found by bisection to 0.1 degrees."""
    for coefficient in COEFFICIENTS[:: 2 if laws.quick else 1]:
        expected = float(np.degrees(np.arctan(coefficient)))
        low, high = 0.0, 60.0
        while high - low > 0.1:
            middle = 0.5 * (low + high)
            low, high = (low, middle) if slides(laws, coefficient, middle) else (middle, high)
        value = 0.5 * (low + high)
        case = f"mu {coefficient:g} [deg]"
        yield row("incline", case, value, expected, abs(value - expected), 1.0)


def capstan(laws: Laws) -> Iterator[Row]:
    """Yield the ratio of tensions beside a tooth that limp hair is pulled over, half a turn around it."""
    for coefficient in (0.0, 0.1, 0.3, 0.5):
        value = tension_ratio(laws, coefficient)
        expected = float(np.exp(np.pi * coefficient))
        case = f"mu {coefficient:g}, half a turn"
        yield row("capstan", case, value, expected, abs(value / expected - 1.0), 0.03)


def tension_ratio(laws: Laws, coefficient: float) -> float:
    """Return T1 / T0 of hair that hangs over a tooth which is lifted slowly.

    The root side goes straight down to the follicle, the tip side hangs free: T0 is the weight that hangs,
    read from the edge below the tooth, T1 is read from the first edge on the root side.
    """
    radius, thickness = 0.009, 0.001
    reach = radius + thickness
    edge, vertices = 0.002, 90
    rise = 0.05
    arc = np.pi * reach
    s = edge * np.arange(vertices)
    angle = np.clip((s - rise) / reach, 0.0, np.pi)
    beyond = np.clip(s - rise - arc, 0.0, None)
    x = -reach * np.cos(angle)
    z = np.minimum(s, rise) + reach * np.sin(angle) - beyond - rise
    strand = np.stack([x, 0.0 * s, z], axis=-1)[None]
    world = HairWorld(
        [floor()],
        [groom(strand, "over a tooth")],
        material=laws.material(friction_comb=coefficient, young_modulus=LIMP, air_drag=0.0),
        config=laws.config(hair_thickness=thickness),
    )
    ratios: list[float] = []
    path = straight_path(np.array([0.0, 0.0, 0.0]), np.array([0.0, 0.0, 0.04]), 4.0)

    def read(seconds: float) -> None:
        if 2.0 < seconds < 4.0:
            tension = world.tension()[0]
            points = world.strands()[0]
            height = points[:, 2].max() - reach
            first = np.flatnonzero(points[:, 2] > height)
            ratios.append(float(tension[first[0] - 2] / tension[first[-1] + 1]))

    world.comb([path], rod_tool(radius), rest_seconds=0.0, on_frame=read, frames_per_second=60.0)
    return float(np.mean(ratios))
