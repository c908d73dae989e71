# pyright: reportInvalidTypeForm=false, reportArgumentType=false, reportOperatorIssue=false, reportIndexIssue=false
"""The rods: stretch, bending, inertia and every contact in one direct solve along each strand.

Implicit Euler, one Newton step from the predicted positions p = x + h v. The unknown is the correction d:

    (m / h^2 + m c / h) d + K(p) d = m g - m c v + F(p)

with m the mass of a vertex, c the air drag, F the internal and contact forces, and K minus their derivative.
Bending couples a vertex to the next two, so the matrix is block-pentadiagonal with 3 x 3 blocks, factorised
as L D L^T in one sweep a strand: linear in V, stiffness costs nothing, no iteration count to tune.

          v-2   v-1    v    v+1   v+2
    [ ...  e     B     A                ]      e scalar (bending), B edge block, A vertex block
"""

from __future__ import annotations

import warp as wp

from hairsim.physics.arrays import RodModel, RodState, Workspace
from hairsim.physics.formulas import inverse_symmetric, tangent_at
from hairsim.physics.twist import material_frame

wp.set_module_options({"enable_backward": False})


@wp.func
def moment_at(
    stiffness: wp.vec3,
    before: wp.vec3,
    after: wp.vec3,
    turn: wp.vec3,
    frame: wp.quat,
    rest: wp.vec3,
    narrow: wp.vec3,
    twist: float,
    length: float,
) -> wp.vec3:
    """Moment [N m] at the vertex between two unit tangents: E I (kappa - kappa_rest) and G J times the twist.

    `turn` is the rotation vector from one to the other. `stiffness` is of bending the softer way, how much
    more the harder way has, and of twisting [N m^2]. `rest` and `narrow`, the section's narrow axis, are
    given in `frame`, the material frame of the edge before. The twisting moment acts along the mean tangent,
    which has a unit part along both edges [Bergou2008, eq. (9)].
    """
    turned = turn - wp.quat_rotate(frame, rest)
    mean = (before + after) / wp.max(1.0 + wp.dot(before, after), 1.0e-3)
    bent = turned * stiffness[0]
    if stiffness[1] > 0.0:
        axis = wp.quat_rotate(frame, narrow)
        bent = bent + axis * (stiffness[1] * wp.dot(axis, turned))
    return (bent + mean * (stiffness[2] * twist)) / length


@wp.kernel
def predict_positions(
    first: int,
    # model
    rod: RodModel,
    # state in
    state: RodState,
    # workspace
    work: Workspace,
):
    """Move free vertices on by their velocity, and take the strands' tangents there."""
    strand = first + wp.tid()
    world = strand // rod.strands_per_world
    if work.awake[world] == 0:
        return
    last = rod.vertices - 1
    for v in range(rod.vertices):
        predicted = state.position[strand, v]
        if v >= 2:
            predicted = predicted + state.velocity[strand, v] * rod.time_step
        work.predicted[strand, v] = predicted
    for v in range(rod.vertices):
        work.tangent[strand, v] = tangent_at(work.predicted, strand, v, last)


@wp.kernel
def sum_rod_forces(
    first: int,
    # model
    rod: RodModel,
    # state in
    state: RodState,
    # workspace
    work: Workspace,
):
    """Right-hand side: weight, drag, contacts, stretch and bending at the predicted positions."""
    strand = first + wp.tid()
    world = strand // rod.strands_per_world
    if work.awake[world] == 0:
        return
    last = rod.vertices - 1
    length = rod.edge_length[strand]
    mass = rod.linear_density[world] * length
    drag = rod.air_drag[world]
    stiffness = wp.vec3(
        rod.bending_stiffness[world], rod.bending_excess[world], rod.twisting_stiffness[world]
    )
    for v in range(2, rod.vertices):
        share = mass
        if v == last:
            share = 0.5 * mass
        work.residual[strand, v] = (
            (rod.gravity - (state.velocity[strand, v] - rod.wind) * drag) * share
            + work.force[strand, v]
            + work.comb_force[strand, v]
        )
    before = rod.root_tangent[strand]
    for v in range(1, last):
        edge = work.predicted[strand, v + 1] - work.predicted[strand, v]
        stretched = wp.length(edge)
        after = edge / wp.max(stretched, 1.0e-9)
        frame = material_frame(work.frame[strand, v - 1], before, state.twist[strand, v - 1])
        twist = state.twist[strand, v] - state.twist[strand, v - 1]
        rest = rod.rest_curvature[strand, v]
        turn = work.turn[strand, v]
        moment = moment_at(
            stiffness, before, after, turn, frame, rest, rod.narrow_axis[strand], twist, length
        )
        pull = after * (rod.stretch_stiffness * (stretched / length - 1.0))
        push_after = wp.cross(moment, after) / length
        push_before = wp.cross(moment, before) / length
        # The moment turns the edge after back by a couple -push_after and the edge before forth.
        if v >= 2:
            work.residual[strand, v] = work.residual[strand, v] + pull + push_after + push_before
        if v >= 3:
            work.residual[strand, v - 1] = work.residual[strand, v - 1] - push_before
        work.residual[strand, v + 1] = work.residual[strand, v + 1] - pull - push_after
        before = after


@wp.kernel
def solve_rods(
    first: int,
    # model
    rod: RodModel,
    # state in
    state: RodState,
    # workspace
    work: Workspace,
):
    """Factorise the block-pentadiagonal matrix of a strand and solve for the corrections.

    In double precision: stretch is up to a million times stiffer than inertia, and single precision
    loses the inertia in the elimination (strands of short edges then fly apart).
    """
    strand = first + wp.tid()
    world = strand // rod.strands_per_world
    if work.awake[world] == 0:
        return
    last = rod.vertices - 1
    length = rod.edge_length[strand]
    mass = rod.linear_density[world] * length
    inertia = wp.float64(mass / (rod.time_step * rod.time_step) + mass * rod.air_drag[world] / rod.time_step)
    bend = wp.float64((rod.bending_stiffness[world] + rod.bending_excess[world]) / (length * length * length))
    identity = wp.identity(n=3, dtype=wp.float64)
    nil = wp.float64(0.0)
    two = wp.float64(2.0)
    none = identity * nil
    # Blocks of the two rows above: rows 0 and 1 are held, so they start empty.
    factor_above = none
    inverse_above = none
    inverse_above2 = none
    y_above = wp.vec3d(nil, nil, nil)
    y_above2 = wp.vec3d(nil, nil, nil)
    edge = work.predicted[strand, 2] - work.predicted[strand, 1]
    edge_block = edge_stiffness(rod, edge, state.tension[strand, 1], length)
    for v in range(2, rod.vertices):
        block = wp.mat33d(work.stiffness[strand, v] + work.comb_stiffness[strand, v]) + edge_block
        below = wp.mat33d(work.comb_coupling[strand, v - 1]) - edge_block
        # Bending stencils (1, -2, 1) centred on v-1, v and v+1 where these vertices exist.
        bends = bend
        share = inertia
        middle = nil
        if v < last:
            edge = work.predicted[strand, v + 1] - work.predicted[strand, v]
            edge_block = edge_stiffness(rod, edge, state.tension[strand, v], length)
            block = block + edge_block
            bends = bends + two * two * bend
            middle = two * bend
            if v + 1 < last:
                bends = bends + bend
        else:
            share = inertia / two
        block = block + identity * (bends + share)
        below = below - identity * (two * bend + middle)
        far = bend
        if v == 2:
            below = none
        if v < 4:
            far = nil
        off = below - wp.transpose(factor_above) * far
        factor = off * inverse_above
        pivot = block - factor * wp.transpose(off) - inverse_above2 * (far * far)
        inverse = inverse_symmetric(pivot)
        y = wp.vec3d(work.residual[strand, v]) - factor * y_above - (inverse_above2 * y_above2) * far
        work.factor[strand, v] = factor
        work.pivot_inverse[strand, v] = inverse
        work.forward[strand, v] = y
        inverse_above2 = inverse_above
        inverse_above = inverse
        factor_above = factor
        y_above2 = y_above
        y_above = y
    after = wp.vec3d(nil, nil, nil)
    after2 = wp.vec3d(nil, nil, nil)
    for back in range(rod.vertices - 2):
        v = last - back
        d = work.pivot_inverse[strand, v] * work.forward[strand, v]
        if v + 1 <= last:
            d = d - wp.transpose(work.factor[strand, v + 1]) * after
        if v + 2 <= last:
            d = d - (work.pivot_inverse[strand, v] * after2) * bend
        work.correction[strand, v] = wp.vec3(d)
        after2 = after
        after = d


@wp.func
def edge_stiffness(rod: RodModel, edge: wp.vec3, tension: float, length: float) -> wp.mat33d:
    """Stiffness [N/m] of an edge: stretch along it, the last step's tension (if any) across it."""
    tangent = wp.normalize(wp.vec3d(edge))
    along = wp.outer(tangent, tangent)
    across = wp.float64(wp.max(tension, 0.0) / length)
    stretch = wp.float64(rod.stretch_stiffness / length)
    return along * (stretch - across) + wp.identity(n=3, dtype=wp.float64) * across


@wp.kernel
def move_rods(
    first: int,
    # model
    rod: RodModel,
    # state in, out
    state: RodState,
    # workspace
    work: Workspace,
):
    """Apply the corrections: new positions and velocities, bounded."""
    strand = first + wp.tid()
    world = strand // rod.strands_per_world
    if work.awake[world] == 0:
        return
    for v in range(2, rod.vertices):
        start = state.position[strand, v]
        velocity = (work.predicted[strand, v] + work.correction[strand, v] - start) / rod.time_step
        speed = wp.length(velocity)
        if not (speed < 1.0e6):
            velocity = wp.vec3(0.0, 0.0, 0.0)
        elif speed > rod.speed_limit:
            velocity = velocity * (rod.speed_limit / speed)
        position = start + velocity * rod.time_step
        state.position[strand, v] = position
        state.velocity[strand, v] = velocity
