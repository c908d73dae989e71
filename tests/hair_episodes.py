"""Small made-up episodes: a ball with a curtain of hair, and a comb that pushes some of it sideways."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from hairsim.generate.dataset import DatasetWriter, create_dataset
from hairsim.generate.dataset_info import DatasetInfo
from hairsim.generate.episode import Episode, GroomRecord, HeadRecord, SparseVolume
from hairsim.generate.layout import Sizes
from hairsim.groom.groom import Groom
from hairsim.head.head import DistanceField, Head, Scalp
from hairsim.physics.material import Material
from hairsim.tools.tool import ToolPath, rake_comb
from hairsim.volume import GRIDS, HairVolume, volume_from_strands

GRID = GRIDS["small"]
RADIUS = 0.09


def ball_head() -> Head:
    """Return a ball of 9 cm about the origin, hair on its upper half."""
    axis = np.arange(-0.3, 0.3001, 0.01)
    x, y, z = np.meshgrid(axis, axis, axis, indexing="ij")
    values = (np.sqrt(x**2 + y**2 + z**2) - RADIUS).astype(np.float32)
    rng = np.random.default_rng(0)
    normals = rng.standard_normal((400, 3))
    normals[:, 2] = np.abs(normals[:, 2])
    normals = (normals / np.linalg.norm(normals, axis=1, keepdims=True)).astype(np.float32)
    field = DistanceField(values, (-0.3, -0.3, -0.3), 0.01)
    return Head(field, Scalp((RADIUS * normals).astype(np.float32), normals), "ball", (0.0, 0.0, 0.0))


def curtain(shift: float = 0.0, strands: int = 1500) -> np.ndarray:
    """Return strands [S, 12, 3] hanging before the ball (+x), their tips `shift` to the side [m]."""
    rng = np.random.default_rng(3)
    down = np.linspace(0.05, -0.12, 12)
    side = rng.uniform(-0.06, 0.06, strands)
    depth = rng.uniform(RADIUS + 0.005, RADIUS + 0.03, strands)
    place = np.zeros((strands, 12, 3), np.float32)
    place[..., 0] = depth[:, None]
    place[..., 1] = side[:, None] + shift * np.linspace(0.0, 1.0, 12) ** 2
    place[..., 2] = down
    return place


def curtain_volume(shift: float = 0.0) -> HairVolume:
    """Return the curtain as a volume on the small grid."""
    return volume_from_strands(curtain(shift), 60.0, GRID)


def sideways_path(x: float = RADIUS + 0.012, z: float = -0.03, reach: float = 0.06) -> ToolPath:
    """Return a straight path along +y at height z whose teeth point to -x."""
    count = 40
    positions = np.stack([np.full(count, x), np.linspace(-reach, reach, count), np.full(count, z)], axis=1)
    half = np.sqrt(0.5)
    turn = np.array([0.5, 0.5, 0.5, 0.5])  # tool x -> head y, tool y -> head z, tool z -> head x
    assert abs(float(turn @ turn) - 4 * half**4) < 1e-9
    return ToolPath(np.linspace(0.0, 1.2, count), positions, np.tile(turn, (count, 1)), (0, count - 1))


GUIDES, CHILDREN = 150, 1500


def swung(angle: float) -> np.ndarray:
    """Return guide strands [GUIDES, 12, 3] that hang from the ball's skin, turned aside by `angle` [rad]."""
    hair = curtain(0.0, GUIDES)
    hair[..., 1] *= 0.7
    root = hair[:, 0].copy()
    root[:, 0] = np.sqrt(RADIUS**2 - root[:, 1] ** 2 - root[:, 2] ** 2)
    hair[:, 0] = root
    away = hair - root[:, None]
    turned = away.copy()
    turned[..., 1] = np.cos(angle) * away[..., 1] - np.sin(angle) * away[..., 2]
    turned[..., 2] = np.sin(angle) * away[..., 1] + np.cos(angle) * away[..., 2]
    return (root[:, None] + turned).astype(np.float32)


def episode(index: int, family: str = "straight_long", strokes: int = 2) -> Episode:
    """Return an episode whose hair goes 2 cm sideways with every stroke."""
    head = ball_head()
    observed = tuple(SparseVolume.of(curtain_volume(0.02 * k)) for k in range(strokes + 1))
    groom = Groom(swung(0.0), np.full(GUIDES, 90_000.0 / GUIDES, np.float32), "curtain", family)
    times = np.linspace(0.0, 1.2, 50)
    return Episode(
        index=index,
        family=family,
        head=HeadRecord(index % 2, head.name, head.field, head.centre),
        groom=GroomRecord.of(groom, index, CHILDREN)[0],
        material=Material(),
        strands=np.stack([swung(0.12 * k) for k in range(strokes + 1)]),
        strokes=np.tile([0.0, 0.0, 1.5, 0.1, 0.01, 0.0, 0.0, 0.1], (strokes, 1)),
        tool=rake_comb(),
        paths=tuple(sideways_path() for _ in range(strokes)),
        force_times=tuple(times for _ in range(strokes)),
        force=tuple(np.outer(np.sin(times), [0.0, 0.1 * (k + 1), 0.0]) for k in range(strokes)),
        observed=observed,
        cameras=np.tile([True, False, True], (strokes + 1, 1)),
    )


def dataset_info(count: int, families: tuple[str, ...] = ("straight_long",)) -> DatasetInfo:
    """Return what a made-up dataset says of itself."""
    sizes = Sizes(strokes=2, guides=GUIDES, vertices=12, children=CHILDREN)
    return DatasetInfo("small", GRID, "observer-7", {"seed": 3}, families, count, sizes, (rake_comb(),))


def write_dataset(folder: Path, count: int = 2, families: tuple[str, ...] = ("straight_long",)) -> Path:
    """Write a dataset of `count` episodes, families in turn; return its folder."""
    create_dataset(folder, dataset_info(count, families))
    writer = DatasetWriter(folder)
    for index in range(count):
        writer.write(episode(index, families[index % len(families)]))
    return folder
