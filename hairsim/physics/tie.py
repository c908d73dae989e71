# pyright: reportInvalidTypeForm=false, reportArgumentType=false, reportOperatorIssue=false, reportIndexIssue=false
"""A hair tie: it holds each of its hairs by one vertex, as hard as an elastic band can, and no harder."""

from __future__ import annotations

import warp as wp

from hairsim.physics.arrays import RodModel, TieModel, Workspace


@wp.func
def tie_hold(tie: TieModel, away: float) -> float:
    """Stiffness [N/m] with which a tie draws back a hair `away` [m] from its place: bounded, then nothing."""
    hold = wp.min(tie.stiffness, tie.grip / wp.max(away, 1.0e-9))
    if away > tie.reach:
        hold = 0.0
    return hold


@wp.kernel
def hold_in_tie(
    first: int,
    # model
    rod: RodModel,
    tie: TieModel,
    # workspace
    work: Workspace,
):
    """Add the pull of the tie to the contact sums."""
    strand = first + wp.tid()
    world = strand // rod.strands_per_world
    if work.awake[world] == 0:
        return
    v = tie.vertex[strand]
    if v < 2 or v >= rod.vertices:
        return
    away = work.predicted[strand, v] - tie.place[strand]
    hold = tie_hold(tie, wp.length(away))
    work.force[strand, v] = work.force[strand, v] - away * hold
    work.stiffness[strand, v] = work.stiffness[strand, v] + wp.identity(n=3, dtype=float) * hold
