"""Versions that travel inside datasets and checkpoints; bump one when its meaning changes."""

from __future__ import annotations

import subprocess
from functools import cache
from importlib import metadata
from pathlib import Path

SIMULATOR_VERSION = "7"
"""Bumped by any change of physics, tools or stroke paths: weights trained before are void."""


@cache
def code_version() -> str:
    """Return the release and, in a git checkout, the commit: '0.1.0+1a2b3c4' ('.dirty' when edited)."""
    try:
        release = metadata.version("combwise")
    except metadata.PackageNotFoundError:
        release = "0"  # run from a source tree that was never installed
    root = Path(__file__).resolve().parents[1]
    if not (root / ".git").exists():
        return release
    commit = _git(root, "rev-parse", "--short", "HEAD")
    edited = _git(root, "status", "--porcelain", "--untracked-files=no")
    return f"{release}+{commit}{'.dirty' if edited else ''}" if commit else release


def _git(root: Path, *words: str) -> str:
    """Return what a git command prints, or nothing where git is missing or slow."""
    try:
        done = subprocess.run(["git", *words], cwd=root, capture_output=True, text=True, timeout=10)
    except (OSError, subprocess.TimeoutExpired):
        return ""
    return done.stdout.strip() if done.returncode == 0 else ""
