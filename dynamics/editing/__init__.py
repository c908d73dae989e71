"""Stroke-conditioned editing of frozen latents."""
