"""Nodes that were started by a program of ours end with it, however it ended."""

from __future__ import annotations

import os

PARENT = "COMBWISE_PARENT"
"""Environment variable: process id of the program that started the node; unset for everybody else's nodes."""


class Parent:
    """The program that started this process."""

    def __init__(self) -> None:
        told = os.environ.get(PARENT, "")
        self._id = int(told) if told.isdigit() else None

    def is_gone(self) -> bool:
        """Whether it was told to us and has ended: then somebody else is our parent now."""
        return self._id is not None and os.getppid() != self._id
