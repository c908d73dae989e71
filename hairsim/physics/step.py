"""One time step as a table of contents, and the search for neighbours between steps."""

from __future__ import annotations

from typing import Any

import numpy as np
import warp as wp

from hairsim.physics.batch import choose_worlds, grid_of_worlds
from hairsim.physics.comb_contact import feel_comb, leave_comb, press_on_comb
from hairsim.physics.hair_contact import (
    find_neighbours,
    keep_mutual,
    press_on_hair,
    spread_worlds,
)
from hairsim.physics.head_motion import ride_on_head
from hairsim.physics.launch import STRANDS_A_BLOCK, StrandLauncher
from hairsim.physics.layout import zeros_per_vertex
from hairsim.physics.lengths import keep_lengths
from hairsim.physics.rods import move_rods, predict_positions, solve_rods, sum_rod_forces
from hairsim.physics.skin_contact import press_on_skin, settle_on_skin
from hairsim.physics.tie import hold_in_tie
from hairsim.physics.twist import relax_twist


class Solver:
    """Steps a batch of heads. Holds the workspace; model and state belong to the caller."""

    def __init__(
        self,
        rod: Any,
        contact: Any,
        tie: Any | None,
        work: Any,
        launcher: StrandLauncher,
        device: str,
        *,
        contacts: bool,
    ) -> None:
        self._contacts = contacts
        self._motion, self._motion_steps, self._motion_step = None, 0, 0
        self._rod, self._contact, self._tie, self._work = rod, contact, tie, work
        self._launcher, self._device = launcher, device
        shape = work.predicted.shape
        self._points = wp.zeros(shape[0] * shape[1], dtype=wp.vec3, device=device)
        slots = (*shape, contact.neighbours)
        self._distance = zeros_per_vertex(slots, float, device)
        self._spare_neighbour = zeros_per_vertex(slots, int, device)
        self._spare_offset = zeros_per_vertex(slots, wp.vec3, device)
        worlds = shape[0] // rod.strands_per_world
        longest = rod.edge_length.numpy().reshape(worlds, -1).max(axis=1)
        reach = [
            ((0.5 * float(edge)) ** 2 + (contact.hair_reach * float(touching)) ** 2) ** 0.5
            for edge, touching in zip(longest, contact.hair_distance.numpy(), strict=True)
        ]
        self._cell = max(reach)
        self._reach = wp.array(reach, dtype=float, device=device)
        place, cells = grid_of_worlds(worlds, self._cell)
        self._place = wp.array(place, dtype=wp.vec3, device=device)
        self._grid = wp.HashGrid(*cells, device=device)
        self._searching = wp.full(worlds, 1, dtype=int, device=device)

    @property
    def comb_reaction(self) -> Any:
        """Force of each strand on the comb in the last step, [N strands] [N]; per single hair."""
        return self._work.comb_reaction

    @property
    def comb_torque(self) -> Any:
        """Its moment about the head's origin, [N strands] [N m]; per single hair."""
        return self._work.comb_torque

    def hold_tips(self) -> None:
        """Keep the angle of twist of the last edges."""
        self._rod.tips_held = 1

    def twisting_stiffness(self) -> np.ndarray:
        """Return G J over the edge length of every strand [N m], [N]."""
        stiffness = self._rod.twisting_stiffness.numpy()
        return np.repeat(stiffness, self._rod.strands_per_world) / self._rod.edge_length.numpy()

    def wake(self, step: int, until: Any, phase: Any, every: int) -> None:
        """Choose which worlds take part in the next step, and which in a search for neighbours before it.

        Args:
            step: number of the step.
            until: [W] worlds take part in the steps before this one.
            phase: [W] steps that a world had taken before step 0.
            every: a world searches at steps of its own that this divides.
        """
        wp.launch(
            choose_worlds,
            dim=len(until),
            inputs=[step, until, phase, every],
            outputs=[self._work.awake, self._searching],
            device=self._device,
            block_dim=STRANDS_A_BLOCK,
        )

    def wake_all(self) -> None:
        """Step every world again, and search in all of them."""
        self._work.awake.fill_(1)
        self._searching.fill_(1)

    def find_neighbours(self, state: Any) -> None:
        """Search touching vertices anew; friction anchors of pairs that stay together are kept."""
        if not self._contacts:
            return
        launch = self._launcher.launch_by_vertex
        launch(spread_worlds, [self._rod, state, self._place, self._points, self._work.tangent])
        self._grid.build(self._points, self._cell)
        launch(
            find_neighbours,
            [
                self._rod,
                self._contact,
                self._grid.id,
                self._points,
                self._place,
                self._reach,
                self._searching,
                state.position,
                self._work.tangent,
                state.neighbour,
                state.neighbour_offset,
                self._spare_neighbour,
                self._spare_offset,
                self._distance,
            ],
        )
        found = [self._spare_neighbour, self._spare_offset]
        launch(
            keep_mutual,
            [self._rod, self._contact, self._searching, *found, state.neighbour, state.neighbour_offset],
        )

    def ride(self, motion: Any, steps: int) -> None:
        """From the next step on, heads move by a `HeadMotion` of so many steps, whose last one holds on."""
        self._motion, self._motion_steps, self._motion_step = motion, steps, 0

    def step(self, state: Any, comb: Any | None, comb_step: int) -> None:
        """Advance `state` by one time step; `comb` is a `CombMotion` or None."""
        launch, launch_by_vertex = self._launcher.launch, self._launcher.launch_by_vertex
        rod, contact, work = self._rod, self._contact, self._work
        launch(predict_positions, [rod, state, work])
        if self._contacts:
            launch_by_vertex(press_on_skin, [rod, contact, state, work])
            launch_by_vertex(press_on_hair, [rod, contact, state, work])
            if self._tie is not None:
                launch(hold_in_tie, [rod, self._tie, work])
        if self._motion is not None:
            if not self._contacts:
                work.force.zero_()
            launch(ride_on_head, [rod, self._motion, self._motion_step, state, work])
            self._motion_step = min(self._motion_step + 1, self._motion_steps - 1)
        if comb is None:
            if comb_step == 0:
                launch(leave_comb, [rod, state, work])
        else:
            launch(press_on_comb, [rod, contact, comb, comb_step, state, work])
        launch(relax_twist, [rod, state, work])
        launch(sum_rod_forces, [rod, state, work])
        launch(solve_rods, [rod, state, work])
        if comb is not None:
            launch(feel_comb, [rod, contact, state, work])
        launch(keep_lengths, [rod, state, work])
        launch(move_rods, [rod, state, work])
        if self._contacts:
            launch_by_vertex(settle_on_skin, [rod, contact, state, work])
