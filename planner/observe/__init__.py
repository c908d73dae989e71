"""Camera frames to a HairVolume."""

from planner.observe.observe import OBSERVER_VERSION, observe

__all__ = ["OBSERVER_VERSION", "observe"]
