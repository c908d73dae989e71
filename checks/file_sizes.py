"""No Python file over 500 lines; the allow-list beside this file may only shrink.

    python -m checks.file_sizes

`file_sizes_allowed.txt` holds lines `PATH LINES`. A file on it may not grow beyond LINES, and an
entry whose file is gone or fits again is an error: delete the line.
"""

from __future__ import annotations

import sys
from pathlib import Path

from checks.tracked import ROOT, tracked_files

LIMIT = 500
ALLOWED = Path(__file__).with_name("file_sizes_allowed.txt")


def complaints(sizes: dict[str, int], allowed: dict[str, int]) -> list[str]:
    """Return one sentence for each file that is too long and each entry that is no longer needed."""
    found = []
    for name, lines in sorted(sizes.items()):
        bound = allowed.get(name, LIMIT)
        if lines > bound:
            found.append(f"{name} has {lines} lines; at most {bound} are allowed: split it by concept")
    for name, bound in sorted(allowed.items()):
        lines = sizes.get(name, 0)
        if lines <= LIMIT:
            found.append(f"{ALLOWED.name}: {name} has {lines} lines and fits; delete its entry")
        elif lines < bound:
            found.append(f"{ALLOWED.name}: {name} shrank to {lines} lines; lower its entry from {bound}")
    return found


def read_allowed(text: str) -> dict[str, int]:
    """Return path -> lines from the text of the allow-list; '#' starts a comment."""
    entries = (line.split("#")[0].split() for line in text.splitlines())
    return {entry[0]: int(entry[1]) for entry in entries if entry}


def main() -> int:
    """Print what is wrong; return the exit status."""
    sizes = {
        path.as_posix(): len((ROOT / path).read_text(encoding="utf-8").splitlines())
        for path in tracked_files()
        if path.suffix == ".py"
    }
    found = complaints(sizes, read_allowed(ALLOWED.read_text(encoding="utf-8")))
    print("\n".join(found) or f"file sizes: {len(sizes)} Python files, none over {LIMIT} lines")
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
