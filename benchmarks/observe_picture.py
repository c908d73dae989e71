"""Draw what cameras and observer see of one head of hair, level by level of noise."""

from __future__ import annotations

from pathlib import Path

import imageio.v3 as imageio
import numpy as np
from matplotlib.figure import Figure

from benchmarks.observe import GRID, LEVELS, Groom, Surface, true_shell, visible
from dynamics.baselines.predictors import Volume
from dynamics.pictures import draw_prediction
from hairsim.atomic_file import written_aside
from hairsim.cameras.camera import three_camera_rig
from hairsim.volume import HairVolume
from planner.observe import observe

COLUMNS = ("colour", "depth", "hair in view", "seen by 3", "1 camera", "2 cameras", "3 cameras")


def draw_seeing(groom: Groom, path: Path) -> None:
    """Write a picture: a row for each level of noise.

    Columns: colour and depth of the first camera; the hair that three cameras can see and what is made of
    their frames, from the wearer's left, coloured by direction; then where observations by one, two and three
    cameras part from the truth: voxels only seen in red, missed in green, both grey.
    """
    cameras = three_camera_rig()
    surfaces = [visible(groom, frame) for frame in groom.look(cameras, "none")]
    shells = [true_shell(groom, Surface.joined(surfaces[:count])) for count in (1, 2, 3)]
    figure = Figure(figsize=(2.0 * len(COLUMNS), 2.05 * len(LEVELS)), layout="constrained")
    axes = figure.subplots(len(LEVELS), len(COLUMNS))
    for line, level in zip(axes, LEVELS, strict=True):
        frames = groom.look(cameras, level)
        depth = np.where(frames[0].depth > 0.0, frames[0].depth, np.nan)
        apart = []
        truth = drawn = np.zeros((1, 1, 3), np.uint8)
        for count, shell in enumerate(shells, start=1):
            drawn, truth, difference = _from_the_left(observe(frames[:count], groom.head, GRID), shell)
            apart.append(difference)
        for axis, picture in zip(line, (frames[0].colour, depth, truth, drawn, *apart), strict=True):
            axis.imshow(picture, cmap="viridis_r")
            axis.set(xticks=[], yticks=[])
        line[0].set_ylabel(f"noise: {level}")
    for axis, name in zip(axes[0], COLUMNS, strict=True):
        axis.set_title(name, fontsize=10)
    with written_aside(path) as aside:
        figure.savefig(aside, dpi=90, format="jpg", pil_kwargs={"quality": 85})


def _from_the_left(seen: HairVolume, truth: HairVolume) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return pictures of what was seen, of the truth, and of where they part."""
    shown = Volume.of(truth)
    drawn = np.asarray(imageio.imread(draw_prediction(shown, Volume.of(seen), shown), extension=".png"))
    _, first, second, difference = np.split(np.split(drawn, 3, axis=0)[0], 4, axis=1)
    return first, second, difference
