"""Measure where the choice of a stroke goes wrong: in the eyes, in the model, or in the cost.

    python -m benchmarks.choosing --out benchmarks/results/choosing.json
    python -m benchmarks.choosing --after 3 --out benchmarks/results/choosing_later.json

On development heads, strokes that the planner would try are simulated on a copy of the hair. What they truly
do, the change of moved plus disturbance over moved at the start, is set beside the cost that four judges say
they lead to:

    judge              the hair now, and the goal          the hair after a stroke
    planner            as seen, completed by the model     as the model predicts it
    perfect eyes       true                                as the model predicts it from the true hair
    perfect model      as seen, completed by the model     as cameras see it once it is there, completed
    both               true                                true

The last shows what the cost itself misses. Whole episodes say the same with days of computing
(`combwise evaluate styling --oracle observe model`); here each judge has the same strokes before it.
`--after N` looks at hair that the planner has combed N times, where little is left to find.
"""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from multiprocessing import get_context
from pathlib import Path
from typing import Any

import numpy as np
from rich.progress import track
from scipy.stats import spearmanr

from benchmarks.promise import FAMILIES, FIRST_SEED, development_scene
from benchmarks.provenance import provenance
from hairsim.atomic_file import write_json

JUDGES = ("planner", "perfect eyes", "perfect model", "both")


@dataclass(frozen=True)
class Job:
    """Strokes to judge on one head, after the planner has combed it `after` times."""

    seed: int
    family: str
    sieved: int
    free: int
    after: int


def judge_strokes(job: Job) -> dict[str, Any] | None:
    """Return for one head what each judge says of strokes, and what they truly did; None for no task."""
    from dynamics.model import load_model
    from hairsim.volume import HairVolume
    from planner.benchmark.metrics import score
    from planner.benchmark.rehearsal import SalonRehearsal
    from planner.cost import GoalCost
    from planner.observe.observe import observe
    from planner.planners.mppi import MppiPlanner
    from planner.planners.mppi_config import MppiConfig

    scene = development_scene(job.seed, job.family)
    if scene is None:
        return None
    assert scene.truth is not None
    salon, head, wanted = scene.salon, scene.head, scene.truth.strands
    model = load_model()
    planner = MppiPlanner(model, MppiConfig(proposals=job.sieved))
    goal = scene.goal_volume(model.grid)
    begin = salon.world.strands()
    for number in range(job.after):
        look = observe(salon.look(), head, model.grid)
        salon.execute(planner.plan(look, goal, head, np.random.default_rng([job.seed, number])).stroke)
    rng = np.random.default_rng([job.seed, 100 + job.after])
    seen = observe(salon.look(), head, model.grid)
    plans = planner.proposed(seen, goal, head, rng, free=job.free)
    rehearsal = SalonRehearsal(salon)

    def completed(volume: HairVolume, *, full: bool = False) -> HairVolume:
        return model.decode(model.encode(volume, head, full=full))

    def change(cost: GoalCost, hair: HairVolume, now: HairVolume) -> float:
        return cost.volume(hair) / cost.volume(now) - 1.0

    def predicted(hair: HairVolume, cost: GoalCost, *, full: bool) -> list[float]:
        state = model.encode(hair, head, full=full)
        rollout = model.rollout(state, plans, head)
        total = cost(rollout.occupancy, rollout.direction).total
        return (total / cost.volume(model.decode(state)) - 1.0).tolist()

    as_seen = GoalCost(completed(goal))
    now = completed(seen)
    true_goal, true_now = (rehearsal.volume(s, model.grid) for s in (wanted, rehearsal.now()))
    as_is = GoalCost(true_goal)
    first = score(rehearsal.now(), begin, wanted)
    start = score(begin, begin, wanted).moved_mm
    said: dict[str, list[float]] = {
        "planner": predicted(seen, as_seen, full=False),
        "perfect eyes": predicted(true_now, GoalCost(completed(true_goal, full=True)), full=True),
        "perfect model": [],
        "both": [],
    }
    truly = []
    for plan in plans:
        strands = rehearsal.after(plan)
        there = score(strands, begin, wanted)
        change_mm = there.moved_mm + there.disturbance_mm - first.moved_mm - first.disturbance_mm
        truly.append(change_mm / start)
        then = observe(salon.look_at(strands), head, model.grid)
        said["perfect model"].append(change(as_seen, completed(then), now))
        said["both"].append(change(as_is, rehearsal.volume(strands, model.grid), true_now))
    return {
        "seed": job.seed, "family": job.family, "start_mm": start, "now_mm": first.moved_mm,
        "said": said, "truly": truly,
    }  # fmt: skip


def summarise(heads: Sequence[dict[str, Any]]) -> list[dict[str, Any]]:
    """Return how each judge ranks strokes, and what the one that it chooses brings [share of moved].

    Beside them what the best of the strokes brings, and what they bring on average.
    """
    best = [-min(head["truly"]) for head in heads]
    chance = [-np.mean(head["truly"]) for head in heads]
    rows: list[dict[str, Any]] = [
        {"judge": "the best there is", "rank_correlation": None, "brings": _mean(best)},
        {"judge": "chance", "rank_correlation": None, "brings": _mean(chance)},
    ]
    for judge in JUDGES:
        ranks = [spearmanr(head["said"][judge], head["truly"])[0] for head in heads]
        chosen = [-head["truly"][int(np.argmin(head["said"][judge]))] for head in heads]
        rows.append({"judge": judge, "rank_correlation": _mean(ranks), "brings": _mean(chosen)})
    return rows


def _mean(values: Any) -> float:
    return float(np.mean([float(value) for value in values]))


def main() -> None:
    """Measure, print and write the table."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--heads", type=int, default=8)
    parser.add_argument("--sieved", type=int, default=16, help="strokes of each head that passed the sieve")
    parser.add_argument("--free", type=int, default=8, help="strokes of each head that did not have to")
    parser.add_argument("--after", type=int, default=0, help="strokes that the planner combs before")
    parser.add_argument("--workers", type=int, default=2)
    parser.add_argument("--out", type=Path)
    arguments = parser.parse_args()
    if min(arguments.heads, arguments.sieved) < 1 or min(arguments.free, arguments.after) < 0:
        parser.error("expected at least one head and one sieved stroke, and no negative number")
    jobs = [
        Job(FIRST_SEED + n, FAMILIES[n % len(FAMILIES)], arguments.sieved, arguments.free, arguments.after)
        for n in range(arguments.heads)
    ]
    with ProcessPoolExecutor(arguments.workers, mp_context=get_context("spawn")) as pool:
        judged = list(track(pool.map(judge_strokes, jobs), description="judging strokes", total=len(jobs)))
    heads = [head for head in judged if head is not None]
    if not heads:
        parser.error(f"none of {len(jobs)} heads can be restyled; expected at least one")
    rows = summarise(heads)
    for row in rows:
        rank = "" if row["rank_correlation"] is None else f", rank correlation {row['rank_correlation']:.2f}"
        print(f"{row['judge']}: brings {row['brings']:.1%} of moved{rank}")
    if arguments.out is not None:
        command = (
            f"python -m benchmarks.choosing --heads {arguments.heads} --sieved {arguments.sieved} "
            f"--free {arguments.free} --after {arguments.after}"
        )
        write_json(arguments.out, {**provenance(command), "rows": rows, "heads": heads})


if __name__ == "__main__":
    main()
