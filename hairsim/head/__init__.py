"""Heads: a signed distance field of the skin, the scalp that hair grows from, built-in or from a file."""
