"""Tools from files: the shipped ones are what they say; a wrong definition gets one clear sentence."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from scipy.spatial.transform import Rotation

from hairsim.errors import CombwiseError
from hairsim.groom.families import make_groom
from hairsim.head.parametric import parametric_head
from hairsim.tools.clearance import capsule_points
from hairsim.tools.stroke import STROKE_HIGH, STROKE_LOW, Stroke
from hairsim.tools.stroke_path import poses_at, stroke_path, stroke_paths
from hairsim.tools.tool import rake_comb
from hairsim.tools.tool_file import MOST_CAPSULES, load_tool, read_definition, shipped_tools
from hairsim.world import HairWorld
from tests.conftest import Combwise

TAIL_COMB = """
format = 1
name = "tail_comb"
unit = "mm"

[[capsule]]
start = [0, 0, 2]
end = [0, 0, 35]
radius = 2
repeat = [{ count = 4, step = [0, 10, 0] }, { count = 2, step = [6, 0, 0] }]

[[capsule]]
start = [0, -40, 39]
end = [0, 40, 39]
radius = 4
"""


def written(folder: Path, text: str) -> Path:
    path = folder / "tool.toml"
    path.write_text(text)
    return path


def test_the_rake_comb_of_the_file_is_the_rake_comb_of_the_code_bit_for_bit() -> None:
    """Trained weights depend on it."""
    ours, theirs = load_tool("rake_comb"), rake_comb()
    for field in ("start", "end", "radius"):
        mine, yours = getattr(ours, field), getattr(theirs, field)
        assert mine.dtype == yours.dtype and mine.tobytes() == yours.tobytes()
    assert ours.name == theirs.name


@pytest.mark.parametrize("name", shipped_tools())
def test_every_shipped_tool_stands_on_its_tips_and_is_balanced(name: str) -> None:
    """Named like its file, tips at z = 0, mirrored in y but for handles, and it says what it is."""
    found = read_definition(name)
    tool = found.tool
    assert tool.name == name and found.about
    lowest = np.minimum(tool.start[:, 2], tool.end[:, 2]) - tool.radius
    assert lowest.min() == pytest.approx(0.0, abs=1e-6)
    tips = lowest < 1e-4
    assert tips.sum() >= 2
    assert tool.start[tips].mean(axis=0)[:2] == pytest.approx(0.0, abs=1e-6)


def test_there_are_four_tools() -> None:
    assert shipped_tools() == ("fine_comb", "paddle_brush", "rake_comb", "two_finger_pinch")
    assert len(load_tool("fine_comb").radius) > 2 * len(load_tool("rake_comb").radius)


def test_copies_stand_in_centred_rows_and_grids(tmp_path: Path) -> None:
    tool = load_tool(written(tmp_path, TAIL_COMB))
    assert len(tool.radius) == 9 and tool.start.dtype == np.float32
    teeth = 1e3 * tool.start[:8]
    assert sorted({float(y) for y in teeth[:, 1]}) == pytest.approx([-15, -5, 5, 15])
    assert sorted({float(x) for x in teeth[:, 0]}) == pytest.approx([-3, 3])
    assert 1e3 * tool.end[8] == pytest.approx([0, 40, 39])


@pytest.mark.parametrize(
    ("old", "new", "words"),
    [
        ("format = 1", "format = 2", r"has format 2; expected format = 1"),
        ('name = "tail_comb"', 'name = "tail comb"', r"name 'tail comb'; expected a word"),
        ('unit = "mm"', 'unit = "pt"', r"unit 'pt'; expected one of m, cm, mm, in"),
        ('unit = "mm"\n', "", r"unit None"),
        ('unit = "mm"', 'unit = "m"', r"capsule 1: radius is 2000 mm; expected"),
        ("radius = 2", "radius = 0", r"capsule 1: radius is 0 mm"),
        ("radius = 2", "radius = nan", r"capsule 1: radius holds nan; expected finite"),
        ("radius = 2", 'radius = "2"', r"capsule 1: radius holds '2'"),
        ("radius = 4", "radius = 4\ncolour = 3", r"capsule 2 has 'colour'; expected end, radius"),
        ("start = [0, 0, 2]", "start = [0, 2]", r"capsule 1: start is \[0, 2\]; expected \[x, y, z\]"),
        ("start = [0, 0, 2]", "start = [0, 0, 35]", r"capsule 1: start and end are one point"),
        ("start = [0, 0, 2]", "start = [0, 0, 20]", r"lowest point at z = 18 mm"),
        ("count = 4", "count = 0", r"capsule 1: repeat count is 0"),
        ("count = 4", "count = 999999999", rf"more than {MOST_CAPSULES} capsules"),
        ("count = 4", "count = 2.5", r"repeat count is 2\.5"),
        ("step = [6, 0, 0]", "step = [6000, 0, 0]", r"reaches over 0\.5 m"),
        ("{ count = 2, step = [6, 0, 0] }", "7", r"repeat holds 7"),
        ("[[capsule]]", "[[capsul]]", r"has 'capsul'; expected"),
        ("[[capsule]]", "[[capsule", r"is no TOML"),
    ],
)
def test_a_wrong_definition_gets_one_sentence(old: str, new: str, words: str, tmp_path: Path) -> None:
    path = written(tmp_path, TAIL_COMB.replace(old, new))
    with pytest.raises(CombwiseError, match=words) as error:
        load_tool(path)
    assert str(path) in str(error.value) and "\n" not in str(error.value)


@pytest.mark.parametrize("name", shipped_tools())
def test_every_shipped_tool_combs(name: str) -> None:
    """One stroke over the side of a head: hair is taken along, felt, and stays whole and out of the head."""
    head = parametric_head()
    groom = make_groom("straight_bob", head, guides=80, vertices=12, seed=1)
    world = HairWorld([head], [groom], threads=1)
    world.settle(0.2)
    before = world.strands()
    stroke = Stroke(azimuth=1.5, elevation=0.3, heading=1.2, length=0.10, depth=0.008, speed=0.25)
    tool = load_tool(name)
    (reading,) = world.comb([stroke_path(stroke, head, tool)], tool, rest_seconds=0.1)
    after = world.strands()
    moved = np.linalg.norm(after - before, axis=-1)
    assert np.isfinite(after).all() and 0.01 < moved.max() < 0.25
    force = np.linalg.norm(reading.force, axis=-1)
    assert 0.0 < force.max() < 50.0
    assert head.field.sample(after[:, 1:]).min() > -0.001
    length = np.linalg.norm(np.diff(after, axis=1), axis=-1).sum(axis=1)
    assert length == pytest.approx(np.linalg.norm(np.diff(before, axis=1), axis=-1).sum(axis=1), rel=0.01)


def test_an_unknown_tool_lists_the_known_ones(tmp_path: Path) -> None:
    with pytest.raises(CombwiseError, match=r"'hook' is neither a \.toml file nor one of fine_comb"):
        load_tool("hook")
    with pytest.raises(CombwiseError, match="over 200000 bytes"):
        load_tool(written(tmp_path, TAIL_COMB + "#" * 200_000))


@settings(max_examples=100, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(place=st.integers(0, len(TAIL_COMB)), edit=st.binary(max_size=6), gone=st.integers(0, 6))
def test_no_edit_of_a_definition_crashes_the_reader(
    place: int, edit: bytes, gone: int, tmp_path: Path
) -> None:
    """Any bytes in any place: a sound tool or our own error."""
    content = TAIL_COMB.encode()
    path = tmp_path / "tool.toml"
    path.write_bytes(content[:place] + edit + content[place + gone :])
    try:
        tool = load_tool(path)
    except CombwiseError:
        return
    assert np.isfinite(tool.start).all() and (tool.radius > 0.0).all() and len(tool.radius) <= MOST_CAPSULES


def test_tools_are_listed_measured_and_drawn(tmp_path: Path, combwise: Combwise) -> None:
    listed = combwise("tool", "list")
    assert listed.returncode == 0 and "paddle_brush: Paddle brush: 5 x 9 pins" in listed.stdout
    written(tmp_path, TAIL_COMB)
    shown = combwise("tool", "show", "tool.toml", "--out", "tool.png", "--size", "96")
    assert shown.stdout.splitlines()[-1] == "tool.png: tail_comb, 9 capsules", shown.stderr
    assert "along travel 10.0 mm, along the teeth 88.0 mm, tips to top 43.0 mm" in shown.stdout
    assert (tmp_path / "tool.png").read_bytes().startswith(b"\x89PNG")


@pytest.mark.parametrize("name", shipped_tools())
def test_no_part_of_a_tool_enters_the_head(name: str) -> None:
    """Random strokes, many of which would take a wide comb through an ear or the nape."""
    head, tool, rng = parametric_head(), load_tool(name), np.random.default_rng(5)
    strokes = [Stroke.from_vector(rng.uniform(STROKE_LOW, STROKE_HIGH)) for _ in range(60)]
    paths = stroke_paths(strokes, head, tool)
    points, radius = capsule_points(tool)
    for stroke, path in zip(strokes, paths, strict=True):
        for time in np.arange(0.0, path.times[-1], 0.02 / stroke.speed):
            position, turn = poses_at(path, np.array([time]))
            placed = Rotation.from_quat(turn[0]).apply(points) + position[0]
            assert (head.field.sample(placed) - radius).min() > 0.0
        middle = path.times.searchsorted(0.5 * path.times[-1])
        way = np.linalg.norm(path.positions[middle + 1] - path.positions[middle])
        assert way / (path.times[middle + 1] - path.times[middle]) == pytest.approx(stroke.speed, rel=0.01)


def test_a_stroke_that_is_clear_of_the_head_stays_at_its_depth() -> None:
    """Along the middle of the crown a comb that is turned along its travel touches nothing."""
    head, stroke = parametric_head(), Stroke(0.0, 1.2, 0.0, 0.06, 0.02)
    path = stroke_path(stroke, head, load_tool("two_finger_pinch"))
    first, last = path.in_hair
    assert head.field.sample(path.positions[first : last + 1]) == pytest.approx(0.02, abs=3e-4)
