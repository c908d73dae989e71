"""Simulated episodes on disk: what the networks learn from."""
