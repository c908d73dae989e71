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
        diameter: [m].
        friction_hair: Coulomb coefficient, hair on hair.
        friction_skin: Coulomb coefficient, hair on skin.
        friction_comb: Coulomb coefficient, hair on comb.
        cohesion: normal force [N] that every touching pair of vertices feels in the friction law without
            any load, per hair: entanglement and sebum. About a seventh of a vertex's weight.
        air_drag: linear drag over mass [1/s]; slender-body drag of one hair in still air is about 15
            [Cox1970], less inside a bundle that carries its air along.
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

    def __post_init__(self) -> None:
        for field in fields(self):
            value = getattr(self, field.name)
            positive = field.name in ("young_modulus", "density", "diameter")
            if not np.isfinite(value) or value < 0.0 or (positive and value == 0.0):
                wanted = "a positive number" if positive else "zero or more"
                raise CombwiseError(f"material {field.name} is {value}; expected {wanted}")

    @property
    def linear_density(self) -> float:
        """Mass per length of one hair [kg/m]."""
        return self.density * np.pi * (0.5 * self.diameter) ** 2

    @property
    def bending_stiffness(self) -> float:
        """E I of one round hair [N m^2]."""
        return self.young_modulus * np.pi / 4.0 * (0.5 * self.diameter) ** 4

    @property
    def twisting_stiffness(self) -> float:
        """G J of one round hair [N m^2]."""
        return self.bending_stiffness / (1.0 + self.poisson_ratio)
