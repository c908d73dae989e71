"""Pictures to learn from: a data set's hair under random light, in random colour, from random sides.

    RUN/views/000123.npz    V views of episode 123: maps, cameras, and the true hair of each

Rendering is the slow part, so it is done once, on every core (and on the GPU where there is one), and kept; a
killed run goes on where it stopped.
"""

from __future__ import annotations

import multiprocessing
import os
import zipfile
import zlib
from collections.abc import Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor, as_completed
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import NamedTuple

import numpy as np
from rich.progress import track
from scipy.ndimage import gaussian_filter
from scipy.spatial.transform import Rotation

from hairsim.atomic_file import written_aside
from hairsim.cameras.camera import Camera, look_at
from hairsim.cameras.capture import capture
from hairsim.cameras.look import HAIR_COLOURS, HairLook
from hairsim.device import start_warp
from hairsim.errors import CombwiseError
from hairsim.generate.dataset import Dataset
from hairsim.generate.episode import Episode, SparseVolume
from hairsim.generate.workers import end_with_driver
from hairsim.head.head import DistanceField, Head, Scalp
from hairsim.volume import volume_from_strands
from planner.goal.picture_maps import MAP, TARGET, HairMaps, finer, maps_of, straightened

SIDES: dict[str, tuple[float, ...]] = {"front": (0.0,), "side": (90.0, -90.0), "back": (180.0,)}
"""From where pictures are taken: azimuths about +z [deg], 0 in front."""


@dataclass(frozen=True)
class ViewRanges:
    """How the pictures vary.

    Attributes:
        azimuth: about the middle of a side, either way [deg].
        elevation: above the horizon [deg].
        distance: of the camera from the head [m], drawn evenly in its logarithm.
        position: error of the camera's position as given, standard deviation [m].
        rotation: error of its orientation as given, standard deviation [deg].
        blur: of the picture, up to this standard deviation [pixel of 1.3 mm].
        grain: noise of the picture, up to this standard deviation [sRGB levels].
    """

    azimuth: float = 40.0
    elevation: tuple[float, float] = (-10.0, 35.0)
    distance: tuple[float, float] = (0.6, 2.5)
    position: float = 0.004
    rotation: float = 0.6
    blur: float = 0.9
    grain: float = 5.0


class View(NamedTuple):
    """One picture: what it shows, and the truth about it.

    Attributes:
        side: "front", "side" or "back".
        colour: [DETAIL MAP, DETAIL MAP, 3] uint8, as the straightened camera took it.
        maps: what the network sees, with the camera as given.
        hair: the true hair.
    """

    side: str
    colour: np.ndarray
    maps: HairMaps
    hair: SparseVolume


def random_camera(rng: np.random.Generator, side: str, ranges: ViewRanges) -> Camera:
    """Return a straightened camera somewhere on a side of the head."""
    azimuth = np.radians(rng.choice(SIDES[side]) + rng.uniform(-ranges.azimuth, ranges.azimuth))
    elevation = np.radians(rng.uniform(*ranges.elevation))
    distance = float(np.exp(rng.uniform(*np.log(ranges.distance))))
    level = np.cos(elevation)
    away = np.array([level * np.cos(azimuth), level * np.sin(azimuth), np.sin(elevation)])
    pose = look_at(TARGET + distance * away, TARGET)
    return straightened(Camera(side, MAP, MAP, float(MAP), pose))


def misplaced(camera: Camera, rng: np.random.Generator, ranges: ViewRanges) -> Camera:
    """Return the camera where it truly is, when it is given as `camera`."""
    pose = np.array(camera.camera_to_head)
    pose[:3, :3] = (
        pose[:3, :3] @ Rotation.from_rotvec(np.radians(ranges.rotation) * rng.standard_normal(3)).as_matrix()
    )
    pose[:3, 3] += ranges.position * rng.standard_normal(3)
    return Camera(camera.name, camera.width, camera.height, camera.focal, pose)


def random_look(rng: np.random.Generator) -> HairLook:
    """Return hair, skin, wall and light at random: black to blond and dyed, from dusk to glare."""
    natural = np.array(HAIR_COLOURS[str(rng.choice(sorted(HAIR_COLOURS)))])
    dyed = rng.uniform(0.02, 0.6, 3)
    hair = np.clip((natural if rng.random() < 0.8 else dyed) * np.exp(rng.normal(0.0, 0.3)), 0.012, 0.95)
    share = rng.uniform()
    skin = (1.0 - share) * np.array([0.70, 0.50, 0.40]) + share * np.array([0.12, 0.07, 0.05])
    lights, colours = [], []
    for strength in (3.2, 1.3, 2.0):
        direction = rng.standard_normal(3)
        direction[2] = abs(direction[2]) + 0.1
        lights.append(_triple(direction))
        colours.append(_triple(strength * rng.uniform(0.3, 1.5) * rng.uniform(0.85, 1.15, 3)))
    return HairLook(
        colour=_triple(hair),
        jitter=float(rng.uniform(0.15, 0.5)),
        roughness=float(rng.uniform(0.15, 0.55)),
        highlight=float(rng.uniform(0.1, 0.7)),
        scatter=float(rng.uniform(0.3, 0.7)),
        shadow=float(rng.uniform(0.3, 0.7)),
        crease=float(rng.uniform(0.3, 0.8)),
        skin=_triple(skin),
        backdrop=_triple(rng.uniform(0.05, 0.9, 3)),
        lights=(lights[0], lights[1], lights[2]),
        light_colours=(colours[0], colours[1], colours[2]),
        ambient=_triple(rng.uniform(0.3, 0.9) * rng.uniform(0.9, 1.1, 3)),
    )


def _triple(values: np.ndarray) -> tuple[float, float, float]:
    return float(values[0]), float(values[1]), float(values[2])


def head_of(episode: Episode) -> Head:
    """Return the head of an episode, as cameras need it: skin without a scalp."""
    record, field = episode.head, episode.head.field
    nowhere = np.zeros((0, 3), np.float32)
    solid = DistanceField(field.values.astype(np.float32), field.origin, field.spacing)
    return Head(solid, Scalp(nowhere, nowhere), record.name, record.centre)


def take_views(
    dataset: Dataset,
    number: int,
    sides: Sequence[str],
    *,
    seed: int,
    device: str,
    ranges: ViewRanges,
) -> Iterator[View]:
    """Yield a picture of a random state of an episode from each of the sides.

    Args:
        dataset: where the episode is.
        number: of the episode; chance depends on (seed, number) alone.
        sides: one for each picture.
        seed: of everything random.
        device: where to render.
        ranges: how pictures vary.
    """
    episode = dataset.read(number)
    rng = np.random.default_rng([seed, number])
    children = episode.groom.make_children()
    head = head_of(episode)
    for side in sides:
        strands = children.strands(episode.strands[int(rng.integers(len(episode.strands)))])
        given = random_camera(rng, side, ranges)
        true = misplaced(finer(given), rng, ranges)
        look = random_look(rng)
        frame = capture(strands, head, [true], seed=0, noise=None, look=look, device=device)[0]
        colour = _spoilt(frame.colour, rng, ranges)
        hair = volume_from_strands(strands, children.hair_count, dataset.info.grid)
        yield View(side, colour, maps_of(colour, frame.hair_mask, given), SparseVolume.of(hair))


def _spoilt(colour: np.ndarray, rng: np.random.Generator, ranges: ViewRanges) -> np.ndarray:
    """Return a picture as a poorer camera would have taken it."""
    sigma = rng.uniform(0.0, ranges.blur)
    soft = gaussian_filter(colour.astype(np.float32), (sigma, sigma, 0.0))
    noisy = soft + rng.uniform(0.0, ranges.grain) * rng.standard_normal(colour.shape, dtype=np.float32)
    return np.clip(np.round(noisy), 0.0, 255.0).astype(np.uint8)


def keep_views(
    data: Path,
    episodes: Sequence[int],
    folder: Path,
    *,
    views: int,
    seed: int,
    device: str,
    workers: int,
    ranges: ViewRanges,
) -> list[Path]:
    """Render views of episodes in turn, on `workers` processes, and keep them; return the files.

    Args:
        data: the dataset's folder.
        episodes: numbers of the episodes to draw on.
        folder: where files go; those that are there are not made again.
        views: how many in all, at least one of each episode that is used.
        seed: of everything random.
        device: where to render; on a GPU all processes share it.
        workers: processes; 0 for one a core.
        ranges: how pictures vary.
    """
    folder.mkdir(parents=True, exist_ok=True)
    used = list(episodes)[: max(1, views)]
    names = tuple(SIDES)
    sides: dict[int, list[str]] = {number: [] for number in used}
    for view in range(max(views, 1)):
        # The side moves on by one more each round, or an even number of episodes would see few sides each.
        turn = view // len(used)
        sides[used[view % len(used)]].append(names[(view + turn) % len(names)])
    todo = [(number, tuple(wanted)) for number, wanted in sides.items() if not _file(folder, number).exists()]
    count = min(workers or os.cpu_count() or 1, len(todo))
    make = partial(_keep, data=data, folder=folder, seed=seed, device=device, ranges=ranges)
    if count <= 1:
        for job in track(todo, "pictures to learn from"):
            make(job)
    else:
        make(todo.pop())  # alone: it compiles the kernels for all
        context = multiprocessing.get_context("spawn")
        with ProcessPoolExecutor(count, mp_context=context, initializer=_begin) as pool:
            jobs = [pool.submit(make, job) for job in todo]
            for job in track(as_completed(jobs), "pictures to learn from", total=len(jobs)):
                job.result()
    return [_file(folder, number) for number in used]


def _file(folder: Path, number: int) -> Path:
    return folder / f"{number:06d}.npz"


def _begin() -> None:
    end_with_driver()
    start_warp()


def _keep(
    job: tuple[int, tuple[str, ...]], *, data: Path, folder: Path, seed: int, device: str, ranges: ViewRanges
) -> None:
    """Render the views of one episode and write them."""
    number, sides = job
    dataset = Dataset(data)
    taken = list(take_views(dataset, number, sides, seed=seed, device=device, ranges=ranges))
    head = int(dataset.arrays(number, ("head",))["head"])
    with written_aside(_file(folder, number)) as aside:
        np.savez(
            aside,
            allow_pickle=False,
            head=head,
            maps=np.stack([np.rint(127.0 * view.maps.maps) for view in taken]).astype(np.int8),
            pose=np.stack([view.maps.camera.camera_to_head for view in taken]),
            focal=np.array([view.maps.camera.focal for view in taken]),
            offsets=np.cumsum([0, *(len(view.hair.index) for view in taken)]),
            index=np.concatenate([view.hair.index for view in taken]),
            occupancy=np.concatenate([view.hair.occupancy for view in taken]),
            direction=np.concatenate([view.hair.direction for view in taken]),
        )


class KeptView(NamedTuple):
    """A view to learn from: maps [4, MAP, MAP] int8 of 127, camera, number of the head, true hair."""

    maps: np.ndarray
    camera: Camera
    head: int
    hair: SparseVolume

    def hair_maps(self) -> HairMaps:
        """Return the maps as the network wants them."""
        return HairMaps(self.maps.astype(np.float32) / np.float32(127.0), self.camera)


def read_views(files: Sequence[Path]) -> list[KeptView]:
    """Read kept views into memory: about 60 kB each.

    Raises:
        CombwiseError: a file is damaged.
    """
    found = []
    for path in files:
        try:
            with path.open("rb") as file, np.load(file, allow_pickle=False) as kept:
                offsets, head = kept["offsets"], int(kept["head"])
                arrays = {
                    name: kept[name] for name in ("maps", "pose", "focal", "index", "occupancy", "direction")
                }
        except (OSError, EOFError, KeyError, ValueError, zipfile.BadZipFile, zlib.error) as error:
            raise CombwiseError(
                f"views {path} are damaged ({error}); delete the file and --resume"
            ) from error
        for n, maps in enumerate(arrays["maps"]):
            part = slice(offsets[n], offsets[n + 1])
            hair = SparseVolume(*(arrays[name][part] for name in ("index", "occupancy", "direction")))
            camera = Camera("view", MAP, MAP, float(arrays["focal"][n]), arrays["pose"][n])
            found.append(KeptView(maps, camera, head, hair))
    return found
