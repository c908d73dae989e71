"""Heads of hair that a comb can move: the simulator as its users see it."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Sequence
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
from hairsim.physics.comb_motion import capsules_at, comb_motion, motion_of, tool_per_world
from hairsim.physics.comb_reading import KeptReadings
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
        material: Material | Sequence[Material] | None = None,
        config: PhysicsConfig | None = None,
        device: str = "cpu",
        threads: int | None = None,
    ) -> None:
        """Put each groom on its head.

        Args:
            heads, grooms: one of each per world.
            material: of all hair, or one per world; default Material().
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
        materials = (
            [material or Material()] * len(heads)
            if material is None or isinstance(material, Material)
            else list(material)
        )
        if len(materials) != len(heads):
            raise CombwiseError(
                f"{len(materials)} materials for {len(heads)} worlds; expected one, or one per world"
            )
        grooms = [free_of_skin(groom, head) for groom, head in zip(grooms, heads, strict=True)]
        self.config = config or PhysicsConfig()
        self.heads, self.grooms = tuple(heads), tuple(grooms)
        self._device = device
        self._strands, self._vertices = grooms[0].strands.shape[:2]
        count = len(heads) * self._strands
        with wp.ScopedDevice(device):
            rod, contact = make_models(heads, grooms, materials, self.config, device)
            start = np.concatenate([even_edges(g.strands) for g in grooms])
            height = np.concatenate(
                [h.field.sample(s) for h, s in zip(heads, np.split(start, len(heads)), strict=True)]
            )
            self._state = make_state(start, height, self.config, device)
            work = make_workspace(len(heads), (count, self._vertices), device)
            launcher = StrandLauncher(device, count, threads or os.cpu_count() or 1)
            ties = make_ties(grooms, start, self.config, device)
            self._solver = Solver(rod, contact, ties, work, launcher, device, contacts=self.config.contacts)
        self._pace = Pace(device)
        self._hairs = wp.array(
            np.concatenate([g.hair_count for g in grooms]).astype(np.float32), dtype=float, device=device
        )
        self._steps = np.zeros(len(heads), np.int64)
        self._last_comb: list[np.ndarray | None] = [None] * len(heads)

    @property
    def worlds(self) -> int:
        """Number of heads, W."""
        return len(self.heads)

    def strands(self, world: int = 0) -> np.ndarray:
        """Return a copy of the guide strands of one world, [S, V, 3] float32 [m], head frame."""
        first = world * self._strands
        return self._state.position.numpy()[first : first + self._strands].copy()

    def all_strands(self) -> np.ndarray:
        """Return a copy of the guide strands of all worlds, [W, S, V, 3] float32 [m], head frames."""
        shape = (self.worlds, self._strands, self._vertices, 3)
        return self._state.position.numpy().copy().reshape(shape)

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
        tool: Tool | Sequence[Tool],
        *,
        rest_seconds: float = 0.8,
        each_its_own: bool = False,
        on_frame: Callable[[float], None] | None = None,
        frames_per_second: float = 30.0,
    ) -> list[CombReading]:
        """Play one tool path per world (None waits), then let the hair rest.

        Args:
            paths: one per world.
            tool: the comb, the same in all worlds or one per world.
            rest_seconds: time without the comb after the longest path [s].
            each_its_own: time stops in a world when its own path and a rest after it are over, as if it were
                alone; else all worlds see the same time.
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
        tools = tool_per_world(tool, self.worlds)
        comb = comb_motion(paths, tools, steps, self.config.time_step, self._device) if steps else None
        combed = np.full(self.worlds, steps)
        if each_its_own:
            ends = [0.0 if path is None else path.times[-1] for path in paths]
            combed = np.ceil(np.array(ends) / self.config.time_step).astype(np.int64)
        felt = self._advance(steps, comb, on_frame, every, until=combed + rest)
        readings = [
            _about_comb(_first(reading, int(own), self._reading_steps), path)
            for reading, own, path in zip(felt, combed, paths, strict=True)
        ]
        if rest:
            self._advance(rest, None, on_frame, every, start=steps, until=combed + rest - steps)
        return readings

    def step_comb(
        self, poses: Sequence[tuple[np.ndarray, np.ndarray] | None], tool: Tool | Sequence[Tool]
    ) -> np.ndarray:
        """Advance one time step while the tool moves to a pose per world, learnt as time goes on.

        Poses at the times that `comb` would ask of a path give the same motion as `comb`, to the bit.

        Args:
            poses: position [3] [m] and quaternion [4] at the end of the step, head frame; None is away.
            tool: the comb, the same in all steps, and in all worlds or one per world.

        Returns:
            Force of the hair on the comb, [W, 3] [N], head frame.
        """
        if len(poses) != self.worlds:
            raise CombwiseError(f"{len(poses)} poses for {self.worlds} worlds; expected one per world")
        tools = tool_per_world(tool, self.worlds)
        here = [
            None if pose is None else capsules_at(its, pose[0][None], pose[1][None])
            for pose, its in zip(poses, tools, strict=True)
        ]
        # A comb that appears did not slide there from afar; one that is gone is away at once.
        moved = [
            None if now is None else np.concatenate([now if last is None else last, now], axis=1)
            for now, last in zip(here, self._last_comb, strict=True)
        ]
        self._last_comb = here
        motion = motion_of(moved, tools, 2, self._device)
        for _ in self._steps_of(1, np.ones(self.worlds, np.int64)):
            self._solver.step(self._state, motion, 1)
        return self._comb_force()

    def snapshot(self) -> dict[str, np.ndarray]:
        """Return everything that evolves, as copies; `restore` brings it back to the bit."""
        kept = {f: getattr(self._state, f).numpy().copy() for f in _state_fields()}
        kept["steps"] = self._steps.copy()
        return kept

    def restore(self, snapshot: dict[str, np.ndarray]) -> None:
        """Go back to a snapshot of this world."""
        for name in _state_fields():
            getattr(self._state, name).assign(snapshot[name])
        self._steps = snapshot["steps"].copy()

    def _advance(
        self,
        steps: int,
        comb: Any | None,
        on_frame: Callable[[float], None] | None = None,
        every: int = 0,
        start: int = 0,
        until: np.ndarray | None = None,
    ) -> list[CombReading]:
        read = range(0, steps, self._reading_steps) if comb is not None else range(0)
        kept = KeptReadings(len(read), self._hairs, self.worlds, self._device) if read else None
        for step in self._steps_of(steps, np.full(self.worlds, steps) if until is None else until):
            self._solver.step(self._state, comb, step)
            if kept is not None and step in read:
                kept.add(self._solver.comb_reaction, self._solver.comb_torque)
            self._pace.step()
            if on_frame is not None and (start + step) % every == 0:
                on_frame((start + step + 1) * self.config.time_step)
        self._pace.arrive()
        times = np.array([(step + 1) * self.config.time_step for step in read])
        force, torque = np.zeros((2, 0, self.worlds, 3), np.float32) if kept is None else kept.arrays()
        return [CombReading(times, force[:, w], torque[:, w]) for w in range(self.worlds)]

    def _steps_of(self, steps: int, until: np.ndarray) -> Iterator[int]:
        """Yield `steps` steps, with a search for neighbours before those that need one.

        Args:
            steps: how many.
            until: [W] of them happen in each world, which then waits; those of more go on to the end.
        """
        until = np.clip(until, 0, steps)
        every, phase = self.config.neighbour_steps, self._steps.copy()
        together = bool((until == steps).all() and (phase % every == phase[0] % every).all())
        apart = (
            []
            if together
            else [
                wp.array(values.astype(np.int32), dtype=int, device=self._device)
                for values in (until, phase % every)
            ]
        )
        for step in range(steps):
            if apart:
                self._solver.wake(step, apart[0], apart[1], every)
            if ((step < until) & ((phase + step) % every == 0)).any():
                self._solver.find_neighbours(self._state)
            self._steps = phase + np.minimum(step + 1, until)
            yield step
        if apart:
            self._solver.wake_all()

    @property
    def _reading_steps(self) -> int:
        """Steps between two readings of a comb."""
        return max(1, round(1.0 / (READINGS_PER_SECOND * self.config.time_step)))

    def _comb_force(self) -> np.ndarray:
        """Return the force of all hair on the comb in the last step, [W, 3] [N]."""
        kept = KeptReadings(1, self._hairs, self.worlds, self._device)
        kept.add(self._solver.comb_reaction, self._solver.comb_torque)
        return kept.arrays()[0][0]


def _first(reading: CombReading, steps: int, reading_steps: int) -> CombReading:
    """Return what was read in the first steps."""
    count = len(range(0, steps, reading_steps))
    return CombReading(reading.times[:count], reading.force[:count], reading.torque[:count])


def _about_comb(reading: CombReading, path: ToolPath | None) -> CombReading:
    """Return a reading whose torque is taken about the comb's origin instead of the head's."""
    if path is None or not len(reading.times):
        return reading
    place, _ = poses_at(path, reading.times)
    return replace(reading, torque=reading.torque - np.cross(place, reading.force))


def _state_fields() -> tuple[str, ...]:
    return tuple(RodState.vars)


__all__ = ["CombReading", "HairWorld", "Sag", "comb_motion"]
