"""What a demo is: whose hair, which goal, which planner, where to write."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from hairsim.errors import CombwiseError
from hairsim.groom.families import FAMILIES
from hairsim.head.keep_out import KeepOutZones


@dataclass(frozen=True)
class DemoConfig:
    """One demo.

    Attributes:
        out: output folder of the run.
        seed: of the groom, the hidden goal strokes, the cameras' noise and the planner.
        family: procedural hairstyle, where no groom file is given.
        groom: hair file (USC-HairSalon .data) in place of a procedural groom.
        groom_unit: unit of the groom and head files; None for what the groom file says itself or is usual
            in its format, and cm for the head.
        groom_axes: axes of the groom and head files; None likewise, and y-up for the head.
        head: mesh file in place of the built-in head.
        goal: file of `combwise goal make`, or a demo's folder, in place of a goal made by combing a copy.
        planner: who chooses the strokes.
        preset: how far MPPI searches.
        weights: checkpoint of the learned model; None for the shipped one.
        strokes: most strokes.
        hidden_strokes: strokes that make the goal, where none is given.
        guides: simulated strands.
        keep_out: zones that mppi's strokes must stay out of: an adult's eyes, face, ears and neck,
            fitted to the head; none when left out.
        vertices: vertices of each.
        children: interpolated hairs that the cameras see.
        device: where to compute, "cpu" or "cuda".
        video: whether to write episode.mp4.
        resume: continue an interrupted run in `out`.
        overwrite: replace the run in `out`.
    """

    out: Path = Path("runs/demo")
    seed: int = 0
    family: str = "straight_long"
    groom: Path | None = None
    groom_unit: str | None = None
    groom_axes: str | None = None
    head: Path | None = None
    goal: Path | None = None
    planner: Literal["mppi", "no_stroke", "replay"] = "mppi"
    preset: str = "cpu"
    weights: Path | None = None
    strokes: int = 5
    hidden_strokes: int = 3
    guides: int = 400
    keep_out: KeepOutZones | None = None
    vertices: int = 20
    children: int = 4000
    device: str = "cpu"
    video: bool = True
    resume: bool = False
    overwrite: bool = False

    def __post_init__(self) -> None:
        for name in ("strokes", "hidden_strokes", "guides", "vertices", "children"):
            if getattr(self, name) < 1:
                raise CombwiseError(
                    f"--{name.replace('_', '-')} is {getattr(self, name)}; expected at least 1"
                )
        if self.seed < 0:
            raise CombwiseError(f"--seed is {self.seed}; expected 0 or more")
        if self.family not in FAMILIES:
            raise CombwiseError(f"--family {self.family} is unknown; expected one of {', '.join(FAMILIES)}")
        for name in ("groom", "head", "goal", "weights"):
            path = getattr(self, name)
            if path is not None and not path.exists():
                raise CombwiseError(f"--{name} {path} does not exist; expected a file that can be read")
        if self.head is not None and self.groom is None:
            raise CombwiseError("--head is given without --groom; expected the hair that grows on that head")
        if self.planner == "replay" and self.goal is not None:
            raise CombwiseError(
                "planner replay knows no strokes of a recorded goal; expected mppi or no_stroke"
            )
