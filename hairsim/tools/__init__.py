"""Combs, strokes, and the paths that strokes take along a head."""
