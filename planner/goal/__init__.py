"""What the hair should look like: a recorded RGB-D look, and how virtual goals are made."""

from planner.goal.look import Look, load_look, require_head, save_look

__all__ = ["Look", "load_look", "require_head", "save_look"]
