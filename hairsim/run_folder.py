"""One folder for one run: the exact config beside the results, never two runs mixed."""

from __future__ import annotations

import dataclasses
import json
import shutil
import sys
from collections.abc import Collection
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from hairsim import atomic_file
from hairsim.errors import CombwiseError
from hairsim.version import SIMULATOR_VERSION, code_version

CONFIG_STEM = "config"
CONFIG_FILE = f"{CONFIG_STEM}.json"
FORMAT = "combwise run 1"
"""Marks a folder as ours: `overwrite` empties no other."""

NOT_COMPARED = frozenset({"out", "resume", "overwrite", "threads", "workers", "ray", "device"})
"""Config fields that a resumed run may change: where and how fast it runs, not what it makes."""


@dataclass(frozen=True)
class RunFolder:
    """An output folder that belongs to one run.

    Attributes:
        path: the folder; it exists.
        resumed: whether an earlier part of the same run is in it.
    """

    path: Path
    resumed: bool

    @classmethod
    def open(
        cls,
        path: Path | str,
        config: object,
        *,
        resume: bool = False,
        overwrite: bool = False,
        grows: Collection[str] = (),
    ) -> RunFolder:
        """Create the folder and write config.json, or continue or replace the run that is in it.

        Args:
            path: the folder; an empty or missing one is taken as it is.
            config: the run's dataclass config; every field goes into config.json.
            resume: continue the run in the folder, if one is there and its config is the same.
            overwrite: delete the run in the folder, with all its files, and begin anew.
            grows: config fields of which a resumed run may ask for more than before: a higher number, further
                names in a list. What config.json says is then what was asked last.

        Raises:
            CombwiseError: the folder holds another run or foreign files, or resuming would mix configs.
        """
        path = Path(path)
        if resume and overwrite:
            raise CombwiseError("--resume and --overwrite exclude each other; give one of them")
        record = _record(config)
        occupied = _is_occupied(path)
        earlier = record
        if occupied:
            earlier = _read_record(path)
            if overwrite:
                _empty(path)
                occupied = False
            elif resume:
                _require_same(path, earlier, record, grows)
            else:
                raise CombwiseError(
                    f"folder {path} holds a run already ({earlier['kind']}); "
                    "continue it with --resume, replace it with --overwrite, or choose another --out"
                )
        atomic_file.make_folder(path)
        for left_by_a_kill in list(path.rglob(atomic_file.PARTIAL)):  # the folder is ours by now
            left_by_a_kill.unlink(missing_ok=True)
        if not occupied or any(_asked(earlier, name) != _asked(record, name) for name in grows):
            atomic_file.write_json(path / CONFIG_FILE, record)
        return cls(path=path, resumed=occupied)

    def write_bytes(self, name: str, content: bytes) -> Path:
        """Write a file of the run, whole or not at all; return its path."""
        target = self._target(name)
        atomic_file.write_bytes(target, content)
        return target

    def write_text(self, name: str, content: str) -> Path:
        """Write a text file of the run, whole or not at all; return its path."""
        target = self._target(name)
        atomic_file.write_text(target, content)
        return target

    def write_json(self, name: str, value: object) -> Path:
        """Write a value as JSON into the run, whole or not at all; return its path."""
        target = self._target(name)
        atomic_file.write_json(target, value)
        return target

    def _target(self, name: str) -> Path:
        target = self.path / name
        target.parent.mkdir(parents=True, exist_ok=True)
        return target


def _is_occupied(path: Path) -> bool:
    """Return whether there is something in the folder that must not be lost or mixed."""
    if path.exists() and not path.is_dir():
        raise CombwiseError(f"output folder {path} is a file; expected a folder or a new name")
    try:
        if not path.is_dir():
            return False
        names = {entry.name for entry in path.iterdir()}
        if names == {CONFIG_FILE}:
            return not _is_ours(path)  # a run that failed before it made anything is no loss
        left_by_a_kill = {entry.name for entry in path.glob(f".{CONFIG_STEM}.*.partial*")}
        return bool(names - left_by_a_kill)
    except OSError as error:
        raise CombwiseError(f"cannot read output folder {path}: {error.strerror}") from error


def _read_record(path: Path) -> dict[str, Any]:
    """Return the config.json of the run in a folder; a folder with foreign files is refused."""
    if not _is_ours(path):
        raise CombwiseError(
            f"folder {path} holds files that are not a Combwise run; choose an empty folder or a new name"
        )
    return json.loads((path / CONFIG_FILE).read_text(encoding="utf-8"))


def _is_ours(path: Path) -> bool:
    """Return whether the folder's config.json was written by us."""
    try:
        record = json.loads((path / CONFIG_FILE).read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return False
    return isinstance(record, dict) and record.get("format") == FORMAT


def _asked(record: dict[str, Any], name: str) -> Any:
    return record.get("config", {}).get(name)


def _is_more(before: Any, after: Any) -> bool:
    """Return whether a config value asks for all that an earlier one asked for, and for more."""
    if isinstance(before, list) and isinstance(after, list):
        return all(name in after for name in before)
    return isinstance(before, int) and isinstance(after, int) and after >= before


def _require_same(path: Path, earlier: dict[str, Any], now: dict[str, Any], grows: Collection[str]) -> None:
    """Refuse to continue a run of another kind, physics or config; name what differs."""
    for what in ("kind", "simulator_version"):
        if earlier.get(what) != now[what]:
            raise CombwiseError(
                f"cannot resume {path}: its {what.replace('_', ' ')} is {earlier.get(what)!r}, "
                f"this command's is {now[what]!r}; use --overwrite or another --out"
            )
    before, after = earlier.get("config", {}), now["config"]
    different = [
        f"{name} was {_short(before.get(name))}, is {_short(after.get(name))}"
        for name in sorted(before.keys() | after.keys())
        if name not in NOT_COMPARED
        and before.get(name) != after.get(name)
        and not (name in grows and _is_more(before.get(name), after.get(name)))
    ]
    if different:
        raise CombwiseError(
            f"cannot resume {path} with another config: {'; '.join(different)}; "
            "repeat the first command, or use --overwrite or another --out"
        )


def _short(value: object) -> str:
    text = json.dumps(value)
    return text if len(text) <= 60 else text[:57] + "..."


def _empty(path: Path) -> None:
    """Delete what is in a folder; config.json last, so that a kill half-way leaves a run, not a riddle."""
    for entry in sorted(path.iterdir(), key=lambda e: e.name == CONFIG_FILE):
        if entry.is_dir() and not entry.is_symlink():
            shutil.rmtree(entry)
        else:
            entry.unlink()


def _record(config: object) -> dict[str, Any]:
    """Return what config.json holds: the config, and what else a reader needs to repeat the run."""
    if not dataclasses.is_dataclass(config) or isinstance(config, type):
        raise TypeError(f"config is a {type(config).__name__}; expected a dataclass instance")
    return {
        "format": FORMAT,
        "kind": type(config).__name__,
        "code_version": code_version(),
        "simulator_version": SIMULATOR_VERSION,
        "command": [Path(sys.argv[0]).name, *(_portable(word) for word in sys.argv[1:])],
        "config": json.loads(
            atomic_file.json_text(_portable_values(dataclasses.asdict(config)), CONFIG_FILE)
        ),
    }


def _portable_values(value: Any) -> Any:
    """Return nested config values with paths made portable."""
    if isinstance(value, Path):
        return _portable(str(value))
    if isinstance(value, dict):
        return {str(key): _portable_values(entry) for key, entry in value.items()}
    if isinstance(value, list | tuple | set | frozenset):
        return [_portable_values(entry) for entry in value]
    return value


def _portable(word: str) -> str:
    """Return an absolute path as seen from the working folder or the home folder, other words as they are."""
    if not word.startswith("/"):
        return word
    path = Path(word)
    for base, prefix in ((Path.cwd(), Path()), (Path.home(), Path("~"))):
        if path.is_relative_to(base):
            return (prefix / path.relative_to(base)).as_posix()
    return word
