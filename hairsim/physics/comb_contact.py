# pyright: reportInvalidTypeForm=false, reportArgumentType=false, reportOperatorIssue=false, reportIndexIssue=false
"""Hair against a moving comb: edges of strands against capsules, with friction and the force read back."""

from __future__ import annotations

import warp as wp

from hairsim.physics.arrays import CombMotion, ContactModel, RodModel, RodState, Workspace
from hairsim.physics.formulas import closest_between_segments, friction_stiffness

wp.set_module_options({"enable_backward": False})


@wp.kernel
def press_on_comb(
    first: int,
    # model
    rod: RodModel,
    contact: ContactModel,
    comb: CombMotion,
    # state in
    step: int,
    state: RodState,
    # workspace
    work: Workspace,
):
    """Sum the comb's push and friction at the predicted positions, where it will be after the step.

    Hair that slides around a tooth is predicted along its tangent, off the tooth: what touched in the last
    step stays in force within a small slack. Deciding by the prediction alone, contact comes and goes, and
    hair falls off a tooth that it hangs over.
    """
    strand = first + wp.tid()
    world = strand // rod.strands_per_world
    if work.awake[world] == 0:
        return
    before = wp.max(step - 1, 0)
    zero = wp.vec3(0.0, 0.0, 0.0)
    none = wp.identity(n=3, dtype=float) * 0.0
    near = comb.reach[world] + rod.edge_length[strand] + contact.comb_reach
    friction = contact.comb_friction[world]
    centre = comb.centre[step, world]
    work.comb_force[strand, 1] = zero
    work.comb_stiffness[strand, 1] = none
    for v in range(1, rod.vertices - 1):
        work.comb_force[strand, v + 1] = zero
        work.comb_stiffness[strand, v + 1] = none
        work.comb_coupling[strand, v] = none
        work.comb_direction[strand, v] = zero
        work.comb_share[strand, v] = zero
        p0 = work.predicted[strand, v]
        if wp.length(p0 - centre) > near:
            continue
        p1 = work.predicted[strand, v + 1]
        touching = state.comb_normal[strand, v] > 0.0
        deepest = float(-1.0)
        for c in range(comb.count[world]):
            q0 = comb.start[step, world, c]
            q1 = comb.end[step, world, c]
            where = closest_between_segments(p0, p1, q0, q1)
            a = 1.0 - where[0]
            b = where[0]
            axis_point = q0 + (q1 - q0) * where[1]
            offset = p0 * a + p1 * b - axis_point
            distance = wp.length(offset)
            depth = comb.radius[world, c] + contact.comb_reach - distance
            if depth <= 0.0 and not (touching and depth > -contact.comb_slack):
                continue
            normal = offset / wp.max(distance, 1.0e-6)
            push = contact.comb_stiffness * depth
            # Sliding of hair over the tooth within this step.
            tool_start = (
                comb.start[before, world, c] * (1.0 - where[1]) + comb.end[before, world, c] * where[1]
            )
            slide = (p0 * a + p1 * b - state.position[strand, v] * a - state.position[strand, v + 1] * b) - (
                axis_point - tool_start
            )
            slide = slide - normal * wp.dot(normal, slide)
            hold = friction_stiffness(
                friction, state.comb_normal[strand, v], wp.length(slide), contact.comb_slip
            )
            force = normal * push - slide * hold
            along = wp.outer(normal, normal)
            stiffness = along * (contact.comb_stiffness - hold) + wp.identity(n=3, dtype=float) * hold
            work.comb_force[strand, v] = work.comb_force[strand, v] + force * a
            work.comb_force[strand, v + 1] = work.comb_force[strand, v + 1] + force * b
            work.comb_stiffness[strand, v] = work.comb_stiffness[strand, v] + stiffness * (a * a)
            work.comb_stiffness[strand, v + 1] = work.comb_stiffness[strand, v + 1] + stiffness * (b * b)
            work.comb_coupling[strand, v] = work.comb_coupling[strand, v] + stiffness * (a * b)
            if depth > deepest:
                deepest = depth
                work.comb_direction[strand, v] = normal
                work.comb_share[strand, v] = wp.vec3(a, b, push)


@wp.kernel
def feel_comb(
    first: int,
    # model
    rod: RodModel,
    contact: ContactModel,
    # state out
    state: RodState,
    # workspace
    work: Workspace,
):
    """Read the reaction on the comb and keep each edge's normal force for the next step's friction.

    Vertex 1 is held, so what a tooth presses on it goes into the follicle and moves no hair. A real hair is
    held at the skin: as far above it, it gives way to a tooth with 3 E I / L^3 = 0.01 N/m (L = 13 mm), a
    thousandth of the contact's stiffness. So that share is not read: the comb feels what moves hair.
    """
    strand = first + wp.tid()
    world = strand // rod.strands_per_world
    if work.awake[world] == 0:
        return
    reaction = wp.vec3(0.0, 0.0, 0.0)
    torque = wp.vec3(0.0, 0.0, 0.0)
    d0 = wp.vec3(0.0, 0.0, 0.0)
    for v in range(1, rod.vertices):
        if v > 1:
            d0 = work.correction[strand, v]
        felt = work.comb_force[strand, v] - work.comb_stiffness[strand, v] * d0
        if v + 1 < rod.vertices:
            d1 = work.correction[strand, v + 1]
            felt = felt - work.comb_coupling[strand, v] * d1
            share = work.comb_share[strand, v]
            normal = work.comb_direction[strand, v]
            push = share[2] - contact.comb_stiffness * wp.dot(normal, d0 * share[0] + d1 * share[1])
            if push > 0.0:
                state.comb_normal[strand, v] = 0.5 * (state.comb_normal[strand, v] + push)
            else:
                state.comb_normal[strand, v] = 0.0
        if v > 2:
            felt = felt - work.comb_coupling[strand, v - 1] * work.correction[strand, v - 1]
        if v > 1:
            reaction = reaction - felt
            torque = torque - wp.cross(work.predicted[strand, v] + d0, felt)
    work.comb_reaction[strand] = reaction
    work.comb_torque[strand] = torque


@wp.kernel
def leave_comb(
    first: int,
    # model
    rod: RodModel,
    # state out
    state: RodState,
    # workspace
    work: Workspace,
):
    """No comb in this step: clear its sums."""
    strand = first + wp.tid()
    world = strand // rod.strands_per_world
    if work.awake[world] == 0:
        return
    none = wp.identity(n=3, dtype=float) * 0.0
    for v in range(rod.vertices):
        work.comb_force[strand, v] = wp.vec3(0.0, 0.0, 0.0)
        work.comb_stiffness[strand, v] = none
        work.comb_coupling[strand, v] = none
        state.comb_normal[strand, v] = 0.0
    work.comb_reaction[strand] = wp.vec3(0.0, 0.0, 0.0)
    work.comb_torque[strand] = wp.vec3(0.0, 0.0, 0.0)
