"""The throughput table: a run that was cut off goes on, and the page comes from the file alone."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from benchmarks.throughput.__main__ import ThroughputBenchmark, earlier_rows, run
from benchmarks.throughput.cases import plan
from benchmarks.throughput.measure import Row, case_of
from benchmarks.throughput.report import ThroughputReport, main
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


def test_the_page_shows_every_row_and_keeps_its_own_words(tmp_path: Path) -> None:
    (tmp_path / "throughput.md").write_text(
        "Before.\n<!-- table: begin -->\nold\n<!-- table: end -->\nAfter.\n"
    )
    rows = [row_of(250, 2e6), row_of(1000, 3e6)]
    result = {
        "command": "python -m benchmarks.throughput --out t.json",
        "commit": "0",
        "simulator_version": "4",
        "date": "2026-01-01",
        "machine": "1 CPU core",
        "load_average": [0.1, 0.1, 0.1],
        "gpu": None,
        "targets": [{"name": "free rods", "value": 12.0, "target": "at least 10", "ok": True}],
        "rows": [row.__dict__ for row in rows],
    }
    (tmp_path / "t.json").write_text(json.dumps(result))
    main(ThroughputReport(tmp_path / "t.json", tmp_path))
    page = (tmp_path / "throughput.md").read_text()
    assert page.startswith("Before.") and page.rstrip().endswith("After.") and "old" not in page
    assert "| 1 x 250 x 24 |" in page and "| 1 x 1000 x 24 |" in page and "2 % (too much)" in page
    assert "| free rods | 12 | at least 10 | ok |" in page
    assert (tmp_path / "images" / "throughput.png").stat().st_size > 1000
