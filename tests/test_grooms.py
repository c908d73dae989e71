"""Grooms: they look as their family says, sit on the head, keep their lengths; children and files follow."""

from __future__ import annotations

import struct
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from scipy.spatial import KDTree

from hairsim.errors import CombwiseError
from hairsim.groom.children import make_children
from hairsim.groom.coils import Coil
from hairsim.groom.families import FAMILIES, HAIR_CLASSES, TRAINING_FAMILIES, UNSEEN_FAMILIES, make_groom
from hairsim.groom.groom import HAIRS_ON_A_HEAD, Groom
from hairsim.groom.load import load_groom
from hairsim.groom.mirror import mirrored
from hairsim.groom.rods import arc_length, relax_onto, resample
from hairsim.groom.roots import even_roots
from hairsim.groom.usc_hairsalon import read_usc_hairsalon, write_usc_hairsalon
from hairsim.head.frame import AXES
from hairsim.head.parametric import parametric_head
from hairsim.world import HairWorld


def edges(strands: np.ndarray) -> np.ndarray:
    """Return edge lengths [S, V-1] [m] in double precision."""
    return np.linalg.norm(np.diff(strands.astype(np.float64), axis=1), axis=-1)


def mean_turn(strands: np.ndarray) -> float:
    """Return the mean angle between following edges [rad]: how curly hair is."""
    edge = np.diff(strands.astype(np.float64), axis=1)
    edge /= np.linalg.norm(edge, axis=-1, keepdims=True)
    return float(np.arccos(np.clip((edge[:, 1:] * edge[:, :-1]).sum(-1), -1, 1))[:, 3:].mean())


@pytest.mark.parametrize("family", FAMILIES)
def test_every_family_grows_sound_strands(family: str) -> None:
    """Roots on the skin, the rest at least 1 mm above, edges equal within 0.1 %, the face left free."""
    head = parametric_head()
    groom = make_groom(family, head, guides=200, seed=3)
    strands = groom.strands
    assert strands.shape == (200, 24, 3) and strands.dtype == np.float32
    assert groom.hair_count.sum() == pytest.approx(HAIRS_ON_A_HEAD, rel=1e-4)
    assert np.abs(head.field.sample(strands[:, 0])).max() < 0.0005
    assert head.field.sample(strands[:, 1:]).min() > 0.001
    edge = edges(strands)
    assert (edge.max(axis=1) / edge.min(axis=1)).max() < 1.001
    total = edge.sum(axis=1)
    assert total.min() > 0.04 and total.max() < 0.321
    free = strands[:, 2:]
    azimuth = np.abs(np.arctan2(free[..., 1], free[..., 0] - head.centre[0]))
    before_face = (azimuth < np.radians(45)) & (free[..., 2] < 0.055) & (free[..., 2] > -0.10)
    assert before_face.mean() < (0.08 if FAMILIES[family].fringe else 0.003)


def test_the_families_cover_the_classes_and_some_stay_unseen() -> None:
    """Families of all four classes in both lists, which do not overlap and miss none; names say the class."""
    assert set(TRAINING_FAMILIES) | set(UNSEEN_FAMILIES) == set(FAMILIES)
    assert not set(TRAINING_FAMILIES) & set(UNSEEN_FAMILIES)
    assert len(TRAINING_FAMILIES) >= 11 and len(UNSEEN_FAMILIES) >= 3
    for families in (TRAINING_FAMILIES, UNSEEN_FAMILIES):
        assert {FAMILIES[name].hair_class for name in families} == set(HAIR_CLASSES)
    assert all(family.hair_class in name for name, family in FAMILIES.items())


def test_curls_turn_more_than_waves_and_waves_more_than_straight_hair() -> None:
    """The mean turn per vertex orders the classes, and no guide bends by more than a rod can hold."""
    head = parametric_head()
    straight, wavy, curly = (
        make_groom(family, head, guides=120, seed=1, length=0.28, part="middle").strands
        for family in ("straight_long", "wavy_long", "curly_long")
    )
    assert 1.3 * mean_turn(straight) < mean_turn(wavy) < 0.8 * mean_turn(curly)
    assert mean_turn(curly) < 2.0 * np.pi / 8.0


def test_a_part_divides_the_hair_and_its_mirror_image_divides_it_the_other_way() -> None:
    """Beside a left part most of the top falls to the right; a right part does the opposite."""
    head = parametric_head()

    def lean(part: str) -> float:
        strands = make_groom("straight_side_part", head, guides=300, seed=4, part=part).strands
        top = strands[:, 0, 2] > 0.09
        return float((strands[top, -1, 1] > 0.0).mean())

    assert lean("left") < 0.40 < 0.60 < lean("right")
    assert lean("left") + lean("right") == pytest.approx(1.0, abs=0.12)
    middle = make_groom("middle_part_straight", head, guides=300, seed=4).strands
    top = (middle[:, 0, 2] > 0.09) & (middle[:, 0, 0] > -0.03) & (np.abs(middle[:, 0, 1]) > 0.01)
    assert (np.sign(middle[top, 0, 1]) == np.sign(middle[top, -1, 1])).mean() > 0.98


def test_long_hair_hangs_down_and_swept_back_hair_ends_behind() -> None:
    """Tips of long hair point down; swept-back tips lie behind the ears."""
    head = parametric_head()
    hanging = make_groom("straight_long", head, guides=150, seed=2, length=0.30).strands
    tip = hanging[:, -1] - hanging[:, -2]
    assert np.quantile(tip[:, 2] / np.linalg.norm(tip, axis=1), 0.9) < -0.9
    swept = make_groom("swept_back_straight", head, guides=150, seed=2).strands
    assert np.quantile(swept[:, -1, 0], 0.9) < 0.0


def test_grooms_repeat_from_the_seed_and_differ_between_seeds() -> None:
    """Bitwise the same for the same seed."""
    head = parametric_head()
    one, same, other = (make_groom("wavy_layered", head, guides=60, seed=s).strands for s in (7, 7, 8))
    assert (one == same).all() and not np.allclose(one, other)


def test_impossible_grooms_are_refused() -> None:
    """The sentence names the value and what is allowed."""
    head = parametric_head()
    for options, words in [
        ({"family": "mohawk"}, "no groom family 'mohawk'; expected one of straight_long"),
        ({"length": 0.9}, "length is 0.9 m; expected"),
        ({"part": "top"}, "no part 'top'; expected one of left"),
        ({"guides": 0}, "0 roots were asked"),
        ({"guides": 10**6}, "expected 1 .. "),
        ({"vertices": 3}, "3 vertices"),
    ]:
        with pytest.raises(CombwiseError, match=words):
            make_groom(**({"family": "straight_bob", "head": head, "guides": 20, "seed": 0} | options))


def test_children_follow_their_guides() -> None:
    """Moving all guides moves the children alike; equal guides give equal children; hairs are conserved."""
    head = parametric_head()
    groom = make_groom("wavy_side_part", head, guides=200, seed=1)
    children = make_children(groom, count=1500, seed=5)
    hair = children.strands(groom.strands)
    assert hair.shape == (1500, 24, 3) and hair.dtype == np.float32
    assert children.hair_count * 1500 == pytest.approx(HAIRS_ON_A_HEAD, rel=1e-4)
    assert (make_children(groom, count=1500, seed=5).strands(groom.strands) == hair).all()
    shift = np.array([0.01, -0.02, 0.03], np.float32)
    assert np.allclose(children.strands(groom.strands + shift), hair + shift, atol=1e-5)
    assert children.weights.sum(axis=1) == pytest.approx(1.0, abs=1e-5) and children.weights.min() >= 0.0


def test_children_start_on_the_scalp_and_fill_it() -> None:
    """Roots within 2 mm of the skin, evenly; hardly a vertex deeper than a millimetre."""
    head = parametric_head()
    groom = make_groom("straight_long", head, seed=1)
    hair = make_children(groom).strands(groom.strands)
    root = head.field.sample(hair[:, 0])
    assert root.min() > -0.001 and root.max() < 0.0025
    assert (head.field.sample(hair[:, 1:]) < -0.001).mean() < 0.001
    nearest = np.linalg.norm(head.scalp.points[:, None, :] - hair[None, ::4, 0], axis=-1).min(axis=1)
    assert np.quantile(nearest, 0.98) < 0.012


def test_children_do_not_mix_the_sides_of_a_part() -> None:
    """Across a middle part the hair leaves a gap: no child hangs before the nose, where a mean would."""
    head = parametric_head()
    groom = make_groom("middle_part_straight", head, seed=1)
    hair = make_children(groom).strands(groom.strands)
    front = hair[hair[:, 0, 0] > 0.0]
    assert (np.abs(front[:, -1, 1]) > 0.03).mean() > 0.99


@pytest.mark.parametrize("family", ["coily_afro", "coily_long"])
def test_coils_wind_about_the_children_and_go_where_the_lock_goes(family: str) -> None:
    """Coily hairs are longer than their lock, start at its root, stay about it and point along it on average;
    turned with the guides, the coils turn along.
    """
    groom = make_groom(family, parametric_head(), guides=150, seed=1)
    assert groom.coil is not None
    children = make_children(groom, count=600, seed=1)
    hair = children.strands(groom.strands)
    lock = replace(children, winding=None).strands(groom.strands)
    assert hair.shape[1] >= 3 * lock.shape[1] and hair.dtype == np.float32
    assert np.abs(hair[:, 0] - lock[:, 0]).max() < 1e-6
    longer = edges(hair).sum(axis=1) / edges(lock).sum(axis=1)
    assert np.median(longer) == pytest.approx(1.0 / groom.coil.shrinkage, rel=0.2)
    away = np.linalg.norm(hair[:, :, None] - lock[:, None], axis=-1).min(axis=2)
    assert np.quantile(away, 0.99) < 3.0 * groom.coil.radius + 0.5 * edges(lock).max()
    along = (hair[:, -1] - hair[:, 0]) * (lock[:, -1] - lock[:, 0])
    assert (along.sum(axis=1) > 0.0).all()
    quarter = np.array([[0.0, -1.0, 0.0], [1.0, 0.0, 0.0], [0.0, 0.0, 1.0]], np.float32)
    turned = replace(
        children,
        root_offset=children.root_offset @ quarter.T,
        tip_offset=children.tip_offset @ quarter.T,
        winding=replace(children.winding, normal=children.winding.normal @ quarter.T)
        if children.winding
        else None,
    )
    stray = children.winding.stray @ quarter.T if children.winding else None
    assert turned.winding is not None and stray is not None
    turned = replace(turned, winding=replace(turned.winding, stray=stray))
    assert np.allclose(turned.strands(groom.strands @ quarter.T), hair @ quarter.T, atol=2e-5)


def test_only_coily_grooms_have_coils() -> None:
    """Straight, wavy and curly hair has as many points as its guides."""
    for family, style in FAMILIES.items():
        assert (style.coil is not None) == (style.hair_class == "coily"), family


def test_coils_that_cannot_be_wound_are_refused() -> None:
    """A turn must be longer than its circle."""
    with pytest.raises(CombwiseError, match="cannot be wound"):
        Coil(radius=0.004, turn=0.02)
    with pytest.raises(CombwiseError, match="frizz is 2"):
        Coil(radius=0.002, turn=0.02, frizz=2.0)


def test_a_mirrored_groom_is_the_same_groom_in_a_mirror() -> None:
    """Left and right exchanged, twice is once; on a head that is not symmetric the roots stay on the skin."""
    head = parametric_head()
    made, twin = (make_groom("wavy_side_part", head, guides=60, seed=2, mirror=m) for m in (False, True))
    assert np.array_equal(twin.strands, made.strands * np.array([1, -1, 1], np.float32))
    assert np.array_equal(mirrored(twin, head).strands, made.strands)
    assert twin.name == "wavy_side_part (seed 2), mirrored"
    x, y, z = head.field.origin
    leaning = replace(head.field, origin=(x, y + 0.004, z))
    other = mirrored(made, replace(head, field=leaning))
    assert np.abs(leaning.sample(other.strands[:, 0])).max() < 0.0005
    assert leaning.sample(other.strands[:, 1:]).min() > 0.0005


@pytest.mark.parametrize("count", [150, 500, 1000])
def test_roots_are_poisson_disks(count: int) -> None:
    """No two roots closer than 0.75 of the mean distance to the nearest, and no hole for another."""
    head = parametric_head()
    roots, _ = even_roots(head, count, np.random.default_rng(4))
    nearest = KDTree(roots).query(roots, k=2)[0][:, 1]
    assert nearest.min() > 0.75 * nearest.mean()
    hole = KDTree(roots).query(head.scalp.points)[0].max()
    assert hole < 1.6 * nearest.min()


def test_a_ponytail_stays_tied_and_short_hair_holds() -> None:
    """After two seconds under gravity nine tenths of the tied vertices are where the tie is, the same hair
    untied has fallen, and nothing is deeper than a millimetre.
    """
    head = parametric_head()
    groom = make_groom("straight_ponytail", head, guides=150, vertices=20, seed=1)
    assert groom.tied_at is not None and (groom.tied_at >= 2).mean() > 0.9
    tied = np.flatnonzero(groom.tied_at >= 2)
    place = groom.strands[tied, groom.tied_at[tied]]

    def kept(groom: Groom) -> float:
        world = HairWorld([head], [groom])
        world.settle(2.0)
        assert head.field.sample(world.strands()[:, 1:]).min() > -0.001
        away = np.linalg.norm(world.strands()[tied, groom_at[tied]] - place, axis=-1)
        return float((away < 0.01).mean())

    groom_at = groom.tied_at
    assert kept(groom) > 0.9
    assert kept(replace(groom, tied_at=None)) < 0.3


@pytest.mark.parametrize("family", ["straight_pixie", "coily_afro", "coily_bob"])
def test_short_and_coily_hair_settles(family: str) -> None:
    """Two seconds under gravity: still, no strand longer by a percent, none deeper than a millimetre."""
    head = parametric_head()
    groom = make_groom(family, head, guides=100, vertices=20, seed=1)
    world = HairWorld([head], [groom])
    world.settle(1.5)
    before = world.strands()
    world.settle(0.5)
    after = world.strands()
    assert head.field.sample(after[:, 1:]).min() > -0.001
    assert edges(after).sum(axis=1) == pytest.approx(edges(groom.strands).sum(axis=1), rel=0.01)
    assert np.linalg.norm(after - before, axis=-1).mean() < 0.002
    assert np.linalg.norm(after - groom.strands, axis=-1).mean() < 0.03


def test_children_refuse_other_guides() -> None:
    """Weights made for 60 guides do not fit 20."""
    groom = make_groom("straight_bob", parametric_head(), guides=60, seed=1)
    with pytest.raises(CombwiseError, match="S >= 60"):
        make_children(groom, count=500).strands(groom.strands[:20])


@settings(max_examples=20, deadline=None)
@given(st.integers(0, 2**32 - 1), st.integers(4, 40))
def test_resampling_keeps_ends_and_equalises_edges(seed: int, vertices: int) -> None:
    """Any smooth random curve: first and last points stay, chords agree within 1 %."""
    rng = np.random.default_rng(seed)
    heading = np.cumsum(0.15 * rng.standard_normal((5, 120, 3)), axis=1) - 3.0 * np.eye(3)[2]
    line = np.cumsum(0.002 * heading / np.linalg.norm(heading, axis=-1, keepdims=True), axis=1)
    even = resample(line, np.full(5, np.inf), vertices)
    assert np.allclose(even[:, 0], line[:, 0]) and np.allclose(even[:, -1], line[:, -1])
    edge = edges(even)
    assert (edge.max(axis=1) / edge.min(axis=1)).max() < 1.01
    assert (arc_length(even)[:, -1] <= arc_length(line)[:, -1] + 1e-9).all()


def test_strands_thrown_into_the_head_come_out_with_their_length() -> None:
    """Strands straight through the cranium are laid over it: clear of the skin, edges exactly as asked."""
    head = parametric_head()
    roots = head.scalp.points[::300].astype(np.float64)
    inward = np.asarray(head.centre) - roots
    strands = roots[:, None] + np.linspace(0.0, 1.8, 24)[None, :, None] * inward[:, None]
    edge = np.full(len(roots), 0.008)
    laid = relax_onto(strands, head.field, edge=edge)
    assert head.field.sample(laid[:, 1:]).min() > 0.001
    assert edges(laid) == pytest.approx(0.008, rel=1e-6)


def test_strand_files_survive_a_round_trip(tmp_path: Path) -> None:
    """Strands of different lengths, single points included, come back bit for bit."""
    rng = np.random.default_rng(0)
    strands = [rng.standard_normal((n, 3)).astype(np.float32) for n in (21, 1, 100, 2)]
    write_usc_hairsalon(tmp_path / "hair.data", strands)
    again = read_usc_hairsalon(tmp_path / "hair.data")
    assert len(again) == 4 and all((a == b).all() for a, b in zip(again, strands, strict=True))
    assert list(tmp_path.iterdir()) == [tmp_path / "hair.data"]


STRAND = struct.pack("<i6f", 2, *range(6))


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"", "0 bytes; expected at least 4"),
        (b"\x01\x00", "2 bytes; expected at least 4"),
        (struct.pack("<i", 0), "says it holds 0 strands"),
        (struct.pack("<i", -5) + STRAND, "says it holds -5 strands"),
        (struct.pack("<i", 2_000_000_000) + STRAND, "says it holds 2000000000 strands"),
        (struct.pack(">i", 1) + STRAND, "little-endian"),
        (struct.pack("<i", 2) + STRAND, "ends before strand 1 of 2"),
        (struct.pack("<i", 1) + STRAND[:-1], "truncated .*has 2 points, but 23 bytes are left"),
        (struct.pack("<ii", 1, 2_000_000_000), "has 2000000000 points, but 0 bytes are left"),
        (struct.pack("<ii", 1, -1), "has -1 points"),
        (struct.pack("<i", 1) + STRAND + b"xyz", "3 bytes after its last strand"),
        (struct.pack("<ii3f", 1, 1, 0.0, float("nan"), 0.0), "1 of 1 strands hold NaN"),
        (struct.pack("<ii3f", 1, 1, 0.0, float("inf"), 0.0), "1 of 1 strands hold NaN or infinite"),
    ],
)
def test_damaged_strand_files_get_one_clear_sentence(tmp_path: Path, content: bytes, words: str) -> None:
    """Every kind of damage is named, with the file and what was expected."""
    path = tmp_path / "hair.data"
    path.write_bytes(content)
    with pytest.raises(CombwiseError, match=words) as error:
        read_usc_hairsalon(path)
    assert str(path) in str(error.value) and "\n" not in str(error.value)


def test_missing_strand_files_are_named(tmp_path: Path) -> None:
    """A missing file and a folder both say so."""
    for path in (tmp_path / "none.data", tmp_path):
        with pytest.raises(CombwiseError, match="does not exist"):
            read_usc_hairsalon(path)


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    content=st.one_of(
        st.binary(max_size=200),
        st.integers(0, 60).map(lambda cut: (struct.pack("<i", 2) + STRAND + STRAND)[:cut]),
        st.tuples(st.integers(0, 59), st.integers(0, 255)).map(
            lambda change: bytes(
                change[1] if place == change[0] else byte
                for place, byte in enumerate(struct.pack("<i", 2) + STRAND + STRAND)
            )
        ),
    )
)
def test_no_bytes_crash_the_reader(tmp_path: Path, content: bytes) -> None:
    """Any bytes are read as finite strands or refused with our own error."""
    path = tmp_path / "hair.data"
    path.write_bytes(content)
    try:
        strands = read_usc_hairsalon(path)
    except CombwiseError:
        return
    assert all(np.isfinite(s).all() and s.shape[1] == 3 for s in strands)


def in_file(groom: Groom, path: Path, *, shift: float = 0.0) -> Path:
    """Write a groom as a y-up file in centimetres, moved up by `shift` [m]."""
    points = (groom.strands.astype(np.float64) + shift * np.eye(3)[2]) @ AXES["y-up"] * 100.0
    write_usc_hairsalon(path, list(points))
    return path


def test_a_groom_from_a_file_sits_on_the_head(tmp_path: Path) -> None:
    """A family written to a file, 5 mm too low, comes back seated, clear of the skin, edges equal."""
    head = parametric_head()
    made = make_groom("wavy_long", head, guides=300, seed=1)
    path = in_file(made, tmp_path / "hair.data", shift=-0.005)
    groom, report = load_groom(path, head, guides=200, vertices=20)
    assert groom.strands.shape == (200, 20, 3) and groom.family == "file"
    assert report.strands_in_file == 300 and report.strands_dropped == 0
    assert head.field.sample(groom.strands[:, 1:]).min() > 0.001
    assert np.abs(head.field.sample(groom.strands[:, 0])).max() < 0.0005
    edge = edges(groom.strands)
    assert (edge.max(axis=1) / edge.min(axis=1)).max() < 1.001
    assert report.largest_push_mm < 8.0 and report.deepest_mm < -1.0
    assert "300 strands read" in str(report)
    middle = groom.strands.mean(axis=(0, 1)) - made.strands.mean(axis=(0, 1))
    assert np.linalg.norm(middle) < 0.006


def test_stubble_and_repeats_are_dropped_and_counted(tmp_path: Path) -> None:
    """Single points, repeated points and stubble do not become rods."""
    head = parametric_head()
    made = make_groom("straight_bob", head, guides=50, seed=1)
    points = list(made.strands.astype(np.float64) @ AXES["y-up"] * 100.0)
    repeated = np.repeat(points[0], 2, axis=0)
    write_usc_hairsalon(
        tmp_path / "hair.data", [*points[1:], repeated, points[3][:1], points[4][:1].repeat(5, 0)]
    )
    groom, report = load_groom(tmp_path / "hair.data", head)
    assert report.strands_in_file == 52 and report.strands_dropped == 2 and report.guides == 50
    assert len(groom.strands) == 50


def test_grooms_that_do_not_fit_are_refused(tmp_path: Path) -> None:
    """Too few strands, or another unit, get one clear sentence."""
    head = parametric_head()
    made = make_groom("straight_bob", head, guides=30, seed=1)
    path = in_file(made, tmp_path / "hair.data")
    for unit in ("mm", "in", "m"):
        with pytest.raises(CombwiseError, match="is the unit another"):
            load_groom(path, head, unit=unit)
    write_usc_hairsalon(tmp_path / "few.data", list(made.strands[:2] * 100.0))
    with pytest.raises(CombwiseError, match="expected at least 4"):
        load_groom(tmp_path / "few.data", head)
