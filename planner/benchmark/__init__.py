"""Scores, intervals, and the runs behind published tables."""
