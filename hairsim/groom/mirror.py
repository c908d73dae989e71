"""Left and right exchanged: every hairstyle has a twin."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from hairsim.groom.groom import Groom
from hairsim.groom.rods import relax_onto
from hairsim.head.head import Head
from hairsim.head.scalp import onto_skin

UNEVEN = 0.0003
"""A head whose mirrored roots lie further off the skin than this [m] is not its own mirror image."""


def mirrored(groom: Groom, head: Head) -> Groom:
    """Return the groom mirrored at the head's middle plane, y to -y.

    On a head that is its own mirror image the strands are mirrored exactly. On another the mirrored roots are
    brought to the skin, each with its strand, and strands are lifted out of the head.

    Args:
        groom: lying on the head.
        head: whose.
    """
    strands = groom.strands.astype(np.float64) * (1.0, -1.0, 1.0)
    if np.abs(head.field.sample(strands[:, 0])).max() > UNEVEN:
        strands += (onto_skin(head.field, strands[:, 0]) - strands[:, 0])[:, None]
        strands = relax_onto(strands, head.field)
    return replace(groom, strands=strands.astype(np.float32), name=f"{groom.name}, mirrored")
