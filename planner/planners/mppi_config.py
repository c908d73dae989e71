"""How far MPPI searches, and what a promise is made of."""

from __future__ import annotations

from dataclasses import dataclass, field

from hairsim.errors import CombwiseError
from planner.cost import CostWeights
from planner.planners.proposals import ProposalConfig

NOISE = (0.12, 0.12, 0.35, 0.03, 0.004, 0.10, 0.10, 0.02)
"""Standard deviation of the first refinement for the eight parameters of a stroke [rad or m, m/s]."""


@dataclass(frozen=True)
class MppiConfig:
    """How far to search.

    Attributes:
        horizon: strokes that are planned ahead (H); the first is executed.
        drawn: strokes drawn from where state and goal differ, before the sieve.
        proposals: how many of them, the best sieved, are rolled out.
        modes: how many good, different proposals are refined.
        samples: noisy copies of each mode in each iteration.
        iterations: refinements.
        temperature: of the path-integral weights, as a share of the spread of a mode's costs.
        shrink: factor on the noise after each refinement.
        margin: a stroke must promise to lower the cost by this share of it.
        batch: rollouts at once.
        noise: standard deviation of the eight parameters.
        total, distance, sweep: what a change of 1 in the predicted cost and in its distance term (each over
            the present one) and in the sweep screen's score is taken to change of moved plus disturbance
            (over the present moved). Chosen on simulated strokes on eight heads of the training families
            (`python -m benchmarks.promise`); distance alone ranks worse than the cost that holds it.
        cost: weights of the cost of observed hair.
        proposal: how strokes are proposed.
    """

    horizon: int = 1
    drawn: int = 320
    proposals: int = 24
    modes: int = 3
    samples: int = 5
    iterations: int = 2
    temperature: float = 0.3
    shrink: float = 0.6
    margin: float = 0.03
    batch: int = 16
    noise: tuple[float, ...] = NOISE
    total: float = 0.8
    distance: float = 0.0
    sweep: float = 1.0
    cost: CostWeights = field(default_factory=CostWeights)
    proposal: ProposalConfig = field(default_factory=ProposalConfig)

    def __post_init__(self) -> None:
        counts = {"horizon": self.horizon, "proposals": self.proposals, "modes": self.modes,
                  "samples": self.samples, "batch": self.batch}  # fmt: skip
        for name, value in counts.items():
            if value < 1:
                raise CombwiseError(f"MPPI {name} is {value}; expected at least 1")
        if self.drawn < self.proposals:
            raise CombwiseError(
                f"MPPI draws {self.drawn} strokes; expected at least its {self.proposals} proposals"
            )
        if self.iterations < 0 or not self.temperature > 0.0 or not 0.0 < self.shrink <= 1.0:
            raise CombwiseError(
                f"MPPI iterations {self.iterations}, temperature {self.temperature}, shrink {self.shrink}; "
                "expected >= 0, > 0 and in (0, 1]"
            )
        if len(self.noise) != 8 or min(self.noise) < 0.0:
            raise CombwiseError(f"MPPI noise is {self.noise}; expected eight numbers >= 0")

    @property
    def model_calls(self) -> int:
        """Rollouts of one plan."""
        return self.proposals + self.iterations * self.modes * self.samples


PRESETS: dict[str, MppiConfig] = {
    "cpu": MppiConfig(),
    "quick": MppiConfig(drawn=64, proposals=8, modes=2, samples=4, iterations=1),
    "gpu": MppiConfig(drawn=2048, proposals=512, modes=16, samples=32, iterations=3, batch=128),
}
"""`cpu` is sized for at most 8 s a stroke on two cores."""
