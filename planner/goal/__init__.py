"""What the hair should look like: a recorded RGB-D look or a volume, and how goals are made."""

from planner.goal.goals import Goal, goal_volume, load_goal, save_goal
from planner.goal.look import Look, load_look, require_head, save_look
from planner.goal.volume_goal import VolumeGoal

__all__ = [
    "Goal",
    "Look",
    "VolumeGoal",
    "goal_volume",
    "load_goal",
    "load_look",
    "require_head",
    "save_goal",
    "save_look",
]
