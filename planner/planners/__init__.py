"""Planners behind one small protocol: what is seen and what is wanted in, one stroke out."""

from planner.planners.mppi import MppiPlanner
from planner.planners.mppi_config import MppiConfig
from planner.planners.no_stroke import NoStrokePlanner
from planner.planners.planner import Dynamics, PlannedStroke, Planner
from planner.planners.replay import ReplayPlanner

__all__ = [
    "Dynamics",
    "MppiConfig",
    "MppiPlanner",
    "NoStrokePlanner",
    "PlannedStroke",
    "Planner",
    "ReplayPlanner",
]
