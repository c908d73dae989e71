"""Comb with a goal's own strokes, each a millimetre off: how near to a goal can anybody come who knows it?

    python -m benchmarks.replayed --out benchmarks/results/replayed.json

The hidden strokes of development tasks (training families, seeds below 100) are made again, one after the
other, each begun a millimetre from where it should, in the default physics and with the few hard neighbours
that hair had up to version 6. The tasks are each physics' own: the same grooms, goals made as the styling
benchmark makes them.

Beside what single strands have left to their goal, what locks have: the mean motion of a strand and those
whose roots are nearest. Where that is much less, hair goes where it should and single strands are scattered.
"""

from __future__ import annotations

import argparse
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np
from rich.progress import track
from scipy.spatial import KDTree

from benchmarks.provenance import provenance
from hairsim.atomic_file import write_json
from hairsim.device import start_warp
from hairsim.errors import CombwiseError
from hairsim.groom.families import TRAINING_FAMILIES
from hairsim.physics.config import PhysicsConfig
from hairsim.tools.stroke_path import stroke_path
from hairsim.tools.tool import rake_comb
from hairsim.world import HairWorld
from planner.benchmark.levels import LEVELS
from planner.benchmark.metrics import score, strands_to_move
from planner.benchmark.tasks import TaskConfig
from planner.demo.salon import REST_SECONDS
from planner.demo.scene import customer
from planner.goal.virtual_goal import make_virtual_goal
from planner.planners.replay import missed

PHYSICS = {
    "default": PhysicsConfig(),
    "hard": PhysicsConfig(
        hair_distance=0.45, hair_stiffness=0.01, hair_soft=False, hair_reach=2.0, hair_drag=0.0,
        neighbours=6, projections=1,
    ),
}  # fmt: skip
"""Guides as bundles of loose hair, and guides of simulator version 6: few hard neighbours, no drag."""

OFF = 0.001
"""How far from where it should each stroke begins [m]."""

LOCK = 12
"""Strands, by their roots, whose mean motion is that of a lock."""

MEASURED = ("start_mm", "left_mm", "disturbance_mm", "locks_left", "mean_force_n", "peak_force_n")
"""What is averaged over tasks."""


@dataclass(frozen=True)
class Replayed:
    """One task.

    Attributes:
        physics: name.
        level, family, seed: of the task.
        strokes: that made the goal.
        start_mm: distance to the goal of the strands that have to move, before.
        left_mm: after the strokes, each a millimetre off.
        disturbance_mm: of the strands that had to stay.
        locks_left: what locks have left, as a share of what they had to move.
        mean_force_n, peak_force_n: on the comb, over all strokes.
    """

    physics: str
    level: str
    family: str
    seed: int
    strokes: int
    start_mm: float
    left_mm: float
    disturbance_mm: float
    locks_left: float
    mean_force_n: float
    peak_force_n: float


def replayed(physics: str, level: str, family: str, seed: int) -> Replayed:
    """Make one task and comb it with its own strokes, each a millimetre off.

    Raises:
        CombwiseError: no hidden strokes make a task of this hair.
    """
    head, groom = customer(TaskConfig(level, seed, family).demo())
    world = HairWorld([head], [groom], config=PHYSICS[physics])
    world.settle_until_still()
    start, rest = world.strands(), world.snapshot()
    asked = LEVELS[level]
    goal = make_virtual_goal(
        world, rake_comb(), np.random.default_rng([seed, 1]), strokes=asked.hidden, most=asked.most,
        style=asked.style,
    )  # fmt: skip
    world.restore(rest)
    rng = np.random.default_rng(seed)
    forces = []
    for stroke in goal.strokes:
        path = stroke_path(missed(stroke, OFF, head, rng), head, rake_comb())
        reading = world.comb([path], rake_comb(), rest_seconds=REST_SECONDS)[0]
        forces.append(np.linalg.norm(reading.force, axis=-1))
    end = world.strands()
    before, after = (score(strands, start, goal.strands) for strands in (start, end))
    return Replayed(
        physics=physics,
        level=level,
        family=family,
        seed=seed,
        strokes=len(goal.strokes),
        start_mm=before.moved_mm,
        left_mm=after.moved_mm,
        disturbance_mm=after.disturbance_mm,
        locks_left=locks_left(start, end, goal.strands),
        mean_force_n=float(np.mean([force.mean() for force in forces])),
        peak_force_n=float(max(force.max() for force in forces)),
    )


def locks_left(start: np.ndarray, end: np.ndarray, goal: np.ndarray) -> float:
    """Return how far locks are from their goal over how far they had to move, of strands [S, V, 3] [m]."""
    _, lock = KDTree(start[:, 0]).query(start[:, 0], LOCK)
    wanted, made = ((strands - start)[lock].mean(axis=1) for strands in (goal, end))
    needs = strands_to_move(start, goal)
    left, all_of_it = (np.linalg.norm(motion[needs], axis=-1).mean() for motion in (made - wanted, wanted))
    return float(left / all_of_it)


def tasks(seeds: int) -> Iterator[tuple[str, str, int]]:
    """Yield level, family and seed of development tasks; the families in turn."""
    for seed in range(40, 40 + seeds):
        for number, level in enumerate(("lock", "part", "sweep")):
            yield level, TRAINING_FAMILIES[(3 * seed + number) % len(TRAINING_FAMILIES)], seed


def main() -> None:
    """Measure, print and write."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--seeds", type=int, default=3, help="one task of each level per seed")
    parser.add_argument("--out", type=Path)
    arguments = parser.parse_args()
    if not 1 <= arguments.seeds <= 60:
        parser.error(f"--seeds is {arguments.seeds}; expected 1 .. 60, development seeds")
    start_warp()
    rows, refused = [], []
    for level, family, seed in track(list(tasks(arguments.seeds)), description="combing again"):
        try:
            rows += [replayed(physics, level, family, seed) for physics in PHYSICS]
        except CombwiseError as error:
            refused.append(str(error))
    for physics in PHYSICS:
        own = [row for row in rows if row.physics == physics]
        mean = {name: float(np.mean([getattr(row, name) for row in own])) for name in MEASURED}
        print(
            f"{physics}, {len(own)} tasks: {mean['start_mm']:.1f} to {mean['left_mm']:.1f} mm, disturbance "
            f"{mean['disturbance_mm']:.1f} mm, locks have {100 * mean['locks_left']:.0f} % left; force "
            f"{mean['mean_force_n']:.2f} N, at most {mean['peak_force_n']:.1f} N"
        )
    if arguments.out is not None:
        command = f"python -m benchmarks.replayed --seeds {arguments.seeds}"
        write_json(
            arguments.out,
            {**provenance(command), "rows": [asdict(row) for row in rows], "no_task": refused},
        )


if __name__ == "__main__":
    main()
