"""Seeing, goals, costs, planners and the closed styling loop."""
