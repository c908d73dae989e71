"""The parameters about the head that several nodes have."""

from __future__ import annotations

from robot_ros.nodes import names
from robot_ros.nodes.parameters import Param

BASE_FRAME = Param("base_frame", names.BASE, "tf name of the root of the arm's URDF; head poses are in it")
"""Of whoever reads or gives head poses."""

HEAD = Param(
    "head", "", "file of the head's shape, see hairsim/head/head_file.py; empty for the built-in adult"
)
"""Of whoever sees, plans, moves or guards: all must mean the same head, so graph.py gives it to all."""
