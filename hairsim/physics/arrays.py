# pyright: reportInvalidTypeForm=false, reportUnknownMemberType=false
"""The solver's three kinds of data, never mixed: model (constants), state (what evolves), workspace.

N is the number of strands of all worlds together, world by world; V vertices a strand. Everything is per
single hair. Vertices 0 and 1 of a strand are held by the follicle.
"""

from __future__ import annotations

import warp as wp


@wp.struct
class RodModel:
    """Constants of the strands and of the laws that act on them."""

    vertices: int  # V
    strands_per_world: int  # S
    time_step: float  # [s]
    gravity: wp.vec3  # [m/s^2]
    wind: wp.vec3  # of the air, head frame [m/s]
    air_drag: wp.array(dtype=float)  # [W] [1/s]
    stretch_stiffness: float  # [N]
    bending_stiffness: wp.array(dtype=float)  # [W] the softer way [N m^2]
    bending_excess: wp.array(dtype=float)  # [W] how much stiffer the harder way is [N m^2]; 0 for round hair
    twisting_stiffness: wp.array(dtype=float)  # [W] [N m^2]
    twists: int  # 0: edges are never turned about their own axes
    tips_held: int  # 1: the last edge keeps its angle of twist
    linear_density: wp.array(dtype=float)  # [W] [kg/m]
    speed_limit: float  # [m/s]
    projections: int  # of too long edges on their lengths in a step, at most
    edge_length: wp.array(dtype=float)  # [N] every edge of a strand is equally long [m]
    root_tangent: wp.array(dtype=wp.vec3)  # [N] direction of the held edge
    rest_curvature: wp.array2d(
        dtype=wp.vec3
    )  # [N, V] rotation between edges, in the frame of the edge before
    root_frame: wp.array(dtype=wp.quat)  # [N] frame of the held edge
    narrow_axis: wp.array(dtype=wp.vec3)  # [N] of the section, across the held edge, in its frame


@wp.struct
class ContactModel:
    """Constants of contact and friction."""

    skin_layer: float
    skin_hard: float
    skin_lowest: float
    skin_soft_stiffness: float
    skin_hard_stiffness: float
    skin_slip: float
    skin_friction: wp.array(dtype=float)  # [W]
    hair_distance: wp.array(dtype=float)  # [W] at which guides touch [m]
    hair_stiffness: float
    hair_soft: int
    hair_reach: float
    hair_slip: float
    hair_drag: float  # per distance slid in a step [N/m^2]
    hair_friction: wp.array(dtype=float)  # [W]
    cohesion: wp.array(dtype=float)  # [W] [N]
    neighbours: int
    comb_stiffness: float
    comb_slip: float
    comb_slack: float  # [m]
    comb_friction: wp.array(dtype=float)  # [W]
    comb_reach: float  # strand radius [m]
    head_origin: wp.vec3  # of the distance fields [m]
    head_spacing: float  # [m]
    head: wp.array(dtype=int)  # [W] which of the distance fields
    head_distance: wp.array4d(dtype=float)  # [heads, X, Y, Z] signed distance to the skin [m]


@wp.struct
class TieModel:
    """Hair ties: where each strand passes one, and what the ties can hold."""

    vertex: wp.array(dtype=int)  # [N] that the tie holds, -1 where a strand passes none
    place: wp.array(dtype=wp.vec3)  # [N] where it holds it [m]
    stiffness: float  # [N/m]
    grip: float  # most that it holds a hair with [N]
    reach: float  # hair further than this from its place has left the tie [m]


@wp.struct
class RodState:
    """What evolves from step to step."""

    position: wp.array2d(dtype=wp.vec3)  # [N, V] [m]
    velocity: wp.array2d(dtype=wp.vec3)  # [N, V] [m/s]
    tension: wp.array2d(dtype=float)  # [N, V] of the edge that starts at the vertex [N]
    twist: wp.array2d(dtype=float)  # [N, V] angle of the edge that starts at the vertex [rad], unwrapped
    skin_anchor: wp.array2d(dtype=wp.vec3)  # [N, V] where friction holds the vertex [m]
    skin_height: wp.array2d(dtype=float)  # [N, V] above the skin, beyond the layer a lower bound [m]
    skin_normal: wp.array2d(dtype=float)  # [N, V] normal force of the last step [N]
    comb_normal: wp.array2d(dtype=float)  # [N, V] of the edge that starts at the vertex [N]
    neighbour: wp.array3d(dtype=int)  # [N, V, K] flat vertex index, -1 where none
    neighbour_offset: wp.array3d(dtype=wp.vec3)  # [N, V, K] offset at which friction is unloaded [m]


@wp.struct
class Workspace:
    """Scratch of one step: contact forces linearised at the predicted positions, and the factors."""

    predicted: wp.array2d(dtype=wp.vec3)  # [N, V] position + velocity * step [m]
    tangent: wp.array2d(dtype=wp.vec3)  # [N, V] unit, of the strand at a vertex, at the prediction
    turn: wp.array2d(dtype=wp.vec3)  # [N, V] from the edge before a vertex to the one after, there [rad]
    frame: wp.array2d(dtype=wp.quat)  # [N, V] twist-free, of the edge that starts at the vertex, there
    force: wp.array2d(dtype=wp.vec3)  # [N, V] skin and hair contact at the prediction [N]
    stiffness: wp.array2d(dtype=wp.mat33)  # [N, V] minus its derivative [N/m]
    comb_force: wp.array2d(dtype=wp.vec3)  # [N, V] the same from the comb
    comb_stiffness: wp.array2d(dtype=wp.mat33)
    comb_coupling: wp.array2d(dtype=wp.mat33)  # [N, V] between a vertex and the next
    comb_direction: wp.array2d(dtype=wp.vec3)  # [N, V] normal of the edge's deepest comb contact
    comb_share: wp.array2d(
        dtype=wp.vec3
    )  # [N, V] (weight of vertex, of the next, normal force at prediction)
    correction: wp.array2d(dtype=wp.vec3)  # [N, V] new position - predicted [m]
    factor: wp.array2d(dtype=wp.mat33d)  # [N, V] sub-diagonal block of L
    pivot_inverse: wp.array2d(dtype=wp.mat33d)  # [N, V] inverse diagonal block of D
    residual: wp.array2d(dtype=wp.vec3)  # [N, V] right-hand side [N]
    forward: wp.array2d(dtype=wp.vec3d)  # [N, V] the same, forward-substituted
    sweep_factor: wp.array2d(dtype=float)  # [N, V] of a scalar sweep over a strand's edges
    sweep_forward: wp.array2d(dtype=float)  # [N, V]
    comb_reaction: wp.array(dtype=wp.vec3)  # [N] force of a strand on the comb [N]
    comb_torque: wp.array(dtype=wp.vec3)  # [N] its moment about the head's origin [N m]
    awake: wp.array(dtype=int)  # [W] 0: the hair of the world waits, and nothing of it changes


@wp.struct
class CombMotion:
    """Capsules of the combs at every step of a stroke, head frame."""

    start: wp.array3d(dtype=wp.vec3)  # [T, W, C] [m]
    end: wp.array3d(dtype=wp.vec3)  # [T, W, C] [m]
    radius: wp.array2d(dtype=float)  # [W, C] [m]
    count: wp.array(dtype=int)  # [W] capsules of the world's comb; those beyond are left out
    centre: wp.array2d(dtype=wp.vec3)  # [T, W] of a sphere around all capsules [m]
    reach: wp.array(dtype=float)  # [W] its radius [m]


@wp.struct
class HeadMotion:
    """What hair feels of its head's motion at every step, head frame."""

    weight: wp.array2d(dtype=wp.vec3)  # [T, W] gravity less the acceleration of the head [m/s^2]
    air: wp.array2d(dtype=wp.vec3)  # [T, W] wind less the velocity of the head [m/s]
    spin: wp.array2d(dtype=wp.vec3)  # [T, W] angular velocity [rad/s]
    spin_change: wp.array2d(dtype=wp.vec3)  # [T, W] angular acceleration [rad/s^2]
