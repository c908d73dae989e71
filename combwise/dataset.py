"""`combwise dataset info|show|verify|split|look`: what a dataset holds and looks like, and if it is sound."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import tyro

from combwise.options import DeviceOption, WorkersOption
from hairsim.errors import CombwiseError


@dataclass(frozen=True, kw_only=True)
class InfoOptions:
    """Options of `combwise dataset info`.

    Attributes:
        data: a folder made by `combwise generate`, finished or not.
    """

    data: tyro.conf.Positional[Path]


@dataclass(frozen=True, kw_only=True)
class ShowOptions(DeviceOption):
    """Options of `combwise dataset show`.

    Attributes:
        data: a folder made by `combwise generate`.
        episode: which episode.
        out: a .png picture to write: every stroke with the tool on its way, and the hair after it.
        size: width and height of each picture of the sheet [pixel].
        overwrite: replace the picture when it exists.
    """

    data: tyro.conf.Positional[Path]
    episode: int = 0
    out: Path
    size: int = 320
    overwrite: bool = False


@dataclass(frozen=True, kw_only=True)
class VerifyOptions:
    """Options of `combwise dataset verify`.

    Attributes:
        data: a folder made by `combwise generate`.
        partly: accept a set that is not finished.
    """

    data: tyro.conf.Positional[Path]
    partly: bool = False


@dataclass(frozen=True, kw_only=True)
class SplitOptions:
    """Options of `combwise dataset split`.

    Attributes:
        data: a folder made by `combwise generate`.
        out: a .json file to write, with the episodes of each split; only counted when left out.
        overwrite: replace the file when it exists.
    """

    data: tyro.conf.Positional[Path]
    out: Path | None = None
    overwrite: bool = False


@dataclass(frozen=True, kw_only=True)
class LookOptions(WorkersOption):
    """Options of `combwise dataset look`.

    Attributes:
        data: a folder made by `combwise generate`, finished or not, with any observer.
        out: folder of the new set: the same hair as this version's observer sees it.
        resume: go on with what a killed run left in `out`.
    """

    data: tyro.conf.Positional[Path]
    out: Path
    resume: bool = False


def info(options: InfoOptions) -> str:
    """Print what a dataset holds; return the closing line."""
    from hairsim.generate.card import describe
    from hairsim.generate.dataset import Dataset

    found = describe(Dataset(options.data))
    for name in ("splits", "families", "tools", "stroke_ranges", "material_ranges", "peak_force_n"):
        words = ", ".join(
            f"{key} {value}" if not isinstance(value, list) else f"{key} {value[0]:g} .. {value[1]:g}"
            for key, value in found[name].items()
        )
        print(f"{name.replace('_', ' ')}: {words}")
    print(f"content: {found['content']}")
    return (
        f"{options.data}: {found['episodes']} of {found['expected']} episodes, {found['strokes']} strokes, "
        f"{found['bytes'] / 1e6:.1f} MB, simulator {found['simulator_version']}, "
        f"observer {found['observer_version']}"
    )


def show(options: ShowOptions) -> str:
    """Draw an episode; return the closing line."""
    import imageio.v3 as imageio

    from hairsim.atomic_file import written_aside
    from hairsim.device import resolve_device
    from hairsim.generate.dataset import Dataset
    from hairsim.generate.picture import episode_sheet

    out = _writable(options.out, ".png", options.overwrite)
    if not 32 <= options.size <= 2048:
        raise CombwiseError(f"size is {options.size} pixels; expected 32 .. 2048")
    episode = Dataset(options.data).read(options.episode)
    sheet = episode_sheet(episode, size=options.size, device=resolve_device(options.device))
    with written_aside(out) as aside:
        imageio.imwrite(aside, sheet)
    return (
        f"{out}: episode {episode.index}, {episode.family} combed {len(episode.strokes)} times "
        f"with {episode.tool.name}"
    )


def verify(options: VerifyOptions) -> str:
    """Read every episode; return the closing line.

    Raises:
        CombwiseError: something is wrong, or missing.
    """
    from rich.progress import track

    from hairsim.generate.dataset import Dataset
    from hairsim.generate.verify import faults

    dataset = Dataset(options.data)
    wrong = []
    for meta in track(dataset.episodes, "verify"):
        found = list(faults(dataset, meta.index))
        wrong += found
        for fault in found:
            print(fault)
    if wrong:
        raise CombwiseError(f"dataset {options.data}: {len(wrong)} faults, the first: {wrong[0]}")
    if len(dataset) < dataset.info.count and not options.partly:
        raise CombwiseError(
            f"dataset {options.data} is sound but not finished: {len(dataset)} of {dataset.info.count} "
            "episodes; go on with 'combwise generate --resume', or say --partly"
        )
    return f"{options.data}: {len(dataset)} episodes are whole and sound, content {dataset.content_hash()}"


def split(options: SplitOptions) -> str:
    """Print how the set is split by groom family; return the closing line."""
    from hairsim.atomic_file import write_json
    from hairsim.generate.dataset import Dataset
    from hairsim.generate.splits import SPLITS

    out = None if options.out is None else _writable(options.out, ".json", options.overwrite)
    metas = Dataset(options.data).episodes
    parts = {name: [meta for meta in metas if meta.split == name] for name in SPLITS}
    for name, members in parts.items():
        families = sorted({meta.family for meta in members})
        print(
            f"{name}: {len(members)} episodes of {len(families)} families ({', '.join(families) or 'none'})"
        )
    if out is not None:
        write_json(out, {name: [meta.index for meta in members] for name, members in parts.items()})
    told = ", ".join(f"{len(members)} {name}" for name, members in parts.items())
    return f"{out or options.data}: {told}"


def look(options: LookOptions) -> str:
    """Look at a dataset's hair again; return the closing line."""
    from hairsim.generate.dataset import Dataset
    from hairsim.generate.look_again import look_again
    from planner.observe import OBSERVER_VERSION, observe

    seen = look_again(
        options.data,
        options.out,
        observe=observe,
        observer_version=OBSERVER_VERSION,
        workers=options.workers,
        resume=options.resume,
    )
    total = len(Dataset(options.out))
    return f"{options.out}: {total} episodes as observer {OBSERVER_VERSION} sees them ({seen} looked at now)"


def _writable(out: Path, ending: str, overwrite: bool) -> Path:
    if out.suffix != ending or not out.parent.is_dir():
        raise CombwiseError(f"output file {out} cannot be; expected a {ending} in a folder that exists")
    if out.exists() and not overwrite:
        raise CombwiseError(f"file {out} exists; use --overwrite or another --out")
    return out
