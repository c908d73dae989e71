"""The one root of every error that Combwise raises on purpose."""


class CombwiseError(Exception):
    """One clear sentence: what is wrong, where, and what was expected.

    The command line prints it without a traceback and exits with status 2.
    """
