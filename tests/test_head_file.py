"""A head that a file describes: measures of the parametric adult, or a mesh; mistakes are one sentence."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import trimesh

from hairsim.errors import CombwiseError
from hairsim.head.head_file import head_or_built_in, read_head
from hairsim.head.parametric import parametric_head


def _write(path: Path, text: str) -> Path:
    path.write_text(text, encoding="utf-8")
    return path


def test_a_file_of_measures_is_that_parametric_head(tmp_path: Path) -> None:
    head = read_head(_write(tmp_path / "small.toml", "format = 1\n[shape]\nsize = 0.9\nears = 0\n"))
    np.testing.assert_array_equal(head.field.values, parametric_head(size=0.9, ears=0.0).field.values)
    assert head.name == "small"


def test_no_file_is_the_built_in_adult() -> None:
    assert head_or_built_in("").name == head_or_built_in(None).name == parametric_head().name


def test_a_head_can_be_a_description_or_a_mesh(tmp_path: Path) -> None:
    """A description tells its own unit and axes, whatever hair beside it comes in."""
    described = _write(tmp_path / "small.toml", "format = 1\n[shape]\nsize = 0.9\n")
    assert head_or_built_in(described, unit="mm", axes="z-up").name == "small"
    ball = trimesh.creation.icosphere(subdivisions=4)
    ball.apply_scale([96.0, 76.0, 90.0])
    ball.export(tmp_path / "ball.stl")
    head = head_or_built_in(tmp_path / "ball.stl", unit="mm", axes="z-up")
    assert head.name == "ball"
    with pytest.raises(CombwiseError):
        head_or_built_in(tmp_path / "ball.stl")  # in centimetres it is no head


def test_a_file_of_a_mesh_is_that_mesh_with_its_origin(tmp_path: Path) -> None:
    """An ellipsoid of an adult's size, in millimetres, whose tragi lie 45 mm below its middle."""
    ball = trimesh.creation.icosphere(subdivisions=4)
    ball.apply_scale([96.0, 76.0, 90.0])
    ball.export(tmp_path / "ball.stl")
    text = 'format = 1\n[mesh]\nfile = "ball.stl"\nunit = "mm"\naxes = "z-up"\norigin = [0, 0, -45]\n'
    head = read_head(_write(tmp_path / "stand.toml", text))
    skin = np.array([[0.096, 0.0, 0.045], [0.0, -0.076, 0.045], [0.0, 0.0, 0.135]])
    np.testing.assert_allclose(head.field.sample(skin), 0.0, atol=0.002)
    assert head.name == "ball"


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("[shape]", "has format None; expected format = 1"),
        ("format = 1", r"expected one of \[shape\] and \[mesh\]"),
        ("format = 1\n[shape]\n[mesh]", r"expected one of \[shape\] and \[mesh\]"),
        ("format = 1\nshape = 3", "expected a text and a table"),
        ("format = 1\n[shape]\nsise = 1.0", "has 'sise'; expected breadth, ears"),
        ("format = 1\n[shape]\nsize = 2.0", "head size is 2.0; expected 0.7 .. 1.15"),
        ("format = 1\n[shape]\nsize = nan", "size is nan; expected a number"),
        ("format = 1\n[shape]\nsize = 'big'", "size is 'big'; expected a number"),
        ("format = 1\n[mesh]\nunit = 'mm'\naxes = 'z-up'", "has file None; expected the name of a mesh"),
        ("format = 1\n[mesh]\nfile = 'a.stl'\naxes = 'z-up'", "has unit None; expected one of m, cm"),
        (
            "format = 1\n[mesh]\nfile = 'a.stl'\nunit = 'mm'\naxes = 'z-up'\norigin = [1]",
            r"origin \[1\]; expected \[x",
        ),
        ("format = 1\n[mesh]\nfile = 'a.stl'\nunit = 'mm'\naxes = 'z-up'", "a.stl"),
        ("format = 1\nname = 'me'\n[mesh]\nfile = 'a.stl'", "expected no name"),
        ("head", "is no TOML"),
    ],
)
def test_a_wrong_file_is_refused_in_one_sentence(tmp_path: Path, text: str, said: str) -> None:
    path = _write(tmp_path / "head.toml", text)
    with pytest.raises(CombwiseError, match=said) as caught:
        read_head(path)
    assert "\n" not in str(caught.value)


def test_a_file_that_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(CombwiseError, match=r"none\.toml' cannot be read"):
        read_head(tmp_path / "none.toml")
