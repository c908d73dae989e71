"""Real-time priority for processes that must not stall, and its end in their children."""

from __future__ import annotations

import os

MOVING, WATCHING = 5, 2
"""Of round-robin scheduling, for what can move the arm and for what must only stay alive: both above all that
is ordinary, below the kernel's own."""


def ask_for_real_time(priority: int = MOVING) -> bool:
    """Schedule this thread and those that it starts before ordinary ones; return whether the system lets us.

    It does for root, and for whom /etc/security/limits.conf gives an rtprio.
    """
    try:
        os.sched_setscheduler(0, os.SCHED_RR, os.sched_param(priority))
    except (AttributeError, OSError):  # not Linux, or not allowed
        return False
    return True


def leave_real_time(nicer: int) -> None:
    """Schedule this thread as an ordinary one again, `nicer` than its parent."""
    if hasattr(os, "SCHED_OTHER"):
        os.sched_setscheduler(0, os.SCHED_OTHER, os.sched_param(0))
    os.nice(nicer)
