"""Strands, heads, tools, physics, cameras and data: everything that happens to virtual hair."""
