"""Learned dynamics: a latent space of hair, and its editing by comb strokes."""
