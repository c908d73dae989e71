"""Sag-free start: how much elastic turn a groom needs at every vertex to carry its own weight.

Skin carries what it can: of a vertex that lies on it, the weight that presses on the skin, and of the rest as
much as friction holds. What is left must be carried by bending, and the rest shape is turned back by as much,
up to a bound: long hair would need a rest shape that no hair has. Hair that lies on hair is not counted.
"""

from __future__ import annotations

import numpy as np

from hairsim.head.head import Head
from hairsim.physics.config import PhysicsConfig
from hairsim.physics.material import Material


def skin_below_strands(head: Head, strands: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return heights above the skin [S, V] [m] and outward normals [S, V, 3] of strands [S, V, 3] [m]."""
    return head.field.sample(strands), head.field.gradient(strands)


def unsupported_weight(
    weight: np.ndarray, height: np.ndarray, normal: np.ndarray, friction: float, layer: float
) -> np.ndarray:
    """Return what is left of weights [S, V, 3] [N] when the skin has carried what it can.

    Args:
        weight: of every vertex.
        height: above the skin [S, V] [m].
        normal: outward, [S, V, 3].
        friction: Coulomb coefficient of hair on skin.
        layer: height at which skin begins to carry [m].
    """
    pressing = np.sum(weight * normal, axis=-1, keepdims=True)
    along = weight - pressing * normal
    pull = np.linalg.norm(along, axis=-1, keepdims=True)
    slipping = np.maximum(pull + friction * np.minimum(pressing, 0.0), 0.0)
    resting = along * slipping / np.maximum(pull, 1e-30)
    carried = (height[..., None] < layer) & (pressing < 0.0)
    return np.where(carried, resting, weight)


def elastic_turns(
    strands: np.ndarray, height: np.ndarray, normal: np.ndarray, material: Material, config: PhysicsConfig
) -> np.ndarray:
    """Return the turn [S, V, 3] [rad] between edges that carries the groom's weight, bounded, head frame.

    In equilibrium the bending moment at a vertex is that of all weight further out,
    E I / l (phi - phi_rest) = M_v = sum_(u > v) (x_u - x_v) x f_u, less its part along the strand.

    Args:
        strands: [S, V, 3] [m] of even edges.
        height, normal: of every vertex above the skin, [S, V] [m] and [S, V, 3].
        material: of the hair.
        config: gravity, and the bound `rest_turn_limit`.
    """
    edges = np.diff(strands, axis=1)
    length = np.linalg.norm(edges[:, 0], axis=-1)
    mass = np.full(strands.shape[:2], material.linear_density) * length[:, None]
    mass[:, -1] *= 0.5
    weight = mass[..., None] * np.asarray(config.gravity)
    force = unsupported_weight(weight, height, normal, material.friction_skin, config.skin_layer)
    beyond = np.cumsum(force[:, ::-1], axis=1)[:, ::-1]  # force on a vertex and all further out
    turns = np.zeros_like(strands)
    moment = np.zeros_like(strands[:, 0])
    tangent = edges / length[:, None, None]
    for v in range(strands.shape[1] - 2, 0, -1):
        moment = moment + np.cross(edges[:, v], beyond[:, v + 1])
        mean = tangent[:, v - 1] + tangent[:, v]
        mean = mean / np.maximum(np.linalg.norm(mean, axis=-1, keepdims=True), 1e-9)
        across = moment - np.sum(moment * mean, axis=-1, keepdims=True) * mean
        turn = across * (length / material.bending_stiffness)[:, None]
        size = np.linalg.norm(turn, axis=-1, keepdims=True)
        turns[:, v] = turn * np.minimum(1.0, config.rest_turn_limit / np.maximum(size, 1e-12))
    return turns
