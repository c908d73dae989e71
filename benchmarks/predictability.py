"""Measure how far the simulator can predict itself: what no model of a stroke can be expected to beat.

    python -m benchmarks.predictability --out benchmarks/results/predictability.json

Hair in contact is chaotic. The same stroke is simulated from the same hair and from hair that lies a little
elsewhere, and the second is scored as if it were a prediction of the first, by the measures of `combwise
evaluate dynamics`: on the voxels that change in the truth or in the prediction, beside leaving the hair as it
is. A micrometre is what rounding does to a start; a millimetre is finer than cameras see.

The mean of several such simulations is scored too: a model that says one outcome does best, by and large, to
say the expected one.
"""

from __future__ import annotations

import argparse
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from rich.progress import track
from torch import Tensor

from benchmarks.provenance import provenance
from dynamics.metrics import changed, changed_region, score
from hairsim.atomic_file import write_json
from hairsim.device import start_warp
from hairsim.generate.config import TRAINING_STROKES, Randomisation
from hairsim.generate.episode import GroomRecord
from hairsim.generate.heads import numbered_head
from hairsim.generate.random_stroke import random_stroke
from hairsim.groom.children import Children
from hairsim.groom.families import TRAINING_FAMILIES, UNSEEN_FAMILIES, make_groom
from hairsim.tools.stroke_path import stroke_path
from hairsim.tools.tool import ToolPath, rake_comb
from hairsim.volume import GRIDS, volume_from_strands
from hairsim.world import HairWorld

GUIDES, VERTICES, CHILDREN = 400, 20, 4000
OFFSETS = (1e-6, 1e-3)
"""How far the hair of the second start lies from the first, standard deviation along each axis [m]."""

SAMPLES = 6
"""Simulations, each from the last of the offsets, whose mean is the expected outcome."""


@dataclass(frozen=True)
class Outcome:
    """One stroke: errors of leaving the hair as it was, and of the second simulation for every offset.

    Attributes:
        family: of the groom.
        stroke: number of the stroke on this head.
        moved_mm: mean distance that vertices moved in the truth.
        apart_mm: mean distance of the second simulation's vertices from the truth, per offset.
        occupancy_error: of no stroke at all, then per offset, then of the expected outcome.
        direction_deg: the same.
    """

    family: str
    stroke: int
    moved_mm: float
    apart_mm: tuple[float, ...]
    occupancy_error: tuple[float, ...]
    direction_deg: tuple[float, ...]


def shifted(state: dict[str, np.ndarray], offset: float, rng: np.random.Generator) -> dict[str, np.ndarray]:
    """Return a state whose strands are shifted by random vectors that grow from the root to the tip."""
    position = state["position"]
    shift = rng.normal(0.0, offset, (len(position), 1, 3)) * np.linspace(0.0, 1.0, position.shape[1])[:, None]
    shift[:, :2] = 0.0  # held by the follicle
    return {**state, "position": (position + shift).astype(np.float32)}


def outcomes(family: str, seed: int, strokes: int) -> list[Outcome]:
    """Comb one groom with random strokes of the data engine, each from several starts."""
    rng = np.random.default_rng(seed)
    head, _ = numbered_head(seed, 0)
    groom = make_groom(family, head, guides=GUIDES, vertices=VERTICES, seed=seed)
    _, children = GroomRecord.of(groom, seed, CHILDREN)
    material = Randomisation().material(rng)
    world = HairWorld([head], [groom], material=material, threads=1)
    world.settle(3.0)
    found = []
    for stroke in range(strokes):
        path = stroke_path(random_stroke(world.strands(), head, rng, TRAINING_STROKES), head, rake_comb())
        before, start = world.strands(), world.snapshot()
        ends = [combed(world, path, shifted(start, offset, rng)) for offset in OFFSETS]
        more = [combed(world, path, shifted(start, OFFSETS[-1], rng)) for _ in range(SAMPLES - 1)]
        truth = combed(world, path, start)
        volumes = [_volume(children, strands) for strands in (before, truth, *ends)]
        expected = _mean([volumes[-1], *(_volume(children, strands) for strands in more)])
        guesses = (volumes[0], *volumes[2:], expected)
        errors = [_errors(volumes[0], volumes[1], guess) for guess in guesses]
        found.append(
            Outcome(
                family,
                stroke,
                _apart(before, truth),
                tuple(_apart(end, truth) for end in ends),
                tuple(error for error, _ in errors),
                tuple(turn for _, turn in errors),
            )
        )
    return found


def combed(world: HairWorld, path: ToolPath, start: dict[str, np.ndarray]) -> np.ndarray:
    """Return the strands [S, V, 3] [m] that a stroke leaves of a state."""
    world.restore(start)
    world.comb([path], rake_comb(), rest_seconds=1.0)
    return world.strands()


def _apart(a: np.ndarray, b: np.ndarray) -> float:
    return float(1000.0 * np.linalg.norm(a - b, axis=-1).mean())


def _volume(children: Children, guides: np.ndarray) -> tuple[Tensor, Tensor]:
    volume = volume_from_strands(children.strands(guides), children.hair_count, GRIDS["small"])
    return torch.from_numpy(volume.occupancy)[None].float(), torch.from_numpy(volume.direction)[None].float()


def _mean(volumes: list[tuple[Tensor, Tensor]]) -> tuple[Tensor, Tensor]:
    """Return the mean occupancy of volumes and the direction of their mean current."""
    occupancy = torch.stack([o for o, _ in volumes]).mean(dim=0)
    current = torch.stack([o[..., None] * d for o, d in volumes]).mean(dim=0)
    return occupancy, torch.nn.functional.normalize(current, dim=-1)


def _errors(
    before: tuple[Tensor, Tensor], truth: tuple[Tensor, Tensor], guess: tuple[Tensor, Tensor]
) -> tuple[float, float]:
    region = changed_region(changed(*before, *truth), changed(*before, *guess))
    found = score(*guess, *truth, region)
    return float(found.occupancy_error[0]), float(found.direction_deg[0])


def main() -> None:
    """Measure, print and write the table."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument(
        "--families",
        nargs="*",
        choices=[*TRAINING_FAMILIES, *UNSEEN_FAMILIES],
        default=[*TRAINING_FAMILIES[::2], *UNSEEN_FAMILIES],
    )
    parser.add_argument("--strokes", type=int, default=2, help="on every head")
    parser.add_argument("--out", type=Path)
    arguments = parser.parse_args()
    start_warp()
    rows = [
        outcome
        for seed, family in enumerate(track(arguments.families, description="combing twice"))
        for outcome in outcomes(family, seed, arguments.strokes)
    ]
    occupancy = np.array([r.occupancy_error for r in rows]).mean(axis=0)
    direction = np.array([r.direction_deg for r in rows]).mean(axis=0)
    print(f"{len(rows)} strokes; no stroke: {occupancy[0]:.4f}, {direction[0]:.1f} deg")
    names = [f"the simulator from {1000.0 * offset:g} mm beside" for offset in OFFSETS]
    names.append(f"the mean of {SAMPLES} from {1000.0 * OFFSETS[-1]:g} mm beside")
    for number, name in enumerate(names, start=1):
        better = [100.0 * (1.0 - error[number] / error[0]) for error in (occupancy, direction)]
        print(
            f"{name}: {occupancy[number]:.4f}, {direction[number]:.1f} deg; "
            f"{better[0]:.0f} % and {better[1]:.0f} % better"
        )
    if arguments.out is None:
        return
    command = f"python -m benchmarks.predictability --strokes {arguments.strokes}"
    write_json(
        arguments.out, {**provenance(command), "offsets_m": OFFSETS, "rows": [vars(row) for row in rows]}
    )


if __name__ == "__main__":
    main()
