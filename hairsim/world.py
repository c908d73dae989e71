"""Heads of hair that a comb can move: the simulator as its users see it."""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import warp as wp
from scipy.spatial.transform import Rotation

from hairsim.errors import CombwiseError
from hairsim.groom.groom import Groom
from hairsim.head.head import Head
from hairsim.physics.arrays import CombMotion, RodState
from hairsim.physics.assemble import (
    even_edges,
    free_of_skin,
    make_models,
    make_state,
    make_ties,
    make_workspace,
)
from hairsim.physics.config import PhysicsConfig
from hairsim.physics.launch import StrandLauncher
from hairsim.physics.material import Material
from hairsim.physics.step import Solver
from hairsim.tools.stroke_path import poses_at
from hairsim.tools.tool import Tool, ToolPath

READINGS_PER_SECOND = 60


@dataclass(frozen=True)
class CombReading:
    """What the comb felt during a stroke, head frame.

    Attributes:
        times: [T] [s] from the start of the path.
        force: [T, 3] force of the hair on the comb [N].
    """

    times: np.ndarray
    force: np.ndarray


class HairWorld:
    """W heads of hair stepped side by side. All grooms share S strands and V vertices."""

    def __init__(
        self,
        heads: Sequence[Head],
        grooms: Sequence[Groom],
        *,
        material: Material | None = None,
        config: PhysicsConfig | None = None,
        device: str = "cpu",
        threads: int | None = None,
    ) -> None:
        """Put each groom on its head.

        Args:
            heads, grooms: one of each per world.
            material: of all hair; default Material().
            config: of the solver; default PhysicsConfig().
            device: Warp device, "cpu" or "cuda".
            threads: on the CPU, how many; default all cores.

        Raises:
            CombwiseError: counts differ, or grooms of different sizes.
        """
        if len(heads) != len(grooms) or not heads:
            raise CombwiseError(f"{len(heads)} heads and {len(grooms)} grooms; expected one groom per head")
        shapes = {g.strands.shape for g in grooms}
        if len(shapes) > 1:
            raise CombwiseError(
                f"grooms have shapes {sorted(shapes)}; expected the same strands and vertices in all worlds"
            )
        grooms = [free_of_skin(groom, head) for groom, head in zip(grooms, heads, strict=True)]
        self.config = config or PhysicsConfig()
        self.heads, self.grooms = tuple(heads), tuple(grooms)
        self._device = device
        self._strands, self._vertices = grooms[0].strands.shape[:2]
        count = len(heads) * self._strands
        with wp.ScopedDevice(device):
            rod, contact = make_models(heads, grooms, material or Material(), self.config, device)
            start = np.concatenate([even_edges(g.strands) for g in grooms])
            height = np.concatenate(
                [h.field.sample(s) for h, s in zip(heads, np.split(start, len(heads)), strict=True)]
            )
            self._state = make_state(start, height, self.config, device)
            work = make_workspace((count, self._vertices), device)
            launcher = StrandLauncher(device, count, threads or os.cpu_count() or 1)
            self._solver = Solver(rod, contact, ties, work, launcher, device, contacts=self.config.contacts)
        self._steps = 0
        self._last_comb: list[np.ndarray | None] = [None] * len(heads)

    @property
    def worlds(self) -> int:
        """Number of heads, W."""
        return len(self.heads)

    def strands(self, world: int = 0) -> np.ndarray:
        """Return a copy of the guide strands of one world, [S, V, 3] float32 [m], head frame."""
        first = world * self._strands
        return self._state.position.numpy()[first : first + self._strands].copy()

    def tension(self, world: int = 0) -> np.ndarray:
        """Return the tension of every edge of one world [N], per single hair, [S, V-1]; at the roots, [:, 1].

        Edge 0 is held by the follicle and carries none.
        """
        first = world * self._strands
        return self._state.tension.numpy()[first : first + self._strands, : self._vertices - 1].copy()

    def hold_tips(self) -> None:
        """From now on the last edges keep their angle of twist, as if clamped."""
        self._solver.hold_tips()

    def twist_tips(self, angle: float) -> None:
        """Turn the held last edge of every strand about its axis to `angle` [rad], unwrapped."""
        twist = self._state.twist.numpy().copy()
        twist[:, -2] = angle
        self._state.twist.assign(twist)

    def root_torque(self) -> np.ndarray:
        """Return the twisting moment at the roots [N m], per single hair, [W S]."""
        twist = self._state.twist.numpy()
        return self._solver.twisting_stiffness() * (twist[:, 1] - twist[:, 0])

    def settle(self, seconds: float = 2.0) -> None:
        """Let the hair move freely for `seconds`."""
        self._advance(round(seconds / self.config.time_step), None)

    def settle_until_still(self, *, speed: float = 0.0005, longest: float = 12.0) -> float:
        """Let the hair move freely until no strand moves faster than `speed` [m/s] over a second.

        Args:
            speed: mean over a strand's vertices [m/s].
            longest: give up after so long [s].

        Returns:
            The fastest strand's speed in the last second [m/s]; above `speed` when it gave up.
        """
        fastest = float("inf")
        for _ in range(max(1, round(longest))):
            before = self._state.position.numpy().copy()
            self.settle(1.0)
            moved = np.linalg.norm(self._state.position.numpy() - before, axis=-1).mean(axis=-1)
            fastest = float(moved.max())
            if fastest < speed:
                break
        return fastest

    def comb(
        self,
        paths: Sequence[ToolPath | None],
        tool: Tool,
        *,
        rest_seconds: float = 0.8,
        on_frame: Callable[[float], None] | None = None,
        frames_per_second: float = 30.0,
    ) -> list[CombReading]:
        """Play one tool path per world (None waits), then let the hair rest.

        Args:
            paths: one per world.
            tool: the comb, the same in all worlds.
            rest_seconds: time without the comb after the longest path [s].
            on_frame: called with the time [s] `frames_per_second` times a second.

        Returns:
            One reading per world.
        """
        if len(paths) != self.worlds:
            raise CombwiseError(f"{len(paths)} paths for {self.worlds} worlds; expected one per world")
        longest = max((p.times[-1] for p in paths if p is not None), default=0.0)
        steps = int(np.ceil(longest / self.config.time_step))
        rest = round(rest_seconds / self.config.time_step)
        every = max(1, round(1.0 / (frames_per_second * self.config.time_step))) if on_frame else 0
        comb = comb_motion(paths, tool, steps, self.config.time_step, self._device) if steps else None
        readings = self._advance(steps, comb, on_frame, every)
        if rest:
            self._advance(rest, None, on_frame, every, start=steps)
        return readings

    def step_comb(self, poses: Sequence[tuple[np.ndarray, np.ndarray] | None], tool: Tool) -> np.ndarray:
        """Advance one time step while the tool moves to a pose per world, learnt as time goes on.

        Poses at the times that `comb` would ask of a path give the same motion as `comb`, to the bit.

        Args:
            poses: position [3] [m] and quaternion [4] at the end of the step, head frame; None is away.
            tool: the comb, the same in all worlds and steps.

        Returns:
            Force of the hair on the comb, [W, 3] [N], head frame.
        """
        if len(poses) != self.worlds:
            raise CombwiseError(f"{len(poses)} poses for {self.worlds} worlds; expected one per world")
        here: list[np.ndarray | None] = [
            None if pose is None else _capsules(tool, pose[0][None], pose[1][None])[:, 0] for pose in poses
        ]
        away = np.full((2, len(tool.radius), 3), _AWAY) + np.array([0.0, 0.1])[:, None, None]
        # A comb that appears did not slide there from afar.
        before = [now if last is None else last for now, last in zip(here, self._last_comb, strict=True)]
        self._last_comb = here
        ends = np.array([[away if comb is None else comb for comb in combs] for combs in (before, here)])
        start, end = np.moveaxis(ends, 2, 0)
        motion = _motion(start, end, tool, self._device)
        if self._steps % self.config.neighbour_steps == 0:
            self._solver.find_neighbours(self._state)
        self._solver.step(self._state, motion, 1)
        self._steps += 1
        return self._comb_force()

    def snapshot(self) -> dict[str, np.ndarray]:
        """Return everything that evolves, as copies; `restore` brings it back to the bit."""
        kept = {f: getattr(self._state, f).numpy().copy() for f in _state_fields()}
        kept["steps"] = np.array(self._steps)
        return kept

    def restore(self, snapshot: dict[str, np.ndarray]) -> None:
        """Go back to a snapshot of this world."""
        for name in _state_fields():
            getattr(self._state, name).assign(snapshot[name])
        self._steps = int(snapshot["steps"])

    def _advance(
        self,
        steps: int,
        comb: Any | None,
        on_frame: Callable[[float], None] | None = None,
        every: int = 0,
        start: int = 0,
    ) -> list[CombReading]:
        reading_steps = max(1, round(1.0 / (READINGS_PER_SECOND * self.config.time_step)))
        times: list[float] = []
        forces: list[np.ndarray] = []
        for step in range(steps):
            if self._steps % self.config.neighbour_steps == 0:
                self._solver.find_neighbours(self._state)
            self._solver.step(self._state, comb, step)
            self._steps += 1
            if comb is not None and step % reading_steps == 0:
                forces.append(self._comb_force())
                times.append((step + 1) * self.config.time_step)
            if on_frame is not None and (start + step) % every == 0:
                on_frame((start + step + 1) * self.config.time_step)
        felt = np.array(forces).reshape(-1, self.worlds, 3)
        return [CombReading(np.array(times), felt[:, w]) for w in range(self.worlds)]

    def _comb_force(self) -> np.ndarray:
        """Return the force of all hair on the comb in the last step, [W, 3] [N]."""
        hairs = np.concatenate([g.hair_count for g in self.grooms])[:, None]
        per_strand = self._solver.comb_reaction.numpy() * hairs
        return per_strand.reshape(self.worlds, self._strands, 3).sum(axis=1)


def _state_fields() -> tuple[str, ...]:
    return tuple(RodState.vars)


_AWAY = 100.0
"""Coordinates of a comb that is not there [m]."""


def comb_motion(
    paths: Sequence[ToolPath | None], tool: Tool, steps: int, time_step: float, device: str
) -> Any:
    """Return the `CombMotion` of a tool along one path per world; where there is none, far away."""
    times = (np.arange(steps) + 1) * time_step
    start = np.full((steps, len(paths), len(tool.radius), 3), _AWAY)
    end = np.full_like(start, _AWAY + 0.1)
    for world, path in enumerate(paths):
        if path is None:
            continue
        start[:, world], end[:, world] = _capsules(tool, *poses_at(path, times))
        gone = times > path.times[-1]
        start[gone, world] = _AWAY
        end[gone, world] = _AWAY + 0.1
    return _motion(start, end, tool, device)


def _capsules(tool: Tool, position: np.ndarray, quaternion: np.ndarray) -> np.ndarray:
    """Return the ends [2, T, C, 3] of the tool's capsules at poses [T, 3], [T, 4]."""
    rotation = Rotation.from_quat(quaternion).as_matrix()
    ends = np.stack([tool.start, tool.end])
    return np.einsum("tij,ecj->etci", rotation, ends) + position[:, None]


def _motion(start: np.ndarray, end: np.ndarray, tool: Tool, device: str) -> Any:
    """Return the `CombMotion` of capsules whose ends move along [T, W, C, 3]."""
    corners = np.concatenate([start, end], axis=2)
    centre = 0.5 * (corners.min(axis=2) + corners.max(axis=2))
    size = np.concatenate([tool.start, tool.end])
    middle = 0.5 * (size.min(axis=0) + size.max(axis=0))
    reach = np.linalg.norm(size - middle, axis=-1).max() + tool.radius.max() + 0.02
    motion = CombMotion()
    motion.start = wp.array(start.astype(np.float32), dtype=wp.vec3, device=device)
    motion.end = wp.array(end.astype(np.float32), dtype=wp.vec3, device=device)
    motion.radius = wp.array(tool.radius.astype(np.float32), dtype=float, device=device)
    motion.centre = wp.array(centre.astype(np.float32), dtype=wp.vec3, device=device)
    motion.reach = float(reach)
    return motion


__all__ = ["CombReading", "HairWorld", "comb_motion"]
