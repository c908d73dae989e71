"""Allocates the solver's arrays for a batch of grooms on heads."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace
from typing import Any

import numpy as np
import warp as wp

from hairsim.errors import CombwiseError
from hairsim.groom.groom import Groom
from hairsim.head.head import DistanceField, Head
from hairsim.physics.arrays import ContactModel, RodModel, RodState, TieModel, Workspace
from hairsim.physics.config import PhysicsConfig
from hairsim.physics.layout import per_vertex, zeros_per_vertex
from hairsim.physics.material import Material
from hairsim.physics.sag_free import elastic_turns, skin_below_strands


def even_edges(strands: np.ndarray) -> np.ndarray:
    """Return strands [S, V, 3] whose edges are all as long as the strand's mean edge, from the root out."""
    edges = np.diff(strands.astype(np.float64), axis=1)
    lengths = np.linalg.norm(edges, axis=-1, keepdims=True)
    if (lengths < 1e-6).any():
        raise CombwiseError("a groom has duplicate points on a strand; expected edges of at least 1 um")
    edges = edges / lengths * lengths.mean(axis=1, keepdims=True)
    return np.concatenate([strands[:, :1], strands[:, :1] + np.cumsum(edges, axis=1)], axis=1)


def rest_curvatures(strands: np.ndarray, held: np.ndarray | None = None) -> tuple[np.ndarray, np.ndarray]:
    """Return rest curvature [S, V, 3] [rad], each in the twist-free frame of the edge before its vertex, and
    the frames of the held edges [S, 4] (identity: any frame will do, rest and motion start from the same).

    `held` [S, V, 3] [rad] is the part of each turn, head frame, that is not at rest but holds a load.

    Mirrors `formulas.curvature_between` and `formulas.shortest_rotation` in NumPy.
    """
    tangent = np.diff(strands, axis=1)
    tangent = tangent / np.linalg.norm(tangent, axis=-1, keepdims=True)
    count, vertices = strands.shape[:2]
    curvature = np.zeros((count, vertices, 3))
    frame = np.tile([0.0, 0.0, 0.0, 1.0], (count, 1))
    root_frame = frame.copy()
    for v in range(1, vertices - 1):
        before, after = tangent[:, v - 1], tangent[:, v]
        axis = np.cross(before, after)
        sine = np.linalg.norm(axis, axis=-1)
        cosine = np.sum(before * after, axis=-1)
        scale = np.where(sine > 1e-6, np.arctan2(sine, cosine) / np.maximum(sine, 1e-9), 1.0)
        turn = axis * scale[:, None]
        if held is not None:
            turn = turn - held[:, v]
        curvature[:, v] = _rotate_inverse(frame, turn)
        turn = np.concatenate([axis, 1.0 + cosine[:, None]], axis=-1)
        turn = np.where((1.0 + cosine)[:, None] < 1e-5, [0.0, 0.0, 0.0, 1.0], turn)
        frame = _multiply(turn / np.linalg.norm(turn, axis=-1, keepdims=True), frame)
    return curvature, root_frame


def upright_axes(tangent: np.ndarray) -> np.ndarray:
    """Return unit vectors [S, 3] across unit tangents [S, 3], as near to z as may be, else to x."""
    flat = np.abs(tangent[:, 2]) < 0.99
    up = np.where(flat[:, None], [0.0, 0.0, 1.0], [1.0, 0.0, 0.0])
    across = up - np.sum(up * tangent, axis=-1, keepdims=True) * tangent
    return across / np.linalg.norm(across, axis=-1, keepdims=True)


def _multiply(a: np.ndarray, b: np.ndarray) -> np.ndarray:
    av, aw, bv, bw = a[:, :3], a[:, 3:], b[:, :3], b[:, 3:]
    return np.concatenate(
        [aw * bv + bw * av + np.cross(av, bv), aw * bw - np.sum(av * bv, axis=-1, keepdims=True)], axis=-1
    )


def _rotate_inverse(q: np.ndarray, v: np.ndarray) -> np.ndarray:
    u = -q[:, :3]
    return v + 2.0 * np.cross(u, np.cross(u, v) + q[:, 3:] * v)


def different_heads(heads: Sequence[Head]) -> tuple[list[Head], list[int]]:
    """Return the heads of different distance fields, and which of them is each world's."""
    numbers: dict[int, int] = {}
    which = [numbers.setdefault(id(head.field.values), len(numbers)) for head in heads]
    return [heads[which.index(number)] for number in range(len(numbers))], which


def common_fields(heads: Sequence[Head]) -> tuple[np.ndarray, tuple[float, float, float], float]:
    """Return the heads' distance fields [heads, X, Y, Z] on one grid, its origin and spacing [m]."""
    field = heads[0].field
    if all(h.field.origin == field.origin and h.field.values.shape == field.values.shape for h in heads):
        return np.stack([h.field.values for h in heads]), field.origin, field.spacing
    low = np.min([h.field.origin for h in heads], axis=0)
    high = np.max(
        [
            np.asarray(h.field.origin) + h.field.spacing * (np.asarray(h.field.values.shape) - 1)
            for h in heads
        ],
        axis=0,
    )
    spacing = min(h.field.spacing for h in heads)
    shape = np.ceil((high - low) / spacing).astype(int) + 1
    axes = [low[a] + spacing * np.arange(shape[a]) for a in range(3)]
    points = np.stack(np.meshgrid(*axes, indexing="ij"), axis=-1)
    values = np.stack([h.field.sample(points) for h in heads]).astype(np.float32)
    common = DistanceField(values[0], (float(low[0]), float(low[1]), float(low[2])), spacing)
    return values, common.origin, common.spacing


def make_models(
    heads: Sequence[Head],
    grooms: Sequence[Groom],
    materials: Sequence[Material],
    config: PhysicsConfig,
    device: str,
) -> tuple[Any, Any]:
    """Return the `RodModel` and the `ContactModel` of a batch on `device`; one of each per world."""

    def per_world(values: Iterable[float]) -> Any:
        return wp.array(list(values), dtype=float, device=device)

    strands = np.concatenate([even_edges(g.strands) for g in grooms])
    edge = np.linalg.norm(strands[:, 1] - strands[:, 0], axis=-1)
    held = None
    if config.rest_turn_limit > 0.0:
        held = np.concatenate(
            [
                elastic_turns(hair, *skin_below_strands(head, hair), material, config)
                for head, hair, material in zip(heads, np.split(strands, len(heads)), materials, strict=True)
            ]
        )
    curvature, root_frame = rest_curvatures(strands, held)
    rod = RodModel()
    rod.vertices = strands.shape[1]
    rod.strands_per_world = len(grooms[0].strands)
    rod.time_step = config.time_step
    rod.gravity = wp.vec3(*config.gravity)
    rod.wind = wp.vec3(*config.wind)
    rod.air_drag = per_world(m.air_drag for m in materials)
    rod.stretch_stiffness = config.stretch_stiffness
    rod.bending_stiffness = per_world(m.bending_stiffness for m in materials)
    rod.bending_excess = per_world(m.hard_bending_stiffness - m.bending_stiffness for m in materials)
    rod.twisting_stiffness = per_world(m.twisting_stiffness for m in materials)
    rod.twists = int(config.twist)
    rod.tips_held = 0
    rod.linear_density = per_world(m.linear_density for m in materials)
    rod.speed_limit = config.speed_limit
    rod.projections = config.projections
    rod.edge_length = wp.array(edge.astype(np.float32), dtype=float, device=device)
    tangent = (strands[:, 1] - strands[:, 0]) / edge[:, None]
    rod.root_tangent = wp.array(tangent.astype(np.float32), dtype=wp.vec3, device=device)
    rod.rest_curvature = per_vertex(curvature.astype(np.float32), wp.vec3, device)
    rod.root_frame = wp.array(root_frame.astype(np.float32), dtype=wp.quat, device=device)
    rod.narrow_axis = wp.array(upright_axes(tangent).astype(np.float32), dtype=wp.vec3, device=device)

    different, which = different_heads(heads)
    values, origin, spacing = common_fields(different)
    contact = ContactModel()
    contact.skin_layer = config.skin_layer
    contact.skin_hard = config.skin_hard
    contact.skin_lowest = config.skin_lowest
    contact.skin_soft_stiffness = config.skin_soft_stiffness
    contact.skin_hard_stiffness = config.skin_hard_stiffness
    contact.skin_slip = config.skin_slip
    contact.skin_friction = per_world(m.friction_skin for m in materials)
    contact.hair_distance = per_world(config.hair_distance * groom.bundle_radius for groom in grooms)
    contact.hair_stiffness = config.hair_stiffness
    contact.hair_soft = int(config.hair_soft)
    contact.hair_reach = config.hair_reach
    contact.hair_slip = config.hair_slip
    contact.hair_drag = config.hair_drag / config.time_step**2
    contact.hair_friction = per_world(m.friction_hair for m in materials)
    contact.cohesion = per_world(m.cohesion for m in materials)
    contact.neighbours = config.neighbours
    contact.comb_stiffness = config.comb_stiffness
    contact.comb_slip = config.comb_slip
    contact.comb_slack = config.comb_slack
    contact.comb_friction = per_world(m.friction_comb for m in materials)
    contact.comb_reach = config.hair_thickness
    contact.head_origin = wp.vec3(*origin)
    contact.head_spacing = spacing
    contact.head = wp.array(which, dtype=int, device=device)
    contact.head_distance = wp.array(values.astype(np.float32), dtype=float, device=device)
    return rod, contact


def make_ties(grooms: Sequence[Groom], strands: np.ndarray, config: PhysicsConfig, device: str) -> Any | None:
    """Return the `TieModel` of a batch whose strands start at [N, V, 3] [m]; None where no groom is tied."""
    vertex = np.concatenate(
        [np.full(len(g.strands), -1) if g.tied_at is None else g.tied_at for g in grooms]
    ).astype(np.int32)
    if (vertex < 0).all():
        return None
    tie = TieModel()
    tie.vertex = wp.array(vertex, dtype=int, device=device)
    place = strands[np.arange(len(vertex)), np.maximum(vertex, 0)].astype(np.float32)
    tie.place = wp.array(place, dtype=wp.vec3, device=device)
    tie.stiffness, tie.grip, tie.reach = config.tie_stiffness, config.tie_grip, config.tie_reach
    return tie


def make_state(strands: np.ndarray, height: np.ndarray, config: PhysicsConfig, device: str) -> Any:
    """Return a `RodState` at rest at `strands` [N, V, 3] [m], `height` [N, V] [m] above the skin."""
    shape = strands.shape[:2]
    state = RodState()
    state.position = per_vertex(strands.astype(np.float32), wp.vec3, device)
    state.velocity = zeros_per_vertex(shape, wp.vec3, device)
    state.tension = zeros_per_vertex(shape, float, device)
    state.twist = zeros_per_vertex(shape, float, device)
    state.skin_anchor = per_vertex(strands.astype(np.float32), wp.vec3, device)
    state.skin_height = per_vertex(height.astype(np.float32), float, device)
    state.skin_normal = zeros_per_vertex(shape, float, device)
    state.comb_normal = zeros_per_vertex(shape, float, device)
    state.neighbour = zeros_per_vertex((*shape, config.neighbours), int, device)
    state.neighbour.fill_(-1)
    state.neighbour_offset = zeros_per_vertex((*shape, config.neighbours), wp.vec3, device)
    return state


def make_workspace(worlds: int, shape: tuple[int, int], device: str) -> Any:
    """Return a zeroed `Workspace` for N x V vertices of W worlds, all of them awake."""
    work = Workspace()
    for name in (
        "predicted",
        "tangent",
        "turn",
        "force",
        "comb_force",
        "comb_direction",
        "comb_share",
        "correction",
        "residual",
    ):
        setattr(work, name, zeros_per_vertex(shape, wp.vec3, device))
    for name in ("stiffness", "comb_stiffness", "comb_coupling"):
        setattr(work, name, zeros_per_vertex(shape, wp.mat33, device))
    for name in ("factor", "pivot_inverse"):
        setattr(work, name, zeros_per_vertex(shape, wp.mat33d, device))
    work.frame = zeros_per_vertex(shape, wp.quat, device)
    work.forward = zeros_per_vertex(shape, wp.vec3d, device)
    for name in ("sweep_factor", "sweep_forward"):
        setattr(work, name, zeros_per_vertex(shape, float, device))
    work.comb_reaction = wp.zeros(shape[0], dtype=wp.vec3, device=device)
    work.comb_torque = wp.zeros(shape[0], dtype=wp.vec3, device=device)
    work.awake = wp.full(worlds, 1, dtype=int, device=device)
    return work


def free_of_skin(groom: Groom, head: Head, *, clearance: float = 0.0006) -> Groom:
    """Return the groom with vertices from the second on pushed out to `clearance` [m] above the skin."""
    strands = groom.strands.astype(np.float64)
    for _ in range(3):
        height = head.field.sample(strands)
        lift = np.maximum(clearance - height, 0.0)
        lift[:, 0] = 0.0
        strands = strands + lift[..., None] * head.field.gradient(strands)
    return replace(groom, strands=strands.astype(np.float32))
