"""How the solver is run: step size, contact layers, neighbours."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from hairsim.errors import CombwiseError


@dataclass(frozen=True)
class PhysicsConfig:
    """Numerical parameters of the strand solver. Forces and stiffnesses are per single hair.

    Guides are bundles of loose hair that feel many neighbours, far and softly, and take along those that they
    slide past fast. Few hard neighbours scatter hair as a table scatters billiard balls: locks come apart,
    and strokes cannot be foretold or repeated (docs/architecture.md).

    Attributes:
        time_step: [s].
        gravity: [m/s^2], head frame.
        wind: velocity of the air, head frame [m/s].
        twist: whether edges turn about their own axes and resist it.
        rest_turn_limit: sag-free start: by how much the rest turn at a vertex may differ from the groom's, so
            that the groom holds itself [rad]; 0 leaves the groom's own shape at rest, which then sags.
        contacts: whether hair touches the head and other hair; a tool is felt either way.
        stretch_stiffness: force per strain [N]. A real hair has E A = 20 N; 2 N stretches a combed hair
            (2 mN) by 0.1 % and keeps the factorisation well conditioned in single precision.
        projections: how often a strand's edges are projected on their lengths in a step, at most. Where a
            tooth throws short edges about, one is not enough: a strand in some tens of strokes then beats on
            the skin for ever. With ten none did.
        skin_layer: height above the skin where contact begins [m].
        skin_hard: height above the skin where it becomes hard [m].
        skin_lowest: height below which no vertex is left at the end of a step [m].
        skin_soft_stiffness: of the layer, [N/m]: a vertex's weight (0.7 uN) sinks 0.02 mm.
        skin_hard_stiffness: of the hard core, [N/m].
        skin_slip: displacement at which skin friction yields [m].
        hair_distance: distance at which neighbouring guides begin to touch, in bundle radii.
        hair_stiffness: k of the repulsion k (d - r) of guides that are r apart and touch from d on [N/m].
        hair_soft: whether it begins softly, k (d - r)^2 / d.
        hair_reach: vertices within so many touching distances are remembered, and that far cohesion reaches.
        hair_slip: displacement at which hair-hair friction yields [m].
        hair_drag: of guides in reach that slide past each other, over their speed squared, per pair of
            vertices [N s^2/m^2]; from where they touch it falls to zero at the end of `hair_reach`. Packed
            hair moves as one body where a comb drags it fast; slow hair is left to Coulomb friction, and
            falls and rests as without.
        neighbours: how many touching vertices each vertex remembers.
        neighbour_steps: steps between two searches for neighbours.
        comb_stiffness: [N/m].
        comb_slip: displacement within a step below which comb friction is proportional to it [m].
        comb_slack: gap below which hair that touched the comb in the last step still feels it [m]; without
            one, hair that slides around a tooth loses touch every few steps and falls off.
        hair_thickness: contact radius of a strand against the comb [m].
        tie_stiffness: of a hair tie, per hair [N/m].
        tie_grip: most that a tie holds a hair with [N]; combs pull harder.
        tie_reach: hair pulled further from its place in the tie than this has left it [m].
        speed_limit: vertices are never faster [m/s]; bounds what violent tools can do.
    """

    time_step: float = 1.0 / 120.0
    gravity: tuple[float, float, float] = (0.0, 0.0, -9.81)
    wind: tuple[float, float, float] = (0.0, 0.0, 0.0)
    twist: bool = True
    rest_turn_limit: float = 0.0
    contacts: bool = True
    stretch_stiffness: float = 2.0
    projections: int = 10
    skin_layer: float = 0.0015
    skin_hard: float = 0.0005
    skin_lowest: float = -0.0002
    skin_soft_stiffness: float = 0.03
    skin_hard_stiffness: float = 20.0
    skin_slip: float = 0.0003
    hair_distance: float = 0.7
    hair_stiffness: float = 0.004
    hair_soft: bool = True
    hair_reach: float = 1.3
    hair_slip: float = 0.0005
    hair_drag: float = 2e-4
    neighbours: int = 14
    neighbour_steps: int = 6
    comb_stiffness: float = 10.0
    comb_slip: float = 0.00005
    comb_slack: float = 0.0002
    hair_thickness: float = 0.001
    tie_stiffness: float = 0.1
    tie_grip: float = 0.001
    tie_reach: float = 0.03
    speed_limit: float = 3.0

    def __post_init__(self) -> None:
        if not (np.isfinite(self.time_step) and 0.0 < self.time_step <= 0.1):
            raise CombwiseError(f"time_step is {self.time_step} s; expected above 0 and at most 0.1 s")
        if self.projections < 1:
            raise CombwiseError(f"projections is {self.projections}; expected at least 1")
        if not (np.isfinite(self.hair_reach) and self.hair_reach > 1.0):
            raise CombwiseError(f"hair_reach is {self.hair_reach}; expected more than 1 touching distance")
        if not (np.isfinite(self.hair_drag) and self.hair_drag >= 0.0):
            raise CombwiseError(f"hair_drag is {self.hair_drag} N s^2/m^2; expected zero or more")
        if not 1 <= self.neighbours <= 32 or self.neighbour_steps < 1:
            raise CombwiseError(
                f"neighbours is {self.neighbours} and neighbour_steps {self.neighbour_steps}; "
                "expected 1 .. 32 and at least 1"
            )
