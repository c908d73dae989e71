"""How many random strokes each arm makes, why it refuses the others, and whether any plan breaks a limit.

    python -m benchmarks.reach [--strokes 200] [--arms ur5e xarm7 panda] [--out benchmarks/results/reach.json]

Rows of other arms that the file holds are kept, each with how it was measured.

Every plan is read by robot_ros.arms.check, which shares no code with the planner. Strokes start anywhere on
the scalp, the far side of the head included, which no arm reaches from one place.
"""

from __future__ import annotations

import argparse
import sys
import time
from collections import Counter
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.kept_rows import Kept, command, read_rows, write_rows
from benchmarks.provenance import provenance
from benchmarks.random_strokes import random_stroke
from hairsim.head.parametric import parametric_head
from hairsim.tools.stroke_path import stroke_path
from robot_ros.arms.arm import ARMS, arm_named
from robot_ros.arms.cell import Cell
from robot_ros.arms.check import violations
from robot_ros.arms.motion import plan_motion
from robot_ros.arms.refusal import StrokeRefusedError

RESULTS = Path(__file__).parent / "results" / "reach.json"


def measure(name: str, strokes: int, seed: int) -> dict[str, Any]:
    """Plan random strokes for one arm; return one row of the table."""
    head = parametric_head()
    cell, rng = Cell(arm_named(name), head), np.random.default_rng(seed)
    refused: Counter[str] = Counter()
    broken: list[str] = []
    seconds, lasted, speeds = [], [], []
    for number in range(strokes):
        stroke = random_stroke(rng, head)
        began = time.process_time()
        try:
            motion = plan_motion(cell, stroke_path(stroke, head, cell.tool))
        except StrokeRefusedError as error:
            refused[error.reason.kind] += 1
            continue
        finally:
            seconds.append(time.process_time() - began)
        lasted.append(float(motion.trajectory.times[-1]))
        speeds.append(motion.hair_speed / stroke.speed)
        found = violations(motion.trajectory, cell.arm, cell.calibration, head, cell.tool, poses=motion.poses)
        broken += [f"stroke {number}: {sentence}" for sentence in found]
        if sys.stderr.isatty():
            print(f"\r{name}: {number + 1} of {strokes}", end="", file=sys.stderr)
    return {
        "arm": name,
        "strokes": strokes,
        "planned": len(lasted),
        "refused": dict(refused.most_common()),
        "violations": broken,
        "planning_seconds_median": float(np.median(seconds)),
        "planning_seconds_worst": float(np.max(seconds)),
        "motion_seconds_median": float(np.median(lasted)) if lasted else None,
        "hair_speed_of_wished_median": float(np.median(speeds)) if speeds else None,
    }


def main() -> int:
    """Measure, write the file, print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--strokes", type=int, default=200)
    parser.add_argument("--arms", nargs="+", choices=ARMS, default=list(ARMS))
    parser.add_argument("--seed", type=int, default=20)
    parser.add_argument("--out", type=Path, default=RESULTS)
    options = parser.parse_args()
    words = command("benchmarks.reach", "--arms", options.arms, ARMS)
    source = provenance(f"{words} --strokes {options.strokes} --seed {options.seed}")
    kept = read_rows(options.out, "arm")
    for name in options.arms:
        row = measure(name, options.strokes, options.seed)
        print(row, flush=True)
        kept[name] = Kept(source, row)
        write_rows(options.out, "random strokes that each arm makes", kept, ARMS)
    return 0


if __name__ == "__main__":
    sys.exit(main())
