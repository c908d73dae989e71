"""Time MuJoCo 3's cable plugin on the same free rods, and ask the same cantilever how right it is.

In millimetres and grams, since MuJoCo refuses the inertia of a hair in SI units; stresses keep their number.
A cable of V vertices is V - 1 capsules on ball joints; the first is fixed, so half of it is held as with us.
"""

from __future__ import annotations

import time

import mujoco
import numpy as np

from benchmarks.throughput.cases import Case
from benchmarks.throughput.rods import LENGTH, free_length, heavy_rod_ratio
from hairsim.physics.material import Material

DAMPING = 1.0
"""Of the ball joints [g mm^2 / s], that is 1e-9 N m s; with less, cables of hair blow up at 1/600 s."""

MILLI = 1.0e3
"""Millimetres in a metre."""


def model_of(strands: int, vertices: int, dt: float) -> mujoco.MjModel:
    """Return horizontal hairs of default material, 5 cm apart, without contacts."""
    hair = Material()
    shear = hair.young_modulus / (2.0 * (1.0 + hair.poisson_ratio))
    cables = "\n".join(
        f'<composite prefix="s{number}_" type="cable" curve="s" count="{vertices} 1 1" '
        f'size="{MILLI * LENGTH}" offset="0 {50 * number} 0" initial="none">'
        f'<plugin plugin="mujoco.elasticity.cable">'
        f'<config key="twist" value="{shear}"/><config key="bend" value="{hair.young_modulus}"/>'
        f'<config key="flat" value="true"/></plugin><joint kind="main" damping="{DAMPING}"/>'
        f'<geom type="capsule" size="{0.5 * MILLI * hair.diameter}" density="{1e-6 * hair.density}" '
        f'contype="0" conaffinity="0"/></composite>'
        for number in range(strands)
    )
    return mujoco.MjModel.from_xml_string(
        f'<mujoco><extension><plugin plugin="mujoco.elasticity.cable"/></extension>'
        f'<option timestep="{dt}" integrator="implicitfast" gravity="0 0 {-9.81 * MILLI}"/>'
        f"<worldbody>{cables}</worldbody></mujoco>"
    )


def seconds_a_step(case: Case) -> float:
    """Return processor seconds of one step of all strands in one model, the fastest of three blocks."""
    model = model_of(case.strands, case.vertices, case.dt)
    data = mujoco.MjData(model)
    mujoco.mj_step(model, data, 60)
    fastest = np.inf
    for _ in range(3):
        began = time.process_time()
        mujoco.mj_step(model, data, 120)
        fastest = min(fastest, (time.process_time() - began) / 120)
    return float(fastest)


def cantilever_error(case: Case) -> float:
    """Return the relative error of drop over reach of one cable that has come to rest; NaN if it blew up."""
    model = model_of(1, case.vertices, case.dt)
    model.dof_damping[:] *= 3.0  # comes to rest sooner; where, does not depend on it
    data = mujoco.MjData(model)
    mujoco.mj_step(model, data, round(30.0 / case.dt))
    first, last = data.body("s0_B_first"), data.body("s0_B_last")
    edge = MILLI * LENGTH / (case.vertices - 1)
    middle = first.xpos + 0.5 * edge * first.xmat.reshape(3, 3)[:, 0]
    tip = last.xpos + edge * last.xmat.reshape(3, 3)[:, 0] - middle
    return float(abs(-tip[2] / tip[0] / heavy_rod_ratio(free_length(case.vertices)) - 1.0))
