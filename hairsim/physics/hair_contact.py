# pyright: reportInvalidTypeForm=false, reportArgumentType=false, reportOperatorIssue=false, reportIndexIssue=false
"""Hair against hair: repulsion that keeps volume, Coulomb friction that holds.

Each vertex remembers up to K touching vertices of other strands, and for each the offset at which their
friction is unloaded (a persistent anchor). Friction is a spring about that offset which yields at the
Coulomb limit: hair at rest holds as an elastic body, so it does not creep, and a combed style stays. Guides
are bundles lying side by side, so distance is measured across the strand, within half an edge along it
(line contact).
"""

from __future__ import annotations

import warp as wp

from hairsim.physics.arrays import ContactModel, RodModel, RodState, Workspace
from hairsim.physics.formulas import friction_stiffness


@wp.func
def across_strand(offset: wp.vec3, tangent: wp.vec3, half_edge: float) -> wp.vec3:
    """Offset [m] less its part along the strand, as far as that lies within half an edge."""
    along = wp.clamp(wp.dot(offset, tangent), -half_edge, half_edge)
    return offset - tangent * along


@wp.kernel
def spread_worlds(
    first: int,
    # model
    rod: RodModel,
    # state in
    state: RodState,
    # out
    points: wp.array(dtype=wp.vec3),
):
    """Lay all vertices out for the hash grid, one metre of x between worlds."""
    strand = first + wp.tid()
    world = strand // rod.strands_per_world
    for v in range(rod.vertices):
        points[strand * rod.vertices + v] = state.position[strand, v] + wp.vec3(float(world), 0.0, 0.0)


@wp.kernel
def find_neighbours(
    first: int,
    # model
    rod: RodModel,
    contact: ContactModel,
    grid: wp.uint64,
    points: wp.array(dtype=wp.vec3),
    reach: float,
    # state in
    old_neighbour: wp.array3d(dtype=int),
    old_offset: wp.array3d(dtype=wp.vec3),
    # state out
    neighbour: wp.array3d(dtype=int),
    neighbour_offset: wp.array3d(dtype=wp.vec3),
    # workspace
    distance: wp.array3d(dtype=float),
):
    """Fill K slots: neighbours that still touch keep their slot and their anchor, the nearest others follow.

    Taking the K nearest anew each time would drop loaded anchors and let the hair creep.
    """
    strand = first + wp.tid()
    half_edge = 0.5 * rod.edge_length[strand]
    limit = 2.0 * contact.hair_distance
    for v in range(2, rod.vertices):
        point = points[strand * rod.vertices + v]
        tangent = wp.normalize(point - points[strand * rod.vertices + v - 1])
        kept = int(0)
        for old in range(contact.neighbours):
            index = old_neighbour[strand, v, old]
            if index < 0:
                break
            if wp.length(across_strand(point - points[index], tangent, half_edge)) <= limit:
                neighbour[strand, v, kept] = index
                neighbour_offset[strand, v, kept] = old_offset[strand, v, old]
                kept = kept + 1
        count = kept
        query = wp.hash_grid_query(grid, point, reach)
        index = int(0)
        while kept < contact.neighbours and wp.hash_grid_query_next(query, index):
            if index // rod.vertices == strand:
                continue
            offset = point - points[index]
            far = wp.length(across_strand(offset, tangent, half_edge))
            if wp.length(offset) > reach or far > limit:
                continue
            known = bool(False)
            for slot in range(kept):
                known = known or neighbour[strand, v, slot] == index
            if known:
                continue
            slot = count
            if count == contact.neighbours:
                if far >= distance[strand, v, count - 1]:
                    continue
                slot = count - 1
            else:
                count = count + 1
            while slot > kept and distance[strand, v, slot - 1] > far:
                distance[strand, v, slot] = distance[strand, v, slot - 1]
                neighbour[strand, v, slot] = neighbour[strand, v, slot - 1]
                slot = slot - 1
            distance[strand, v, slot] = far
            neighbour[strand, v, slot] = index
        for slot in range(kept, contact.neighbours):
            if slot < count:
                neighbour_offset[strand, v, slot] = point - points[neighbour[strand, v, slot]]
            else:
                neighbour[strand, v, slot] = -1


@wp.kernel
def press_on_hair(
    first: int,
    # model
    rod: RodModel,
    contact: ContactModel,
    # state in
    state: RodState,
    # workspace
    work: Workspace,
):
    """Add repulsion and friction of remembered neighbours to the contact sums.

    The neighbour is taken where it is predicted, so strands stay independent solves. Both of a pair answer
    the same offset, hence twice its stiffness in each: with once, a pair overshoots and jitters for ever.
    """
    strand = first + wp.tid()
    half_edge = 0.5 * rod.edge_length[strand]
    identity = wp.identity(n=3, dtype=float)
    for v in range(2, rod.vertices):
        point = work.predicted[strand, v]
        tangent = wp.normalize(point - work.predicted[strand, v - 1])
        force = work.force[strand, v]
        stiffness = work.stiffness[strand, v]
        for slot in range(contact.neighbours):
            other = state.neighbour[strand, v, slot]
            if other < 0:
                break
            offset = point - work.predicted[other // rod.vertices, other % rod.vertices]
            across = across_strand(offset, tangent, half_edge)
            distance = wp.length(across)
            if distance > 2.0 * contact.hair_distance:
                continue
            normal = across / wp.max(distance, 1.0e-6)
            push = contact.hair_stiffness * wp.max(contact.hair_distance - distance, 0.0)
            touch = contact.cohesion * wp.min(2.0 - distance / contact.hair_distance, 1.0)
            away = offset - state.neighbour_offset[strand, v, slot]
            away = away - normal * wp.dot(normal, away)
            hold = friction_stiffness(contact.hair_friction, push + touch, wp.length(away), contact.hair_slip)
            force = force + normal * push - away * hold
            stiffness = stiffness + identity * (2.0 * hold)
            if push > 0.0:
                stiffness = stiffness + wp.outer(normal, normal) * (2.0 * contact.hair_stiffness)
        work.force[strand, v] = force
        work.stiffness[strand, v] = stiffness


@wp.kernel
def settle_on_hair(
    first: int,
    # model
    rod: RodModel,
    contact: ContactModel,
    # state in, out
    state: RodState,
):
    """Let anchors slip where friction between neighbours yielded."""
    strand = first + wp.tid()
    half_edge = 0.5 * rod.edge_length[strand]
    for v in range(2, rod.vertices):
        point = state.position[strand, v]
        tangent = wp.normalize(point - state.position[strand, v - 1])
        for slot in range(contact.neighbours):
            other = state.neighbour[strand, v, slot]
            if other < 0:
                break
            offset = point - state.position[other // rod.vertices, other % rod.vertices]
            across = across_strand(offset, tangent, half_edge)
            distance = wp.length(across)
            normal = across / wp.max(distance, 1.0e-6)
            away = offset - state.neighbour_offset[strand, v, slot]
            away = away - normal * wp.dot(normal, away)
            slipped = wp.length(away)
            if distance > 2.0 * contact.hair_distance:
                away = away * 0.0
            elif slipped > contact.hair_slip:
                away = away * (contact.hair_slip / slipped)
            state.neighbour_offset[strand, v, slot] = offset - away
