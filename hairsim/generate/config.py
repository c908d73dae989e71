"""What the data engine randomises, in one place."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any

import numpy as np

from hairsim.errors import CombwiseError
from hairsim.groom.families import FAMILIES, TRAINING_FAMILIES
from hairsim.physics.material import Material


@dataclass(frozen=True)
class Randomisation:
    """Ranges that every episode draws from, uniformly.

    Attributes:
        diameter: of a hair [m].
        friction_hair, friction_skin, friction_comb: Coulomb coefficients.
        air_drag: [1/s].
    """

    diameter: tuple[float, float] = (65e-6, 90e-6)
    friction_hair: tuple[float, float] = (0.20, 0.32)
    friction_skin: tuple[float, float] = (0.30, 0.50)
    friction_comb: tuple[float, float] = (0.20, 0.40)
    air_drag: tuple[float, float] = (6.0, 12.0)

    def material(self, rng: np.random.Generator) -> Material:
        """Draw a material."""
        return Material(**{name: float(rng.uniform(*span)) for name, span in asdict(self).items()})


@dataclass(frozen=True)
class GenerateConfig:
    """One dataset.

    Attributes:
        episodes: how many.
        strokes: strokes an episode.
        heads: how many different heads.
        families: drawn from in turn; default the training families.
        guides, vertices: size of every groom.
        children: interpolated hairs that volumes and cameras see.
        profile: grid of the stored volumes.
        seed: episode i depends on (seed, i) alone.
        settle_seconds: free fall of the fresh groom [s].
        rest_seconds: rest after each stroke [s].
        randomisation: of materials.
    """

    episodes: int = 100
    strokes: int = 6
    heads: int = 12
    families: tuple[str, ...] = TRAINING_FAMILIES
    guides: int = 400
    vertices: int = 20
    children: int = 4000
    profile: str = "small"
    seed: int = 0
    settle_seconds: float = 3.0
    rest_seconds: float = 1.0
    randomisation: Randomisation = Randomisation()

    def __post_init__(self) -> None:
        for name in ("episodes", "strokes", "heads", "guides", "vertices", "children"):
            if getattr(self, name) < 1:
                raise CombwiseError(f"{name} is {getattr(self, name)}; expected at least 1")
        unknown = [family for family in self.families if family not in FAMILIES]
        if unknown or not self.families:
            raise CombwiseError(f"unknown groom families {unknown}; expected some of {sorted(FAMILIES)}")

    def as_json(self) -> dict[str, Any]:
        """Return the configuration as plain JSON values."""
        return asdict(self)
