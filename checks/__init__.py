"""Our own small gates of `make check`, each a module that prints what it found and exits non-zero."""
