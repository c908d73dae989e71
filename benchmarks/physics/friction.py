"""Coulomb friction: where hair on a slope lets go, and how a tooth multiplies tension."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from benchmarks.physics.laws import Laws, Row, row
from benchmarks.physics.scenes import clamped_rods, floor, groom, over_tooth, rod_tool
from hairsim.tools.tool import ToolPath
from hairsim.world import HairWorld

COEFFICIENTS = (0.1, 0.2, 0.4, 0.6, 0.8)
LIMP = 4.0e3
"""Young's modulus of hair without noticeable stiffness [Pa]."""

PLIABLE = 4.0e6
"""Young's modulus of hair that its weight bends around a tooth: E I / r^2 is 3 % of T0 [Pa]."""

TOOTH = 0.002
"""Radius of a tooth of the rake comb [m]."""


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
    """Yield the ratio of tensions beside a tooth that hair is pulled over, half a turn around it."""
    for coefficient in (0.3,) if laws.quick else (0.0, 0.1, 0.3, 0.5):
        before, after = capstan_tensions(laws, coefficient)
        value, expected = before / after, float(np.exp(np.pi * coefficient))
        case = f"mu {coefficient:g}, half a turn"
        yield row("capstan", case, value, expected, abs(value / expected - 1.0), 0.03)


def capstan_tensions(laws: Laws, coefficient: float) -> tuple[float, float]:
    """Return the mean tensions [N] on the root's side and on the free side of a tooth that rises at 1 cm/s.

    The hair goes straight up from its root, over the tooth, and 45 cm of it hang on the other side: their
    weight keeps up the tension T0 of the free side. The rising tooth pulls hair over itself toward the root's
    side. Tensions are those of the first edges below the tooth's axis, half a turn apart. The step is short
    because friction uses the normal force of the step before: hair moves by 0.02 mm a step.
    """
    speed, edge = 0.01, 0.0004
    config = laws.config(
        time_step=1.0 / 480.0,
        comb_slip=laws.config().comb_slip / 4.0,
        stretch_stiffness=0.05,  # 0.3 % at the largest tension: readable in single precision
    )
    strand = over_tooth(TOOTH + config.hair_thickness, rise=0.03, tail=0.45, edge=edge)
    material = laws.material(friction_comb=coefficient, young_modulus=PLIABLE, air_drag=0.0)
    world = HairWorld([floor()], [groom(strand[None], "over a tooth")], material=material, config=config)
    rising = np.array([[0.0, 0.0, 0.0], [0.0, 0.0, 0.0], [0.0, 0.0, 2.0 * speed]])
    path = ToolPath(np.array([0.0, 0.5, 2.5]), rising, np.tile([0.0, 0.0, 0.0, 1.0], (3, 1)), (0, 2))
    root_side: list[float] = []
    free_side: list[float] = []

    def read(seconds: float) -> None:
        if not 1.5 < seconds < 2.45:
            return
        axis = (seconds - 0.5) * speed
        tension, height = world.tension()[0], world.strands()[0, :, 2]
        below = height < axis - edge
        top = int(np.argmax(height))
        if below[:top].any() and below[top:].any():
            root_side.append(float(tension[np.flatnonzero(below[:top])[-1] - 1]))
            free_side.append(float(tension[top + np.flatnonzero(below[top:])[0]]))

    world.comb([path], rod_tool(TOOTH), rest_seconds=0.0, on_frame=read, frames_per_second=120.0)
    if not root_side:
        return float("nan"), float("nan")  # fell off the tooth
    return float(np.mean(root_side)), float(np.mean(free_side))
