"""Virtual RGB-D cameras, and pictures for people."""
