"""Bringing a groom's roots to the skin as a whole: a shift, and a stretch when made on another head."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from hairsim.head.head import Head

OFF_THE_SKIN = 0.004
"""Seated roots of which a tenth lies further from the skin than this [m] belong to another head."""

LEAST_SCALE, MOST_SCALE = 0.75, 1.33
"""Bounds of the stretch: from a child's head to the largest adult's on the built-in head, and back."""

STIFFNESS = 0.02
"""Resistance to stretching: roots on one side of a head do not say how deep it is."""


@dataclass(frozen=True)
class HeadFit:
    """A stretch about a centre and a shift that bring one head's groom onto another.

    Attributes:
        centre: [3] [m], about which it is stretched.
        scale: [3] along x, y, z.
        shift: [3] [m], afterwards.
    """

    centre: np.ndarray
    scale: np.ndarray
    shift: np.ndarray

    def apply(self, points: np.ndarray) -> np.ndarray:
        """Return points [..., 3] [m] of the groom on the other head."""
        return self.centre + self.scale * (points - self.centre) + self.shift


def seating(head: Head, roots: np.ndarray) -> np.ndarray:
    """Return the shift [3] [m] that brings roots [N, 3] nearest to the skin: Gauss-Newton on distances."""
    shift = np.zeros(3)
    for _ in range(10):
        distance = head.field.sample(roots + shift)
        normal = head.field.gradient(roots + shift)
        trust = 1.0 / np.maximum(np.abs(distance), 0.002)  # least absolute values: strays do not count much
        weighted = normal * trust[:, None]
        shift = shift - np.linalg.solve(weighted.T @ normal + 1e-3 * np.eye(3), weighted.T @ distance)
    return shift


def fitted_to_head(head: Head, roots: np.ndarray) -> HeadFit | None:
    """Return the stretch and shift that bring seated roots [N, 3] [m] of another head onto this one.

    Gauss-Newton as in `seating`, with three scales more, held near one.

    Returns:
        None when the roots fit as they are, or stretching does not bring them nearer.
    """
    before = _off_the_skin(head, roots)
    if before <= OFF_THE_SKIN:
        return None
    centre = np.asarray(head.centre)
    arm = roots - centre
    stiffness = STIFFNESS * len(roots) * np.diag([0.0, 0.0, 0.0, 1.0, 1.0, 1.0])
    change = np.zeros(6)  # shift [m], then stretch less one
    for _ in range(20):
        points = centre + (1.0 + change[3:]) * arm + change[:3]
        distance = head.field.sample(points)
        normal = head.field.gradient(points)
        slope = np.concatenate([normal, normal * arm], axis=1)
        weighted = slope / np.maximum(np.abs(distance), 0.002)[:, None]
        normal_matrix = weighted.T @ slope + stiffness + 1e-3 * np.eye(6)
        change = change - np.linalg.solve(normal_matrix, weighted.T @ distance + stiffness @ change)
        change[3:] = np.clip(change[3:], LEAST_SCALE - 1.0, MOST_SCALE - 1.0)
    fit = HeadFit(centre, 1.0 + change[3:], change[:3])
    return fit if _off_the_skin(head, fit.apply(roots)) < before else None


def _off_the_skin(head: Head, roots: np.ndarray) -> float:
    """Return how far the worst tenth of the roots lies from the skin at least [m]."""
    return float(np.quantile(np.abs(head.field.sample(roots)), 0.9))
