"""Grooms not made for us: any units, axes, point counts and head are fitted, and the report says how."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from combwise.groom import ConvertOptions, convert
from hairsim.errors import CombwiseError
from hairsim.groom.families import make_groom
from hairsim.groom.formats.files import read_strands, write_strands
from hairsim.groom.formats.reshape import in_frame
from hairsim.groom.formats.strand_set import StrandSet
from hairsim.groom.load import load_groom, read_roots
from hairsim.head.parametric import HeadShape, head_of, parametric_head


def groom_of(**shape: float) -> StrandSet:
    """A bob grown on a head of this shape, in metres, head frame."""
    groom = make_groom("wavy_bob", head_of(HeadShape(**shape)), guides=120, seed=1)
    return replace(StrandSet.of(list(groom.strands)), unit="m", axes="z-up")


@pytest.mark.parametrize(
    ("ending", "unit", "axes"),
    [(".npz", "in", "z-up-facing-minus-y"), (".usdc", "mm", "y-up"), (".data", "cm", "y-up")],
)
def test_a_groom_in_any_frame_lands_in_the_same_place(
    ending: str, unit: str, axes: str, tmp_path: Path
) -> None:
    """Files that say their frame, or have the usual one, need no options."""
    made = groom_of()
    write_strands(tmp_path / f"groom{ending}", in_frame(made, unit, axes))
    groom, report = load_groom(tmp_path / f"groom{ending}", parametric_head(), guides=120)
    assert (report.unit, report.axes) == (unit, axes) and report.scale == (1.0, 1.0, 1.0)
    order = np.argmin(np.linalg.norm(groom.strands[:, :1] - made.points[::24][None], axis=-1), axis=1)
    moved = np.linalg.norm(groom.strands - made.points.reshape(120, 24, 3)[order], axis=-1)
    assert moved.max() < 0.002
    roots = read_roots(tmp_path / f"groom{ending}", mesh_unit="m", mesh_axes="z-up")
    assert np.allclose(roots, made.points[::24], atol=1e-5)


def test_a_converted_groom_can_be_fitted_on_the_way(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """`combwise groom convert --fit` writes seated guides in the source's frame and prints the report."""
    source, target = tmp_path / "groom.npz", tmp_path / "fitted.ply"
    write_strands(source, in_frame(groom_of(size=1.1), "cm", "y-up"))
    line = convert(ConvertOptions(source, target, fit=True, guides=50, points=12))
    assert line == f"{target}: 50 strands, 600 points, in cm, y-up"
    assert "stretched" in capsys.readouterr().out
    fitted = in_frame(read_strands(target), "m", "z-up")
    assert np.abs(parametric_head().field.sample(fitted.points[::12])).max() < 0.0005


@pytest.mark.parametrize("shape", [{"size": 0.88}, {"length": 0.21, "breadth": 0.142}])
def test_a_groom_of_another_head_is_stretched_onto_this_one(shape: dict[str, float], tmp_path: Path) -> None:
    """The stretch found is the ratio of the heads within 4 %; no root then moves by more than 2 mm."""
    write_strands(tmp_path / "groom.npz", groom_of(**shape))
    head = parametric_head()
    groom, report = load_groom(tmp_path / "groom.npz", head, guides=120)
    size = shape.get("size", 1.0)
    wanted = (
        0.195 / shape.get("length", 0.195) / size,
        0.152 / shape.get("breadth", 0.152) / size,
        1.0 / size,
    )
    assert report.scale == pytest.approx(wanted, rel=0.04)
    assert report.loose == 0 and report.largest_root_shift_mm < 2.0
    assert head.field.sample(groom.strands[:, 1:]).min() > 0.001
    assert "stretched" in str(report)


def test_every_flaw_is_mended_and_counted(tmp_path: Path) -> None:
    """Unequal counts, repeated points, single points, stubble and strands rooted in mid-air in one file."""
    strands = [s.astype(np.float64) for s in groom_of().strands]
    strands[0] = np.repeat(strands[0], 3, axis=0)
    strands[1] = strands[1][::3]
    stubble = np.stack([strands[4][0], strands[4][0] + 0.001])
    flaws = [strands[2][:1], strands[3][:1].repeat(4, axis=0), stubble, strands[5] + (0.0, 0.0, 0.1)]
    made = replace(StrandSet.of([*strands, *flaws]), unit="m", axes="z-up")
    write_strands(tmp_path / "groom.ply", made)
    groom, report = load_groom(tmp_path / "groom.ply", parametric_head(), guides=500, vertices=16)
    assert groom.strands.shape == (120, 16, 3)
    assert report.points_in_file == (1, 72) and report.repeated_points == 48 + 3
    assert (report.single_points, report.stubble, report.loose, report.strands_dropped) == (2, 1, 1, 4)
    words = str(report)
    assert "4 dropped (2 single points, 1 under 10 mm, 1 rooted off the head)" in words
    assert "1 to 72 points a strand (51 repeated) made 16" in words
    edge = np.linalg.norm(np.diff(groom.strands.astype(np.float64), axis=1), axis=-1)
    assert (edge.max(axis=1) / edge.min(axis=1)).max() < 1.001


def test_the_unit_that_would_fit_is_named(tmp_path: Path) -> None:
    write_strands(tmp_path / "groom.data", in_frame(groom_of(), "mm", "y-up"))
    with pytest.raises(CombwiseError, match=r"is the unit another\? It would fit in 'mm'\."):
        load_groom(tmp_path / "groom.data", parametric_head())
    assert load_groom(tmp_path / "groom.data", parametric_head(), unit="mm")[1].unit == "mm"
