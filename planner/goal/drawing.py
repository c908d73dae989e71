"""Draw a goal: its pictures, and its hair as a volume."""

from __future__ import annotations

import imageio.v3 as imageio
import numpy as np
from PIL import Image

from dynamics.baselines.predictors import Volume
from dynamics.pictures import draw_volumes
from hairsim.head.parametric import parametric_head
from hairsim.volume import GRIDS
from planner.goal.goals import Goal
from planner.goal.look import Look
from planner.observe import observe

PICTURE = 384
"""Height of each picture [pixel]."""


def draw_goal(goal: Goal) -> np.ndarray:
    """Return a picture [height, width, 3] uint8 of a goal.

    Its own pictures lie side by side; below them is its hair, from the left, the front and above, the colour
    of each voxel its direction (x red, y green, z blue). A look's hair is what an observer makes of it on the
    built-in head, which only matters for the signs of directions.

    Raises:
        CombwiseError: a look without hair.
    """
    volume = (
        observe(goal.frames, parametric_head(), GRIDS["small"]) if isinstance(goal, Look) else goal.volume
    )
    drawn = np.asarray(imageio.imread(draw_volumes(Volume.of(volume)), extension=".png"))[..., :3]
    views = np.split(drawn, 3, axis=0)
    rows = [np.concatenate(views, axis=1)]
    if goal.pictures:
        rows.insert(0, np.concatenate([_resized(picture.colour) for picture in goal.pictures], axis=1))
    width = max(row.shape[1] for row in rows)
    return np.concatenate([np.pad(row, ((0, 0), (0, width - row.shape[1]), (0, 0))) for row in rows])


def _resized(picture: np.ndarray) -> np.ndarray:
    width = max(1, round(picture.shape[1] * PICTURE / picture.shape[0]))
    small = np.asarray(Image.fromarray(picture).resize((width, PICTURE), Image.Resampling.LANCZOS))
    return np.pad(small, ((0, 8), (0, 8), (0, 0)))
