"""No tracked file names a package registry's host or a path of somebody's machine.

    python -m checks.forbidden_text

Which registry a machine uses is that machine's business (pip's own settings), and a path that
exists on one machine only is a bug on every other.
"""

from __future__ import annotations

import re
import sys

from checks.tracked import ROOT, tracked_files

# Written in pieces so that this file does not name what it forbids.
_HOSTS = ["py" + "pi.org", "python" + "hosted.org", "download.py" + "torch.org", "deb.deb" + "ian.org"]
_HOSTS += ["registry.np" + "mjs", "conda." + "anaconda.org"]
FORBIDDEN = {
    "a package registry's host": re.compile("|".join(map(re.escape, _HOSTS)), re.IGNORECASE),
    "a path of one machine": re.compile(
        r"(?<![\w.$}])/(?:work|farm|root|home/[a-z]\w*|Users/\w+|tmp/\w+)/[\w.-]+"
    ),
}
LARGEST = 2_000_000


def complaints(name: str, text: str) -> list[str]:
    """Return one sentence for each line of a file that names what it must not."""
    return [
        f"{name}:{number}: names {what}: {found.group(0)}"
        for number, line in enumerate(text.splitlines(), 1)
        for what, pattern in FORBIDDEN.items()
        if (found := pattern.search(line))
    ]


def main() -> int:
    """Print what is wrong; return the exit status."""
    found: list[str] = []
    paths = tracked_files()
    for path in paths:
        content = (ROOT / path).read_bytes()
        if len(content) > LARGEST or b"\0" in content[:8192]:
            continue  # pictures and weights
        found += complaints(path.as_posix(), content.decode("utf-8", errors="replace"))
    print("\n".join(found) or f"forbidden text: {len(paths)} files name no registry and no machine path")
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
