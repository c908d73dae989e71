"""Grooms: hairstyles as strands, drawn from families or read from files, and their interpolated children."""
