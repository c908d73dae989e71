"""Measure how well what a planner is promised ranks strokes, and weigh the parts of the promise by it.

    python -m benchmarks.promise --out benchmarks/results/promise.json

On development heads, strokes that the planner would try are simulated on a copy of the hair, each from the
same start. What they truly do, the change of moved plus disturbance over moved at the start, is set beside
the parts of the promise (`planner/planners/search.py`): the cost that the model predicts, its distance term
alone, and the sweep of the teeth.

Weights are found by least squares on all heads; each head is judged by the weights of the others.
"""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from itertools import pairwise
from multiprocessing import get_context
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from rich.progress import track
from scipy.stats import spearmanr

from benchmarks.provenance import provenance
from hairsim.atomic_file import write_json
from hairsim.device import start_warp
from hairsim.errors import CombwiseError

if TYPE_CHECKING:
    from planner.demo.scene import Scene

FAMILIES = (
    *("straight_long", "wavy_side_part", "curly_long", "coily_long"),
    *("straight_layered", "wavy_long", "asymmetric_wavy", "curly_bob"),
)
"""Training families whose hair is long enough to be restyled."""

FIRST_SEED = 50
"""A development seed: 0 .. 99 are never in a published table."""

PARTS = {"cost": 1.0, "distance": 1.0, "sweep": -1.0}
"""Signs: a lower cost, a lower distance and more sweep promise less left to do."""


PROMISES = (np.inf, 0.20, 0.15, 0.12, 0.09, 0.06, 0.03, 0.0, -np.inf)
"""Limits of the classes of promises, as shares of moved at the start."""


@dataclass(frozen=True)
class Job:
    """Strokes to try on one head; `sieved` of them passed the planner's sieve, `free` did not have to.

    `caution` is the margin that edits are believed with (`dynamics.editing.caution`).
    """

    seed: int
    family: str
    sieved: int
    free: int
    weights: Path | None
    caution: float = 0.0


def development_scene(seed: int, family: str) -> Scene | None:
    """Open a development task on one core of a worker; None, saying why, where no task can be made."""
    import torch

    from planner.benchmark.tasks import Task, TaskConfig

    start_warp()
    torch.set_num_threads(1)
    try:
        return Task(TaskConfig("any", seed, family)).scene()
    except CombwiseError as error:
        print(f"left out: {error}")
        return None


def try_strokes(job: Job) -> dict[str, Any] | None:
    """Return for one head what strokes promised, one row of `PARTS` each, and what they truly did.

    `completed`, where a completion belongs to the weights, is what they promise when it fills in hidden hair.
    None for hair that a comb does not restyle.
    """
    from dynamics.completion.completion import completion_file
    from dynamics.editing.caution import Caution
    from dynamics.model import WEIGHTS, load_model
    from planner.benchmark.metrics import score
    from planner.benchmark.rehearsal import SalonRehearsal
    from planner.observe.observe import observe
    from planner.planners.mppi import MppiPlanner
    from planner.planners.mppi_config import MppiConfig

    scene = development_scene(job.seed, job.family)
    if scene is None:
        return None
    assert scene.truth is not None
    model = load_model(job.weights, caution=Caution(job.caution))
    planner = MppiPlanner(model, MppiConfig(proposals=job.sieved))
    seen = observe(scene.salon.look(), scene.head, model.grid)
    goal = scene.goal_volume(model.grid)
    rng = np.random.default_rng([job.seed, 2])
    plans = planner.proposed(seen, goal, scene.head, rng, free=job.free)
    parts = planner.promised(seen, goal, scene.head, plans)
    tried: dict[str, Any] = {"seed": job.seed, "family": job.family, "parts": parts.tolist()}
    if completion_file(job.weights or WEIGHTS / "small.safetensors") is not None:
        completing = MppiPlanner(load_model(job.weights, caution=Caution(job.caution), completes=True))
        tried["completed"] = completing.promised(seen, goal, scene.head, plans).tolist()
    rehearsal = SalonRehearsal(scene.salon)
    start = rehearsal.now()
    first = score(start, start, scene.truth.strands)
    truly = []
    for plan in plans:
        now = score(rehearsal.after(plan), start, scene.truth.strands)
        left = now.moved_mm + now.disturbance_mm - first.moved_mm - first.disturbance_mm
        truly.append(left / first.moved_mm)
    return tried | {"truly": truly}


def fitted(heads: Sequence[dict[str, Any]]) -> np.ndarray:
    """Return the least-squares weights of `PARTS`; every head has its own mean, which ranks nothing."""
    parts, truly = [], []
    for head in heads:
        p, t = np.array(head["parts"]), np.array(head["truly"])
        parts.append(p - p.mean(axis=0))
        truly.append(t - t.mean())
    return np.linalg.lstsq(np.concatenate(parts), np.concatenate(truly), rcond=None)[0]


def ranking(
    heads: Sequence[dict[str, Any]], weights: Sequence[np.ndarray], parts: str = "parts"
) -> list[float]:
    """Return, per head, the rank correlation of what weighted parts promise with what strokes truly did."""
    return [
        float(spearmanr(np.array(head[parts]) @ w, head["truly"])[0])  # pyright: ignore[reportArgumentType]
        for head, w in zip(heads, weights, strict=True)
    ]


def summarise(heads: Sequence[dict[str, Any]], shipped: np.ndarray) -> dict[str, Any]:
    """Return the rank correlations of each part alone, of the shipped weights and of fitted ones."""
    others = [fitted([h for h in heads if h is not head]) for head in heads]
    alone = {
        name: float(np.mean(ranking(heads, [sign * axis] * len(heads))))
        for (name, sign), axis in zip(PARTS.items(), np.eye(len(PARTS)), strict=True)
    }
    completed = {}
    if all("completed" in head for head in heads):
        ranked = ranking(heads, [shipped] * len(heads), "completed")
        completed["shipped, hair completed"] = float(np.mean(ranked))
    return {
        "rank_correlation": {
            **alone,
            "shipped": float(np.mean(ranking(heads, [shipped] * len(heads)))),
            **completed,
            "fitted, each head by the others": float(np.mean(ranking(heads, others))),
        },
        "shipped_weights": shipped.tolist(),
        "fitted_weights": fitted(heads).tolist(),
        "fitted_per_head": [w.tolist() for w in others],
    }


def brought(heads: Sequence[dict[str, Any]], shipped: np.ndarray) -> list[dict[str, float | None]]:
    """Return, from the largest promise down, how much strokes of each promise brought on average.

    Shares of moved at the start. A class lies above its limit, the last above none.
    """
    promised = -np.concatenate([np.array(head["parts"]) @ shipped for head in heads])
    truly = -np.concatenate([head["truly"] for head in heads])
    classes = []
    for high, low in pairwise(PROMISES):
        found = truly[(promised <= high) & (promised > low)]
        if len(found):
            classes.append(
                {
                    "above": low if np.isfinite(low) else None,
                    "strokes": len(found),
                    "brought": float(found.mean()),
                    "better": float((found > 0).mean()),
                }
            )
    return classes


def main() -> None:
    """Measure, print and write the table."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--heads", type=int, default=8)
    parser.add_argument("--sieved", type=int, default=16, help="strokes of each head that passed the sieve")
    parser.add_argument("--free", type=int, default=8, help="strokes of each head that did not have to")
    parser.add_argument("--workers", type=int, default=2)
    parser.add_argument("--weights", type=Path, help="checkpoint of the learned model; default the shipped")
    parser.add_argument("--caution", type=float, default=0.0, help="margin of edits in logits")
    parser.add_argument("--out", type=Path)
    arguments = parser.parse_args()
    if arguments.heads < 2:
        parser.error(f"--heads is {arguments.heads}; expected at least 2, each is judged by the others")
    from planner.planners.mppi_config import MppiConfig

    jobs = [
        Job(
            FIRST_SEED + n,
            FAMILIES[n % len(FAMILIES)],
            arguments.sieved,
            arguments.free,
            arguments.weights,
            arguments.caution,
        )
        for n in range(arguments.heads)
    ]
    with ProcessPoolExecutor(arguments.workers, mp_context=get_context("spawn")) as pool:
        tried = list(track(pool.map(try_strokes, jobs), description="trying strokes", total=len(jobs)))
    heads = [head for head in tried if head is not None]
    if len(heads) < 2:
        parser.error(f"{len(heads)} of {len(jobs)} heads can be restyled; expected at least 2")
    config = MppiConfig()
    shipped = np.array([config.total, config.distance, -config.sweep])
    found = summarise(heads, shipped)
    for name, value in found["rank_correlation"].items():
        print(f"{name}: rank correlation {value:.2f}")
    print("weights of cost, distance, sweep: " + ", ".join(f"{w:.2f}" for w in found["fitted_weights"]))
    classes = brought(heads, shipped)
    for c in classes:
        above = "nothing" if c["above"] is None else f"more than {c['above']:.0%}"
        print(f"promised {above}: {c['strokes']} strokes brought {c['brought']:.1%}, {c['better']:.0%} any")
    if arguments.out is not None:
        command = (
            f"python -m benchmarks.promise --heads {arguments.heads} --sieved {arguments.sieved} "
            f"--free {arguments.free}" + (f" --caution {arguments.caution:g}" if arguments.caution else "")
        )
        write_json(arguments.out, {**provenance(command), **found, "brought": classes, "heads": heads})


if __name__ == "__main__":
    main()
