"""The video of an episode: the comb at work on the left, the goal from the same side on the right."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
from PIL import Image, ImageDraw, ImageFont, ImageOps

from hairsim.cameras.camera import Camera
from hairsim.cameras.picture import draw, portrait_camera
from hairsim.cameras.video import write_video
from planner.demo.pictures import facing_camera
from planner.demo.salon import FilmFrame
from planner.demo.scene import FILM_RATE, Scene

SIZE = 448
"""Width and height of each half [pixel]."""

HOLD = 8
"""Frames for which the end of each stroke is held."""


def write_film(path: Path, scene: Scene, *, device: str, on_frame: Callable[[int, int], None]) -> None:
    """Write episode.mp4 from the frames that the salon kept.

    Args:
        path: the video to write.
        scene: its salon has combed.
        device: where to draw.
        on_frame: called with (frames drawn, frames in all).
    """
    write_video(path, _pictures(scene, device, on_frame), FILM_RATE)


def _pictures(scene: Scene, device: str, on_frame: Callable[[int, int], None]) -> Iterator[np.ndarray]:
    film = scene.salon.film
    if not film:  # nothing was combed: the hair as it stayed
        film = [FilmFrame(scene.salon.history[-1], None, None, 0)]
    drawn = 0
    for stroke, group in itertools.groupby(film, key=lambda frame: frame.stroke):
        camera = _camera(scene, stroke)
        goal = _goal_half(scene, camera, device)
        picture = np.zeros((SIZE, 2 * SIZE, 3), np.uint8)
        for frame in group:
            tool = None
            if frame.position is not None and frame.quaternion is not None:
                tool = (scene.salon.tool, frame.position, frame.quaternion)
            now = draw(scene.hair(frame.strands), scene.head, camera, tool=tool, device=device)
            title = f"stroke {stroke + 1}" if scene.salon.paths else "no stroke"
            picture = np.concatenate([labelled(now, title), goal], axis=1)
            drawn += 1
            on_frame(drawn, len(film))
            yield picture
        yield from itertools.repeat(picture, HOLD)


def _camera(scene: Scene, stroke: int) -> Camera:
    if stroke < len(scene.salon.paths):
        return facing_camera(scene.salon.paths[stroke], scene.head, SIZE)
    return portrait_camera(40.0, 12.0, SIZE, SIZE)


def _goal_half(scene: Scene, camera: Camera, device: str) -> np.ndarray:
    if scene.truth is not None:
        return labelled(draw(scene.hair(scene.truth.strands), scene.head, camera, device=device), "goal")
    toward = camera.camera_to_head[:3, 3]
    if not scene.goal.pictures:
        return labelled(np.zeros((SIZE, SIZE, 3), np.uint8), "goal without a picture")
    picture = max(scene.goal.pictures, key=lambda p: float(p.camera.camera_to_head[:3, 3] @ toward))
    return labelled(np.asarray(ImageOps.pad(Image.fromarray(picture.colour), (SIZE, SIZE))), "goal")


def labelled(picture: np.ndarray, text: str) -> np.ndarray:
    """Return a picture with a word in its upper left corner."""
    canvas = Image.fromarray(picture)
    pen = ImageDraw.Draw(canvas)
    font = ImageFont.load_default(size=20)
    pen.text((16, 12), text, fill="white", font=font, stroke_width=2, stroke_fill=(40, 40, 46))
    return np.asarray(canvas)
