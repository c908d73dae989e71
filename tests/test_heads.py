"""Heads: proportions of an adult, true distances, an even scalp, and meshes that are rarely clean."""

from __future__ import annotations

import os
from pathlib import Path

import imageio.v3 as imageio
import numpy as np
import pytest
import trimesh
from scipy.spatial import KDTree
from trimesh.visual import TextureVisuals

from hairsim.errors import CombwiseError
from hairsim.groom.load import load_groom, read_roots
from hairsim.head.frame import HeadFrame
from hairsim.head.head import DistanceField, Head
from hairsim.head.mesh import load_head
from hairsim.head.parametric import HeadShape, head_of, head_solid, parametric_head, random_head, random_shape
from hairsim.head.scalp import even_subset

REAL = Path(os.environ.get("COMBWISE_REAL_GROOM", Path(__file__).parents[2] / "shared/data/real_groom"))


def extent(head: Head, direction: tuple[float, float, float]) -> float:
    """Return how far the skin reaches from the origin's plane along an axis, seen from the centre [m]."""
    return float(head.surface_point(np.array(direction)) @ np.array(direction))


def slope(field: DistanceField, points: np.ndarray) -> np.ndarray:
    """Return the length [N] of the field's gradient by central differences over one sample."""
    step = 0.5 * field.spacing
    parts = [(field.sample(points + a) - field.sample(points - a)) / (2 * step) for a in np.eye(3) * step]
    return np.linalg.norm(np.stack(parts, axis=-1), axis=-1)


def test_the_built_in_head_has_adult_proportions() -> None:
    """Length 193 mm at the brow, breadth 152 mm, tragion to vertex 130.5 mm; the tragi beside the origin."""
    head = parametric_head()
    forward = np.linspace(0.07, 0.11, 801)
    brow = np.stack([forward, np.full(801, 0.02), np.full(801, 0.028)], axis=-1)
    front = forward[np.argmin(np.abs(head.field.sample(brow)))]
    assert front + extent(head, (-1, 0, 0)) == pytest.approx(0.193, abs=0.001)
    assert extent(head, (0, 1, 0)) + extent(head, (0, -1, 0)) == pytest.approx(0.152, abs=0.001)
    assert extent(head, (0, 0, 1)) == pytest.approx(0.1305, abs=0.001)
    across = np.linspace(0.05, 0.10, 501)
    skin = across[np.argmin(np.abs(head.field.sample(np.stack([0 * across, across, 0 * across], -1))))]
    assert skin == pytest.approx(0.0725, abs=0.004)
    assert 0.035 < head.centre[2] < 0.055 and head.field.sample(np.array(head.centre)) < -0.05


def test_parameters_stretch_the_head() -> None:
    """A longer, narrower head is longer and narrower by as much; size scales everything."""
    head = parametric_head(length=0.205, breadth=0.144)
    usual = parametric_head()
    long = extent(head, (1, 0, 0)) + extent(head, (-1, 0, 0))
    assert long == pytest.approx((extent(usual, (1, 0, 0)) + extent(usual, (-1, 0, 0))) * 205 / 195, rel=0.01)
    assert extent(head, (0, 1, 0)) == pytest.approx(extent(usual, (0, 1, 0)) * 144 / 152, rel=0.01)


@pytest.mark.parametrize(
    ("name", "value"), [("size", 3.0), ("length", float("nan")), ("ears", -1.0), ("height", 0.5)]
)
def test_impossible_heads_are_refused(name: str, value: float) -> None:
    """A parameter out of range names itself, its value and what is allowed."""
    with pytest.raises(CombwiseError, match=f"head {name} is .*expected"):
        HeadShape(**{name: value})


def test_the_field_is_a_true_distance_near_the_scalp() -> None:
    """Walking along the normal from -8 to +20 mm changes the distance by as much; the slope is one."""
    head = parametric_head()
    rng = np.random.default_rng(0)
    height = rng.uniform(-0.008, 0.020, len(head.scalp.points))
    points = head.scalp.points + height[:, None] * head.scalp.normals
    wrong = np.abs(head.field.sample(points) - height)
    assert np.quantile(wrong, 0.99) < 0.0005
    assert np.quantile(np.abs(slope(head.field, points) - 1.0), 0.97) < 0.05


def test_the_field_has_the_sign_of_the_solid_and_covers_the_hair_box() -> None:
    """Inside is negative wherever the solid says so, out to the corners of the hair box."""
    head = parametric_head()
    points = np.random.default_rng(1).uniform((-0.22, -0.22, -0.34), (0.22, 0.22, 0.20), (20_000, 3))
    solid = head_solid(HeadShape())(points)
    clear = np.abs(solid) > 0.002
    assert (np.sign(head.field.sample(points[clear])) == np.sign(solid[clear])).all()
    low = np.array(head.field.origin)
    assert (low <= (-0.22, -0.22, -0.34)).all()
    assert (low + head.field.spacing * (np.array(head.field.values.shape) - 1) >= (0.22, 0.22, 0.20)).all()


def test_the_scalp_is_even_on_the_skin_and_leaves_the_face_free() -> None:
    """About 6,000 points, on the skin, none crowded, none on the brow, the ears or the neck's lower half."""
    head = parametric_head()
    points = head.scalp.points
    assert 5_500 <= len(points) <= 6_500
    assert np.abs(head.field.sample(points)).max() < 0.0005
    gap = KDTree(points).query(points, k=2)[0][:, 1]
    assert gap.min() > 0.6 * np.median(gap) and np.quantile(gap, 0.99) < 1.6 * np.median(gap)
    assert np.linalg.norm(head.scalp.normals, axis=1) == pytest.approx(1.0, abs=1e-4)
    assert points[points[:, 0] > 0.07][:, 2].min() > 0.06
    assert points[:, 2].min() > -0.08 and np.abs(points[:, 1]).max() < 0.08


def test_heads_are_mirror_images_of_themselves_and_reproducible() -> None:
    """Left equals right to a tenth of a millimetre; the same generator state draws the same head."""
    head = parametric_head()
    points = head.scalp.points.astype(np.float64)
    mirrored = points * (1.0, -1.0, 1.0)
    assert np.abs(head.field.sample(points) - head.field.sample(mirrored)).max() < 1e-4
    one, same, other = (random_shape(np.random.default_rng(seed)) for seed in (5, 5, 6))
    assert one == same != other
    drawn, again = random_head(np.random.default_rng(5)), head_of(one)
    assert (again.field.values == drawn.field.values).all()
    assert (again.scalp.points == drawn.scalp.points).all()


def test_random_heads_spread_like_the_survey() -> None:
    """Means of 3,000 draws within 1.5 mm of the survey's, spreads under its and over two thirds of them."""
    rng = np.random.default_rng(0)
    drawn = np.array([(s.length, s.breadth, s.height) for s in (random_shape(rng) for _ in range(3000))])
    survey, deviation = np.array([0.1963, 0.152, 0.1296]), np.array([0.0085, 0.0062, 0.0067])
    assert np.abs(drawn.mean(axis=0) - survey).max() < 0.0015
    spread = drawn.std(axis=0) / deviation
    assert spread.min() > 0.66 and spread.max() < 1.0


def test_farthest_points_spread() -> None:
    """Ten points chosen of a line of a thousand lie no closer than a twelfth of it."""
    line = np.linspace(0.0, 1.0, 1000)[:, None] * np.array([[1.0, 0.0, 0.0]])
    chosen = np.sort(line[even_subset(line, 10, np.random.default_rng(0)), 0])
    assert np.diff(chosen).min() > 1.0 / 17.0


def ball_file(path: Path, *, hole: bool = True, scale: float = 9.0, flip: bool = False) -> Path:
    """Write a ball of this radius in file units, standing y-up and off the origin, open at the bottom."""
    ball = trimesh.creation.icosphere(subdivisions=4, radius=scale)
    if hole:
        ball.update_faces(ball.triangles_center[:, 1] > -0.85 * scale)
    if flip:
        ball.invert()
    ball.apply_translation([0.1 * scale, 0.5 * scale, -0.2 * scale])
    ball.export(path)
    return path


@pytest.mark.parametrize("flip", [False, True])
def test_an_open_ball_measures_as_a_ball(tmp_path: Path, flip: bool) -> None:
    """The hole is closed flat, inside out is put right, and away from the hole distances are a ball's."""
    head = load_head(ball_file(tmp_path / "ball.obj", flip=flip))
    assert head.frame is not None
    middle = head.frame.apply(np.array([0.9, 4.5, -1.8]))
    direction = np.random.default_rng(0).standard_normal((2000, 3))
    direction /= np.linalg.norm(direction, axis=1, keepdims=True)
    direction = direction[direction[:, 2] > -0.6]
    for radius in (0.085, 0.0898, 0.095, 0.11):
        assert head.field.sample(middle + radius * direction) == pytest.approx(radius - 0.09, abs=8e-4)
    assert head.field.sample(middle + np.array([0.0, 0.0, -0.070])) < 0.0
    assert head.field.sample(middle + np.array([0.0, 0.0, -0.095])) > 0.0


def test_units_and_axes_only_rename_the_same_head(tmp_path: Path) -> None:
    """A ball in metres equals the same ball in centimetres; an explicit origin is taken at its word."""
    centimetres = load_head(ball_file(tmp_path / "a.obj"), origin=(0.9, 4.5, -1.8))
    metres = load_head(ball_file(tmp_path / "b.obj", scale=0.09), unit="m", origin=(0.009, 0.045, -0.018))
    assert np.allclose(centimetres.field.values, metres.field.values, atol=1e-5)
    assert np.allclose(HeadFrame("cm", "y-up").apply(np.array([1.0, 2.0, 3.0])), (0.03, 0.01, 0.02))
    assert np.allclose(
        HeadFrame("m", "z-up-facing-minus-y").apply(np.array([1.0, -2.0, 3.0])), (2.0, 1.0, 3.0)
    )


def test_a_scalp_grows_around_given_roots(tmp_path: Path) -> None:
    """Roots on one side give a scalp on that side; roots far from the head are refused."""
    path = ball_file(tmp_path / "ball.obj")
    direction = np.random.default_rng(0).standard_normal((3000, 3))
    direction /= np.linalg.norm(direction, axis=1, keepdims=True)
    roots = np.array([0.9, 4.5, -1.8]) + 8.8 * direction[direction[:, 0] > 0.3]
    head = load_head(path, scalp_roots=roots)
    assert head.scalp.points[:, 1].min() > 0.01
    assert np.abs(head.field.sample(head.scalp.points)).max() < 0.0005
    with pytest.raises(CombwiseError, match="strand roots lie"):
        load_head(path, scalp_roots=roots + 30.0)


def painted_ball(path: Path) -> Path:
    """Write a ball with texture coordinates: u around +z, v from -z to +z, in centimetres, z up."""
    ball = trimesh.creation.uv_sphere(radius=9.0, count=[48, 96])
    place = np.asarray(ball.vertices)
    u = np.arctan2(place[:, 1], place[:, 0]) / (2.0 * np.pi) + 0.5
    v = 0.5 + place[:, 2] / 18.0
    ball.visual = TextureVisuals(uv=np.stack([u, v], axis=1))
    ball.export(path)
    return path


def test_a_scalp_is_painted_on_a_mesh(tmp_path: Path) -> None:
    """A mask white in its upper third gives a scalp there; black or missing masks are named."""
    path = painted_ball(tmp_path / "ball.obj")
    mask = np.zeros((90, 60), np.uint8)
    mask[:30] = 255
    imageio.imwrite(tmp_path / "mask.png", mask)
    imageio.imwrite(tmp_path / "black.png", 0 * mask)
    (tmp_path / "text.png").write_text("not a picture")
    read = {"axes": "z-up", "origin": (0.0, 0.0, 0.0)}
    head = load_head(path, scalp_mask=tmp_path / "mask.png", **read)
    height = head.scalp.points[:, 2]
    assert 0.02 < height.min() < 0.032 and height.max() > 0.085
    assert np.abs(head.field.sample(head.scalp.points)).max() < 0.0005
    bare = ball_file(tmp_path / "bare.ply")
    for mesh, picture, words in [
        (path, "none.png", "does not exist"),
        (path, "text.png", "not a readable picture"),
        (path, "black.png", "is light on 0.0 %"),
        (bare, "mask.png", "no texture coordinates"),
    ]:
        with pytest.raises(CombwiseError, match=words):
            load_head(mesh, scalp_mask=tmp_path / picture, **read)
    with pytest.raises(CombwiseError, match="expected one of them"):
        load_head(path, scalp_mask=tmp_path / "mask.png", scalp_roots=np.zeros((9, 3)), **read)


def test_bad_head_files_get_one_clear_sentence(tmp_path: Path) -> None:
    """Missing, not a mesh, no triangles, flat, wrong unit, unknown words: each says what was expected."""
    flat = tmp_path / "flat.obj"
    flat.write_text("v -9 0 -9\nv 9 0 -9\nv 9 30 9\nv -9 30 9\nf 1 2 3\nf 1 3 4\n")
    plane = tmp_path / "plane.obj"
    plane.write_text("v -9 0 0\nv 9 0 0\nv 9 30 0\nv -9 30 0\nf 1 2 3\nf 1 3 4\n")
    points = tmp_path / "points.obj"
    points.write_text("v 0 0 0\nv 1 0 0\n")
    garbage = tmp_path / "garbage.ply"
    garbage.write_bytes(b"ply\nnot really\n\x00\xff")
    ball = ball_file(tmp_path / "ball.obj")
    for path, options, words in [
        (tmp_path / "none.obj", {}, "does not exist"),
        (tmp_path, {}, "does not exist"),
        (garbage, {}, "not a readable mesh|holds no triangles"),
        (points, {}, "not a readable mesh|holds no triangles"),
        (flat, {}, "mesh with no volume"),
        (plane, {}, "mesh with no volume"),
        (ball, {"unit": "mm"}, "is the unit"),
        (ball, {"unit": "feet"}, "no unit 'feet'"),
        (ball, {"axes": "x-up"}, "no axes 'x-up'"),
    ]:
        with pytest.raises(CombwiseError, match=words):
            load_head(path, **options)
    text = tmp_path / "head.txt"
    text.write_text("hello")
    with pytest.raises(CombwiseError, match=r"of type '\.txt'"):
        load_head(text)


@pytest.mark.skipif(not REAL.is_dir(), reason="needs the real groom (COMBWISE_REAL_GROOM)")
def test_the_real_groom_sits_on_the_real_head() -> None:
    """7,905 strands on an open scanned head: seated, a thousand guides, every free vertex above the skin."""
    head = load_head(REAL / "head.obj", scalp_roots=read_roots(REAL / "harolongo.data"))
    assert extent(head, (0, 0, 1)) == pytest.approx(0.134, abs=0.005)
    groom, report = load_groom(REAL / "harolongo.data", head)
    assert groom.strands.shape == (1000, 24, 3) and report.strands_in_file == 7905
    assert np.linalg.norm(report.seating_mm) < 15.0 and report.largest_push_mm < 15.0
    assert head.field.sample(groom.strands[:, 1:]).min() > 0.001
    assert np.abs(head.field.sample(groom.strands[:, 0])).max() < 0.0005
    edges = np.linalg.norm(np.diff(groom.strands.astype(np.float64), axis=1), axis=-1)
    assert (edges.max(axis=1) / edges.min(axis=1)).max() < 1.001
    assert report.median_length_mm == pytest.approx(235.0, abs=10.0)
