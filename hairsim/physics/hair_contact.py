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
from hairsim.physics.formulas import friction_stiffness, tangent_at

wp.set_module_options({"enable_backward": False})

ROUNDING = wp.constant(1.0e-5)
"""How much further a search looks than neighbours can be, as places in the grid are rounded [m]."""

HELD = wp.constant(1.1)
"""Dry hair within this many touching distances keeps its anchor, and its slot before any nearer hair."""


@wp.func
def across_strands(offset: wp.vec3, tangent: wp.vec3, other: wp.vec3, half_edge: float) -> wp.vec3:
    """Offset [m] of two vertices less its part along their strands, as far as that lies within half an edge.

    The strands' mean tangent counts by how parallel they are; strands that cross touch where vertices meet.
    """
    parallel = wp.dot(tangent, other)
    mean = tangent + other
    if parallel < 0.0:
        mean = tangent - other
        parallel = -parallel
    shorten = 1.0 / wp.sqrt(2.0 + 2.0 * parallel)  # 1 / |mean|
    along = wp.clamp(wp.dot(offset, mean) * shorten, -half_edge, half_edge)
    return offset - mean * (along * shorten * parallel)


@wp.func
def vertex_at(position: wp.array2d(dtype=wp.vec3), index: int) -> wp.vec3:
    """Return the position [m] of the vertex of a flat index."""
    strand = index // position.shape[1]
    return position[strand, index - strand * position.shape[1]]


@wp.func
def repulsion(contact: ContactModel, touching: float, distance: float) -> tuple[float, float]:
    """Return the push [N] of two vertices off each other, and how fast it falls with distance [N/m].

    It grows in proportion to how far they press in; soft, with the square: loose fibres give way at first and
    stiffen as they are packed [vanWyk1946].
    """
    pressed = touching - distance
    if contact.hair_soft == 0:
        return contact.hair_stiffness * pressed, contact.hair_stiffness
    slope = contact.hair_stiffness * wp.abs(pressed) / touching
    return slope * pressed, 2.0 * slope


@wp.func
def visited_before(a: wp.vec3, b: wp.vec3, first: int, second: int, cell: float) -> bool:
    """Return whether a search in one world alone meets vertex `first` at `a` [m] before `second` at `b`.

    It goes row by row over cells of width 1 / `cell` [m], and in a cell by number.
    """
    for axis in range(3):
        here = wp.floor(a[2 - axis] * cell)
        there = wp.floor(b[2 - axis] * cell)
        if here != there:
            return here < there
    return first < second


@wp.kernel
def spread_worlds(
    first: int,
    parts: int,
    # model
    rod: RodModel,
    # state in
    state: RodState,
    place: wp.array(dtype=wp.vec3),
    # out
    points: wp.array(dtype=wp.vec3),
    tangents: wp.array2d(dtype=wp.vec3),
):
    """Lay all vertices out for the hash grid, each world at its `place` [m], and take their tangents."""
    part, strand = wp.tid()
    strand = strand + first
    last = rod.vertices - 1
    world = strand // rod.strands_per_world
    for v in range(part, rod.vertices, parts):
        points[strand * rod.vertices + v] = state.position[strand, v] + place[world]
        tangents[strand, v] = tangent_at(state.position, strand, v, last)


@wp.kernel
def find_neighbours(
    first: int,
    parts: int,
    # model
    rod: RodModel,
    contact: ContactModel,
    grid: wp.uint64,
    points: wp.array(dtype=wp.vec3),
    place: wp.array(dtype=wp.vec3),
    reach: wp.array(dtype=float),
    searching: wp.array(dtype=int),
    # state in
    position: wp.array2d(dtype=wp.vec3),
    tangents: wp.array2d(dtype=wp.vec3),
    old_neighbour: wp.array3d(dtype=int),
    old_offset: wp.array3d(dtype=wp.vec3),
    # state out
    neighbour: wp.array3d(dtype=int),
    neighbour_offset: wp.array3d(dtype=wp.vec3),
    # workspace
    distance: wp.array3d(dtype=float),
):
    """Fill K slots: neighbours that still touch keep their slot and their anchor, the nearest others follow.

    Taking the K nearest anew each time would drop loaded anchors and let the hair creep. Keeping those that
    no longer touch would let hair that comes nearer sink in unseen, to be thrown out once a slot is free.
    Distances are those in the head frame, and of two equally near the one that a world alone would meet
    first comes first: what is found does not depend on where a world lies in the grid, nor on the worlds
    beside it.
    """
    part, strand = wp.tid()
    strand = strand + first
    world = strand // rod.strands_per_world
    if searching[world] == 0:
        return
    limit = contact.hair_reach * contact.hair_distance[world]
    keeping = limit
    if contact.cohesion[world] == 0.0:
        keeping = HELD * contact.hair_distance[world]
    near = reach[world] * reach[world]
    too_far = (reach[world] + ROUNDING) * (reach[world] + ROUNDING)
    cell = 1.0 / reach[world]
    last = strand - strand % rod.strands_per_world + rod.strands_per_world
    for v in range(2 + part, rod.vertices, parts):
        point = position[strand, v]
        tangent = tangents[strand, v]
        kept = int(0)
        for old in range(contact.neighbours):
            index = old_neighbour[strand, v, old]
            if index < 0:
                break
            other = index // rod.vertices
            there = index - other * rod.vertices
            heading = tangents[other, there]
            half_edge = 0.25 * (rod.edge_length[strand] + rod.edge_length[other])
            if (
                wp.length(across_strands(point - position[other, there], tangent, heading, half_edge))
                <= keeping
            ):
                neighbour[strand, v, kept] = index
                neighbour_offset[strand, v, kept] = old_offset[strand, v, old]
                kept = kept + 1
        count = kept
        placed = point + place[world]
        query = wp.hash_grid_query(grid, placed, reach[world] + ROUNDING)
        index = int(0)
        while kept < contact.neighbours and wp.hash_grid_query_next(query, index):
            if wp.length_sq(placed - points[index]) > too_far:  # most of what the cells hold
                continue
            other = index // rod.vertices
            if other == strand or other < last - rod.strands_per_world or other >= last:
                continue
            there = index - other * rod.vertices
            offset = point - position[other, there]
            if wp.length_sq(offset) > near:
                continue
            heading = tangents[other, there]
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
                if far > distance[strand, v, count - 1]:
                    continue
                slot = count - 1
                least = neighbour[strand, v, slot]
                if far == distance[strand, v, slot] and not visited_before(
                    position[other, there], vertex_at(position, least), index, least, cell
                ):
                    continue
            else:
                count = count + 1
            while slot > kept and distance[strand, v, slot - 1] >= far:
                nearer = neighbour[strand, v, slot - 1]
                if far == distance[strand, v, slot - 1] and not visited_before(
                    position[other, there], vertex_at(position, nearer), index, nearer, cell
                ):
                    break
                distance[strand, v, slot] = distance[strand, v, slot - 1]
                neighbour[strand, v, slot] = neighbour[strand, v, slot - 1]
                slot = slot - 1
            distance[strand, v, slot] = far
            neighbour[strand, v, slot] = index
        for slot in range(kept, contact.neighbours):
            if slot < count:
                neighbour_offset[strand, v, slot] = point - vertex_at(position, neighbour[strand, v, slot])
            else:
                neighbour[strand, v, slot] = -1


@wp.kernel
def keep_mutual(
    first: int,
    parts: int,
    # model
    rod: RodModel,
    contact: ContactModel,
    searching: wp.array(dtype=int),
    # state in
    found: wp.array3d(dtype=int),
    found_offset: wp.array3d(dtype=wp.vec3),
    # state out
    neighbour: wp.array3d(dtype=int),
    neighbour_offset: wp.array3d(dtype=wp.vec3),
):
    """Forget neighbours whose own slots were full of nearer ones; held vertices (0 and 1) keep no slots."""
    part, strand = wp.tid()
    strand = strand + first
    if searching[strand // rod.strands_per_world] == 0:
        return
    for v in range(2 + part, rod.vertices, parts):
        count = int(0)
        for slot in range(contact.neighbours):
            index = found[strand, v, slot]
            if index < 0:
                break
            other = index // rod.vertices
            place = index - other * rod.vertices
            mutual = bool(place < 2)
            for back in range(contact.neighbours):
                if mutual:
                    break
                mutual = found[other, place, back] == strand * rod.vertices + v
            if mutual:
                neighbour[strand, v, count] = index
                neighbour_offset[strand, v, count] = found_offset[strand, v, slot]
                count = count + 1
        for slot in range(count, contact.neighbours):
            neighbour[strand, v, slot] = -1


@wp.kernel
def press_on_hair(
    first: int,
    parts: int,
    # model
    rod: RodModel,
    contact: ContactModel,
    # state in, out
    state: RodState,
    # workspace
    work: Workspace,
):
    """Let anchors slip where friction yielded, and add repulsion and friction to the contact sums.

    The neighbour is taken where it is predicted, so strands stay independent solves. Both of a pair answer
    the same offset, hence twice its stiffness in each: with once, a pair overshoots and jitters for ever.

    A pair pushes where it touches as the step starts or is predicted to touch as it ends. Deciding by the
    prediction alone, hair hops: weight moves a vertex by 0.7 mm in a step, many times what it presses in.
    The hops made wavy hair tremble for ever. A pair that parts is held back for the one step: contact is
    inelastic.

    Drag grows with the square of the speed at which a pair slides, as stress in a dense flow of grains does
    [Bagnold1954]. Smoothing velocities is how guides are made a continuum [Petrovic2005]; in proportion to
    the speed, single hairs would sink as if through honey.
    """
    part, strand = wp.tid()
    strand = strand + first
    world = strand // rod.strands_per_world
    if work.awake[world] == 0:
        return
    touching = contact.hair_distance[world]
    cohesion = contact.cohesion[world]
    friction = contact.hair_friction[world]
    for v in range(2 + part, rod.vertices, parts):
        point = work.predicted[strand, v]
        start = state.position[strand, v]
        tangent = work.tangent[strand, v]
        force = work.force[strand, v]
        stiffness = work.stiffness[strand, v]
        holds = float(0.0)
        for slot in range(contact.neighbours):
            index = state.neighbour[strand, v, slot]
            if index < 0:
                break
            other = index // rod.vertices
            place = index - other * rod.vertices
            offset = point - work.predicted[other, place]
            now = start - state.position[other, place]
            heading = work.tangent[other, place]
            half_edge = 0.25 * (rod.edge_length[strand] + rod.edge_length[other])
            across = across_strands(offset, tangent, heading, half_edge)
            distance = wp.length(across)
            if distance > contact.hair_reach * touching:
                state.neighbour_offset[strand, v, slot] = now
                continue
            normal = across / wp.max(distance, 1.0e-6)
            touches = distance < touching
            gap = distance - touching - ROUNDING
            if not touches and (gap < 0.0 or gap * gap < wp.length_sq(offset - now)):
                # They may have touched: across strands, a pair moves no further than its vertices do.
                touches = wp.length(across_strands(now, tangent, heading, half_edge)) < touching
            push, hardness = float(0.0), float(0.0)
            if touches:
                push, hardness = repulsion(contact, touching, distance)
            load = wp.max(push, 0.0)
            share = wp.min((contact.hair_reach - distance / touching) / (contact.hair_reach - 1.0), 1.0)
            if cohesion > 0.0:
                load = load + cohesion * share
            held = now - state.neighbour_offset[strand, v, slot]
            held = held - normal * wp.dot(normal, held)
            slipped = wp.length_sq(held)
            if slipped > contact.hair_slip * contact.hair_slip:
                held = held * (contact.hair_slip / wp.sqrt(slipped))
            state.neighbour_offset[strand, v, slot] = now - held
            if touches:
                force = force + normal * push
                stiffness = stiffness + wp.outer(normal, normal) * (2.0 * hardness)
            if contact.hair_drag > 0.0:
                slide = offset - now
                drag = contact.hair_drag * wp.length(slide) * share
                force = force - slide * drag
                holds = holds + 2.0 * drag
            if load > 0.0:
                away = held + offset - now
                away = away - normal * wp.dot(normal, away)
                hold = friction_stiffness(friction, load, wp.length(away), contact.hair_slip)
                force = force - away * hold
                holds = holds + 2.0 * hold
        work.force[strand, v] = force
        work.stiffness[strand, v] = stiffness + wp.identity(n=3, dtype=float) * holds
