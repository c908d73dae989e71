"""Procedural hairstyles: named families of grooms, drawn from a seed, fitted to any head."""

from __future__ import annotations

from dataclasses import dataclass, replace
from zlib import crc32

import numpy as np

from hairsim.errors import CombwiseError
from hairsim.groom.coils import Coil
from hairsim.groom.curls import VERTICES_PER_TURN, Curl, curled
from hairsim.groom.groom import HAIRS_ON_A_HEAD, Groom
from hairsim.groom.march import Flow, march
from hairsim.groom.mirror import mirrored
from hairsim.groom.ponytail import TIED_LOOSENESS, at_tie, gathered
from hairsim.groom.rods import arc_length, relax_onto, resample
from hairsim.groom.roots import clumps, even_roots
from hairsim.head.head import Head

PARTS: dict[str, float | None] = {"left": 0.45, "middle": 0.0, "right": -0.45, "none": None}
"""Parting lines by name: lateral place as a fraction of the half breadth, + to the wearer's left."""

SHORTEST, LONGEST = 0.05, 0.32
"""Lengths that may be asked for [m]; single strands of a level cut may be shorter."""

SHORTEST_STRAND = 0.06
"""No cut but that of short hair leaves less of a strand [m]."""

HAIR_CLASSES = ("straight", "wavy", "curly", "coily")


@dataclass(frozen=True)
class Family:
    """What the grooms of one family have in common; a seed draws within it.

    Attributes:
        hair_class: one of `HAIR_CLASSES`.
        length: range of the length of the longest strands [m].
        parts: parting lines to draw from.
        curl: shape of waves or curls of the guides; None for straight and coily hair.
        coil: how hairs wind about the guides; None for all but coily hair.
        cut: "level" (tips on one line), "layered" (shorter toward the crown), "tapered" (shorter toward the
            nape and over the ears) or "even" (one length).
        back: pull backwards; 0 for hair that just falls.
        sweep: pull from the part's side to the other.
        fringe: whether the front hair falls over the forehead, cut above the brows.
        asymmetry: how much shorter the hair on the part's side is, as a fraction.
        lift: scale of how high hair stacks on the head.
        clumping: 0..1, how far the tips of a lock draw together.
        outward: how strongly hair stands away from the skin.
        tied: whether it is gathered to a ponytail.
    """

    hair_class: str
    length: tuple[float, float]
    parts: tuple[str, ...]
    curl: Curl | None = None
    coil: Coil | None = None
    cut: str = "level"
    back: float = 0.0
    sweep: float = 0.0
    fringe: bool = False
    asymmetry: float = 0.0
    lift: float = 1.0
    clumping: float = 0.25
    outward: float = 0.0
    tied: bool = False


_WAVE = Curl(radius=0.0065, turn=0.075, depth=0.25)
_SOFT_WAVE = Curl(radius=0.0080, turn=0.095, depth=0.2, onset=0.07)
_CURL = Curl(radius=0.0095, turn=0.068, depth=1.0)
_TIGHT_CURL = Curl(radius=0.0080, turn=0.058, depth=1.0, onset=0.04)
_COIL = Coil(radius=0.0030, turn=0.0225)
_SMALL_COIL = Coil(radius=0.0022, turn=0.0165, frizz=0.45, onset=0.006)
_ANY_PART = ("left", "middle", "right")
_SIDE = ("left", "right")

FAMILIES: dict[str, Family] = {
    "straight_long": Family("straight", (0.24, 0.32), _ANY_PART),
    "straight_bob": Family("straight", (0.17, 0.22), _ANY_PART),
    "straight_fringe": Family("straight", (0.20, 0.30), ("none",), fringe=True),
    "straight_layered": Family("straight", (0.20, 0.28), ("none", "middle"), cut="layered"),
    "swept_back_straight": Family("straight", (0.14, 0.22), ("none",), cut="even", back=2.2, lift=1.3),
    "middle_part_straight": Family("straight", (0.20, 0.30), ("middle",), clumping=0.15),
    "wavy_long": Family("wavy", (0.24, 0.32), _ANY_PART, curl=_WAVE, clumping=0.5),
    "wavy_side_part": Family("wavy", (0.20, 0.28), _SIDE, curl=_SOFT_WAVE, sweep=0.35, clumping=0.5),
    "wavy_layered": Family("wavy", (0.20, 0.28), ("none", "middle"), curl=_WAVE, cut="layered", clumping=0.5),
    "asymmetric_wavy": Family(
        "wavy", (0.22, 0.28), _SIDE, curl=_WAVE, sweep=0.5, asymmetry=0.4, clumping=0.5
    ),
    "curly_bob": Family("curly", (0.18, 0.22), _ANY_PART, curl=_TIGHT_CURL, lift=1.2, clumping=0.6),
    "curly_long": Family("curly", (0.26, 0.32), _ANY_PART, curl=_CURL, lift=1.2, clumping=0.6),
    "straight_side_part": Family("straight", (0.18, 0.28), _SIDE, sweep=0.4),
    "wavy_bob": Family("wavy", (0.17, 0.22), _ANY_PART, curl=_WAVE, clumping=0.5),
    "curly_layered": Family(
        "curly", (0.20, 0.28), ("none", "middle"), curl=_CURL, cut="layered", lift=1.3, clumping=0.6
    ),
    "straight_pixie": Family("straight", (0.07, 0.09), _SIDE, cut="tapered", sweep=0.5, lift=0.8),
    "straight_ponytail": Family("straight", (0.30, 0.32), ("none",), cut="even", tied=True),
    "coily_afro": Family(
        "coily", (0.055, 0.08), ("none",), coil=_SMALL_COIL, cut="even", outward=6.0, clumping=0.3
    ),
    "coily_long": Family("coily", (0.22, 0.28), ("none", "middle"), coil=_COIL, lift=1.5, clumping=0.5),
    "coily_bob": Family("coily", (0.19, 0.23), _ANY_PART, coil=_COIL, lift=1.5, clumping=0.5),
}

UNSEEN_FAMILIES: tuple[str, ...] = ("straight_side_part", "wavy_bob", "curly_layered", "coily_bob")
"""Kept out of every training run and of development; one of each class. Fixed before the first training; the
coily one came with its class, before the first training on coily hair."""

TRAINING_FAMILIES: tuple[str, ...] = tuple(name for name in FAMILIES if name not in UNSEEN_FAMILIES)
"""Families to train and develop on."""


def make_groom(
    family: str,
    head: Head,
    *,
    guides: int = 500,
    vertices: int = 24,
    seed: int,
    length: float | None = None,
    part: str | None = None,
    mirror: bool = False,
) -> Groom:
    """Draw a groom of a family, lying on a head.

    Args:
        family: a key of `FAMILIES`.
        head: to grow it on.
        guides: how many guide strands, S.
        vertices: vertices per strand, V.
        seed: same seed, same groom.
        length: of the longest strands [m]; drawn from the family when left out.
        part: "left", "middle", "right" or "none"; drawn from the family when left out.
        mirror: exchange left and right, part and all.

    Returns:
        Strands with equal edges (each strand its own), roots on the skin, all else at least a
        millimetre above it; vertices 0 and 1 lie along the follicle.

    Raises:
        CombwiseError: an unknown family or part, or a length or count out of range.
    """
    style, part_name, longest = _draw(family, seed, length, part)
    if vertices < 8:
        raise CombwiseError(f"a groom of {vertices} vertices a strand was asked for; expected at least 8")
    rng = np.random.default_rng((seed, crc32(family.encode()), 2))
    roots, normals = even_roots(head, guides, rng)
    lock = clumps(roots, 7.0, rng)
    locks = int(lock.max()) + 1

    def per_lock(deviation: float, own: float) -> np.ndarray:
        return deviation * rng.standard_normal(locks)[lock] + own * rng.standard_normal(guides)

    fringe = _fringe(head, roots) if style.fringe else np.zeros(guides, bool)
    side = PARTS[part_name]
    sweep = 0.0 if not side else -np.sign(side) * style.sweep
    curl = style.curl
    if curl is not None:
        curl = replace(curl, turn=max(curl.turn, VERTICES_PER_TURN * longest / (vertices - 1)))
    girth = 0.0 if curl is None else curl.radius * curl.depth
    swirl = per_lock(0.10, 0.04)
    stacking = np.clip(1.0 + per_lock(0.18, 0.10), 0.4, 1.6)
    tilt = np.radians(62.0) + np.clip(per_lock(0.06, 0.05), -0.2, 0.2)
    if style.tied:
        line = gathered(head, roots, normals, length=1.12 * longest, stacking=stacking, tilt=tilt, rng=rng)
    else:
        line = march(
            head,
            roots,
            normals,
            Flow(part=side, back=style.back, side=sweep, lift=style.lift, outward=style.outward),
            length=1.12 * longest,
            forward=fringe,
            swirl=swirl,
            stacking=stacking,
            girth=girth if style.coil is None else style.coil.radius,
            tilt=tilt * (0.35 if style.outward > 1.0 else 1.0),
        )
    line = _clumped(line, lock, style.clumping)
    if curl is not None:
        phase = 2.0 * np.pi * rng.random(locks)[lock] + 0.25 * rng.standard_normal(guides)
        scale = np.where(fringe, 0.5, np.clip(1.0 + per_lock(0.10, 0.08), 0.6, 1.4))
        line = curled(head, line, curl, phase, scale)
    cut = _cut(style, line, head, longest, side, fringe) * np.clip(1.0 + 0.03 * per_lock(0.7, 0.7), 0.85, 1.1)
    strands = relax_onto(resample(line, np.minimum(cut, longest), vertices), head.field)
    groom = Groom(
        strands=strands.astype(np.float32),
        hair_count=np.full(guides, HAIRS_ON_A_HEAD / guides, np.float32),
        name=f"{family} (seed {seed})",
        family=family,
        tied_at=at_tie(head, strands) if style.tied else None,
    )
    return bundled(mirrored(groom, head) if mirror else groom)


def bundled(groom: Groom) -> Groom:
    """Return a groom whose hairs lie about its guides as those of its family do; as it is, if it has none."""
    style = FAMILIES.get(groom.family)
    if style is None:
        return groom
    return replace(groom, coil=style.coil, looseness=TIED_LOOSENESS if style.tied else 1.0)


def _draw(family: str, seed: int, length: float | None, part: str | None) -> tuple[Family, str, float]:
    """Return the family's style with part and length drawn, or taken as asked."""
    if family not in FAMILIES:
        raise CombwiseError(f"there is no groom family '{family}'; expected one of {', '.join(FAMILIES)}")
    style = FAMILIES[family]
    rng = np.random.default_rng((seed, crc32(family.encode()), 1))
    drawn_length = float(rng.uniform(*style.length))
    drawn_part = style.parts[int(rng.integers(len(style.parts)))]
    longest = drawn_length if length is None else length
    name = drawn_part if part is None else part
    if not SHORTEST <= longest <= LONGEST:
        raise CombwiseError(f"groom length is {longest} m; expected {SHORTEST} .. {LONGEST} m")
    if name not in PARTS:
        raise CombwiseError(f"there is no part '{name}'; expected one of {', '.join(PARTS)}")
    return style, name, longest


def _fringe(head: Head, roots: np.ndarray) -> np.ndarray:
    """Return which roots [S] belong to a fringe: within about 4 cm of the forehead's hairline."""
    centre = np.asarray(head.centre)
    azimuth = np.abs(np.arctan2(roots[:, 1], roots[:, 0] - centre[0]))
    front = head.scalp.points[:, 0].max()
    return (roots[:, 0] > front - 0.035) & (azimuth < np.radians(52.0))


def _clumped(line: np.ndarray, lock: np.ndarray, amount: float) -> np.ndarray:
    """Draw strands [S, M, 3] toward their lock's middle, the more the nearer the tip."""
    count = np.bincount(lock).astype(np.float64)
    middle = np.zeros((len(count), *line.shape[1:]))
    np.add.at(middle, lock, line)
    middle /= count[:, None, None]
    # A lock that straddles a part has two ways to fall: do not draw its strands through the head.
    spread = np.linalg.norm(line - middle[lock], axis=-1)
    along = np.linspace(0.0, 1.0, line.shape[1])
    pull = amount * along * np.clip(2.0 - spread.max(axis=1, keepdims=True) / 0.025, 0.0, 1.0)
    return line + pull[..., None] * (middle[lock] - line)


def _cut(
    style: Family, line: np.ndarray, head: Head, longest: float, side: float | None, fringe: np.ndarray
) -> np.ndarray:
    """Return the arc length [S] [m] at which each strand is cut."""
    along = arc_length(line)
    roots = line[:, 0]
    top = float(head.scalp.points[:, 2].max())
    cut = np.full(len(line), longest)
    if style.cut == "level":
        high = roots[:, 2] > np.quantile(roots[:, 2], 0.75)
        tips = _height_at(line[high], along[high], longest)
        cut = np.minimum(
            cut, np.maximum(_length_to(line, along, float(np.quantile(tips, 0.35))), SHORTEST_STRAND)
        )
    elif style.cut == "layered":
        cut *= 1.0 - 0.38 * np.clip(roots[:, 2] / top, 0.0, 1.0) ** 2
    elif style.cut == "tapered":
        height = np.clip((roots[:, 2] + 0.4 * top) / (1.4 * top), 0.0, 1.0)
        cut *= 0.7 + 0.3 * height
    if style.asymmetry and side:
        part_side = np.sign(side) * (roots[:, 1] - side * 0.07) > 0.0
        cut = np.where(part_side, np.maximum(cut * (1.0 - style.asymmetry), SHORTEST_STRAND), cut)
    brows = 0.85 * head.centre[2]
    return np.where(fringe, np.clip(_length_to(line, along, brows), SHORTEST_STRAND, longest), cut)


def _height_at(line: np.ndarray, along: np.ndarray, length: float) -> np.ndarray:
    index = np.argmax(along >= min(length, float(along[:, -1].min())), axis=1)
    return line[np.arange(len(line)), index, 2]


def _length_to(line: np.ndarray, along: np.ndarray, level: float) -> np.ndarray:
    """Return the arc length [S] at which each line last goes below a height; all of it when it does not."""
    above = line[:, :, 2] > level
    last = line.shape[1] - 1 - np.argmax(above[:, ::-1], axis=1)
    last = np.where(above.any(axis=1), last, 0)
    return along[np.arange(len(line)), last]
