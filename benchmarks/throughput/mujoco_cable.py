"""Our free rods in MuJoCo 3: chains of ball joints with its elasticity plugin."""

from __future__ import annotations

from typing import Any

import numpy as np

from benchmarks.throughput.cases import Case
from benchmarks.throughput.peer_hair import APART, PeerHair, peer_hair

PLUGIN = "mujoco.elasticity.cable"

MODEL = """
<mujoco>
  <option timestep="{dt}" integrator="Euler" gravity="0 0 {gravity}" viscosity="{viscosity}">
    <flag contact="disable" constraint="disable"/>
  </option>
  <extension><plugin plugin="{plugin}"/></extension>
  <worldbody>{cables}</worldbody>
</mujoco>
"""

CABLE = """
<composite type="cable" prefix="{n}_" curve="s" count="{vertices} 1 1" size="{length}" offset="0 {y} 0"
  initial="none">
  <plugin plugin="{plugin}">
    <config key="twist" value="{shear_modulus}"/>
    <config key="bend" value="{young_modulus}"/>
  </plugin>
  <joint kind="main" damping="{damping}"/>
  <geom type="capsule" size="{radius}" density="{density}" contype="0" conaffinity="0"/>
</composite>
"""


class MujocoCable:
    """Rods whose first edge is held, in one model; every option that costs time and moves nothing is off."""

    def __init__(self, case: Case, strands: int) -> None:
        import mujoco  # pyright: ignore[reportMissingImports]

        self._mujoco: Any = mujoco
        mujoco.set_mju_user_warning(
            lambda _: None
        )  # an unstable step is told by its count, not by a log file
        self._hair = peer_hair(case.vertices)
        self._model = mujoco.MjModel.from_xml_string(model(self._hair, case.dt, strands))
        self._data = mujoco.MjData(self._model)

    def advance(self, steps: int) -> None:
        """Take so many steps."""
        self._mujoco.mj_step(self._model, self._data, nstep=steps)

    def drop_over_reach(self) -> float:
        """Return the first rod's tip below over before the middle of its held edge.

        NaN if it ever fell apart, whereupon MuJoCo starts it over.
        """
        if any(warning.number for warning in self._data.warning):
            return float("nan")
        self._mujoco.mj_kinematics(self._model, self._data)
        last = self._hair.vertices - 1
        along = self._data.xmat[last].reshape(3, 3)[:, 0]
        tip = self._data.xpos[last] + self._hair.edge * along
        start = self._data.xpos[1] + np.array([0.5 * self._hair.edge, 0.0, 0.0])
        return float(-(tip - start)[2] / (tip - start)[0])


def model(hair: PeerHair, dt: float, strands: int) -> str:
    """Return the model: rods along x, side by side in y.

    MuJoCo takes the force of bending from before the step and damping from after it. Joints damped by
    stiffness times step relax within a step, as under implicit Euler, and bending is stable at any step; a
    rod at rest does not feel it. Still air of this viscosity drags an edge by `air_drag` times its mass:
    3 pi d viscosity, with d a third of the edge.
    """
    cables = [
        CABLE.format(
            n=n,
            y=APART * n,
            plugin=PLUGIN,
            vertices=hair.vertices,
            length=hair.edge * (hair.vertices - 1),
            shear_modulus=hair.shear_modulus,
            young_modulus=hair.young_modulus,
            damping=hair.bending / hair.edge * dt,
            radius=hair.radius,
            density=hair.density,
        )
        for n in range(strands)
    ]
    viscosity = hair.air_drag * hair.linear_density / np.pi
    return MODEL.format(
        dt=dt, gravity=-hair.gravity, viscosity=viscosity, plugin=PLUGIN, cables="".join(cables)
    )
