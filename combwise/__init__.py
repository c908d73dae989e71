"""The `combwise` command line: the only package that may import every other."""
