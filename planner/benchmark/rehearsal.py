"""A copy of a virtual salon in which planners that may see the truth try strokes."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from hairsim.tools.stroke import Stroke
from hairsim.tools.stroke_path import stroke_path
from hairsim.volume import GridSpec, HairVolume, volume_from_strands
from hairsim.world import HairWorld
from planner.demo.salon import REST_SECONDS, SimulatedSalon


class SalonRehearsal:
    """Plays strokes on a copy of a salon's hair; the salon itself stays as it is.

    Args:
        salon: whose hair.
        threads: of the copy.
    """

    def __init__(self, salon: SimulatedSalon, *, threads: int = 1) -> None:
        self._salon = salon
        world = salon.world
        self._copy = HairWorld(world.heads, world.grooms, config=world.config, threads=threads)

    def now(self) -> np.ndarray:
        """Return the salon's strands [S, V, 3] [m] as they lie."""
        return self._salon.world.strands()

    def after(self, strokes: Sequence[Stroke]) -> np.ndarray:
        """Return the strands [S, V, 3] [m] after strokes, each with the salon's rest."""
        self._copy.restore(self._salon.world.snapshot())
        for stroke in strokes:
            path = stroke_path(stroke, self._salon.head, self._salon.tool)
            self._copy.comb([path], self._salon.tool, rest_seconds=REST_SECONDS)
        return self._copy.strands()

    def volume(self, strands: np.ndarray, grid: GridSpec) -> HairVolume:
        """Return the volume of all hair of strands [S, V, 3] [m]."""
        children = self._salon.children
        return volume_from_strands(children.strands(strands), children.hair_count, grid)
