"""Bags: ROS 2 messages in MCAP files, as rosbag2 and Foxglove read them, also when the writer was killed.

Messages are kept as the bytes that crossed the wire. `flush` finishes a chunk and hands it to the system; a
killed writer loses what came after the last one, and its file, without index yet, is read from the front.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from mcap.exceptions import McapError
from mcap.records import Channel, Message, Schema
from mcap.stream_reader import StreamReader
from mcap.writer import CompressionType, Writer

from hairsim.atomic_file import written_aside
from hairsim.errors import CombwiseError

ENCODING = "ros2msg"
CHUNK = 1024 * 1024
"""Size at which a chunk is finished by itself [bytes]."""

_SEPARATOR = "\n" + "=" * 80 + "\n"


@dataclass(frozen=True)
class BagMessage:
    """One message.

    Attributes:
        topic, kind: where it was sent, and its type, as package/msg/Name.
        time: ROS time at which it was recorded [s].
        data: as it crossed the wire (CDR).
    """

    topic: str
    kind: str
    time: float
    data: bytes


class BagWriter:
    """Appends messages to one bag; used from one thread."""

    def __init__(self, path: Path) -> None:
        """Open a new file.

        Raises:
            CombwiseError: it exists, or cannot be written.
        """
        try:
            self._file = path.open("xb")
        except FileExistsError:
            raise CombwiseError(f"bag {path} exists; choose another name") from None
        except OSError as error:
            raise CombwiseError(f"cannot write bag {path}: {error.strerror}") from error
        self.path, self.count = path, 0
        self._writer = Writer(self._file, chunk_size=CHUNK, compression=CompressionType.LZ4)
        self._writer.start(profile="ros2", library="combwise")
        self._kinds: dict[str, int] = {}
        self._topics: dict[str, int] = {}

    def add_topic(self, topic: str, kind: str, definition: str) -> None:
        """Announce a topic before its first message: its type and the text that defines it."""
        if kind not in self._kinds:
            self._kinds[kind] = self._writer.register_schema(kind, ENCODING, definition.encode())
        self._topics[topic] = self._writer.register_channel(topic, "cdr", self._kinds[kind])

    def write(self, topic: str, nanoseconds: int, data: bytes) -> None:
        """Append a message."""
        self._writer.add_message(
            self._topics[topic], nanoseconds, data, nanoseconds, sequence=self.count & 0xFFFFFFFF
        )
        self.count += 1

    def flush(self) -> None:
        """Finish the chunk and hand it to the system: from now on a kill cannot take it."""
        self._writer.flush()
        self._file.flush()

    def close(self) -> None:
        """Write the index and close."""
        self._writer.finish()
        self._file.flush()
        os.fsync(self._file.fileno())
        self._file.close()


def read_bag(path: Path) -> Iterator[BagMessage]:
    """Return the messages of a bag in the order of recording, up to where its writer was killed.

    Raises:
        CombwiseError: it cannot be opened, or is no bag.
    """
    try:
        file = path.open("rb")
    except OSError as error:
        raise CombwiseError(f"cannot read bag {path}: {error.strerror}") from error
    kinds: dict[int, str] = {}
    topics: dict[int, tuple[str, str]] = {}
    started = False
    with file:
        try:
            for record in StreamReader(file, record_size_limit=None).records:
                started = True
                if isinstance(record, Schema):
                    kinds[record.id] = record.name
                elif isinstance(record, Channel):
                    topics[record.id] = (record.topic, kinds[record.schema_id])
                elif isinstance(record, Message):
                    topic, kind = topics[record.channel_id]
                    yield BagMessage(topic, kind, 1e-9 * record.log_time, record.data)
        except (McapError, EOFError, ValueError, KeyError) as error:
            if not started:
                raise CombwiseError(f"{path} is not a bag ({type(error).__name__}); expected MCAP") from error
            return  # the last chunk was being written when the writer was killed


def recover_bag(path: Path) -> int:
    """Give a killed writer's bag its index, so that every tool reads it; return its number of messages.

    Raises:
        CombwiseError: it cannot be read, or is no bag.
    """
    definitions = _definitions(path)
    with written_aside(path) as aside:
        writer = BagWriter(aside)
        known: set[str] = set()
        for message in read_bag(path):
            if message.topic not in known:
                writer.add_topic(message.topic, message.kind, definitions[message.kind])
                known.add(message.topic)
            writer.write(message.topic, round(1e9 * message.time), message.data)
        writer.close()
    return writer.count


def is_whole(path: Path) -> bool:
    """Return whether a bag has its index: its writer ended in an orderly way."""
    from mcap.reader import SeekingReader

    try:
        with path.open("rb") as file:
            return SeekingReader(file).get_summary() is not None
    except (McapError, OSError, ValueError, EOFError):
        return False


def message_definition(kind: str) -> str:
    """Return the text that defines a type and all types in it, as bags carry it.

    Args:
        kind: as package/msg/Name.

    Raises:
        CombwiseError: a type whose .msg file is not installed.
    """
    texts: dict[str, str] = {}
    open_kinds = [kind]
    while open_kinds:
        current = open_kinds.pop(0)
        if current in texts:
            continue
        texts[current] = _msg_file(current).read_text(encoding="utf-8")
        open_kinds += _inner_kinds(current, texts[current])
    parts = [texts.pop(kind)]
    parts += [f"MSG: {name.replace('/msg/', '/')}\n{text}" for name, text in texts.items()]
    return _SEPARATOR.join(parts)


def _inner_kinds(kind: str, text: str) -> list[str]:
    """Return the message types of a definition's fields, as package/msg/Name."""
    package = kind.split("/")[0]
    found = []
    for line in text.splitlines():
        words = line.split("#")[0].split()
        if len(words) < 2 or "=" in words[1]:
            continue
        name = words[0].split("[")[0]
        if "/" in name:
            found.append(name if "/msg/" in name else name.replace("/", "/msg/"))
        elif name[0].isupper():
            found.append(f"{package}/msg/{name}")
    return found


def _msg_file(kind: str) -> Path:
    package, _, name = kind.split("/")
    prefixes = [*os.environ.get("AMENT_PREFIX_PATH", "").split(os.pathsep), sys.prefix]
    for prefix in filter(None, prefixes):
        path = Path(prefix) / "share" / package / "msg" / f"{name}.msg"
        if path.is_file():
            return path
    raise CombwiseError(f"the definition of {kind} is not installed; expected share/{package}/msg/{name}.msg")


def _definitions(path: Path) -> dict[str, str]:
    """Return the texts that define the types in a bag."""
    found: dict[str, str] = {}
    with path.open("rb") as file:
        try:
            for record in StreamReader(file, record_size_limit=None).records:
                if isinstance(record, Schema):
                    found[record.name] = record.data.decode()
        except (McapError, EOFError, ValueError):
            pass
    return found


def decoded(message: BagMessage) -> Any:
    """Return the ROS message of a recorded one; its package must be installed."""
    from importlib import import_module

    from rclpy.serialization import deserialize_message

    package, _, name = message.kind.split("/")
    return deserialize_message(message.data, getattr(import_module(f"{package}.msg"), name))
