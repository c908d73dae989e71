"""The bytes of a groom file, taken piece by piece: a count is checked against them before it is believed."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from hairsim.errors import CombwiseError


class Content:
    """A file's bytes and how far they have been read; nothing is allocated that the file cannot fill."""

    def __init__(self, path: Path, kind: str) -> None:
        """Read the file.

        Args:
            path: of the file.
            kind: what it should be, for errors: "a Cem Yuksel .hair file".

        Raises:
            CombwiseError: no such file, or it cannot be read.
        """
        if not path.is_file():
            raise CombwiseError(f"groom file '{path}' does not exist; expected {kind}")
        try:
            self.bytes = path.read_bytes()
        except OSError as error:
            raise CombwiseError(f"groom file '{path}' cannot be read: {error.strerror}") from error
        self.path, self.kind, self.place = path, kind, 0

    @property
    def left(self) -> int:
        """How many bytes have not been taken."""
        return len(self.bytes) - self.place

    def take(self, dtype: str | np.dtype, count: int, what: str) -> np.ndarray:
        """Take `count` numbers and return a copy, [count] in the machine's own byte order.

        Raises:
            CombwiseError: the file ends before.
        """
        dtype = np.dtype(dtype)
        if not 0 <= count * dtype.itemsize <= self.left:
            raise self.error(
                f"is truncated or not of this format: {count} {what} need {count * dtype.itemsize} bytes, "
                f"but {self.left} are left"
            )
        taken = np.frombuffer(self.bytes, dtype, count, self.place)
        self.place += count * dtype.itemsize
        return taken.astype(dtype.newbyteorder("="))

    def at(self, offset: int, what: str) -> None:
        """Go to a byte offset that the file itself names.

        Raises:
            CombwiseError: it lies outside of the file.
        """
        if not 0 <= offset <= len(self.bytes):
            raise self.error(f"says its {what} begin at byte {offset} of {len(self.bytes)}")
        self.place = offset

    def end(self) -> None:
        """Raise unless every byte has been taken."""
        if self.left:
            raise self.error(f"has {self.left} bytes after its last array; expected none")

    def error(self, complaint: str) -> CombwiseError:
        """Return the error that says this about the file, and what was expected."""
        return CombwiseError(f"groom file '{self.path}' {complaint}; expected {self.kind}")
