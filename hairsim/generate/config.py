"""What the data engine randomises, in one place.

what           range                                                        field
heads          an adult population's proportions                            GenerateConfig.heads
grooms         every training family in turn, length and part at random     GenerateConfig.families
materials      thin to thick hair, dry to slightly damp friction, air       Randomisation
tools          mostly the rake comb, else each tool that comes along        Randomisation.tools, tool_shares
strokes        on the hair by construction; across, along and against its   Randomisation.strokes
               flow; deep to grazing; 3 to 25 cm; 0.05 to 0.25 m/s
states         fresh grooms and those combed up to `strokes` times          GenerateConfig.strokes
views          one to three cameras of the rig, noisy                       Randomisation.cameras
"""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any

import numpy as np

from hairsim.errors import CombwiseError
from hairsim.generate.random_stroke import StrokeRanges
from hairsim.groom.families import FAMILIES, TRAINING_FAMILIES
from hairsim.physics.material import Material
from hairsim.tools.tool import Tool
from hairsim.tools.tool_file import load_tool
from hairsim.volume import GRIDS

TRAINING_STROKES = StrokeRanges(
    across=0.60, along=0.25, against=0.15, length=(0.03, 0.25), depth=(0.05, 0.8), lean=0.2
)
"""Wider than what planners propose, on every side."""


HEADS_ON_A_GPU = 192
"""Heads that fill a GPU: a thread is a strand, and 400 strands a head are 77,000 threads."""


@dataclass(frozen=True)
class Randomisation:
    """Ranges that every episode draws from, uniformly unless said otherwise.

    Attributes:
        diameter: of a hair [m].
        friction_hair, friction_skin, friction_comb: Coulomb coefficients.
        air_drag: [1/s].
        tools: names of tools, or .toml files; one of them combs an episode.
        tool_shares: how often each does.
        strokes: what strokes are like.
        cameras: how often a state is seen by one, two or three cameras: mostly as planners see it.
    """

    diameter: tuple[float, float] = (60e-6, 100e-6)
    friction_hair: tuple[float, float] = (0.20, 0.35)
    friction_skin: tuple[float, float] = (0.30, 0.50)
    friction_comb: tuple[float, float] = (0.20, 0.40)
    air_drag: tuple[float, float] = (6.0, 12.0)
    tools: tuple[str, ...] = ("rake_comb", "fine_comb", "paddle_brush", "two_finger_pinch")
    tool_shares: tuple[float, ...] = (0.7, 0.1, 0.1, 0.1)
    strokes: StrokeRanges = TRAINING_STROKES
    cameras: tuple[float, float, float] = (0.2, 0.3, 0.5)

    def __post_init__(self) -> None:
        for name in _MATERIAL:
            low, high = getattr(self, name)
            if not 0.0 <= low <= high:
                raise CombwiseError(f"{name} is {(low, high)}; expected two rising numbers, none negative")
        for name, shares in (("tool_shares", self.tool_shares), ("cameras", self.cameras)):
            if not shares or min(shares) < 0.0 or abs(sum(shares) - 1.0) > 1e-9:
                raise CombwiseError(f"{name} is {shares}; expected shares that sum to 1")
        if len(self.tools) != len(self.tool_shares):
            raise CombwiseError(
                f"{len(self.tools)} tools have {len(self.tool_shares)} tool_shares; expected one each"
            )

    def material(self, rng: np.random.Generator) -> Material:
        """Draw a material."""
        return Material(**{name: float(rng.uniform(*getattr(self, name))) for name in _MATERIAL})

    def tool(self, rng: np.random.Generator) -> Tool:
        """Draw the tool of an episode."""
        return load_tool(self.tools[int(rng.choice(len(self.tools), p=self.tool_shares))])


_MATERIAL = ("diameter", "friction_hair", "friction_skin", "friction_comb", "air_drag")


@dataclass(frozen=True)
class GenerateConfig:
    """One dataset.

    Attributes:
        episodes: how many.
        strokes: strokes an episode.
        heads: how many different heads.
        families: drawn from in turn; default the training families.
        guides, vertices: size of every groom.
        children: interpolated hairs that volumes and cameras see.
        profile: grid of the stored volumes.
        seed: episode i depends on (seed, i) alone.
        settle_seconds: free fall of the fresh groom [s].
        rest_seconds: rest after each stroke [s].
        worlds: heads that are simulated side by side; default 1 on a CPU, on a GPU `HEADS_ON_A_GPU`, or
            half of all. Episodes do not depend on it.
        frames: keep the camera frames too, about 1 MB a state.
        blind: no cameras look, which is faster; the strands are the same.
        randomisation: of materials, tools, strokes and views.
    """

    episodes: int = 100
    strokes: int = 6
    heads: int = 12
    families: tuple[str, ...] = TRAINING_FAMILIES
    guides: int = 400
    vertices: int = 20
    children: int = 4000
    profile: str = "small"
    seed: int = 0
    settle_seconds: float = 5.0
    rest_seconds: float = 1.0
    worlds: int | None = None
    frames: bool = False
    blind: bool = False
    randomisation: Randomisation = Randomisation()

    def __post_init__(self) -> None:
        for name in ("episodes", "strokes", "heads", "guides", "vertices", "children", "worlds"):
            count = getattr(self, name)
            if count is not None and count < 1:
                raise CombwiseError(f"{name} is {count}; expected at least 1")
        unknown = [family for family in self.families if family not in FAMILIES]
        if unknown or not self.families:
            raise CombwiseError(f"unknown groom families {unknown}; expected some of {sorted(FAMILIES)}")
        if self.blind and self.frames:
            raise CombwiseError("frames are to be kept of a blind dataset; expected one of the two")
        if self.profile not in GRIDS:
            raise CombwiseError(f"profile '{self.profile}' has no grid; expected one of {', '.join(GRIDS)}")

    def worlds_on(self, device: str) -> int:
        """Return how many heads make a block on a device."""
        if self.worlds is not None:
            return self.worlds
        return 1 if device == "cpu" else min(HEADS_ON_A_GPU, -(-self.episodes // 2))

    def as_json(self) -> dict[str, Any]:
        """Return the configuration as plain JSON values."""
        return asdict(self)
