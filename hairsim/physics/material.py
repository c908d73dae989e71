"""What hair is made of and how it rubs."""

from __future__ import annotations

from dataclasses import dataclass, fields

import numpy as np

from hairsim.errors import CombwiseError


@dataclass(frozen=True)
class Material:
    """One hair, in SI units; defaults are DESIGN section 4 (shared with the literature).

    Attributes:
        young_modulus: [Pa].
        poisson_ratio: lateral over axial strain; with it G = E / (2 (1 + nu)), so G J = E I / (1 + nu).
        density: [kg/m^3].
        diameter: of a round hair; of an elliptical one the wide diameter [m].
        flatness: narrow over wide diameter; 1 is round. Straight hair is rounder (0.9) than coily (0.6).
        friction_hair: Coulomb coefficient, hair on hair.
        friction_skin: Coulomb coefficient, hair on skin.
        friction_comb: Coulomb coefficient, hair on comb.
        cohesion: normal force [N] that every touching pair of vertices feels in the friction law without
            any load, per hair: entanglement and sebum. About a seventh of a vertex's weight.
        air_drag: linear drag over mass [1/s]; slender-body drag of one hair in still air is about 15
            [Cox1970], less inside a bundle that carries its air along.
        load: mass of water or product over the hair's own mass.
    """

    young_modulus: float = 4.0e9
    poisson_ratio: float = 0.45
    density: float = 1300.0
    diameter: float = 80e-6
    friction_hair: float = 0.25
    friction_skin: float = 0.4
    friction_comb: float = 0.3
    cohesion: float = 1.0e-7
    air_drag: float = 8.0
    flatness: float = 1.0
    load: float = 0.0

    def __post_init__(self) -> None:
        for field in fields(self):
            value = getattr(self, field.name)
            positive = field.name in ("young_modulus", "density", "diameter")
            if not np.isfinite(value) or value < 0.0 or (positive and value == 0.0):
                wanted = "a positive number" if positive else "zero or more"
                raise CombwiseError(f"material {field.name} is {value}; expected {wanted}")
        if not 0.0 < self.flatness <= 1.0:
            raise CombwiseError(f"material flatness is {self.flatness}; expected above 0 and at most 1")

    @property
    def linear_density(self) -> float:
        """Mass per length of one hair with what it carries [kg/m]."""
        section = np.pi * (0.5 * self.diameter) ** 2 * self.flatness
        return self.density * section * (1.0 + self.load)

    @property
    def bending_stiffness(self) -> float:
        """E I of one hair about its wide axis, the softer way [N m^2]; a round one has no other."""
        return self._round_stiffness * self.flatness**3

    @property
    def hard_bending_stiffness(self) -> float:
        """E I of one hair about its narrow axis [N m^2]."""
        return self._round_stiffness * self.flatness

    @property
    def twisting_stiffness(self) -> float:
        """G J of one hair [N m^2]; of an ellipse, J = pi a^3 b^3 / (a^2 + b^2)."""
        ellipse = 2.0 * self.flatness**3 / (1.0 + self.flatness**2)
        return self._round_stiffness / (1.0 + self.poisson_ratio) * ellipse

    @property
    def _round_stiffness(self) -> float:
        return self.young_modulus * np.pi / 4.0 * (0.5 * self.diameter) ** 4


def wet_hair() -> Material:
    """Return hair that is soaked: it carries half its mass in water, and clings.

    Hair takes up about 30 % of its mass [Robbins2012]; the rest is a film. Wet friction is higher than dry;
    how high, and how strongly water films draw hairs together, is chosen, not measured.
    """
    return Material(friction_hair=0.4, friction_skin=0.5, friction_comb=0.4, cohesion=5.0e-7, load=0.5)


def hair_with_gel() -> Material:
    """Return hair with a styling gel that has not set: friction and cohesion chosen, 30 % of product."""
    return Material(friction_hair=0.5, friction_skin=0.5, friction_comb=0.35, cohesion=1.0e-6, load=0.3)
