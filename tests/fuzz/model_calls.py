"""Calls of potentials, networks, fits, dynamics and geometry."""

from collections.abc import Callable
from typing import Any

import torch

from anisoap_e3nn import geometry
from anisoap_e3nn.fitting import MechanicsLoss, fit_linear, predict, r_squared
from anisoap_e3nn.gay_berne import (
    GayBerne,
    gay_berne_fluids,
    gay_berne_pairs,
    triaxial_gay_berne,
)
from anisoap_e3nn.networks import MACEStylePotential, NequIPStylePotential
from anisoap_e3nn.potentials import (
    ManyBodyPotential,
    OneBodyPotential,
    PairPotential,
    ParticleShapes,
    StackedPotential,
    mechanics,
)
from anisoap_e3nn.simulation import NVE, ForceField, Langevin, RigidBodies

from .arguments import (
    NETWORK,
    Arguments,
    bodies,
    edges,
    fields,
    frame,
    labelled,
    pair,
    stack,
)

MODELS: dict[str, tuple[Callable[..., Any], Callable[[], Arguments]]] = {
    "PairPotential": (
        PairPotential,
        lambda: {
            "types": [0, 1],
            "cutoff": 2.5,
            "n_radial": 3,
            "max_degree": 1,
            "decay_length": 1.0,
            "switch_width": 1.0,
        },
    ),
    "ManyBodyPotential": (
        ManyBodyPotential,
        lambda: {
            "types": [0, 1],
            "cutoff": 2.5,
            "max_angular": 1,
            "max_radial": 1,
            "radial_gaussian_width": 1.0,
            "density_width": 0.5,
            "hidden": [4],
        },
    ),
    "NequIPStylePotential": (
        NequIPStylePotential,
        lambda: {
            "types": [0, 1],
            "cutoff": 2.5,
            "irreps_hidden": "2x0e+1x1o",
            "n_layers": 1,
            **NETWORK,
        },
    ),
    "MACEStylePotential": (
        MACEStylePotential,
        lambda: {
            "types": [0, 1],
            "cutoff": 2.5,
            "n_channels": 2,
            "max_angular_hidden": 1,
            "correlation": 2,
            "n_layers": 1,
            **NETWORK,
        },
    ),
    "OneBodyPotential": (OneBodyPotential, lambda: {"types": [0, 1]}),
    "ParticleShapes": (
        ParticleShapes,
        lambda: {"types": [0, 1], "semiaxes": torch.ones(2, 3)},
    ),
    "StackedPotential": (StackedPotential, lambda: {"components": [pair()]}),
    "GayBerne": (
        GayBerne,
        lambda: {
            "types": [0, 1],
            "cutoff": 2.5,
            "epsilon": torch.ones(2),
            "sigma": 1.0,
            "well_depths": torch.ones(3),
            "gamma": 1.0,
            "upsilon": 1.0,
            "mu": 1.0,
            "sphere_types": [1],
            "shift": False,
            "smoothing_width": 0.5,
        },
    ),
    "Gay-Berne": (lambda **given: GayBerne([0, 1], 2.5)(**given), edges),
    "pair potential": (lambda data: pair()(data), lambda: {"data": frame()}),
    "mechanics": (
        mechanics,
        lambda: {"model": pair(), "data": frame(), "body_frame": False, "create_graph": False},
    ),
    "fit_linear": (
        fit_linear,
        lambda: {
            "potential": stack(),
            "frames": [labelled(), labelled()],
            "ridge": 1e-10,
            "target_weights": {"energy": 1.0},
            "batch_size": 2,
        },
    ),
    "r_squared": (
        r_squared,
        lambda: {"potential": stack(), "frames": [labelled()], "batch_size": 2},
    ),
    "predict": (predict, lambda: {"model": stack(), "frames": [labelled()], "batch_size": 2}),
    "MechanicsLoss": (
        MechanicsLoss,
        lambda: {"frames": [labelled()], "weights": {"energy": 1.0}},
    ),
    "standardize": (
        lambda frames: ManyBodyPotential([0, 1], 2.5, 1).standardize(frames),
        lambda: {"frames": [labelled()]},
    ),
    "gay_berne_pairs": (
        gay_berne_pairs,
        lambda: {
            "sizes": (2, 1, 1),
            "reduced_distances": (0.97, 2.0),
            "seed": 0,
            "dtype": torch.float32,
        },
    ),
    "gay_berne_fluids": (
        gay_berne_fluids,
        lambda: {
            "n_frames": 1,
            "n_particles": 64,
            "density": 0.01,
            "temperature": 1.2,
            "potential": triaxial_gay_berne(2.5),
            "semiaxes": (0.5, 0.75, 1.0),
            "n_sweeps": 1,
            "seed": 0,
            "dtype": torch.float32,
        },
    ),
    "triaxial_gay_berne": (
        triaxial_gay_berne,
        lambda: {"cutoff": 2.5, "smoothing_width": 0.5},
    ),
    "ForceField": (ForceField, lambda: {"model": pair(), "skin": 0.3}),
    "RigidBodies": (
        RigidBodies,
        lambda: {"data": frame(), "masses": torch.ones(4), "moments": torch.ones(4, 3)},
    ),
    "NVE": (
        NVE,
        lambda: {"forces_and_torques": ForceField(pair()), "bodies": bodies(), "time_step": 1e-3},
    ),
    "Langevin": (
        Langevin,
        lambda: {
            "forces_and_torques": ForceField(pair()),
            "bodies": bodies(),
            "time_step": 1e-3,
            "temperature": 1.0,
            "friction": 1.0,
            "angular_friction": 1.0,
        },
    ),
    "quaternions_to_matrices": (
        geometry.quaternions_to_matrices,
        lambda: {"quaternions": fields()["orientations"]},
    ),
    "matrices_to_quaternions": (
        geometry.matrices_to_quaternions,
        lambda: {"matrices": torch.eye(3).expand(4, 3, 3).clone()},
    ),
    "covariances": (
        geometry.covariances,
        lambda: {name: fields()[name] for name in ("orientations", "semiaxes")},
    ),
    "to_body_frame": (
        geometry.to_body_frame,
        lambda: {"vectors": torch.ones(4, 3), "orientations": fields()["orientations"]},
    ),
    "torques_of_gradient": (
        geometry.torques_of_gradient,
        lambda: {"orientations": fields()["orientations"], "gradient": torch.ones(4, 4)},
    ),
}
