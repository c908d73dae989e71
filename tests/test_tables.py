"""Tables in docs say what the files in benchmarks/results say."""

from __future__ import annotations

from benchmarks.tables import documents


def test_documents_hold_what_was_measured() -> None:
    for path, text in documents().items():
        assert path.read_text(encoding="utf-8") == text, f"{path.name}: python -m benchmarks.tables"
