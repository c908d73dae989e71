"""Our free rods as other solvers are told them."""

from __future__ import annotations

from dataclasses import dataclass

from benchmarks.throughput.rods import AIR_DRAG, GRAVITY, LENGTH
from hairsim.physics.material import Material

MILLI = 1.0e3
"""Millimetres in a metre."""

MICRO = 1.0e6
"""Milligrams in a kilogram."""

APART = 0.05 * MILLI
"""Distance of rods side by side [mm]."""


@dataclass(frozen=True)
class PeerHair:
    """One straight clamped hair in millimetres, milligrams and seconds; forces are nN.

    In SI units the inertia of an edge about its axis, 6e-17 kg m^2, is less than MuJoCo takes.

    Attributes:
        vertices: V.
        edge: length of one of the V - 1 edges [mm].
        radius: [mm].
        density: [mg/mm^3].
        young_modulus, shear_modulus: [nN/mm^2].
        bending, twisting: E I and G J [nN mm^2].
        gravity: [mm/s^2].
        linear_density: [mg/mm].
        air_drag: over mass [1/s], as on our own cantilever.
    """

    vertices: int
    edge: float
    radius: float
    density: float
    young_modulus: float
    shear_modulus: float
    bending: float
    twisting: float
    gravity: float
    linear_density: float
    air_drag: float = AIR_DRAG


def peer_hair(vertices: int) -> PeerHair:
    """Return a hair of default material, as long as our free rods."""
    material = Material()
    pressure, stiffness = MICRO / MILLI, MICRO * MILLI**3
    return PeerHair(
        vertices=vertices,
        edge=LENGTH * MILLI / (vertices - 1),
        radius=0.5 * material.diameter * MILLI,
        density=material.density * MICRO / MILLI**3,
        young_modulus=material.young_modulus * pressure,
        shear_modulus=0.5 * material.young_modulus / (1.0 + material.poisson_ratio) * pressure,
        bending=material.bending_stiffness * stiffness,
        twisting=material.twisting_stiffness * stiffness,
        gravity=GRAVITY * MILLI,
        linear_density=material.linear_density * MICRO / MILLI,
    )
