"""Groom files: what a format holds comes back, what it cannot hold is told, damage is one sentence."""

from __future__ import annotations

import struct
import subprocess
import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from hairsim.errors import CombwiseError
from hairsim.groom.formats.cubic_curves import polyline
from hairsim.groom.formats.files import ENDINGS, FORMATS, format_of, read_strands, write_strands
from hairsim.groom.formats.reshape import arc_length, in_frame, resampled
from hairsim.groom.formats.strand_set import StrandSet
from hairsim.groom.usc_hairsalon import read_usc_hairsalon

RAGGED = (5, 1, 17, 2, 0, 9)
LEAST = {
    ".data": 0,
    ".bin": 0,
    ".npz": 0,
    ".hair": 1,
    ".ply": 1,
    ".tfx": 8,
    ".usd": 2,
    ".usda": 2,
    ".usdc": 2,
}
"""Points of the shortest strand that each format holds; .tfx holds strands of equal counts only."""

HOLDS_ANYTHING = (".npz", ".ply", ".usd", ".usda", ".usdc")
HOLDS: dict[str, set[str]] = {
    ".data": set(),
    ".hair": {"thickness", "transparency", "color", "uv"},
    ".bin": {"normal", "label"},
    ".tfx": {"movable", "uv", "thickness", "color", "opacity"},
}
"""Values that each format holds besides positions."""


def strand_set(counts: tuple[int, ...] = RAGGED, *, seed: int = 0) -> StrandSet:
    """Random strands about a head, y-up in centimetres, with every kind of value there is."""
    rng = np.random.default_rng(seed)
    total = sum(counts)

    def numbers(*shape: int) -> np.ndarray:
        return rng.random(shape, np.float32)

    return StrandSet(
        points=(20.0 * rng.standard_normal((total, 3))).astype(np.float32),
        counts=np.array(counts, np.int64),
        per_point={
            "thickness": numbers(total),
            "transparency": numbers(total),
            "opacity": numbers(total),
            "color": numbers(total, 3),
            "normal": numbers(total, 3),
            "label": numbers(total),
            "movable": numbers(total),
            "curl": numbers(total),
        },
        per_strand={"uv": numbers(len(counts), 2), "clump": numbers(len(counts))},
        overall={"roughness": np.array(0.3, np.float32), "tint": numbers(3)},
        unit="mm",
        axes="z-up",
        about="Made up, für Tests.\nTwo lines.",
    )


def holdable(ending: str) -> StrandSet:
    """The same set, with nothing that a format cannot hold."""
    whole = strand_set((8, 8, 8)) if ending == ".tfx" else strand_set()
    whole = whole.kept(whole.counts >= LEAST[ending])
    if ending in HOLDS_ANYTHING:
        return whole
    per_point = {name: v for name, v in whole.per_point.items() if name in HOLDS[ending]}
    if ending == ".hair":
        per_point["uv"] = np.repeat(whole.per_strand["uv"], whole.counts, axis=0)
    if ending == ".tfx":
        per_point.pop("thickness")
    per_strand = (
        {"uv": whole.per_strand["uv"], "thickness": whole.per_strand["clump"]} if ending == ".tfx" else {}
    )
    about = "Made up, für Tests." if ending == ".hair" else ""
    return replace(whole, per_point=per_point, per_strand=per_strand, overall={}, about=about)


@pytest.mark.parametrize("ending", ENDINGS)
def test_a_round_trip_loses_nothing_that_the_format_holds(ending: str, tmp_path: Path) -> None:
    """Positions, counts and every value the format has a place for come back bit for bit, without a note."""
    strands = holdable(ending)
    path = tmp_path / f"groom{ending}"
    assert write_strands(path, strands) == ()
    again = read_strands(path)
    assert again.points.dtype == np.float32 and (again.points == strands.points).all()
    assert (again.counts == strands.counts).all() and again.notes == ()
    for rate in ("per_point", "per_strand", "overall"):
        wanted, found = getattr(strands, rate), getattr(again, rate)
        assert set(found) == set(wanted)
        for name, value in wanted.items():
            assert found[name].dtype == np.float32 and (found[name] == value).all(), name
    assert again.about == strands.about
    if format_of(path).says_frame:
        assert (again.unit, again.axes) == (strands.unit, strands.axes)
    assert [p.name for p in tmp_path.iterdir()] == [path.name]


@pytest.mark.parametrize("ending", [".npz", ".ply"])
def test_double_precision_survives_where_the_format_has_it(ending: str, tmp_path: Path) -> None:
    strands = StrandSet.of([np.random.default_rng(0).standard_normal((4, 3)) for _ in range(3)])
    assert write_strands(tmp_path / f"groom{ending}", strands) == ()
    assert (read_strands(tmp_path / f"groom{ending}").points == strands.points).all()
    (note,) = write_strands(tmp_path / "groom.data", strands)
    assert "single precision" in note


@pytest.mark.parametrize("ending", [e for e in ENDINGS if e not in HOLDS_ANYTHING])
def test_what_a_format_cannot_hold_is_told(ending: str, tmp_path: Path) -> None:
    """Every value that is lost, strands that are left out, resampling and cut text are each named."""
    notes = " ".join(write_strands(tmp_path / f"groom{ending}", strand_set()))
    kept = read_strands(tmp_path / f"groom{ending}").names
    for name in strand_set().names - kept:
        assert name in notes
    assert ("left out" in notes) and (LEAST[ending] == 0 or "strands of" in notes)
    if ending == ".tfx":
        assert "resampled to 32" in notes and "text of" in notes
        assert (read_strands(tmp_path / "groom.tfx").counts == 32).all()


def test_opacity_becomes_transparency_where_only_that_is_known(tmp_path: Path) -> None:
    strands = replace(
        strand_set((4, 4)), per_point={}, per_strand={}, overall={"opacity": np.array(0.25, np.float32)}
    )
    write_strands(tmp_path / "a.hair", strands)
    write_strands(tmp_path / "a.tfx", read_strands(tmp_path / "a.hair"))
    opacity = read_strands(tmp_path / "a.tfx").at_points("opacity")
    assert opacity is not None and (opacity == 0.25).all()


def test_the_defaults_in_a_hair_file_stand_for_absent_arrays(tmp_path: Path) -> None:
    """Thickness for all is kept in the header, and a file without segments gives strands of equal counts."""
    strands = StrandSet.of([np.full((3, 3), i, np.float32) for i in range(4)])
    write_strands(tmp_path / "a.hair", replace(strands, overall={"thickness": np.array(0.07, np.float32)}))
    content = (tmp_path / "a.hair").read_bytes()
    assert struct.unpack("<4sIIIIf", content[:24]) == (b"HAIR", 4, 12, 2, 2, np.float32(0.07))
    assert len(content) == 128 + 12 * 12
    assert read_strands(tmp_path / "a.hair").at_points("thickness") == pytest.approx(0.07)


def test_ct2hair_strands_with_nan_are_left_out_and_told(tmp_path: Path) -> None:
    strands = StrandSet.of([np.full((n, 3), n, np.float32) for n in (3, 4, 5)])
    write_strands(tmp_path / "a.bin", strands)
    content = bytearray((tmp_path / "a.bin").read_bytes())
    content[4 + 4 + 3 * 28 + 4 : 4 + 4 + 3 * 28 + 8] = struct.pack("<f", float("nan"))
    (tmp_path / "a.bin").write_bytes(content)
    read = read_strands(tmp_path / "a.bin")
    assert read.counts.tolist() == [3, 5] and read.notes == ("1 strands with NaN were left out",)
    assert read.unit == "mm"


PLY = "ply\nformat ascii 1.0\nelement vertex 5\nproperty float x\nproperty float y\nproperty float z\n"
PLY_POINTS = "".join(f"{i} 0 0\n" for i in range(5))


@pytest.mark.parametrize(
    ("elements", "rows", "strands"),
    [
        ("element strand 2\nproperty ushort nsegs\n", "1\n2\n", [[0, 1], [2, 3, 4]]),
        (
            "element strand 2\nproperty list uchar int vertex_indices\n",
            "3 4 3 2\n2 0 1\n",
            [[4, 3, 2], [0, 1]],
        ),
        ("element polyline 1\nproperty list uchar int vertex_index\n", "2 3 1\n", [[3, 1]]),
        (
            "element edge 3\nproperty int vertex1\nproperty int vertex2\n",
            "1 0\n4 2\n2 3\n",
            [[1, 0], [4, 2, 3]],
        ),
        ("element edge 2\nproperty int vertex1\nproperty int vertex2\n", "0 1\n1 2\n", [[0, 1, 2], [3], [4]]),
    ],
    ids=["nsegs", "lists", "polyline", "edges", "loose vertices"],
)
def test_ply_strands_are_found_however_they_are_said(
    elements: str, rows: str, strands: list[list[int]], tmp_path: Path
) -> None:
    (tmp_path / "a.ply").write_text(PLY + elements + "end_header\n" + PLY_POINTS + rows)
    read = read_strands(tmp_path / "a.ply")
    assert [strand[:, 0].tolist() for strand in read.strands] == strands
    unused = 5 - sum(len(strand) for strand in strands)
    assert read.notes == ((f"{unused} vertices that no strand uses were left out",) if unused else ())


def test_ply_vertices_may_name_their_curve(tmp_path: Path) -> None:
    header = PLY.replace("property float z\n", "property float z\nproperty int curve_id\n")
    points = "".join(f"{i} 0 0 {curve}\n" for i, curve in enumerate((7, 7, 2, 2, 7)))
    (tmp_path / "a.ply").write_text(header + "end_header\n" + points)
    assert [s[:, 0].tolist() for s in read_strands(tmp_path / "a.ply").strands] == [[2, 3], [0, 1, 4]]


@pytest.mark.parametrize(
    ("elements", "rows", "words"),
    [
        ("element edge 3\nproperty int vertex1\nproperty int vertex2\n", "0 1\n0 2\n0 3\n", "branch"),
        ("element edge 3\nproperty int vertex1\nproperty int vertex2\n", "0 1\n1 2\n2 0\n", "loops over 3"),
        ("element edge 1\nproperty int vertex1\nproperty int vertex2\n", "0 9\n", r"outside 0 \.\. 4"),
        ("element strand 2\nproperty ushort nsegs\n", "1\n1\n", "do not sum"),
        (
            "element face 1\nproperty list uchar int vertex_indices\n",
            "3 0 1 2\n",
            "1 faces, but nothing that says",
        ),
        ("", "", "nothing that says which form strands"),
        ("element strand 999999999999\nproperty ushort nsegs\n", "1\n", "says it holds 999999999999 rows"),
        ("element strand 2\nproperty ushort nsegs\n", "1\n", "no number|truncated"),
        ("element strand 2\nproperty vector nsegs\n", "1\n", "no PLY: 'property vector nsegs'"),
    ],
)
def test_ply_files_without_strands_say_what_is_missing(
    elements: str, rows: str, words: str, tmp_path: Path
) -> None:
    (tmp_path / "a.ply").write_text(PLY + elements + "end_header\n" + PLY_POINTS + rows)
    with pytest.raises(CombwiseError, match=words):
        read_strands(tmp_path / "a.ply")


def test_anybodys_npz_with_one_array_of_strands_is_read(tmp_path: Path) -> None:
    strands = np.random.default_rng(0).random((6, 9, 3), np.float32)
    np.savez_compressed(tmp_path / "a.npz", strands=strands, faces=np.zeros((3, 3), np.int32))
    read = read_strands(tmp_path / "a.npz")
    assert (read.points.reshape(6, 9, 3) == strands).all() and read.counts.tolist() == [9] * 6
    np.savez(tmp_path / "b.npz", a=strands, b=strands)
    with pytest.raises(CombwiseError, match=r"holds a, b; expected a \.npz groom"):
        read_strands(tmp_path / "b.npz")


def test_an_npz_that_promises_gigabytes_is_refused_unread(tmp_path: Path) -> None:
    """A few kilobytes of zeros unpack to 100 MB: refused by the ratio, before unpacking."""
    np.savez_compressed(tmp_path / "a.npz", points=np.zeros((10**7, 3), np.float32), counts=np.array([10**7]))
    with pytest.raises(CombwiseError, match="claims to unpack to over 200 times its size"):
        read_strands(tmp_path / "a.npz")


@pytest.mark.parametrize("ending", [".hair", ".ply", ".tfx", ".npz", ".usdc", ".bin"])
def test_missing_and_empty_files_are_named(ending: str, tmp_path: Path) -> None:
    path = tmp_path / f"groom{ending}"
    with pytest.raises(CombwiseError, match="does not exist"):
        read_strands(path)
    path.write_bytes(b"")
    with pytest.raises(CombwiseError, match=f"groom{ending}' "):
        read_strands(path)


def test_unknown_endings_list_the_known_ones(tmp_path: Path) -> None:
    with pytest.raises(CombwiseError, match=r"ends in '\.abc'; expected one of \.data, \.hair"):
        read_strands(tmp_path / "a.abc")
    with pytest.raises(CombwiseError, match=r"ends in '\.obj'"):
        write_strands(tmp_path / "a.obj", strand_set())


def test_no_strand_that_fits_writes_no_file(tmp_path: Path) -> None:
    with pytest.raises(CombwiseError, match="USD BasisCurves needs 2 points each"):
        write_strands(tmp_path / "a.usd", strand_set((1, 1)))
    assert not list(tmp_path.iterdir())


def test_usd_says_one_sentence_where_it_is_not_installed(tmp_path: Path) -> None:
    write_strands(tmp_path / "a.usda", strand_set((3, 4)))
    code = (
        "import sys; sys.modules['pxr'] = None; from pathlib import Path;"
        "from hairsim.groom.formats.files import read_strands; read_strands(Path(sys.argv[1]))"
    )
    done = subprocess.run(
        [sys.executable, "-c", code, str(tmp_path / "a.usda")], capture_output=True, text=True
    )
    assert "USD files need OpenUSD, which is not installed; install it with: pip install" in done.stderr


def test_usd_curves_of_other_programs_are_understood(tmp_path: Path) -> None:
    """Two prims, one moved, one cubic; a stage in inches with z up."""
    (tmp_path / "a.usda").write_text(
        '#usda 1.0\n(\n    metersPerUnit = 0.0254\n    upAxis = "Z"\n)\n'
        'def Xform "head" {\n    double3 xformOp:translate = (0, 0, 10)\n'
        '    uniform token[] xformOpOrder = ["xformOp:translate"]\n'
        '    def BasisCurves "straight" {\n        uniform token type = "linear"\n'
        "        int[] curveVertexCounts = [2, 3]\n"
        "        point3f[] points = [(0,0,0), (0,0,1), (1,0,0), (1,0,1), (1,0,2)]\n    }\n}\n"
        'def BasisCurves "curly" {\n        uniform token type = "cubic"\n'
        '        uniform token basis = "bezier"\n'
        "        int[] curveVertexCounts = [4]\n"
        "        point3f[] points = [(5,0,0), (5,0,1), (5,0,2), (5,0,3)]\n}\n"
        'def BasisCurves "ring" {\n        uniform token type = "linear"\n'
        '        uniform token wrap = "periodic"\n'
        "        int[] curveVertexCounts = [3]\n        point3f[] points = [(0,0,0), (0,0,1), (1,0,0)]\n}\n"
    )
    read = read_strands(tmp_path / "a.usda")
    assert (read.unit, read.axes) == ("in", "z-up-facing-minus-y")
    assert read.counts.tolist() == [2, 3, 5]
    assert read.strands[0].tolist() == [[0, 0, 10], [0, 0, 11]]
    assert read.strands[2][:, 2] == pytest.approx([0, 0.75, 1.5, 2.25, 3])
    assert any("sampled" in note for note in read.notes) and any("closed" in note for note in read.notes)


@pytest.mark.parametrize("basis", ["bezier", "bspline", "catmullRom"])
def test_evenly_spaced_control_points_on_a_line_give_an_even_line(basis: str) -> None:
    """Linear precision, and pinned curves reach both ends."""
    control = np.linspace([0.0, 0.0, 0.0], [6.0, 3.0, 0.0], 7)
    line = polyline(control, basis, pinned=True)
    assert line is not None
    assert line[0] == pytest.approx(control[0]) and line[-1] == pytest.approx(control[-1])
    assert np.diff(line, axis=0) == pytest.approx(np.broadcast_to((line[1] - line[0]), (len(line) - 1, 3)))
    assert polyline(control[:3], basis, pinned=False) is None


def test_changing_frames_there_and_back_changes_nothing_much_and_the_same_frame_nothing() -> None:
    strands = strand_set()
    assert in_frame(strands, "mm", "z-up") is strands
    there = in_frame(strands, "in", "y-up")
    back = in_frame(there, "mm", "z-up")
    assert np.allclose(back.points, strands.points, rtol=1e-5, atol=1e-4)
    assert there.per_point["thickness"] == pytest.approx(strands.per_point["thickness"] / 25.4)
    assert np.linalg.norm(there.per_point["normal"], axis=1) == pytest.approx(
        np.linalg.norm(strands.per_point["normal"], axis=1)
    )
    assert (in_frame(strands, "mm", "y-up").points[:, 1] == strands.points[:, 2]).all()


@settings(max_examples=25, deadline=None)
@given(st.lists(st.integers(0, 12), min_size=1, max_size=8).filter(lambda c: max(c) > 1), st.integers(2, 40))
def test_resampled_strands_keep_their_ends_and_lie_on_the_line(counts: list[int], points: int) -> None:
    """Any counts: ends bit for bit, spacing along the polyline equal, strands without length left out."""
    strands = strand_set(tuple(counts), seed=len(counts))
    made = resampled(strands, points)
    long = [strand for strand in strands.strands if len(strand) > 1]
    assert len(made.counts) == len(long) and (made.counts == points).all()
    for before, after in zip(long, made.strands, strict=True):
        assert (after[0] == before[0]).all() and (after[-1] == before[-1]).all()
        along = np.concatenate(
            [[0.0], np.cumsum(np.linalg.norm(np.diff(before.astype(float), axis=0), axis=1))]
        )
        place = np.linspace(0.0, along[-1], points)
        wanted = np.stack([np.interp(place, along, before[:, axis]) for axis in range(3)], axis=1)
        assert np.allclose(after, wanted, atol=1e-4)
    assert bool(made.notes) == (len(long) < len(counts))
    assert arc_length(strands).shape == (sum(counts),)


def whole_file(ending: str) -> bytes:
    """Bytes of a small sound file."""
    import tempfile

    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / f"groom{ending}"
        write_strands(path, strand_set((8, 8) if ending == ".tfx" else (3, 1, 4)))
        return path.read_bytes()


def text_ply() -> bytes:
    elements = (
        "element strand 2\nproperty list uchar int vertex_indices\nelement edge 1\nproperty int vertex1\n"
    )
    return (PLY + elements + "end_header\n" + PLY_POINTS + "3 4 3 2\n2 0 1\n7\n").encode()


SOUND: dict[str, Callable[[], bytes]] = {
    **{
        ending: lambda ending=ending: whole_file(ending)
        for ending in (".data", ".hair", ".bin", ".tfx", ".npz", ".ply")
    },
    "text .ply": text_ply,
}
ABSURD = st.sampled_from([0, 1, 0x7FFFFFFF, 0x80000000, 0xFFFFFFFF, 0x00010000, 0x7FC00000, 0x7F800000])


@st.composite
def damaged(draw: st.DrawFn, sound: bytes) -> bytes:
    """Cut short, with a bit flipped, an absurd number written over it, bytes inserted, or nothing alike."""
    kind = draw(st.sampled_from(["cut", "flip", "count", "insert", "noise"]))
    place = draw(st.integers(0, max(0, len(sound) - 4)))
    if kind == "cut":
        return sound[:place]
    if kind == "flip":
        flipped = sound[place] ^ (1 << draw(st.integers(0, 7)))
        return sound[:place] + bytes([flipped]) + sound[place + 1 :]
    if kind == "count":
        place = min(place, 200) // 4 * 4 if draw(st.booleans()) else place
        return sound[:place] + struct.pack("<I", draw(ABSURD)) + sound[place + 4 :]
    if kind == "insert":
        return sound[:place] + draw(st.binary(min_size=1, max_size=9)) + sound[place:]
    return draw(st.binary(max_size=300))


def reads_or_refuses(path: Path, content: bytes) -> None:
    """The law of every reader: finite strands, or our own error in one line."""
    path.write_bytes(content)
    try:
        strands = read_strands(path)
    except CombwiseError as error:
        refusal = str(error)
    else:
        assert np.isfinite(strands.points).all() and strands.points.shape == (strands.counts.sum(), 3)
        assert len(strands.points) <= 4 * len(content)
        return
    assert str(path) in refusal and "\n" not in refusal


@pytest.mark.parametrize("name", SOUND)
def test_no_damage_crashes_a_reader(name: str, tmp_path: Path) -> None:
    """Truncated, bit-flipped and absurd files of every format are read as finite strands or refused."""
    sound = SOUND[name]()

    @settings(max_examples=120, deadline=None, suppress_health_check=[HealthCheck.differing_executors])
    @given(damaged(sound))
    def check(content: bytes) -> None:
        reads_or_refuses(tmp_path / f"groom{name.split()[-1]}", content)

    check()


@pytest.mark.parametrize("ending", [".usda", ".usdc"])
def test_no_damage_crashes_the_usd_reader(ending: str, tmp_path: Path) -> None:
    """OpenUSD reads in a process of its own, half a second each: few examples, and it may die of any."""
    sound = whole_file(ending)

    @settings(max_examples=6, deadline=None, suppress_health_check=[HealthCheck.differing_executors])
    @given(damaged(sound))
    def check(content: bytes) -> None:
        reads_or_refuses(tmp_path / f"groom{ending}", content)

    check()


def test_the_first_reader_agrees_with_the_table(tmp_path: Path) -> None:
    """`read_usc_hairsalon`, which other programs import, and the table read the same strands."""
    write_strands(tmp_path / "a.data", strand_set())
    assert [len(s) for s in read_usc_hairsalon(tmp_path / "a.data")] == list(RAGGED)
    assert {format_of(Path("x" + e)).name for e in ENDINGS} == {known.name for known in FORMATS}
