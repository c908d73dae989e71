"""Our free rods in Newton: capsules and rod joints, solved by vertex block descent."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from benchmarks.throughput.cases import Case
from benchmarks.throughput.peer_hair import APART, MICRO, MILLI, PeerHair, peer_hair
from hairsim.errors import CombwiseError


class NewtonRods:
    """Rods whose first edge is held, in one model without contact.

    Args:
        case: vertices, step and iterations.
        strands: S.
        stretch_stiffness: force per strain [N]. A hair's own 20 N drowns bending in single precision.
    """

    def __init__(self, case: Case, strands: int, stretch_stiffness: float) -> None:
        import newton  # pyright: ignore[reportMissingImports]

        self._hair = peer_hair(case.vertices)
        self._dt = case.dt
        model = _model(newton, self._hair, strands, stretch_stiffness)
        self._solver: Any = newton.solvers.SolverVBD(model, iterations=case.iterations)
        self._state, self._next, self._control = model.state(), model.state(), model.control()
        self._drag = -self._hair.air_drag * model.body_mass.numpy()[:, None]

    def advance(self, steps: int) -> None:
        """Take so many steps."""
        for _ in range(steps):
            # On a CPU `numpy` is a view of the array itself.
            self._state.body_f.numpy()[:, :3] = self._drag * self._state.body_qd.numpy()[:, :3]
            self._solver.step(self._state, self._next, self._control, None, self._dt)
            self._state, self._next = self._next, self._state

    def drop_over_reach(self) -> float:
        """Return the first rod's tip below over before the middle of its held edge."""
        pose = self._state.body_q.numpy().astype(np.float64)
        last = self._hair.vertices - 2
        x, y, z, w = pose[last, 3:]
        along = np.array([2.0 * (x * z + w * y), 2.0 * (y * z - w * x), 1.0 - 2.0 * (x * x + y * y)])
        reach = pose[last, :3] + 0.5 * self._hair.edge * along - pose[0, :3]
        return float(-reach[2] / reach[0])


def _model(newton: Any, hair: PeerHair, strands: int, stretch_stiffness: float) -> Any:
    """Return rods along x, side by side in y; the first capsule of each, without mass, stays in place."""
    builder = newton.ModelBuilder(gravity=(0.0, 0.0, -hair.gravity))
    shape = newton.ModelBuilder.ShapeConfig(density=hair.density, has_shape_collision=False)
    stretch = stretch_stiffness * MICRO * MILLI
    for n in range(strands):
        points = np.zeros((hair.vertices, 3))
        points[:, 0] = hair.edge * np.arange(hair.vertices)
        points[:, 1] = APART * n
        rod = newton.Rod(
            points,
            radius=hair.radius,
            stretch_rigidity=stretch,
            shear_rigidity=stretch,
            bend_rigidity=hair.bending,
            twist_rigidity=hair.twisting,
        )
        held = builder.add_rod(rod=rod, cfg=shape)[0][0]
        builder.body_mass[held] = builder.body_inv_mass[held] = 0.0
        builder.body_inertia[held] = builder.body_inv_inertia[held] = builder.body_inertia[held] * 0.0
    builder.color()
    model = builder.finalize(device="cpu")
    light = hair.linear_density * hair.edge
    # Newton may raise what it takes for too small; speed and shape would then be those of other hair.
    if not math.isclose(float(model.body_mass.numpy()[1]), light, rel_tol=0.05):
        raise CombwiseError(
            f"newton made an edge of {light:.3g} mg weigh {model.body_mass.numpy()[1]:.3g} mg"
        )
    return model
