"""Groom files of other programs and our own: one module a format, chosen by the file's ending in `files`."""
