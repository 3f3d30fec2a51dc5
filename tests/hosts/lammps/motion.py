"""Particles in motion: a start with momenta, smooth models of each kind, and scripts at constant energy."""

import math

import torch
from lammps_cases import Case, anisoap, random_model, setup

from anisoap_e3nn.gay_berne import GayBerne
from anisoap_e3nn.geometry import rotation_matrices
from anisoap_e3nn.networks import NequIPStylePotential
from anisoap_e3nn.potentials import (
    ManyBodyPotential,
    OneBodyPotential,
    PairPotential,
    StackedPotential,
)
from anisoap_e3nn.simulation import RigidBodies
from benchmarks.baselines.lammps_gay_berne import (
    MIXED,
    SEMIAXES,
    WELL_DEPTHS,
    data_file,
    mixed_fluid,
)

TYPES = list(SEMIAXES)
TEMPERATURE, TIME_STEP = 2.0, 0.002
STEPS = {"pair": 150, "stack": 150, "network": 150}
LONG_STEPS = {"stack": 1000, "network": 1000}


def moving_bodies() -> RigidBodies:
    """Bodies with LAMMPS' masses and moments: solid ellipsoids of density 1."""
    data = mixed_fluid(11)
    bodies = RigidBodies(data, masses=4 / 3 * math.pi * data.semiaxes.prod(1))
    bodies.draw_momenta(TEMPERATURE, torch.Generator().manual_seed(5))
    return bodies


def moving_file() -> str:
    """Data file with velocities, and angular momenta in the space frame."""
    bodies = moving_bodies()
    velocities = bodies.momenta / bodies.masses[:, None]
    turned = rotation_matrices(bodies.quaternions) @ bodies.angular_momenta[:, :, None]
    rows = torch.cat([velocities, turned.squeeze(2)], 1).tolist()  # -> [particle, 6]
    lines = [f"{k} " + " ".join(map(repr, row)) for k, row in enumerate(rows, 1)]
    return data_file(bodies.data, TYPES) + "\n".join(["", "Velocities", "", *lines, ""])


def smooth_models() -> dict[str, torch.nn.Module]:
    """A model of each kind that has no jump at the cutoff, the first two with a repulsive core."""
    core = GayBerne(
        TYPES, 3.0, **MIXED, well_depths=WELL_DEPTHS, sphere_types=[5], smoothing_width=0.5
    )
    pair = random_model(PairPotential(TYPES, 3.0), 2, 0.001)
    many_body = ManyBodyPotential(TYPES, 2.6, max_angular=2, max_radial=1)
    options = {"max_angular": 1, "max_radial": 1, "n_radial": 4, "radial_layers": [8]}
    network = NequIPStylePotential(TYPES, 3.0, "2x0e + 2x1o", n_layers=2, **options)
    others = random_model(OneBodyPotential(TYPES), 1), random_model(many_body, 3, 20.0)
    return {
        "pair": StackedPotential([core, pair]),
        "stack": StackedPotential([core, pair, *others]),
        "network": random_model(network, 4),
    }


with torch.random.fork_rng(devices=[]):
    torch.manual_seed(0)
    before = torch.get_default_dtype()
    torch.set_default_dtype(torch.float64)
    MODELS = smooth_models()
    torch.set_default_dtype(before)


def motion_script(n_steps: int) -> str:
    """Steps at constant energy: the energy after each of them, and each particle's rank at the start."""
    return f"""neigh_modify every 1 delay 0 check yes
compute motion all ke
compute rotation all erotate/asphere
variable total equal pe+c_motion+c_rotation
run 0
fix owner_before all store/state 0 c_owner
fix total all vector 1 v_total
fix 1 all nve/asphere
timestep {TIME_STEP}
run {n_steps}
"""


def motion(name: str, n_steps: int) -> Case:
    words = f"{name} " + " ".join(map(str, TYPES))
    return Case(setup("moving") + anisoap(words) + motion_script(n_steps), {name: MODELS[name]})


MOTIONS = {f"{name}_motion": motion(name, n) for name, n in STEPS.items()}
LONG_MOTIONS = {f"{name}_long_motion": motion(name, n) for name, n in LONG_STEPS.items()}
