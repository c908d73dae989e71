"""The throughput table: a run that was cut off goes on, and the page comes from the file alone."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pytest

from benchmarks.throughput.__main__ import ThroughputBenchmark, earlier_rows, run
from benchmarks.throughput.cases import plan
from benchmarks.throughput.measure import Row, case_of, measure
from benchmarks.throughput.peers import PEERS, Peer, peer_cases
from benchmarks.throughput.report import ThroughputReport, main
from benchmarks.throughput.targets import targets
from hairsim.errors import CombwiseError


def row_of(strands: int, speed: float) -> Row:
    return Row(
        "combwise", "cpu", 1, 1, strands, 24, True, 1 / 120, 1, speed, 2.0, 300.0, 0.02, "strands", "cpu"
    )


@pytest.mark.slow
def test_a_run_goes_on_where_it_was_cut_off(tmp_path: Path) -> None:
    out = tmp_path / "throughput.json"
    rows, _ = run(ThroughputBenchmark(out, quick=True, only=("free rods",), devices=("cpu",)))
    assert [case_of(row) for row in rows] == [
        case for case in plan(quick=True, devices=("cpu",)) if case.purpose == "free rods"
    ]
    whole = json.loads(out.read_text())
    out.write_text(json.dumps({**whole, "rows": whole["rows"][:1]}))
    resumed, _ = run(ThroughputBenchmark(out, quick=True, resume=True, only=("free rods",), devices=("cpu",)))
    assert resumed[0] == rows[0] and len(resumed) == len(rows)
    assert len(json.loads(out.read_text())["rows"]) == len(rows)


def test_rows_of_another_simulator_are_not_mixed_in(tmp_path: Path) -> None:
    out = tmp_path / "throughput.json"
    out.write_text(json.dumps({"simulator_version": "1", "rows": []}))
    with pytest.raises(CombwiseError, match="simulator version 1"):
        earlier_rows(out)


def free_rods(solver: str, dt: float, realtime_factor: float, error: float) -> Row:
    return Row(
        solver, "cpu", 1, 1, 64, 24, False, dt, 1, 1e6, realtime_factor, 300.0, error,
        "free rods" if solver == "combwise" else "peers", "cpu",
    )  # fmt: skip


def result_of(rows: list[Row], not_installed: list[str]) -> dict[str, object]:
    return {
        "command": "python -m benchmarks.throughput --out t.json",
        "commit": "0",
        "simulator_version": "4",
        "date": "2026-01-01",
        "machine": "1 CPU core",
        "load_average": [0.1, 0.1, 0.1],
        "gpu": None,
        "not_installed": not_installed,
        "rows": [row.__dict__ for row in rows],
    }


def page_of(folder: Path, rows: list[Row], not_installed: list[str]) -> str:
    (folder / "throughput.md").write_text(
        "Before.\n<!-- table: begin -->\nold\n<!-- table: end -->\nAfter.\n"
    )
    (folder / "t.json").write_text(json.dumps(result_of(rows, not_installed)))
    main(ThroughputReport(folder / "t.json", folder))
    return (folder / "throughput.md").read_text()


def test_the_page_shows_every_row_and_keeps_its_own_words(tmp_path: Path) -> None:
    page = page_of(tmp_path, [row_of(250, 2e6), row_of(1000, 3e6)], [])
    assert page.startswith("Before.") and page.rstrip().endswith("After.") and "old" not in page
    assert "| 1 x 250 x 24 |" in page and "| 1 x 1000 x 24 |" in page and "2 % (too much)" in page
    assert (tmp_path / "images" / "throughput.png").stat().st_size > 1000


def test_rows_of_a_gpu_beside_the_result_join_the_page(tmp_path: Path) -> None:
    page_of(tmp_path, [row_of(250, 2e6)], [])
    (tmp_path / "t.json").rename(tmp_path / "throughput_gpu.json")
    page = page_of(tmp_path, [row_of(1000, 3e6)], [])
    assert "| 1 x 1000 x 24 |" in page and "| 1 x 250 x 24 |" in page


def test_targets_are_judged_from_the_rows_alone() -> None:
    """What the rows miss is said to be missed, and what they cannot say is said to be not measured."""
    rows = [
        free_rods("combwise", 1 / 30, 90.0, 0.009),
        free_rods("combwise", 1 / 10, 300.0, 0.02),  # faster, and wrong
        free_rods("somebody", 1 / 30, 9.0, 0.005),
        *(replace(row_of(500, speed), purpose="contacts", contacts=on) for on, speed in ((0, 4e6), (1, 1e6))),
        *(replace(row_of(250, 1e6 * n), purpose="cores, many heads", cores=n) for n in (1, 2)),
        *(replace(row_of(512, 1e6 / v), purpose="vertices", vertices=v) for v in (8, 32)),
    ]
    found = {target.name: (target.value, target.verdict) for target in targets(rows)}
    assert found == {
        "64 x 24 free rods, one core, times real time": (90.0, "ok"),
        "the same, times the fastest peer that is right": (10.0, "MISSED"),
        "exponent of the cost in vertices": (pytest.approx(2.0), "MISSED"),
        "two cores, many heads, times one": (2.0, "ok"),
        "two cores, one head, times one": (None, "not measured"),
        "everything on, times the free rods' cost": (4.0, "MISSED"),
        "10,000 x 32 on a GPU, everything on, frames of 1/60 s a second": (None, "not measured"),
    }


def test_memory_is_told_of_the_smallest_and_the_largest_head() -> None:
    rows = [replace(row_of(n, 1e6), peak_mb=float(n)) for n in (250, 1000, 4000)]
    told = [target for target in targets(rows) if "memory" in target.name]
    assert [target.value for target in told] == [250.0, 4000.0] and not any(t.verdict for t in told)


def test_the_page_says_which_peers_are_right_and_which_are_missing(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    rows = [
        free_rods("combwise", 1 / 30, 90.0, 0.009),
        free_rods("good", 1 / 10, 20.0, 0.5),
        free_rods("good", 1 / 30, 9.0, 0.005),
        free_rods("bad", 1 / 600, 50.0, 0.3),
    ]
    page = page_of(tmp_path, rows, ["absent: absent is not installed"])
    assert "| good | 33.3 | 1 | 1 | 9 | 90 | 300 | 0.5 % | fastest right of 2 tried |" in page
    assert "| bad | 1.67 | 1 | 1 | 50 | - | 300 | 30 % | none of 1 tried is right; the nearest |" in page
    assert "absent: absent is not installed." in page
    assert (
        "the same, times the fastest peer that is right: 10, target at least 20 MISSED"
        in capsys.readouterr().out
    )


def test_a_peer_that_is_not_installed_is_a_line_and_no_crash(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    nobody = Peer("nobody", "no-such-package", (1, 0), (2, 0), ((0.1, 1),), PEERS[0].make)
    for module in ("peers", "__main__"):
        monkeypatch.setattr(f"benchmarks.throughput.{module}.PEERS", (nobody,))
    rows, _ = run(ThroughputBenchmark(tmp_path / "t.json", quick=True, only=("peers",), devices=("cpu",)))
    assert rows == []
    assert "nobody: no-such-package is not installed" in capsys.readouterr().out


@pytest.mark.slow
@pytest.mark.parametrize("solver", ["MuJoCo cable", "Newton VBD, 2 N a strain"])
def test_an_installed_peer_is_timed_and_asked_how_right_it_is(solver: str) -> None:
    peer = next(peer for peer in PEERS if peer.solver == solver)
    if peer.missing:
        pytest.skip(peer.missing)
    case = next(case for case in peer_cases(quick=False) if case.solver == solver and case.dt < 0.05)
    row = measure(case, quick=True)
    assert case_of(row) == case and row.vertex_steps_per_s > 1e3
    assert 0.0 < row.cantilever_error < (0.01 if solver == "MuJoCo cable" else 20.0)
