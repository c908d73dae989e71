"""What an experiment may ask of the solver, and how a law is broken on purpose."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any, Literal

from hairsim.physics.config import PhysicsConfig
from hairsim.physics.material import Material

Break = Literal["friction", "twist", "bending"]


@dataclass(frozen=True)
class Row:
    """One line of the table.

    Attributes:
        experiment, case: what was tried.
        value, expected: what came out, and what mechanics says; the same unit.
        error: how far apart, in the unit of `target`.
        target: the largest error that passes.
        ok: whether it passes.
    """

    experiment: str
    case: str
    value: float
    expected: float
    error: float
    target: float
    ok: bool


def row(experiment: str, case: str, value: float, expected: float, error: float, target: float) -> Row:
    """Return a row; a NaN never passes."""
    return Row(experiment, case, value, expected, error, target, bool(error <= target))


@dataclass(frozen=True)
class Laws:
    """Makes materials and solver configurations, with one law broken if asked.

    Attributes:
        broken: "friction" makes all friction vanish, "twist" leaves twist out, "bending" doubles the bending
            stiffness behind the experiment's back; None leaves mechanics whole.
        quick: fewer and shorter cases.
    """

    broken: Break | None = None
    quick: bool = False

    def material(self, **values: Any) -> Material:
        """Return a material."""
        material = Material(**values)
        if self.broken == "friction":
            return without_friction(material)
        if self.broken == "bending":
            return replace(material, young_modulus=2.0 * material.young_modulus)
        return material

    def config(self, **values: Any) -> PhysicsConfig:
        """Return a solver configuration."""
        config = PhysicsConfig(**values)
        return replace(config, twist=False) if self.broken == "twist" else config


def without_friction(material: Material) -> Material:
    """Return the same hair, perfectly slippery."""
    return replace(material, friction_hair=0.0, friction_skin=0.0, friction_comb=0.0, cohesion=0.0)
