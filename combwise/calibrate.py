"""`combwise calibrate`: recorded sessions to the calibration file that everything reads."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

import tyro

from combwise.options import OutOptions
from hairsim.errors import CombwiseError
from robot_ros.calibrate.board import Board
from robot_ros.calibrate.virtual_session import VirtualSession


@dataclass(frozen=True, kw_only=True)
class SessionOptions:
    """Options of `combwise calibrate camera`, `comb` and `head`.

    Attributes:
        session: the recorded session: a folder of looks at a board, or a file of touches.
        calibration: the file to bring up to date; made from the arm's usual cell where it is missing.
    """

    session: tyro.conf.Positional[Path]
    calibration: Path


@dataclass(frozen=True, kw_only=True)
class TryOptions(OutOptions):
    """Options of `combwise calibrate try`.

    Attributes:
        config: which virtual cell.
    """

    config: tyro.conf.OmitArgPrefixes[VirtualSession] = field(default_factory=VirtualSession)


@dataclass(frozen=True, kw_only=True)
class BoardOptions:
    """Options of `combwise calibrate board`.

    Attributes:
        out: a .png picture to print at the size that is said.
        board: which board.
        overwrite: replace the picture when it exists.
    """

    out: Path
    board: tyro.conf.OmitArgPrefixes[Board] = field(default_factory=Board)
    overwrite: bool = False


def camera(options: SessionOptions) -> str:
    """Find a camera; return the closing line."""
    return _calibrate(options, "calibrate_camera")


def comb(options: SessionOptions) -> str:
    """Find the comb's mount; return the closing line."""
    return _calibrate(options, "calibrate_comb")


def head(options: SessionOptions) -> str:
    """Find the head's pose; return the closing line."""
    return _calibrate(options, "calibrate_head")


def _calibrate(options: SessionOptions, which: str) -> str:
    from robot_ros.calibrate import session  # late: pinocchio takes a while
    from robot_ros.calibrate.file import write_calibration

    found = getattr(session, which)(options.session, options.calibration)
    write_calibration(options.calibration, found.calibration)
    return f"{options.calibration}: {found.sentence}"


def try_out(options: TryOptions) -> str:
    """Record virtual sessions, calibrate from them, compare with the truth; return the closing line."""
    import numpy as np

    from hairsim.run_folder import RunFolder
    from robot_ros.calibrate import session
    from robot_ros.calibrate.file import read_calibration, write_calibration
    from robot_ros.calibrate.virtual_session import record_virtual_session
    from robot_ros.frames import pose_error

    folder = RunFolder.open(
        options.out, options.config, resume=options.resume, overwrite=options.overwrite
    ).path
    truth = record_virtual_session(options.config, folder)
    cell = folder / "cell.json"
    cell.unlink(missing_ok=True)
    for work, recorded in (("camera", "camera"), ("comb", "comb.json"), ("head", "head.json")):
        found = getattr(session, f"calibrate_{work}")(folder / recorded, cell)
        write_calibration(cell, found.calibration)
        print(found.sentence)
    found = read_calibration(cell)
    pairs = {
        "camera": (found.cameras["left"], truth.cameras["left"]),
        "comb": (found.tool_to_flange, truth.tool_to_flange),
        "head": (found.head_to_base, truth.head_to_base),
    }
    errors = {name: pose_error(*pair) for name, pair in pairs.items()}
    said = ", ".join(
        f"{name} {1000 * offset:.2f} mm {np.degrees(angle):.2f} degrees"
        for name, (offset, angle) in errors.items()
    )
    return f"{cell}: away from the truth by {said}"


def board(options: BoardOptions) -> str:
    """Write a board to print; return the closing line."""
    import imageio.v3 as imageio

    from hairsim.atomic_file import written_aside
    from robot_ros.calibrate.board import draw_board

    out = options.out
    if out.suffix != ".png" or not out.parent.is_dir():
        raise CombwiseError(f"output file {out} cannot be; expected a .png in a folder that exists")
    if out.exists() and not options.overwrite:
        raise CombwiseError(f"file {out} exists; use --overwrite or another --out")
    picture, to_metres = draw_board(options.board, 120)
    with written_aside(out) as aside:
        imageio.imwrite(aside, picture)
    height, width = (1000.0 * size * to_metres[0, 0] for size in picture.shape)
    return f"{out}: print it {width:.0f} mm wide and {height:.0f} mm high, and measure a square"
