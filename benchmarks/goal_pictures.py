"""Show goals that are read out of one picture: the same hair in other colours, other light, from elsewhere.

    combwise evaluate goal --data runs/weights/unseen --weights runs/goal --out runs/goal_scores
    python -m benchmarks.goal_pictures --data runs/weights/unseen --weights runs/goal \
        --scores runs/goal_scores/metrics.json --out benchmarks/results/goals.json \
        --picture docs/images/goals.jpg

Takes the scores of the evaluation, and adds one head of hair in seven pictures: what the network makes of
each, beside the true hair and beside what it makes of the first. Hair that is read right does not change with
its colour, the light or the camera.
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, NamedTuple

import imageio.v3 as imageio
import numpy as np
from matplotlib.figure import Figure

from benchmarks.provenance import provenance
from dynamics.baselines.predictors import Volume
from dynamics.latent.measure import closeness
from dynamics.pictures import draw_volumes
from hairsim.atomic_file import write_json, written_aside
from hairsim.cameras.camera import Camera, look_at
from hairsim.cameras.capture import capture
from hairsim.cameras.look import STUDIO, HairLook
from hairsim.device import start_warp
from hairsim.errors import CombwiseError
from hairsim.generate.dataset import Dataset
from hairsim.generate.episode import Episode
from hairsim.volume import HairVolume, volume_from_strands
from planner.goal.picture_goal import PictureGoals, load_picture_goals
from planner.goal.picture_maps import MAP, TARGET, finer, maps_of, straightened
from planner.goal.picture_views import head_of

DARK = ((0.0, 0.0, 0.0), (0.0, 0.0, 0.0))
LAMP = replace(
    STUDIO, lights=((0.2, 1.0, 0.3), *STUDIO.lights[1:]), light_colours=((3.2, 2.6, 1.9), *DARK),
    ambient=(0.15, 0.16, 0.18),
)  # fmt: skip
GLARE = replace(STUDIO, lights=((0.3, 0.2, 1.0), *STUDIO.lights[1:]), roughness=0.15, highlight=0.7)


@dataclass(frozen=True)
class Condition:
    """How a picture is taken: a name, colours and lights, and from where [deg], [deg], [m]."""

    name: str
    look: HairLook
    azimuth: float = 20.0
    elevation: float = 10.0
    distance: float = 1.1

    @property
    def camera(self) -> Camera:
        """The straightened camera."""
        a, e = np.radians(self.azimuth), np.radians(self.elevation)
        away = np.array([np.cos(e) * np.cos(a), np.cos(e) * np.sin(a), np.sin(e)])
        return straightened(
            Camera(self.name, MAP, MAP, float(MAP), look_at(TARGET + self.distance * away, TARGET))
        )


CONDITIONS = (
    Condition("brown, studio", STUDIO),
    Condition("black", replace(STUDIO, colour="black")),
    Condition("blond", replace(STUDIO, colour="blond")),
    Condition("dyed, one warm lamp", replace(LAMP, colour=(0.06, 0.20, 0.42))),
    Condition("auburn, glare from above", replace(GLARE, colour="auburn")),
    Condition("grey, from the side", replace(STUDIO, colour="grey"), azimuth=-85.0, distance=0.8),
    Condition("brown, from behind and far", STUDIO, azimuth=165.0, elevation=25.0, distance=2.2),
)


class Reading(NamedTuple):
    """One picture, the hair that is read out of it, and how near that is to the truth and to the first."""

    picture: np.ndarray
    hair: HairVolume
    row: dict[str, Any]


def read_pictures(
    episode: Episode, goals: PictureGoals, conditions: Sequence[Condition] = CONDITIONS
) -> tuple[HairVolume, list[Reading]]:
    """Return the true hair of an episode's start, and what is read out of each picture of it."""
    children, head = episode.groom.make_children(), head_of(episode)
    strands = children.strands(episode.strands[0])
    truth = volume_from_strands(strands, children.hair_count, goals.grid)
    readings: list[Reading] = []
    for condition in conditions:
        camera = condition.camera
        frame = capture(strands, head, [finer(camera)], seed=0, noise=None, look=condition.look)[0]
        hair = goals.volume(maps_of(frame.colour, frame.hair_mask, camera), head)
        first = readings[0].hair if readings else hair
        found, beside = (
            closeness(Volume.of(hair), Volume.of(truth)),
            closeness(Volume.of(hair), Volume.of(first)),
        )
        row = {
            "picture": condition.name,
            "iou": round(found["iou"], 4),
            "median_deg": round(found["median_deg"], 2),
            "iou_with_first": round(beside["iou"], 4),
        }
        readings.append(Reading(frame.colour, hair, row))
    return truth, readings


def draw_readings(truth: HairVolume, readings: Sequence[Reading], path: Path) -> None:
    """Write a picture: what was photographed, the true hair and the hair read, from the wearer's left."""
    figure = Figure(figsize=(1.9 * len(readings), 6.0), layout="constrained")
    axes = figure.subplots(3, len(readings), squeeze=False)
    for column, reading in zip(axes.T, readings, strict=True):
        drawn = np.asarray(
            imageio.imread(draw_volumes(Volume.of(truth), Volume.of(reading.hair)), extension=".png")
        )
        left = np.split(np.split(drawn[..., :3], 3, axis=0)[0], 2, axis=1)
        for axis, picture in zip(column, (reading.picture, *left), strict=True):
            axis.imshow(picture)
            axis.set(xticks=[], yticks=[])
        column[0].set_title(reading.row["picture"], fontsize=8)
    for axis, name in zip(axes[:, 0], ("picture", "true hair", "hair as read"), strict=True):
        axis.set_ylabel(name)
    with written_aside(path) as aside:
        figure.savefig(aside, dpi=90, format="jpg", pil_kwargs={"quality": 85})


def main() -> None:
    """Read the pictures, print, write the table and the picture."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--data", type=Path, required=True, help="dataset of unseen families")
    parser.add_argument("--episode", type=int, default=0)
    parser.add_argument("--weights", type=Path, help="of 'combwise train goal'; default the shipped")
    parser.add_argument("--latent", type=Path, help="latent space that they belong to; default the shipped")
    parser.add_argument("--scores", type=Path, help="metrics.json of 'combwise evaluate goal'")
    parser.add_argument("--out", type=Path)
    parser.add_argument("--picture", type=Path)
    arguments = parser.parse_args()
    start_warp()
    dataset = Dataset(arguments.data)
    goals = load_picture_goals(arguments.weights, latent=arguments.latent, profile=dataset.info.profile)
    episode = dataset.read(arguments.episode)
    truth, readings = read_pictures(episode, goals)
    for reading in readings:
        print("  ".join(f"{name} {value}" for name, value in reading.row.items()))
    if arguments.picture is not None:
        draw_readings(truth, readings, arguments.picture)
    if arguments.out is None:
        return
    if arguments.scores is None:
        raise CombwiseError(
            "--out publishes the scores of the evaluation too; expected --scores metrics.json"
        )
    scores = json.loads(arguments.scores.read_text(encoding="utf-8"))
    command = f"python -m benchmarks.goal_pictures --episode {arguments.episode}"
    write_json(
        arguments.out,
        {**provenance(command), **scores, "family": episode.family, "pictures": [r.row for r in readings]},
    )


if __name__ == "__main__":
    main()
