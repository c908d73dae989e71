"""A killed command goes on where it stopped, and ends with what an uninterrupted one makes."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest

from tests.conftest import Combwise

TINY = (
    "--episodes",
    "4",
    "--strokes",
    "1",
    "--heads",
    "1",
    "--guides",
    "40",
    "--vertices",
    "12",
    "--children",
    "200",
)
HASTE = ("--settle-seconds", "0.1", "--rest-seconds", "0.1", "--workers", "1", "--seed", "7")


def episodes(folder: Path) -> dict[str, dict[str, np.ndarray]]:
    """Every array of every finished episode, by file name."""
    found = {}
    for path in sorted((folder / "episodes").glob("*.npz")):
        with np.load(path, allow_pickle=False) as arrays:
            found[path.name] = {name: arrays[name] for name in arrays.files}
    return found


@pytest.mark.slow
@pytest.mark.timeout(600)
def test_generation_killed_half_way_and_resumed_makes_the_same_data(
    tmp_path: Path, combwise: Combwise
) -> None:
    whole = combwise("generate", *TINY, *HASTE, "--out", "whole", timeout=300)
    assert whole.returncode == 0, whole.stderr

    killed = tmp_path / "killed"
    command = [sys.executable, "-m", "combwise", "generate", *TINY, *HASTE, "--out", str(killed)]
    with subprocess.Popen(command, start_new_session=True, stdout=subprocess.DEVNULL) as driver:
        deadline = time.monotonic() + 200
        while not list(killed.glob("episodes/*.npz")) and time.monotonic() < deadline:
            time.sleep(0.05)
        os.kill(driver.pid, signal.SIGKILL)
    assert 1 <= len(episodes(killed)) < 4

    refused = combwise("generate", *TINY, *HASTE, "--out", "killed")
    assert refused.returncode == 2
    assert "--resume" in refused.stderr
    resumed = combwise("generate", *TINY, *HASTE, "--out", "killed", "--resume", timeout=300)
    assert resumed.returncode == 0, resumed.stderr
    assert not list(killed.rglob("*.partial*"))

    expected, found = episodes(tmp_path / "whole"), episodes(killed)
    assert len(expected) == 4
    assert expected.keys() == found.keys()
    for name, arrays in expected.items():
        for key, values in arrays.items():
            np.testing.assert_array_equal(found[name][key], values, err_msg=f"{name} {key}")
