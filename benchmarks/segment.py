"""Measure how well `planner.goal.segment` finds hair in pictures whose hair is known pixel by pixel.

    python -m benchmarks.segment --out benchmarks/results/segment.json

Grooms of the training families are rendered from front, side and back as the cases say; none of it is a
photograph. The score is the IoU of the mask that is found with the renderer's.
"""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from rich.progress import track

from benchmarks.provenance import provenance
from hairsim.atomic_file import write_json
from hairsim.cameras.capture import capture
from hairsim.cameras.look import HairLook
from hairsim.cameras.picture import portrait_camera
from hairsim.device import start_warp
from hairsim.errors import CombwiseError
from hairsim.groom.children import make_children
from hairsim.groom.families import TRAINING_FAMILIES, make_groom
from hairsim.head.parametric import parametric_head
from planner.goal.segment import GraphCut

SIDES = {"front": 20.0, "side": 90.0, "back": 180.0}
"""From where pictures are taken [degree]."""

WALL = (0.20, 0.11, 0.06)
"""A wall nearly of the colour of brown hair, linear RGB."""


class Case(NamedTuple):
    """How a picture is made, and by how much its camera is guessed wrong.

    Attributes:
        look: of hair and wall.
        turn: azimuth that the camera is believed to have too much [degree].
        span: what the picture is believed to show, over what it does.
    """

    look: HairLook
    turn: float = 0.0
    span: float = 1.0


CASES = {
    "black": Case(HairLook(colour="black")),
    "brown": Case(HairLook(colour="brown")),
    "blond": Case(HairLook(colour="blond")),
    "grey": Case(HairLook(colour="grey")),
    "brown, camera guessed": Case(HairLook(colour="brown"), turn=12.0, span=1.1),
    "brown, brown wall": Case(HairLook(colour="brown", backdrop=WALL)),
}


def measure(number: int) -> list[dict[str, Any]]:
    """Return the IoU on one groom, one row for each side and case; 0 where no hair is found."""
    head = parametric_head()
    family = TRAINING_FAMILIES[number % len(TRAINING_FAMILIES)]
    groom = make_groom(family, head, guides=400, seed=number)
    hair = make_children(groom, count=4000, seed=number).strands(groom.strands)
    rows = []
    for side, azimuth in SIDES.items():
        camera = portrait_camera(azimuth, 10.0, 400, 400, distance=1.1, span=0.5)
        for name, case in CASES.items():
            frame = capture(hair, head, [camera], seed=number, noise=None, look=case.look)[0]
            guessed = portrait_camera(azimuth + case.turn, 10.0, 400, 400, distance=1.1, span=0.5 * case.span)
            try:
                found = GraphCut().mask(frame.colour, guessed, head)
            except CombwiseError:
                found = np.zeros_like(frame.hair_mask)
            iou = float((found & frame.hair_mask).sum() / (found | frame.hair_mask).sum())
            rows.append({"family": family, "seed": number, "side": side, "case": name, "iou": round(iou, 4)})
    return rows


def summarise(rows: Sequence[dict[str, Any]]) -> list[dict[str, Any]]:
    """Return median and worst IoU over grooms and sides, for each case."""
    found = []
    for case in dict.fromkeys(row["case"] for row in rows):
        values = np.array([row["iou"] for row in rows if row["case"] == case])
        middle, worst = (round(float(value), 3) for value in (np.median(values), values.min()))
        found.append({"case": case, "pictures": len(values), "median": middle, "worst": worst})
    return found


def main() -> None:
    """Render, cut, print, write."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--grooms", type=int, default=4)
    parser.add_argument("--out", type=Path)
    arguments = parser.parse_args()
    if not 1 <= arguments.grooms <= 100:
        parser.error(f"--grooms is {arguments.grooms}; expected 1 .. 100, seeds below 100")
    start_warp()
    rows: list[dict[str, Any]] = []
    for number in track(range(arguments.grooms), description="cutting"):
        rows += measure(number)
    found = summarise(rows)
    for row in found:
        print(row)
    if arguments.out is not None:
        command = f"python -m benchmarks.segment --grooms {arguments.grooms}"
        write_json(arguments.out, {**provenance(command), "summary": found, "rows": rows})


if __name__ == "__main__":
    main()
