"""Heads of hair that a comb can move: the simulator as its users see it."""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import warp as wp

from hairsim.errors import CombwiseError
from hairsim.groom.groom import Groom
from hairsim.head.head import Head
from hairsim.physics.arrays import RodState
from hairsim.physics.assemble import (
    even_edges,
    free_of_skin,
    make_models,
    make_state,
    make_ties,
    make_workspace,
)
from hairsim.physics.comb_motion import AWAY, capsules_at, comb_motion, motion_of
from hairsim.physics.config import PhysicsConfig
from hairsim.physics.head_motion import head_motion
from hairsim.physics.launch import Pace, StrandLauncher
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
        torque: [T, 3] its moment about the comb's origin [N m].
    """

    times: np.ndarray
    force: np.ndarray
    torque: np.ndarray


@dataclass(frozen=True)
class Sag:
    """How far a loaded groom still moves when it is let go.

    Attributes:
        seconds: for how long it was watched [s].
        mean: distance moved, mean over all vertices [m].
        strand: of the strand that moved most, mean over its vertices [m].
    """

    seconds: float
    mean: float
    strand: float


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
            ties = make_ties(grooms, start, self.config, device)
            self._solver = Solver(rod, contact, ties, work, launcher, device, contacts=self.config.contacts)
        self._pace = Pace(device)
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

    def root_tension(self, world: int = 0) -> np.ndarray:
        """Return the tension at the roots of one world [N], per single hair, [S]."""
        return self.tension(world)[:, 1]

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

    def sag(self, seconds: float = 4.0) -> Sag:
        """Let the hair go for `seconds` and report how far it moved; see `PhysicsConfig.rest_turn_limit`."""
        before = self._state.position.numpy().copy()
        self.settle(seconds)
        moved = np.linalg.norm(self._state.position.numpy() - before, axis=-1)
        return Sag(seconds, float(moved.mean()), float(moved.mean(axis=1).max()))

    def move_heads(self, paths: Sequence[ToolPath | None], *, rest_seconds: float = 0.0) -> None:
        """Carry each head along a path and hold it where that ends, also during later strokes.

        Strands and tool poses stay in the frame of the head; gravity and wind are those of the room.

        Args:
            paths: poses of each head in the room, from rest; None stays or returns upright.
            rest_seconds: time after the longest path [s].
        """
        if len(paths) != self.worlds:
            raise CombwiseError(f"{len(paths)} paths for {self.worlds} worlds; expected one per world")
        longest = max((p.times[-1] for p in paths if p is not None), default=0.0)
        steps = int(np.ceil(longest / self.config.time_step - 1e-9))
        motion, count = head_motion(paths, steps, self.config, self._device)
        self._solver.ride(motion, count)
        self._advance(steps + round(rest_seconds / self.config.time_step), None)

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
        felt = self._advance(steps, comb, on_frame, every)
        readings = [_about_comb(reading, path) for reading, path in zip(felt, paths, strict=True)]
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
            None if pose is None else capsules_at(tool, pose[0][None], pose[1][None])[:, 0] for pose in poses
        ]
        away = np.full((2, len(tool.radius), 3), AWAY) + np.array([0.0, 0.1])[:, None, None]
        # A comb that appears did not slide there from afar.
        before = [now if last is None else last for now, last in zip(here, self._last_comb, strict=True)]
        self._last_comb = here
        ends = np.array([[away if comb is None else comb for comb in combs] for combs in (before, here)])
        start, end = np.moveaxis(ends, 2, 0)
        motion = motion_of(start, end, tool, self._device)
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
        read = range(0, steps, reading_steps) if comb is not None else range(0)
        kept = _Kept(len(read), len(self.heads) * self._strands, self._device) if read else None
        for step in range(steps):
            if self._steps % self.config.neighbour_steps == 0:
                self._solver.find_neighbours(self._state)
            self._solver.step(self._state, comb, step)
            self._steps += 1
            if kept is not None and step in read:
                kept.add(self._solver.comb_reaction, self._solver.comb_torque)
            self._pace.step()
            if on_frame is not None and (start + step) % every == 0:
                on_frame((start + step + 1) * self.config.time_step)
        self._pace.arrive()
        times = np.array([(step + 1) * self.config.time_step for step in read])
        force, torque = (
            np.zeros((2, 0, self.worlds, 3), np.float32)
            if kept is None
            else (np.array([self._of_all_hair(row) for row in rows]) for rows in kept.arrays())
        )
        return [CombReading(times, force[:, w], torque[:, w]) for w in range(self.worlds)]

    def _comb_force(self) -> np.ndarray:
        """Return the force of all hair on the comb in the last step, [W, 3] [N]."""
        return self._of_all_hair(self._solver.comb_reaction.numpy())

    def _of_all_hair(self, per_hair: np.ndarray) -> np.ndarray:
        """Return the sum [W, 3] over all hairs of what each strand's single hair gives, [N strands, 3]."""
        hairs = np.concatenate([g.hair_count for g in self.grooms])[:, None]
        per_strand = per_hair * hairs
        return per_strand.reshape(self.worlds, self._strands, 3).sum(axis=1)


class _Kept:
    """Readings of a stroke, on the device until its end: to fetch each as it comes would hold a GPU up."""

    def __init__(self, readings: int, strands: int, device: str) -> None:
        self._strands = strands
        self._count = 0
        self._force, self._torque = (
            wp.zeros(readings * strands, dtype=wp.vec3, device=device) for _ in range(2)
        )

    def add(self, force: Any, torque: Any) -> None:
        """Keep one more reading, [N strands] each."""
        place = self._count * self._strands
        wp.copy(self._force, force, dest_offset=place)
        wp.copy(self._torque, torque, dest_offset=place)
        self._count += 1

    def arrays(self) -> tuple[np.ndarray, np.ndarray]:
        """Return forces and torques, [T, N strands, 3] each."""
        force, torque = self._force.numpy(), self._torque.numpy()
        return force.reshape(-1, self._strands, 3), torque.reshape(-1, self._strands, 3)


def _about_comb(reading: CombReading, path: ToolPath | None) -> CombReading:
    """Return a reading whose torque is taken about the comb's origin instead of the head's."""
    if path is None or not len(reading.times):
        return reading
    place, _ = poses_at(path, reading.times)
    return replace(reading, torque=reading.torque - np.cross(place, reading.force))


def _state_fields() -> tuple[str, ...]:
    return tuple(RodState.vars)


__all__ = ["CombReading", "HairWorld", "Sag", "comb_motion"]
