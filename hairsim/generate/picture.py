"""A sheet of pictures of an episode: each stroke with the tool on its way, and the hair after it."""

from __future__ import annotations

import numpy as np

from hairsim.cameras.picture import draw, portrait_camera
from hairsim.generate.episode import Episode
from hairsim.head.head import DistanceField, Head, Scalp

LEFT_OUT = np.zeros((0, 3), np.float32)


def episode_sheet(episode: Episode, *, size: int = 320, device: str = "cpu") -> np.ndarray:
    """Return a picture [2 size, K size, 3] uint8, sRGB: strokes side by side, before above after.

    Each stroke is seen from over its start; above, the tool stands halfway along its path.
    """
    field = episode.head.field
    head = Head(
        DistanceField(field.values.astype(np.float32), field.origin, field.spacing),
        Scalp(LEFT_OUT, LEFT_OUT),
        episode.head.name,
        episode.head.centre,
    )
    children = episode.groom.make_children()
    columns = []
    for stroke, (parameters, path) in enumerate(zip(episode.strokes, episode.paths, strict=True)):
        camera = portrait_camera(float(np.degrees(parameters[0])), 20.0, size, size)
        middle = sum(path.in_hair) // 2
        pose = (episode.tool, path.positions[middle], path.quaternions[middle])
        before = draw(children.strands(episode.strands[stroke]), head, camera, tool=pose, device=device)
        after = draw(children.strands(episode.strands[stroke + 1]), head, camera, device=device)
        columns.append(np.concatenate([before, after]))
    return np.concatenate(columns, axis=1)
