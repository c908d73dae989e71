"""Files that are whole or absent: written aside, then renamed over."""

from __future__ import annotations

import dataclasses
import json
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np

from hairsim.errors import CombwiseError

PARTIAL = ".*.partial*"
"""Glob of the files that a killed process leaves; nothing ever reads them."""


@contextmanager
def written_aside(path: Path) -> Iterator[Path]:
    """Give a path beside `path` to write to; it takes the name `path` when the block ends well.

    The suffix is kept, for writers that choose a format by it. When the block raises, `path` is
    as it was and nothing is left behind.

    Raises:
        CombwiseError: the folder cannot be written to.
    """
    aside = path.with_name(f".{path.stem}.{os.getpid()}.partial{path.suffix}")
    try:
        yield aside
        with aside.open("rb") as written:
            os.fsync(written.fileno())  # a rename that survives a power cut must not name an empty file
        aside.replace(path)
    except OSError as error:
        raise CombwiseError(f"cannot write {path}: {error.strerror or error}") from error
    finally:
        aside.unlink(missing_ok=True)


def make_folder(path: Path) -> None:
    """Make a folder and those that it lies in, where they are missing.

    Raises:
        CombwiseError: it cannot be made.
    """
    try:
        path.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise CombwiseError(f"cannot make folder {path}: {error.strerror or error}") from error


def write_bytes(path: Path, content: bytes) -> None:
    """Write a file whole or not at all."""
    with written_aside(path) as aside:
        aside.write_bytes(content)


def write_text(path: Path, content: str) -> None:
    """Write a text file (UTF-8) whole or not at all."""
    write_bytes(path, content.encode("utf-8"))


def write_json(path: Path, value: object) -> None:
    """Write a value as indented JSON, whole or not at all.

    Dataclasses, paths and NumPy values are turned into what JSON has.

    Raises:
        CombwiseError: the value holds NaN or infinity, which JSON cannot say, or an unknown type.
    """
    write_text(path, json_text(value, path.name) + "\n")


def json_text(value: object, name: str = "value") -> str:
    """Return indented JSON of a value; `name` is what an error calls it."""
    try:
        return json.dumps(value, indent=2, allow_nan=False, default=_plain)
    except ValueError as error:
        raise CombwiseError(f"{name} would hold NaN or infinity; expected finite numbers or null") from error
    except TypeError as error:
        raise CombwiseError(f"{name} holds what JSON cannot: {error}") from error


def _plain(value: Any) -> object:
    """Return the JSON-able form of a dataclass, path, NumPy array or NumPy scalar."""
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        return {field.name: getattr(value, field.name) for field in dataclasses.fields(value)}
    if isinstance(value, Path):
        return value.as_posix()
    if isinstance(value, np.ndarray):
        return value.tolist()
    if isinstance(value, np.generic):
        return value.item()
    raise TypeError(f"a {type(value).__name__}")
