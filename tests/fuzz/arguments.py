"""Valid arguments of the calls that the fuzz makes."""

from functools import cache
from typing import Any

import torch

from anisoap_e3nn import AniSOAPEmbedding, EllipsoidData, geometry
from anisoap_e3nn.gay_berne import (
    GayBerne,
    label_frames,
)
from anisoap_e3nn.graph import edges_of, neighbor_list
from anisoap_e3nn.potentials import (
    OneBodyPotential,
    PairPotential,
    StackedPotential,
)
from anisoap_e3nn.simulation import RigidBodies

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


NETWORK: Arguments = {
    "max_angular": 1,
    "max_radial": 1,
    "radial_gaussian_width": 1.0,
    "density_width": 1.0,
    "max_angular_edges": 1,
    "n_radial": 3,
    "radial_layers": [4],
    "edge_orientations": True,
}


def moments() -> Arguments:
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


def list_arguments() -> Arguments:
    given = fields()
    names = {"cell": "cell", "pbc": "pbc", "types": "types"}
    others = {ours: given[theirs] for ours, theirs in names.items()}
    return {
        "positions": given["pos"],
        "cutoff": 2.5,
        **others,
        "batch": torch.zeros(4, dtype=torch.int64),
    }


def vector_arguments() -> Arguments:
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


def targets_of_frame() -> Arguments:
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
