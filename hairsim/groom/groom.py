"""A groom: a hairstyle as guide strands, each a weighted bundle of hairs."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from hairsim.errors import CombwiseError
from hairsim.groom.coils import Coil

HAIRS_ON_A_HEAD = 100_000


@dataclass(frozen=True)
class Groom:
    """Guide strands in the head frame.

    Attributes:
        strands: [S, V, 3] float32 [m], head frame, root first. The shape is also the rest shape.
        hair_count: [S] float32, hairs that each guide stands for; all together 100,000.
        name: what to call it in reports.
        family: procedural family it was drawn from, or "file".
        coil: how the hairs wind about the guides, which then are the middles of locks; None when hairs run
            along their guides.
        tied_at: [S] int, the vertex at which a strand passes a hair tie, -1 where it passes none; None when
            no strand is tied.
        looseness: radius of a bundle relative to that of loose hair; tied hair lies closer.
    """

    strands: np.ndarray
    hair_count: np.ndarray
    name: str
    family: str
    coil: Coil | None = None
    tied_at: np.ndarray | None = None
    looseness: float = 1.0

    def __post_init__(self) -> None:
        if self.strands.ndim != 3 or self.strands.shape[2] != 3 or self.strands.shape[1] < 4:
            raise CombwiseError(
                f"groom '{self.name}' has strands of shape {self.strands.shape}; expected [S, V >= 4, 3]"
            )
        if not np.isfinite(self.strands).all():
            bad = int((~np.isfinite(self.strands).all(axis=(1, 2))).sum())
            raise CombwiseError(
                f"groom '{self.name}': {bad} of {len(self.strands)} strands hold NaN or infinite positions; "
                "expected finite metres"
            )
        if self.hair_count.shape != (len(self.strands),):
            raise CombwiseError(
                f"groom '{self.name}': hair_count has shape {self.hair_count.shape}; "
                f"expected ({len(self.strands)},)"
            )

        if self.tied_at is not None and self.tied_at.shape != (len(self.strands),):
            raise CombwiseError(
                f"groom '{self.name}': tied_at has shape {self.tied_at.shape}; "
                f"expected ({len(self.strands)},)"
            )

    @property
    def bundle_radius(self) -> float:
        """Radius of the bundle that a guide stands for [m]: 8 mm at 500 loose guides (DESIGN 4)."""
        return 0.008 * float(np.sqrt(500.0 / len(self.strands))) * self.looseness
