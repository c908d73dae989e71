# pyright: reportInvalidTypeForm=false, reportArgumentType=false, reportOperatorIssue=false, reportIndexIssue=false
"""Twist: how far each edge's material is turned about its own axis, in equilibrium at every step.

The angle theta of an edge is measured from the twist-free frame that the tangents carry from the root, as a
scalar that never wraps [Bergou2008, section 4.2]. A hair's spin has no inertia worth the name, so the angles
are those of least energy:

    E(theta) = sum  G J / (2 l) (theta_e - theta_(e-1))^2  +  E I / (2 l) |phi_e - R(theta_(e-1)) kappa_e|^2

(an elliptical section adds the same for its narrow axis, with the excess of its harder E I)
with phi the turn between edges and kappa the rest turn in the material frame of the edge before. Its second
derivative is tridiagonal: one Newton step a time step, from the last step's angles, one thread a strand.

Without it bending forces are not those of an energy: a curl in free space runs away from its own rest shape.
"""

from __future__ import annotations

import warp as wp

from hairsim.physics.arrays import RodModel, RodState, Workspace
from hairsim.physics.formulas import curvature_between, shortest_rotation

wp.set_module_options({"enable_backward": False})

MOST_TURN = wp.constant(0.5)
"""Largest change of an angle in one step [rad]."""


@wp.func
def material_frame(frame: wp.quat, tangent: wp.vec3, angle: float) -> wp.quat:
    """Return the twist-free frame of an edge turned about its tangent by the edge's angle."""
    return wp.quat_from_axis_angle(tangent, angle) * frame


@wp.kernel
def relax_twist(
    first: int,
    # model
    rod: RodModel,
    # state in, out
    state: RodState,
    # workspace
    work: Workspace,
):
    """Carry frames along the strands at the predicted positions, and take one Newton step on the angles.

    Edge 0 is turned by the follicle and keeps its angle; the last edge keeps its own where tips are held.
    """
    strand = first + wp.tid()
    world = strand // rod.strands_per_world
    if work.awake[world] == 0:
        return
    last = rod.vertices - 2
    length = rod.edge_length[strand]
    twisting = rod.twisting_stiffness[world] / length
    bending = rod.bending_stiffness[world] / length
    excess = rod.bending_excess[world]
    frame = rod.root_frame[strand]
    before = rod.root_tangent[strand]
    after = wp.normalize(work.predicted[strand, 2] - work.predicted[strand, 1])
    work.frame[strand, 0] = frame
    work.turn[strand, 1] = curvature_between(before, after)
    frame = shortest_rotation(before, after) * frame
    # Forward sweep of the tridiagonal system, rows 1 .. last; row e couples with e - 1 and e + 1.
    factor = float(0.0)
    forward = float(0.0)
    for e in range(1, last + 1):
        work.frame[strand, e] = frame
        before = after
        angle = state.twist[strand, e]
        gradient_bend = float(0.0)
        second_bend = float(0.0)
        if e < last:
            after = wp.normalize(work.predicted[strand, e + 2] - work.predicted[strand, e + 1])
            turn = curvature_between(before, after)
            work.turn[strand, e + 1] = turn
            if rod.twists == 1:
                turned = material_frame(frame, before, angle)
                rest = wp.quat_rotate(turned, rod.rest_curvature[strand, e + 1])
                gradient_bend = -bending * wp.dot(turn, wp.cross(before, rest))
                second_bend = bending * wp.dot(turn, rest)
                if excess > 0.0:
                    narrow = wp.quat_rotate(turned, rod.narrow_axis[strand])
                    harder = excess / length
                    uneven = wp.dot(turn - rest, narrow)
                    turning = wp.dot(turn, wp.cross(before, narrow))
                    gradient_bend = gradient_bend + harder * uneven * turning
                    second_bend = second_bend + harder * (turning * turning - uneven * wp.dot(turn, narrow))
                second_bend = wp.max(second_bend, 0.0)
            frame = shortest_rotation(before, after) * frame
        gradient = gradient_bend + twisting * (angle - state.twist[strand, e - 1])
        diagonal = second_bend + twisting
        if e < last:
            gradient = gradient + twisting * (angle - state.twist[strand, e + 1])
            diagonal = diagonal + twisting
        pivot = diagonal + twisting * factor
        forward = (-gradient + twisting * forward) / pivot
        if e == last and rod.tips_held == 1:
            forward = 0.0
        factor = -twisting / pivot
        work.sweep_factor[strand, e] = factor
        work.sweep_forward[strand, e] = forward
    if rod.twists == 0:
        return
    change = float(0.0)
    for back in range(last):
        e = last - back
        change = work.sweep_forward[strand, e] - work.sweep_factor[strand, e] * change
        state.twist[strand, e] = state.twist[strand, e] + wp.clamp(change, -MOST_TURN, MOST_TURN)
