"""Pictures in a row as an mp4 that every browser plays."""

from __future__ import annotations

import itertools
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import imageio.v2 as imageio
import numpy as np

from hairsim.atomic_file import written_aside
from hairsim.errors import CombwiseError


def write_video(path: Path | str, pictures: Iterable[np.ndarray], fps: float) -> None:
    """Write pictures as h264 (yuv420p), whole or not at all.

    Pictures are taken one by one, so that a generator need never hold them all. Odd sizes lose
    their last row or column: the format has only even ones.

    Args:
        path: where to write; its folder exists, its name ends in .mp4.
        pictures: [height, width, 3] uint8 each, all of one size.
        fps: pictures a second.

    Raises:
        CombwiseError: no picture, a picture of another size or type, or a path that cannot be written.
    """
    path = Path(path)
    if path.suffix != ".mp4":
        raise CombwiseError(f"video {path.name} is no .mp4; expected a name that ends in .mp4")
    if not fps > 0.0:
        raise CombwiseError(f"video {path.name} at {fps} pictures a second; expected a positive number")
    rest = iter(pictures)
    first = next(rest, None)
    if first is None:
        raise CombwiseError(f"video {path.name} has no pictures; expected at least one")
    options: dict[str, Any] = {"codec": "libx264", "quality": 8, "pixelformat": "yuv420p"}
    options |= {"macro_block_size": 2, "ffmpeg_log_level": "error"}
    with written_aside(path) as aside:
        writer: Any = imageio.get_writer(aside, format="FFMPEG", mode="I", fps=fps, **options)  # type: ignore[arg-type]
        try:
            for number, picture in enumerate(itertools.chain([first], rest)):
                if picture.shape != first.shape or picture.dtype != np.uint8 or picture.shape[2:] != (3,):
                    raise CombwiseError(
                        f"picture {number} of video {path.name} is {picture.dtype} {picture.shape}; "
                        f"expected uint8 [height, width, 3] like the first, {first.shape}"
                    )
                height, width = picture.shape[0] // 2 * 2, picture.shape[1] // 2 * 2
                writer.append_data(np.ascontiguousarray(picture[:height, :width]))
        finally:
            writer.close()  # a with block would leave ffmpeg running, and its file behind, after an error
