"""Hairstyles as strands: families, files, children."""
