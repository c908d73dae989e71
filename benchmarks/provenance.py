"""Where a result comes from."""

from __future__ import annotations

import platform
from datetime import UTC, datetime
from os import cpu_count

from hairsim.version import code_version


def provenance(command: str) -> dict[str, str]:
    """Return where a result comes from: command, commit, date, machine."""
    return {
        "command": command,
        "commit": code_version(),
        "date": datetime.now(UTC).date().isoformat(),
        "machine": f"{cpu_count()} CPU cores, {platform.machine()}, Python {platform.python_version()}",
    }
