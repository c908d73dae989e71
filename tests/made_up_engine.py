"""The data engine with made-up episodes in place of simulated ones: a driver that a test can kill.

python -m tests.made_up_engine OUT COUNT SECONDS
"""

from __future__ import annotations

import sys
import time
from functools import partial
from pathlib import Path

from hairsim.generate.episode import Episode
from hairsim.generate.fill import fill
from tests.hair_episodes import dataset_info, episode


def make_up(block: int, seconds: float) -> list[Episode]:
    """Return an episode after a while."""
    time.sleep(seconds)
    return [episode(block)]


if __name__ == "__main__":
    fill(
        Path(sys.argv[1]),
        dataset_info(int(sys.argv[2])),
        partial(make_up, seconds=float(sys.argv[3])),
        workers=2,
    )
