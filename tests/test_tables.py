"""Tables in docs say what the files in benchmarks/results say, and a row made again keeps the others."""

from __future__ import annotations

import json
from pathlib import Path

from benchmarks.kept_rows import Kept, command, read_rows, write_rows
from benchmarks.tables import documents, faults_table, reach_table


def test_documents_hold_what_was_measured() -> None:
    for path, text in documents().items():
        assert path.read_text(encoding="utf-8") == text, f"{path.name}: python -m benchmarks.tables"


def _how(words: str) -> dict[str, str]:
    return {"command": words, "commit": "c", "date": "2026-01-02", "machine": "m"}


def test_rows_that_are_not_measured_again_are_kept_with_how_they_were_made(tmp_path: Path) -> None:
    path, order = tmp_path / "faults.json", ["snag", "e-stop", "head moved"]
    first = {name: Kept(_how("all"), {"fault": name, "limit": 0.0}) for name in ("head moved", "snag")}
    write_rows(path, "faults", first, order)
    again = read_rows(path, "fault")
    assert again == first
    again["e-stop"] = Kept(_how("one"), {"fault": "e-stop", "limit": 1.0})
    again["gone"] = Kept(_how("one"), {"fault": "gone"})
    write_rows(path, "faults", again, order)
    held = json.loads(path.read_text(encoding="utf-8"))
    assert [row["fault"] for row in held["rows"]] == order
    assert held["runs"]["snag"]["command"] == "all"
    assert held["runs"]["e-stop"]["command"] == "one"
    assert read_rows(tmp_path / "none.json", "fault") == {}


def test_the_command_of_a_row_makes_it_again() -> None:
    assert (
        command("benchmarks.faults", "--faults", ["a", "b c"], ["a", "b c"]) == "python -m benchmarks.faults"
    )
    some = command("benchmarks.faults", "--faults", ["b c"], ["a", "b c"])
    assert some == "python -m benchmarks.faults --faults 'b c'"


def test_a_table_says_which_rows_were_made_otherwise() -> None:
    row = {"rule": "r", "clock": "ROS", "limit": 0.02, "reaction": 0.0, "rest": None, "jump": None}
    rows = [{"fault": name, **row} for name in ("a", "b", "c")]
    alike = faults_table({"runs": {name: _how("x") for name in "abc"}, "rows": rows})
    assert alike.endswith("`x`, c, 2026-01-02, m.")
    mixed = faults_table({"runs": {"a": _how("x"), "b": _how("y"), "c": _how("x")}, "rows": rows})
    assert "b: `y`, c, 2026-01-02, m. All others: `x`" in mixed


def test_the_table_of_reach_has_a_column_for_each_kind_of_refusal() -> None:
    row = {"strokes": 10, "planned": 7, "violations": [], "planning_seconds_median": 0.2}
    row |= {"planning_seconds_worst": 1.5, "hair_speed_of_wished_median": None}
    rows = [{"arm": "ur5e", "refused": {"reach": 3}, **row}, {"arm": "panda", "refused": {"way": 3}, **row}]
    drawn = reach_table({"runs": {"ur5e": _how("x"), "panda": _how("x")}, "rows": rows})
    assert "refused: reach | refused: way" in drawn
    assert "| ur5e | 10 | 7 | 3 | 0 | 0 | 0.2 and 1.5 | - |" in drawn
