"""Laws of the virtual cameras: geometry, occlusion, noise, labels, repeatability, bad input."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import imageio.v2 as imageio
import numpy as np
import pytest

from hairsim.cameras.camera import Camera, look_at, three_camera_rig
from hairsim.cameras.capture import capture, orientation_image
from hairsim.cameras.depth_noise import DepthNoise, measure_depth, miscalibrated, unit_noise
from hairsim.cameras.fine_strands import refine_strands
from hairsim.cameras.look import HairLook
from hairsim.cameras.picture import draw, portrait_camera
from hairsim.cameras.video import write_video
from hairsim.errors import CombwiseError
from hairsim.head.head import DistanceField, Head, Scalp
from hairsim.tools.tool import rake_comb

RADIUS = 0.09


@pytest.fixture(scope="module")
def ball() -> Head:
    """A head that is a ball of 9 cm: every ray's answer is known."""
    spacing, count = 0.005, 61
    axis = -0.15 + spacing * np.arange(count)
    x, y, z = np.meshgrid(axis, axis, axis, indexing="ij")
    values = (np.sqrt(x**2 + y**2 + z**2) - RADIUS).astype(np.float32)
    up = np.array([[0.0, 0.0, 1.0]], np.float32)
    field = DistanceField(values, (-0.15, -0.15, -0.15), spacing)
    return Head(field, Scalp(RADIUS * up, up), "ball", (0.0, 0.0, 0.0))


@pytest.fixture(scope="module")
def mop() -> np.ndarray:
    """2,000 strands that hang off the ball's upper half, [S, V, 3]."""
    rng = np.random.default_rng(0)
    out = rng.standard_normal((2000, 3))
    out[:, 2] = np.abs(out[:, 2])
    out /= np.linalg.norm(out, axis=1, keepdims=True)
    along = np.linspace(0.0, 1.0, 16)[None, :, None]
    level = out * [1.0, 1.0, 0.0]
    level /= np.linalg.norm(level, axis=1, keepdims=True)
    bow = RADIUS * out[:, None] * (1.0 - along) + (RADIUS + 0.02) * level[:, None] * along
    bow[:, :, 2] -= 0.12 * along[:, :, 0] ** 2
    length = np.linalg.norm(bow, axis=-1, keepdims=True)
    return (bow * np.maximum(1.0, (RADIUS + 0.006) / length)).astype(np.float32)


@pytest.fixture(scope="module")
def front() -> Camera:
    """A camera half a metre before the nose."""
    return Camera("front", 200, 160, 300.0, look_at(np.array([0.5, 0.0, 0.0]), np.zeros(3)))


def straight(start: list[float], end: list[float], vertices: int = 8) -> np.ndarray:
    """One straight strand [1, V, 3]."""
    t = np.linspace(0.0, 1.0, vertices)[:, None]
    return ((1.0 - t) * np.array(start) + t * np.array(end))[None].astype(np.float32)


def thick(width: float = 0.004) -> HairLook:
    return HairLook(width=width, hairs=1)


def test_line_lands_where_a_pinhole_puts_it(ball: Head, front: Camera) -> None:
    """A slanted strand before the head: its pixels, depths and label are the projection's."""
    strand = straight([0.15, -0.10, 0.06], [0.25, 0.06, -0.05], 12)
    frame = capture(strand, ball, [front], seed=0, noise=None, look=thick(0.003))[0]
    rows, columns = np.nonzero(frame.hair_mask)
    t = np.linspace(0.0, 1.0, 4000)[:, None]
    pixel, depth = front.project((1.0 - t) * strand[0, 0] + t * strand[0, -1])
    far = np.hypot(pixel[:, 0, None] - columns, pixel[:, 1, None] - rows)
    assert far.min(axis=0).max() < 2.0, "every hair pixel lies on the line"
    assert far.min(axis=1).max() < 1.2, "the whole line is drawn"
    true_depth = depth[far.argmin(axis=0)]
    assert np.abs(frame.depth[rows, columns] - true_depth).max() < 0.0015


def test_head_has_the_depth_of_a_ball(ball: Head, front: Camera) -> None:
    frame = capture(straight([0, 0, 0.2], [0, 0, 0.25]), ball, [front], seed=0, noise=None)[0]
    ray = front.rays()
    # |c + s ray| = r with the camera's centre c on the axis
    a, b = (ray**2).sum(-1), -2.0 * 0.5 * ray[..., 2]
    inside = b**2 - 4.0 * a * (0.25 - RADIUS**2)
    true = (-b - np.sqrt(np.maximum(inside, 0.0))) / (2.0 * a)
    clear = (inside > 0.02) & ~frame.hair_mask
    assert np.abs(frame.depth - true)[clear].max() < 0.0007
    assert (frame.depth[inside < -0.02] == 0.0).all(), "nothing is measured where nothing is"


def test_head_hides_the_hair_behind_it(ball: Head, front: Camera) -> None:
    behind = straight([-0.12, -0.02, 0.0], [-0.12, 0.02, 0.0])
    across = straight([-0.12, -0.16, 0.0], [-0.12, 0.16, 0.0])
    assert not capture(behind, ball, [front], seed=0, noise=None, look=thick())[0].hair_mask.any()
    mask = capture(across, ball, [front], seed=0, noise=None, look=thick())[0].hair_mask
    columns = np.nonzero(mask.any(axis=0))[0]
    assert not mask[:, 60:140].any() and columns.min() < 55 and columns.max() > 144


def test_nearer_strand_wins(ball: Head, front: Camera) -> None:
    far, near = straight([0.12, -0.05, 0.0], [0.12, 0.05, 0.0]), straight([0.2, 0.0, -0.05], [0.2, 0.0, 0.05])
    for order in ([far, near], [near, far]):
        image = orientation_image(np.concatenate(order), ball, front, look=thick())
        nearer = 1 if order[1] is near else 0
        assert image.strand[79:81, 99:101].min() == image.strand[79:81, 99:101].max() == nearer


def test_same_seed_same_bits_other_seed_other_noise(ball: Head, mop: np.ndarray) -> None:
    cameras = three_camera_rig(120, 120)
    first, again, other = (capture(mop, ball, cameras, seed=s) for s in (3, 3, 4))
    for a, b, c in zip(first, again, other, strict=True):
        assert (
            (a.colour == b.colour).all() and (a.depth == b.depth).all() and (a.hair_mask == b.hair_mask).all()
        )
        assert (a.depth != c.depth).any() and (a.hair_mask == c.hair_mask).all()
    assert not (first[0].depth == first[1].depth).all()
    assert first[0].depth.dtype == np.float32 and first[0].colour.dtype == np.uint8


def test_inputs_are_not_written(ball: Head, mop: np.ndarray) -> None:
    before, field = mop.copy(), ball.field.values.copy()
    capture(mop, ball, three_camera_rig(80, 80), seed=0)
    assert (mop == before).all() and (ball.field.values == field).all()


def test_mask_is_a_region_and_depth_there_is_hair(ball: Head, mop: np.ndarray) -> None:
    """Where the mop hangs its mask has no holes, and what is measured there lies before the skin."""
    side = Camera("side", 160, 160, 320.0, look_at(np.array([0.6, 0.0, 0.0]), np.zeros(3)))
    frame = capture(mop, ball, [side], seed=0, noise=None)[0]
    point = side.rays() * frame.depth[..., None]
    head_point = point @ side.camera_to_head[:3, :3].T + side.camera_to_head[:3, 3]
    radius = np.linalg.norm(head_point, axis=-1)
    assert frame.hair_mask[65:110, 50:110].mean() > 0.99
    assert (radius[frame.hair_mask] > RADIUS - 0.002).all() and (
        radius[frame.hair_mask] < RADIUS + 0.08
    ).all()
    assert not frame.hair_mask[:10].any()


def test_depth_noise_has_the_stated_size() -> None:
    """A wall at 0.75 m: bias below 0.1 mm, spread as `sigma` says, 1 to 2 mm by default."""
    camera, noise = three_camera_rig()[0], DepthNoise()
    wall = np.full((400, 400), 0.75, np.float32)
    read = measure_depth(wall, camera, noise, np.random.default_rng(0), "cpu")
    seen = read > 0.0
    error = read[seen] - 0.75
    assert abs(error.mean()) < 1e-4
    assert error.std() == pytest.approx(noise.sigma(camera, 0.75), rel=0.05)
    assert 0.0008 < noise.sigma(camera, 0.75) < 0.002
    assert 1.0 - seen.mean() == pytest.approx(noise.dropout, abs=0.002)
    twice = measure_depth(2.0 * wall, camera, noise, np.random.default_rng(0), "cpu")
    assert (twice[twice > 0.0] - 1.5).std() == pytest.approx(4.0 * error.std(), rel=0.05)


def test_depth_noise_lives_at_steps() -> None:
    """Beside a step of 10 cm pixels drop out and a few fly between the sides; elsewhere none do."""
    camera = three_camera_rig()[0]
    step = np.full((400, 400), 0.8, np.float32)
    step[:, :200] = 0.7
    noise = DepthNoise(dropout=0.0)
    read = measure_depth(step, camera, noise, np.random.default_rng(0), "cpu")
    beside, away = read[:, 199:200], np.delete(read, np.s_[194:206], axis=1)
    assert (beside == 0.0).mean() == pytest.approx(noise.edge_dropout, abs=0.08)
    assert ((beside > 0.71) & (beside < 0.79)).mean() == pytest.approx(noise.flying, abs=0.04)
    assert (away > 0.0).all() and not ((away > 0.72) & (away < 0.78)).any()


def test_unit_noise_has_unit_variance_and_half_of_it_is_smooth() -> None:
    noise = unit_noise((400, 400), 6.0, np.random.default_rng(1))
    assert noise.std() == pytest.approx(1.0, rel=0.03)
    neighbours = (noise[:, 1:] * noise[:, :-1]).mean()
    assert 0.4 < neighbours < 0.5


def test_miscalibrated_rig_moves_what_is_seen_not_what_is_said(ball: Head, mop: np.ndarray) -> None:
    nominal = three_camera_rig(120, 120)[0]
    noise = DepthNoise(position=0.003, rotation=np.radians(1.0), rig_seed=5)
    true = miscalibrated(nominal, noise, 0)
    offset = np.linalg.norm(true.camera_to_head[:3, 3] - nominal.camera_to_head[:3, 3])
    turn = true.camera_to_head[:3, :3].T @ nominal.camera_to_head[:3, :3]
    assert 0.0 < offset <= 0.003
    assert np.arccos((np.trace(turn) - 1.0) / 2.0) <= np.radians(1.0) + 1e-6
    assert np.allclose(turn.T @ turn, np.eye(3))
    frame = capture(mop, ball, [nominal], seed=0, noise=noise)[0]
    assert frame.camera is nominal
    assert (frame.hair_mask != capture(mop, ball, [nominal], seed=0, noise=None)[0].hair_mask).any()


def test_dark_hair_is_measured_less_and_the_rest_stays(ball: Head, mop: np.ndarray) -> None:
    """Black hair loses more depth than blond, skin hardly any; what is left is what it was."""
    camera = three_camera_rig(160, 160)[0]
    lost = {}
    for colour in ("black", "blond"):
        frames = [
            capture(
                mop,
                ball,
                [camera],
                seed=2,
                noise=DepthNoise(dark=dark),
                look=HairLook(colour=colour, hairs=4),
            )[0]
            for dark in (0.0, 0.9)
        ]
        full, dim = frames
        assert (dim.depth[dim.depth > 0.0] == full.depth[dim.depth > 0.0]).all()
        assert (dim.colour == full.colour).all() and (dim.hair_mask == full.hair_mask).all()
        gone = (full.depth > 0.0) & (dim.depth == 0.0)
        lost[colour] = gone[full.hair_mask].mean()
        assert gone[~full.hair_mask].mean() < 0.1
    assert lost["black"] > 0.15 > lost["blond"] + 0.1


def test_orientation_is_directed_root_to_tip(ball: Head, front: Camera) -> None:
    """A strand drawn from the wearer's right to left runs to the image's right; reversed, to its left."""
    start, end = [0.2, -0.05, 0.01], [0.2, 0.05, 0.01]
    there = orientation_image(straight(start, end), ball, front, look=thick())
    back = orientation_image(straight(end, start), ball, front, look=thick())
    assert there.mask.any() and (there.mask == back.mask).all()
    assert np.allclose(there.direction[there.mask], [0.0, 1.0, 0.0], atol=1e-3)
    assert np.allclose(there.direction[there.mask], -back.direction[back.mask], atol=1e-3)
    assert np.allclose(there.angle[there.mask], 0.0, atol=1e-3)
    assert np.allclose(np.abs(back.angle[back.mask]), np.pi, atol=1e-3)
    assert (there.direction[~there.mask] == 0.0).all() and (there.strand[~there.mask] == -1).all()


def test_picture_repeats_bit_for_bit(ball: Head, mop: np.ndarray) -> None:
    camera = portrait_camera(20.0, 20.0, 96, 64)
    image = draw(mop, ball, camera)
    assert (image == draw(mop.copy(), ball, camera)).all()
    assert image.dtype == np.uint8 and image.shape == (64, 96, 3)


def test_fine_hairs_belong_to_their_strand(mop: np.ndarray) -> None:
    """A strand's fine hairs follow it and depend on its index alone: its texture stays its own."""
    few = refine_strands(mop[:10], pieces=2, hairs=3, spread=0.0015, device="cpu").vertices.numpy()
    many = refine_strands(mop[:50], pieces=2, hairs=3, spread=0.0015, device="cpu").vertices.numpy()
    moved = refine_strands(
        mop[:10] + np.array([0.1, 0.0, 0.0], np.float32), pieces=2, hairs=3, spread=0.0015, device="cpu"
    )
    assert (few == many[:30]).all()
    assert np.allclose(moved.vertices.numpy() - few, [0.1, 0.0, 0.0], atol=1e-6)
    assert np.allclose(few[::3, ::2], mop[:10], atol=1e-6), "hair 0 passes through its strand's vertices"
    gap = np.linalg.norm(few.reshape(10, 3, *few.shape[1:])[:, :, ::2] - mop[:10, None], axis=-1)
    assert gap[:, 1:].max() < 0.012 and np.median(gap[:, 1:]) > 0.0003


def test_look_changes_the_picture_as_named(ball: Head, mop: np.ndarray) -> None:
    camera = portrait_camera(0.0, 40.0, 96, 96)
    mask = capture(mop, ball, [camera], seed=0, noise=None)[0].hair_mask
    light = {
        c: draw(mop, ball, camera, look=HairLook(colour=c))[mask].mean() for c in ("black", "brown", "blond")
    }
    assert light["black"] < light["brown"] < light["blond"]
    shadowed = draw(mop, ball, camera, look=HairLook(shadow=1.0))[mask].mean()
    assert shadowed < draw(mop, ball, camera, look=HairLook(shadow=0.0))[mask].mean()


def test_tool_is_drawn_where_it_is(ball: Head, mop: np.ndarray) -> None:
    camera = portrait_camera(0.0, 0.0, 160, 160)
    upright = np.array([0.0, 0.0, 0.0, 1.0])
    bare = draw(mop, ball, camera).astype(int)

    def changed(position: list[float]) -> np.ndarray:
        combed = draw(mop, ball, camera, tool=(rake_comb(), np.array(position), upright))
        return np.abs(combed - bare).sum(-1) > 30

    rows, columns = np.nonzero(changed([0.2, 0.0, 0.05]))
    pixel, _ = camera.project(np.array([[0.2, -0.04, 0.05], [0.2, 0.04, 0.09]]))
    assert len(rows) > 100
    assert columns.min() > pixel[:, 0].min() - 4 and columns.max() < pixel[:, 0].max() + 4
    assert rows.min() > pixel[:, 1].min() - 4 and rows.max() < pixel[:, 1].max() + 4
    assert not changed([-0.2, 0.0, 0.0]).any(), "the head hides a comb behind it"


@pytest.mark.filterwarnings("ignore:unclosed file:ResourceWarning")  # the library's reader
def test_video_plays_back(tmp_path: Path) -> None:
    frames = [np.full((65, 97, 3), value, np.uint8) for value in (40, 120, 200)]
    write_video(tmp_path / "a.mp4", iter(frames), 10)
    back = imageio.mimread(tmp_path / "a.mp4")
    assert [p.shape for p in back] == [(64, 96, 3)] * 3
    assert [p.mean() for p in back] == pytest.approx([40, 120, 200], abs=6)
    assert [p.name for p in tmp_path.iterdir()] == ["a.mp4"]


def test_failed_video_leaves_nothing(tmp_path: Path) -> None:
    pictures = [np.zeros((64, 64, 3), np.uint8), np.zeros((32, 64, 3), np.uint8)]
    with pytest.raises(CombwiseError, match=r"picture 1 of video a\.mp4 is uint8 \(32, 64, 3\)"):
        write_video(tmp_path / "a.mp4", pictures, 10)
    with pytest.raises(CombwiseError, match="has no pictures"):
        write_video(tmp_path / "a.mp4", [], 10)
    assert not list(tmp_path.iterdir())


def capture_one(strands: np.ndarray, head: Head, camera: Camera) -> None:
    capture(strands, head, [camera], seed=0)


@pytest.mark.parametrize("entry", [capture_one, draw, orientation_image])
def test_strands_with_nan_are_refused(
    ball: Head, mop: np.ndarray, front: Camera, entry: Callable[[np.ndarray, Head, Camera], object]
) -> None:
    bad = mop.copy()
    bad[7, 3, 1] = np.nan
    bad[9, 0, 0] = np.inf
    with pytest.raises(CombwiseError, match="2 of 2000 strands to draw hold NaN or infinite positions"):
        entry(bad, ball, front)


def test_other_bad_input_is_named(ball: Head, mop: np.ndarray, front: Camera) -> None:
    with pytest.raises(CombwiseError, match=r"shape \(2000, 3\)"):
        capture(mop[:, 0], ball, [front], seed=0)
    with pytest.raises(CombwiseError, match="camera 'bent': camera_to_head is not a rigid"):
        capture(mop, ball, [Camera("bent", 64, 64, 90.0, 2.0 * np.eye(4))], seed=0)
    with pytest.raises(CombwiseError, match="hair colour 'pink' is unknown"):
        HairLook(colour="pink")
    with pytest.raises(CombwiseError, match="dropout is 2"):
        DepthNoise(dropout=2.0)
    with pytest.raises(CombwiseError, match="quaternion of tool 'rake_comb' has no length"):
        draw(mop, ball, front, tool=(rake_comb(), np.zeros(3), np.zeros(4)))


def test_no_strands_show_a_bald_head(ball: Head, front: Camera) -> None:
    frame = capture(np.zeros((0, 8, 3), np.float32), ball, [front], seed=0)[0]
    assert not frame.hair_mask.any() and frame.depth.max() > 0.3


def test_strands_behind_and_beside_the_camera_do_no_harm(ball: Head, front: Camera) -> None:
    around = np.concatenate(
        [
            straight([0.6, 0.0, 0.0], [0.9, 0.0, 0.0]),
            straight([0.3, -5.0, 0.0], [0.3, 5.0, 0.0]),
            straight([0.5, 0.0, 0.0], [0.45, 0.0, 0.0]),
        ]
    )
    frame = capture(around, ball, [front], seed=0, noise=None)[0]
    assert np.isfinite(frame.depth).all()
