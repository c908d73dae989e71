# pyright: reportInvalidTypeForm=false, reportArgumentType=false, reportOperatorIssue=false
"""Contact and friction between hair and head, linearised at the predicted positions."""

from __future__ import annotations

import warp as wp

from hairsim.physics.arrays import ContactModel, RodModel, RodState, Workspace
from hairsim.physics.formulas import field_distance, friction_stiffness

wp.set_module_options({"enable_backward": False})

STEEPEST = wp.constant(1.2)
"""Bound of how fast a sampled distance field changes along a path [m/m]; exactly 1 without sampling."""


@wp.func
def skin_spring(contact: ContactModel, height: float, lowest: float) -> wp.vec2:
    """Force [N] and stiffness [N/m] at `height` of the layers that `lowest` [m] reaches."""
    force = float(0.0)
    stiffness = float(0.0)
    if lowest < contact.skin_layer:
        force = contact.skin_soft_stiffness * (contact.skin_layer - height)
        stiffness = contact.skin_soft_stiffness
    if lowest < contact.skin_hard:
        force = force + contact.skin_hard_stiffness * (contact.skin_hard - height)
        stiffness = stiffness + contact.skin_hard_stiffness
    return wp.vec2(force, stiffness)


@wp.func
def skin_below(contact: ContactModel, world: int, point: wp.vec3) -> wp.vec4:
    """Outward unit normal and height above the skin (x, y, z, height) at `point` [m]."""
    sample = field_distance(
        contact.head_distance, contact.head[world], (point - contact.head_origin) / contact.head_spacing
    )
    normal = wp.normalize(wp.vec3(sample[0], sample[1], sample[2]))
    return wp.vec4(normal[0], normal[1], normal[2], sample[3])


@wp.kernel
def press_on_skin(
    first: int,
    parts: int,
    # model
    rod: RodModel,
    contact: ContactModel,
    # state in
    state: RodState,
    # workspace
    work: Workspace,
):
    """Start the contact sums with the skin's push and friction at the predicted positions.

    Friction is a spring to a persistent anchor that yields at the Coulomb limit of the last step's
    normal force, so that hair at rest holds without creeping. A layer is in force where the step starts or
    is predicted to end in it: deciding by the prediction alone, resting hair hops, since weight moves a
    vertex by most of the layer in one step. Hair too high to get there in this step is left out.

    Hair predicted inside of the head meets the skin without bouncing, as hair does: the prediction is lifted
    to `skin_lowest`. Linearised where it was predicted, the hard core would throw it out so far that its
    edges pull it in again one step later, and so on: edges too long, on hair that never rests.
    """
    part, strand = wp.tid()
    strand = strand + first
    world = strand // rod.strands_per_world
    if work.awake[world] == 0:
        return
    friction = contact.skin_friction[world]
    zero = wp.vec3(0.0, 0.0, 0.0)
    none = wp.identity(n=3, dtype=float) * 0.0
    for v in range(2 + part, rod.vertices, parts):
        work.force[strand, v] = zero
        work.stiffness[strand, v] = none
        height = state.skin_height[strand, v]
        if height - STEEPEST * rod.time_step * wp.length(state.velocity[strand, v]) > contact.skin_layer:
            continue
        predicted = work.predicted[strand, v]
        below = skin_below(contact, world, predicted)
        normal = wp.vec3(below[0], below[1], below[2])
        if below[3] < contact.skin_lowest:  # an impact: what the skin stops at once does not bounce
            predicted = predicted + normal * (contact.skin_lowest - below[3])
            below[3] = contact.skin_lowest
            work.predicted[strand, v] = predicted
        lowest = wp.min(below[3], height)
        if lowest < contact.skin_layer:
            push = skin_spring(contact, below[3], lowest)
            away = predicted - state.skin_anchor[strand, v]
            away = away - normal * wp.dot(normal, away)
            hold = friction_stiffness(
                friction, state.skin_normal[strand, v], wp.length(away), contact.skin_slip
            )
            work.force[strand, v] = normal * push[0] - away * hold
            across = wp.outer(normal, normal)
            work.stiffness[strand, v] = across * (push[1] - hold) + wp.identity(n=3, dtype=float) * hold


@wp.kernel
def settle_on_skin(
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
    """Let anchors slip where friction yielded, and keep the normal force for the next step.

    A contact that the prediction missed (a tooth that drives hair into the skin within one step) is made good
    by lifting the vertex to `skin_lowest` and taking its inward speed away.
    """
    part, strand = wp.tid()
    strand = strand + first
    world = strand // rod.strands_per_world
    if work.awake[world] == 0:
        return
    for v in range(2 + part, rod.vertices, parts):
        position = state.position[strand, v]
        travel = rod.time_step * wp.length(state.velocity[strand, v])
        height = state.skin_height[strand, v] - STEEPEST * travel
        if height > contact.skin_layer:
            state.skin_height[strand, v] = height
            state.skin_anchor[strand, v] = position
            state.skin_normal[strand, v] = 0.0
            continue
        below = skin_below(contact, world, position)
        if below[3] < contact.skin_lowest:
            outward = wp.vec3(below[0], below[1], below[2])
            position = position + outward * (contact.skin_lowest - below[3])
            velocity = state.velocity[strand, v]
            state.position[strand, v] = position
            state.velocity[strand, v] = velocity - outward * wp.min(wp.dot(velocity, outward), 0.0)
            below[3] = contact.skin_lowest
        push = skin_spring(contact, below[3], below[3])
        state.skin_height[strand, v] = below[3]
        if push[0] <= 0.0:
            state.skin_anchor[strand, v] = position
            state.skin_normal[strand, v] = 0.0
            continue
        normal = wp.vec3(below[0], below[1], below[2])
        away = position - state.skin_anchor[strand, v]
        away = away - normal * wp.dot(normal, away)
        offset = wp.length(away)
        if offset > contact.skin_slip:
            away = away * (contact.skin_slip / offset)
        state.skin_anchor[strand, v] = position - away
        state.skin_normal[strand, v] = 0.5 * (state.skin_normal[strand, v] + push[0])
