"""What hair, skin and the studio look like: the constants of shading."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from hairsim.errors import CombwiseError

HAIR_COLOURS: dict[str, tuple[float, float, float]] = {
    "black": (0.022, 0.018, 0.016),
    "dark_brown": (0.085, 0.045, 0.026),
    "brown": (0.155, 0.078, 0.040),
    "auburn": (0.27, 0.085, 0.035),
    "blond": (0.58, 0.355, 0.165),
    "grey": (0.42, 0.41, 0.40),
}
"""Linear RGB of hair seen through one fibre."""

Direction = tuple[float, float, float]
Colour = tuple[float, float, float]


@dataclass(frozen=True)
class HairLook:
    """How hair and its surroundings are drawn.

    Attributes:
        colour: name in `HAIR_COLOURS` or linear RGB, each 0..1.
        jitter: how much strands differ in brightness, 0..1; fixed by the strand's index.
        root_shade: brightness at the root over that at mid-length. tip_shade: the same at the tip.
        roughness: width of the highlights, 0.1 (wet) .. 0.6 (dull).
        highlight: strength of the highlights.
        scatter: strength of the light that bounces between hairs. scatter_power: how deeply it is coloured;
            1 is one way through a fibre.
        shadow: how strongly hair shades hair; 1 is 80 um fibres at their true density.
        crease: how strongly gaps between locks are darkened, 0..1.
        width: thickness of a drawn hair [m]; never thinner than one sample.
        hairs: fine hairs that a picture draws for each strand; cameras draw one of their summed width.
        spread: how far fine hairs lie from their strand [m].
        skin: linear RGB of the skin. backdrop: linear RGB of the studio wall.
        lights: directions towards key, fill and rim light, head frame.
        light_colours: linear RGB of the three. ambient: linear RGB of the light from all around.
    """

    colour: str | Colour = "brown"
    jitter: float = 0.35
    root_shade: float = 0.72
    tip_shade: float = 1.25
    roughness: float = 0.30
    highlight: float = 0.45
    scatter: float = 0.55
    scatter_power: float = 0.75
    shadow: float = 0.5
    crease: float = 0.6
    width: float = 0.00045
    hairs: int = 3
    spread: float = 0.0015
    skin: Colour = (0.60, 0.39, 0.29)
    backdrop: Colour = (0.52, 0.55, 0.60)
    lights: tuple[Direction, Direction, Direction] = (
        (0.65, 0.45, 0.75),
        (0.45, -0.85, 0.35),
        (-0.85, 0.10, 0.60),
    )
    light_colours: tuple[Colour, Colour, Colour] = ((3.3, 3.1, 2.8), (1.2, 1.25, 1.35), (2.3, 2.25, 2.25))
    ambient: Colour = (0.62, 0.64, 0.67)

    def __post_init__(self) -> None:
        if isinstance(self.colour, str) and self.colour not in HAIR_COLOURS:
            known = ", ".join(sorted(HAIR_COLOURS))
            raise CombwiseError(f"hair colour '{self.colour}' is unknown; expected one of {known}")
        if not all(0.0 < c <= 1.0 for c in self.hair_colour):
            raise CombwiseError(
                f"hair colour {self.hair_colour} is no linear RGB; expected 3 numbers in 0..1"
            )
        if not 0.05 <= self.roughness <= 1.0:
            raise CombwiseError(f"hair roughness is {self.roughness}; expected 0.05 .. 1")
        if not self.width > 0.0 or self.hairs < 1 or self.spread < 0.0:
            raise CombwiseError(
                f"hair width {self.width} m, {self.hairs} hairs a strand, spread {self.spread} m; "
                "expected a positive width, at least one hair and a spread of 0 or more"
            )
        for direction in self.lights:
            if not np.linalg.norm(direction) > 1e-6:
                raise CombwiseError(f"light direction {direction} has no length; expected a vector")

    @property
    def hair_colour(self) -> Colour:
        """Linear RGB of the hair."""
        return HAIR_COLOURS[self.colour] if isinstance(self.colour, str) else self.colour

    @property
    def unit_lights(self) -> np.ndarray:
        """Unit directions towards the three lights [3, 3], head frame."""
        lights = np.asarray(self.lights, np.float64)
        return lights / np.linalg.norm(lights, axis=1, keepdims=True)


STUDIO = HairLook()
"""The look that is used unless another is asked for."""
