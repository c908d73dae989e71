"""What every test shares: a quiet Warp, one thread for each library, and a way to run the command line."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

# Two cores run two things at a time; libraries that each start a thread for every core only fight.
for _name in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"):
    os.environ.setdefault(_name, "1")
os.environ.setdefault("MPLBACKEND", "Agg")

Combwise = Callable[..., "subprocess.CompletedProcess[str]"]


@pytest.fixture
def combwise(tmp_path: Path) -> Combwise:
    """Run `combwise WORDS...` as a user would, in an empty folder; return the finished process."""

    def run(*words: str | Path, timeout: float = 100.0) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [sys.executable, "-m", "combwise", *map(str, words)],
            cwd=tmp_path,
            capture_output=True,
            text=True,
            timeout=timeout,
        )

    return run
