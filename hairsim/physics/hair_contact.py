# pyright: reportInvalidTypeForm=false, reportArgumentType=false, reportOperatorIssue=false, reportIndexIssue=false
"""Hair against hair: repulsion that keeps volume, Coulomb friction that holds.

Each vertex remembers up to K touching vertices of other strands, and for each the offset at which their
friction is unloaded (a persistent anchor). Friction is a spring about that offset which yields at the
Coulomb limit: hair at rest holds as an elastic body, so it does not creep, and a combed style stays. Guides
are bundles lying side by side, so distance is measured across the strands, within half an edge along them
(line contact).

Action equals reaction: the law of a pair is symmetric in its two vertices, and a pair is remembered by both
or by neither. Measured along one strand's own tangent, or remembered by one side alone, the forces of a pair
do not balance, and wavy hair wanders for ever (1 to 2 mm/s, against less than 0.05 mm/s).
"""

from __future__ import annotations

import warp as wp

from hairsim.physics.arrays import ContactModel, RodModel, RodState, Workspace
from hairsim.physics.formulas import friction_stiffness


@wp.func
def across_strands(offset: wp.vec3, tangent: wp.vec3, other: wp.vec3, half_edge: float) -> wp.vec3:
    """Offset [m] of two vertices less its part along their strands, as far as that lies within half an edge.

    The strands' mean tangent counts by how parallel they are; strands that cross touch where vertices meet.
    """
    parallel = wp.dot(tangent, other)
    mean = tangent + other
    if parallel < 0.0:
        mean = tangent - other
    mean = wp.normalize(mean)
    along = wp.clamp(wp.dot(offset, mean), -half_edge, half_edge)
    return offset - mean * (along * wp.abs(parallel))


@wp.func
def tangent_at(position: wp.array2d(dtype=wp.vec3), strand: int, v: int, last: int) -> wp.vec3:
    """Unit tangent at a vertex: from the vertex before to the one after."""
    return wp.normalize(position[strand, wp.min(v + 1, last)] - position[strand, wp.max(v - 1, 0)])


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
    position: wp.array2d(dtype=wp.vec3),
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
    last = rod.vertices - 1
    limit = 2.0 * contact.hair_distance[strand // rod.strands_per_world]
    for v in range(2, rod.vertices):
        point = points[strand * rod.vertices + v]
        tangent = tangent_at(position, strand, v, last)
        kept = int(0)
        for old in range(contact.neighbours):
            index = old_neighbour[strand, v, old]
            if index < 0:
                break
            other = index // rod.vertices
            heading = tangent_at(position, other, index % rod.vertices, last)
            half_edge = 0.25 * (rod.edge_length[strand] + rod.edge_length[other])
            if wp.length(across_strands(point - points[index], tangent, heading, half_edge)) <= limit:
                neighbour[strand, v, kept] = index
                neighbour_offset[strand, v, kept] = old_offset[strand, v, old]
                kept = kept + 1
        count = kept
        query = wp.hash_grid_query(grid, point, reach)
        index = int(0)
        while kept < contact.neighbours and wp.hash_grid_query_next(query, index):
            other = index // rod.vertices
            offset = point - points[index]
            if other == strand or wp.length(offset) > reach:
                continue
            heading = tangent_at(position, other, index % rod.vertices, last)
            half_edge = 0.25 * (rod.edge_length[strand] + rod.edge_length[other])
            far = wp.length(across_strands(offset, tangent, heading, half_edge))
            if far > limit:
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
def keep_mutual(
    first: int,
    # model
    rod: RodModel,
    contact: ContactModel,
    # state in
    found: wp.array3d(dtype=int),
    found_offset: wp.array3d(dtype=wp.vec3),
    # state out
    neighbour: wp.array3d(dtype=int),
    neighbour_offset: wp.array3d(dtype=wp.vec3),
):
    """Forget neighbours whose own slots were full of nearer ones; held vertices (0 and 1) keep no slots."""
    strand = first + wp.tid()
    for v in range(2, rod.vertices):
        count = int(0)
        for slot in range(contact.neighbours):
            index = found[strand, v, slot]
            if index < 0:
                break
            other = index // rod.vertices
            place = index % rod.vertices
            mutual = bool(place < 2)
            for back in range(contact.neighbours):
                mutual = mutual or found[other, place, back] == strand * rod.vertices + v
            if mutual:
                neighbour[strand, v, count] = index
                neighbour_offset[strand, v, count] = found_offset[strand, v, slot]
                count = count + 1
        for slot in range(count, contact.neighbours):
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
    last = rod.vertices - 1
    touching = contact.hair_distance[strand // rod.strands_per_world]
    identity = wp.identity(n=3, dtype=float)
    for v in range(2, rod.vertices):
        point = work.predicted[strand, v]
        tangent = tangent_at(work.predicted, strand, v, last)
        force = work.force[strand, v]
        stiffness = work.stiffness[strand, v]
        for slot in range(contact.neighbours):
            index = state.neighbour[strand, v, slot]
            if index < 0:
                break
            other = index // rod.vertices
            place = index % rod.vertices
            offset = point - work.predicted[other, place]
            heading = tangent_at(work.predicted, other, place, last)
            half_edge = 0.25 * (rod.edge_length[strand] + rod.edge_length[other])
            across = across_strands(offset, tangent, heading, half_edge)
            distance = wp.length(across)
            if distance > 2.0 * touching:
                continue
            normal = across / wp.max(distance, 1.0e-6)
            push = contact.hair_stiffness * wp.max(touching - distance, 0.0)
            touch = contact.cohesion * wp.min(2.0 - distance / touching, 1.0)
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
    last = rod.vertices - 1
    touching = contact.hair_distance[strand // rod.strands_per_world]
    for v in range(2, rod.vertices):
        point = state.position[strand, v]
        tangent = tangent_at(state.position, strand, v, last)
        for slot in range(contact.neighbours):
            index = state.neighbour[strand, v, slot]
            if index < 0:
                break
            other = index // rod.vertices
            place = index % rod.vertices
            offset = point - state.position[other, place]
            heading = tangent_at(state.position, other, place, last)
            half_edge = 0.25 * (rod.edge_length[strand] + rod.edge_length[other])
            across = across_strands(offset, tangent, heading, half_edge)
            distance = wp.length(across)
            normal = across / wp.max(distance, 1.0e-6)
            away = offset - state.neighbour_offset[strand, v, slot]
            away = away - normal * wp.dot(normal, away)
            slipped = wp.length(away)
            if distance > 2.0 * touching:
                away = away * 0.0
            elif slipped > contact.hair_slip:
                away = away * (contact.hair_slip / slipped)
            state.neighbour_offset[strand, v, slot] = offset - away
