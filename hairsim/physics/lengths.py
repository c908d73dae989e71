# pyright: reportInvalidTypeForm=false, reportArgumentType=false, reportOperatorIssue=false, reportIndexIssue=false
"""Edges keep the length that the solve gave them.

The solve is linear in the correction d, so an edge that turns by an angle a within a step comes out longer
by about a^2 / 2: up to 2 % beside a fast tooth. One step of fast projection [Goldenthal2007, section 4]
takes that away: move the vertices by least kinetic energy so that edges have the linearised length again,

    (J M^-1 J^T) lambda = C,    d <- d - M^-1 J^T lambda,    C_e = |edge_e| - linearised length.

One scalar tridiagonal sweep a strand. A strand that a tooth throws about by more than an edge's length needs
more of them (`PhysicsConfig.projections`): with one, short edges stay too long and beat on the skin for ever.
"""

from __future__ import annotations

import warp as wp

from hairsim.physics.arrays import RodModel, RodState, Workspace

wp.set_module_options({"enable_backward": False})

TOO_LONG = wp.constant(0.02)
"""By which share of its length an edge may be too long after the first projection without a further one."""


@wp.kernel
def keep_lengths(
    first: int,
    # model
    rod: RodModel,
    # state out
    state: RodState,
    # workspace
    work: Workspace,
):
    """Read the tension of every edge from the solve, then project the corrections on its lengths."""
    strand = first + wp.tid()
    world = strand // rod.strands_per_world
    if work.awake[world] == 0:
        return
    last = rod.vertices - 1
    length = rod.edge_length[strand]
    longest = float(1.0)  # [m], so that the first is always made
    projections = int(0)
    while projections < rod.projections and longest > TOO_LONG * length:
        longest = float(0.0)
        before = wp.vec3(0.0, 0.0, 0.0)
        pivot = float(1.0)
        forward = float(0.0)
        for e in range(1, last):
            edge = work.predicted[strand, e + 1] - work.predicted[strand, e]
            change = work.correction[strand, e + 1]
            if e > 1:
                change = change - work.correction[strand, e]
            longer = length * (1.0 + state.tension[strand, e] / rod.stretch_stiffness)
            if projections == 0:
                stretched = wp.max(wp.length(edge), 1.0e-9)
                longer = stretched + wp.dot(edge, change) / stretched
                state.tension[strand, e] = rod.stretch_stiffness * (longer / length - 1.0)
            reached = wp.max(wp.length(edge + change), 1.0e-9)
            after = (edge + change) / reached
            # Inverse masses in units of an inner vertex's: 0 of the held one, 2 of the tip.
            diagonal = float(2.0)
            if e == 1:
                diagonal = 1.0
            if e + 1 == last:
                diagonal = diagonal + 1.0
            coupling = -wp.dot(before, after)
            factor = coupling / pivot
            pivot = diagonal - coupling * factor
            excess = wp.clamp(reached - longer, 0.0, length)
            forward = (excess - coupling * forward) / pivot
            work.sweep_factor[strand, e] = factor
            work.sweep_forward[strand, e] = forward
            work.tangent[strand, e] = after
            before = after
            longest = wp.max(longest, excess)
        if projections == 0 or longest > TOO_LONG * length:
            back_factor = float(0.0)
            pull = wp.vec3(0.0, 0.0, 0.0)
            shift = float(0.0)
            for back in range(last - 1):
                e = last - 1 - back
                shift = work.sweep_forward[strand, e] - back_factor * shift
                along = work.tangent[strand, e] * shift
                pull = pull - along
                if e + 1 == last:
                    pull = pull * 2.0
                work.correction[strand, e + 1] = work.correction[strand, e + 1] + pull
                pull = along
                back_factor = work.sweep_factor[strand, e]
        projections = projections + 1
