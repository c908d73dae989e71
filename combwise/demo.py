"""`combwise demo`: play the whole line once, on one virtual head."""

from __future__ import annotations

from planner.demo.config import DemoConfig

__all__ = ["DemoConfig", "run"]


def run(config: DemoConfig) -> str:
    """Play the demo; return the line that says how well it went."""
    from planner.demo.demo import run_demo  # late: `combwise demo --help` needs none of it

    return run_demo(config).line
