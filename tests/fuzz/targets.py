"""The public API: what the fuzz calls, with valid arguments."""

from collections.abc import Callable
from functools import cache
from typing import Any

import torch

from anisoap_e3nn import AniSOAPEmbedding, EllipsoidData, PowerSpectrum, geometry
from anisoap_e3nn.basis import GTOBasis, MonomialBasis
from anisoap_e3nn.fitting import MechanicsLoss, fit_linear, predict, r_squared
from anisoap_e3nn.gay_berne import (
    GayBerne,
    gay_berne_fluids,
    gay_berne_pairs,
    label_frames,
    triaxial_gay_berne,
)
from anisoap_e3nn.graph import VerletList, edge_vectors, edges_of, neighbor_list
from anisoap_e3nn.networks import MACEStylePotential, NequIPStylePotential
from anisoap_e3nn.nn import (
    FullTensorProduct,
    PolynomialCutoff,
    ShiftedCosine,
    TensorProduct,
    TypeLinear,
)
from anisoap_e3nn.ops import accumulate, gaussian_moments
from anisoap_e3nn.potentials import (
    ManyBodyPotential,
    OneBodyPotential,
    PairPotential,
    ParticleShapes,
    StackedPotential,
    mechanics,
)
from anisoap_e3nn.simulation import NVE, ForceField, Langevin, RigidBodies

Arguments = dict[str, Any]


def fields() -> Arguments:
    """Fields of a frame of four ellipsoids."""
    random = torch.Generator().manual_seed(0)
    return {
        "pos": 2 * torch.rand(4, 3, generator=random),
        "orientations": torch.randn(4, 4, generator=random),
        "semiaxes": 0.3 + 0.2 * torch.rand(4, 3, generator=random),
        "types": torch.tensor([0, 1, 1, 0]),
        "cell": 5 * torch.eye(3),
        "pbc": torch.tensor([True, True, False]),
    }


def frame() -> EllipsoidData:
    return EllipsoidData(**fields())


def labelled() -> EllipsoidData:
    (data,) = label_frames(GayBerne([0, 1], 2.5), [frame()])
    return data


def edges() -> Arguments:
    """The five tensors that embeddings and Gay-Berne potentials take."""
    found = edges_of(frame(), 2.5)
    given = fields()
    return {
        "edge_vectors": found.edge_vectors,
        "edge_index": found.edge_index,
        "types": given["types"],
        "orientations": given["orientations"],
        "semiaxes": given["semiaxes"],
    }


@cache
def embedding() -> AniSOAPEmbedding:
    return AniSOAPEmbedding([0, 1], 2.5, 1, radial_gaussian_width=1.0)


@cache
def pair() -> PairPotential:
    return PairPotential([0, 1], 2.5, n_radial=3, max_degree=1)


def stack() -> StackedPotential:
    return StackedPotential([OneBodyPotential([0, 1]), PairPotential([0, 1], 2.5, 3, 1)])


def bodies() -> RigidBodies:
    return RigidBodies(frame())


_NETWORK: Arguments = {
    "max_angular": 1,
    "max_radial": 1,
    "radial_gaussian_width": 1.0,
    "density_width": 1.0,
    "max_angular_edges": 1,
    "n_radial": 3,
    "radial_layers": [4],
    "edge_orientations": True,
}


def _moments() -> Arguments:
    given = edges()
    C, w = geometry.damped_covariances(given["orientations"], given["semiaxes"], 0.5)
    neighbors, centers = given["edge_index"]
    return {
        "edge_vectors": given["edge_vectors"],
        "neighbors": neighbors,
        "segments": centers,
        "n_segments": 4,
        "covariances": C,
        "weights": w,
        "pair_weights": torch.ones(len(neighbors)),
        "own_segments": torch.arange(4),
        "exponent": 0.5,
        "degree": 2,
    }


def _list_arguments() -> Arguments:
    given = fields()
    names = {"cell": "cell", "pbc": "pbc", "types": "types"}
    others = {ours: given[theirs] for ours, theirs in names.items()}
    return {
        "positions": given["pos"],
        "cutoff": 2.5,
        **others,
        "batch": torch.zeros(4, dtype=torch.int64),
    }


def _vector_arguments() -> Arguments:
    given = fields()
    edge_index, shifts = neighbor_list(
        given["pos"], 2.5, cell=given["cell"], pbc=given["pbc"], types=given["types"]
    )
    return {
        "positions": given["pos"],
        "edge_index": edge_index,
        "edge_shifts": shifts,
        "cell": given["cell"],
        "batch": torch.zeros(4, dtype=torch.int64),
    }


def _targets() -> Arguments:
    data = labelled()
    return {
        **fields(),
        "energy": data.energy,
        "forces": data.forces,
        "torques": data.torques,
        "stress": torch.zeros(1, 3, 3),
        "edge_index": edges()["edge_index"],
        "edge_cutoff": torch.tensor([2.5], dtype=torch.float64),
    }


CALLS: dict[str, tuple[Callable[..., Any], Callable[[], Arguments]]] = {
    "EllipsoidData": (EllipsoidData, _targets),
    "with_edges": (lambda cutoff: frame().with_edges(cutoff), lambda: {"cutoff": 2.5}),
    "neighbor_list": (neighbor_list, _list_arguments),
    "edge_vectors": (edge_vectors, _vector_arguments),
    "edges_of": (edges_of, lambda: {"data": frame(), "cutoff": 2.5}),
    "VerletList": (VerletList, lambda: {"cutoff": 2.5, "skin": 0.3}),
    "AniSOAPEmbedding": (
        AniSOAPEmbedding,
        lambda: {
            "types": [0, 1],
            "cutoff": 2.5,
            "max_angular": 1,
            "max_radial": [1, 1],
            "radial_basis": "gto",
            "radial_gaussian_width": 1.0,
            "rcond": 1e-8,
            "cutoff_function": "polynomial",
            "include_self": True,
            "irreps_out": "2x0e",
            "per_center_type": False,
        },
    ),
    "embedding": (lambda **given: embedding()(**given), edges),
    "embedding of data": (lambda data: embedding()(data), lambda: {"data": frame()}),
    "GTOBasis": (GTOBasis, lambda: {"width": 1.0}),
    "MonomialBasis": (MonomialBasis, lambda: {"cutoff": 1.0}),
    "ShiftedCosine": (ShiftedCosine, lambda: {"cutoff": 1.0}),
    "PolynomialCutoff": (PolynomialCutoff, lambda: {"cutoff": 1.0, "p": 6}),
    "PowerSpectrum": (
        PowerSpectrum,
        lambda: {
            "irreps_in": "2x0e+2x1o",
            "irreps_in2": "2x0e",
            "filter_ir_out": ["0e"],
            "l_max": 1,
            "channels": "outer",
            "symmetric": True,
            "weights": (2, "1x0e"),
        },
    ),
    "power spectrum": (
        lambda **given: PowerSpectrum("2x0e+1x1o", "1x0e")(**given),
        lambda: {"x": torch.ones(4, 5), "y": torch.ones(4, 1)},
    ),
    "TensorProduct": (
        TensorProduct,
        lambda: {
            "irreps_in1": "2x1o",
            "irreps_in2": "1x1o",
            "irreps_out": "2x0e",
            "instructions": [(0, 0, 0, "uvu", True)],
            "in1_var": [1.0],
            "in2_var": [1.0],
            "out_var": [1.0],
            "irrep_normalization": "component",
            "path_normalization": "element",
            "internal_weights": True,
            "shared_weights": True,
            "layout": "mul_ir",
        },
    ),
    "FullTensorProduct": (
        FullTensorProduct,
        lambda: {
            "irreps_in1": "2x1o",
            "irreps_in2": "1x1o",
            "filter_ir_out": ["0e"],
            "irrep_normalization": "component",
            "layout": "mul_ir",
        },
    ),
    "tensor product": (
        lambda **given: TensorProduct(
            "2x1o", "1x1o", "2x0e", [(0, 0, 0, "uvu", True)], internal_weights=False
        )(**given),
        lambda: {"x1": torch.ones(4, 6), "x2": torch.ones(4, 3), "weight": torch.ones(2)},
    ),
    "TypeLinear": (
        TypeLinear,
        lambda: {"irreps_in": "2x0e", "irreps_out": "1x0e", "n_types": 2},
    ),
    "gaussian_moments": (gaussian_moments, _moments),
    "accumulate": (
        accumulate,
        lambda: {
            "X1": torch.ones(2, 3),
            "X2": torch.ones(2, 3),
            "idx_output": torch.tensor([0, 1]),
            "output_size": 2,
            "idx_1": torch.tensor([0, 1]),
            "idx_2": torch.tensor([1, 2]),
            "multipliers": torch.ones(2),
        },
    ),
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
            **_NETWORK,
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
            **_NETWORK,
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

# functions that carry NaN through, as those of torch do
MATHEMATICS = {
    "edge_vectors",
    "power spectrum",
    "tensor product",
    "gaussian_moments",
    "accumulate",
    "quaternions_to_matrices",
    "matrices_to_quaternions",
    "covariances",
    "to_body_frame",
    "torques_of_gradient",
}

# energies of particles that overlap
INFINITE = {"Gay-Berne"}
