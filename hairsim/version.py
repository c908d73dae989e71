"""Versions that travel inside datasets and checkpoints; bump one when its meaning changes."""

SIMULATOR_VERSION = "1"
"""Bumped by any change of physics, tools or stroke paths: weights trained before are void."""
