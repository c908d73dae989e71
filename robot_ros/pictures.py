"""Pictures for people who watch: all cameras side by side, as one JPEG."""

from __future__ import annotations

import io
from collections.abc import Sequence

import numpy as np
from PIL import Image

from hairsim.cameras.camera import Frame
from planner.goal.look import Picture

HEIGHT = 240
"""Of a contact sheet [pixel]."""


def contact_sheet(frames: Sequence[Frame | Picture], *, height: int = HEIGHT) -> bytes:
    """Return the colour pictures of a look side by side, as JPEG."""
    pictures = []
    for frame in frames:
        picture = Image.fromarray(frame.colour)
        width = max(1, round(picture.width * height / picture.height))
        pictures.append(np.asarray(picture.resize((width, height), Image.Resampling.LANCZOS)))
    buffer = io.BytesIO()
    Image.fromarray(np.concatenate(pictures, axis=1)).save(buffer, format="JPEG", quality=85)
    return buffer.getvalue()
