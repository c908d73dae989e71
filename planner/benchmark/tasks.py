"""A styling task: a settled head of hair, a goal made by hidden strokes, a number of strokes allowed."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np

from hairsim.atomic_file import written_aside
from hairsim.errors import CombwiseError
from hairsim.groom.children import make_children
from hairsim.head.keep_out import KeepOutZones
from hairsim.tools.stroke import Stroke
from hairsim.tools.tool import rake_comb
from hairsim.world import HairWorld
from planner.benchmark.levels import LEVELS, Level
from planner.benchmark.metrics import strand_distance
from planner.demo.config import DemoConfig
from planner.demo.salon import REST_SECONDS, WAIT_SECONDS, SimulatedSalon
from planner.demo.scene import Scene, customer, open_salon
from planner.goal.look import Look
from planner.goal.virtual_goal import VirtualGoal, make_virtual_goal

STILL = 0.002
"""Waiting as long as a planner may comb must move no strand by more than this [m]: settled means settled."""

RESTS = 3
"""How often hair that drifts is given as much time again before its groom is given up."""


@dataclass(frozen=True)
class TaskConfig:
    """Which task.

    Attributes:
        level: name of its level.
        seed: of the groom, the hidden strokes, the cameras' noise and the planner.
        family: procedural hairstyle; of a groom file its name.
        guides: simulated strands.
        vertices: of each.
        children: interpolated hairs that the cameras see.
        device: where to simulate.
        keep_out: zones of the head that strokes of planners must stay out of; None for none.
        groom: hair file in place of a procedural groom, read where it lies.
        head: mesh file in place of the built-in head.
        groom_unit, groom_axes: of both; see `DemoConfig`.
    """

    level: str
    seed: int
    family: str
    guides: int = 400
    vertices: int = 20
    children: int = 4000
    device: str = "cpu"
    keep_out: KeepOutZones | None = None
    groom: Path | None = None
    head: Path | None = None
    groom_unit: str | None = None
    groom_axes: str | None = None

    @property
    def name(self) -> str:
        """What to call the task in files and tables."""
        return f"{self.level}-{self.seed}"

    def demo(self, film: bool = False) -> DemoConfig:
        """Return the config of the scene."""
        level = LEVELS[self.level]
        return DemoConfig(
            seed=self.seed,
            family=self.family if self.groom is None else DemoConfig.family,
            groom=self.groom,
            head=self.head,
            groom_unit=self.groom_unit,
            groom_axes=self.groom_axes,
            strokes=level.allowed,
            hidden_strokes=level.hidden,
            guides=self.guides,
            vertices=self.vertices,
            children=self.children,
            video=film,
            device=self.device,
        )


class Task:
    """A task that can be tried again and again from the same start.

    Args:
        config: which task.
        kept: file that keeps what takes long to make; read when it is there, else written. None for none.
        film: whether strokes are filmed.

    Attributes:
        drift_mm: furthest that a strand moves when nobody combs [mm].

    Raises:
        CombwiseError: the hair never rests, or no hidden strokes make a task of it.
    """

    def __init__(self, config: TaskConfig, kept: Path | None = None, *, film: bool = False) -> None:
        self.config = config
        self.level: Level = LEVELS[config.level]
        self._demo = config.demo(film)
        head, self._groom = customer(self._demo)
        self._children = make_children(self._groom, count=config.children, seed=config.seed)
        self._world = HairWorld([head], [self._groom], device=config.device, threads=1)
        self._world.settle_until_still()
        earlier = _read(kept)
        if earlier is None:
            rests, self.drift_mm = self._rest()
            rng = np.random.default_rng([config.seed, 1])
            self.truth = make_virtual_goal(
                self._world, rake_comb(), rng, strokes=self.level.hidden, most=self.level.most,
                style=self.level.style,
            )  # fmt: skip
            _write(kept, rests, self.drift_mm, self.truth)
        else:
            rests, self.drift_mm, self.truth = earlier
            self._world.settle(rests * self._waiting)
        self._start = self._world.snapshot()
        salon = open_salon(self._demo, self._world, self._children)
        notes = {"head": head.name, "seed": config.seed}
        self._goal = Look(tuple(salon.look_at(self.truth.strands)), notes)

    @property
    def _waiting(self) -> float:
        """How long the hair waits where nobody combs [s]."""
        return self.level.allowed * (WAIT_SECONDS + REST_SECONDS)

    def scene(self) -> Scene:
        """Return the task as it is at the start: the same each time."""
        self._world.restore(self._start)
        salon: SimulatedSalon = open_salon(self._demo, self._world, self._children)
        return Scene(salon, self._groom, self._goal, self.truth)

    def _rest(self) -> tuple[int, float]:
        """Let drifting hair rest; return how many waits it was given, and what a further one moves [mm]."""
        for rests in range(RESTS):
            start, before = self._world.strands(), self._world.snapshot()
            self._world.settle(self._waiting)
            drift = float(strand_distance(self._world.strands(), start).max())
            if drift <= STILL or not self.level.rested:
                self._world.restore(before)
                return rests, 1000.0 * drift
        raise CombwiseError(
            f"hair of '{self._groom.name}' still moves by {1000.0 * drift:.1f} mm after waiting "  # pyright: ignore[reportPossiblyUnboundVariable]
            f"{RESTS} times {self._waiting:.0f} s; expected at most {1000.0 * STILL:.0f} mm"
        )


def _write(path: Path | None, rests: int, drift_mm: float, truth: VirtualGoal) -> None:
    if path is None:
        return
    path.parent.mkdir(parents=True, exist_ok=True)
    strokes = np.array([stroke.to_vector() for stroke in truth.strokes])
    with written_aside(path) as aside:
        np.savez_compressed(
            aside, allow_pickle=False, strands=truth.strands, strokes=strokes, rests=rests, drift_mm=drift_mm
        )


def _read(path: Path | None) -> tuple[int, float, VirtualGoal] | None:
    if path is None or not path.is_file():
        return None
    try:
        with np.load(path, allow_pickle=False) as archive:
            strokes = tuple(Stroke.from_vector(vector) for vector in archive["strokes"])
            return int(archive["rests"]), float(archive["drift_mm"]), VirtualGoal(archive["strands"], strokes)
    except (OSError, ValueError, KeyError) as error:
        raise CombwiseError(f"task {path} is damaged ({error}); delete it to make it again") from error
