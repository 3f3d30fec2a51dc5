"""Models, and atoms of ASE that are ellipsoids."""

from typing import Any

import numpy as np
import torch
from scipy.spatial.transform import Rotation
from torch import Tensor

from anisoap_e3nn import AniSOAPEmbedding
from anisoap_e3nn.gay_berne import GayBerne
from anisoap_e3nn.networks import NequIPStylePotential
from anisoap_e3nn.potentials import (
    ManyBodyPotential,
    OneBodyPotential,
    PairPotential,
    StackedPotential,
)

CUTOFF = 4.5  # longer than half of the cell is high: some neighbours are images of the same atom


class DensityEnergy(torch.nn.Module):
    """A network, of the least kind: squares of the coefficients of the density."""

    def __init__(self) -> None:
        super().__init__()
        self.embedding = AniSOAPEmbedding(
            [6, 1], CUTOFF, 3, radial_gaussian_width=1.0, cutoff_function="polynomial"
        )

    def forward(self, data: Any) -> Tensor:
        return 50 * self.embedding(data).square().sum(1)


def gay_berne() -> GayBerne:
    depths = [[1.5, 0.7, 0.4], [1.0, 0.8, 0.6]]
    return GayBerne([6, 1], CUTOFF, well_depths=depths, sigma=0.9, smoothing_width=1.0)


def pair_potential() -> PairPotential:
    torch.manual_seed(5)
    pair = PairPotential([6, 1], CUTOFF, n_radial=4, max_degree=2)
    torch.nn.init.normal_(pair.weights, std=0.1)
    return pair


def stack() -> StackedPotential:
    one_body, many_body = OneBodyPotential([1, 6]), ManyBodyPotential([1, 6], 3.5, 2, 1)
    torch.nn.init.normal_(one_body.weights)
    torch.nn.init.normal_(many_body.weights)
    return StackedPotential([one_body, pair_potential(), many_body])


def nequip() -> NequIPStylePotential:
    torch.manual_seed(6)
    return NequIPStylePotential(
        [1, 6], CUTOFF, "4x0e + 4x1o", n_layers=2, max_angular=2, max_radial=0
    )


MODELS = {
    "exact": gay_berne,
    "stack": stack,
    "component": pair_potential,
    "function of the density": DensityEnergy,
    "network": nequip,
}


def shaken_lattice(rng: np.random.Generator) -> Any:
    """Twelve ellipsoids on a shaken lattice, triclinic and periodic, spelled as AniSOAP does."""
    import ase

    cell = np.array([[4.9, 0.3, 0.0], [-0.7, 5.2, 0.4], [0.2, 1.0, 7.0]])
    sites = np.stack(np.meshgrid(*map(np.arange, (2, 2, 3)), indexing="ij"), -1).reshape(-1, 3)
    positions = sites / [2, 2, 3] @ cell + 0.3 * rng.random((12, 3))
    atoms = ase.Atoms(numbers=rng.choice([6, 1], 12), positions=positions, cell=cell, pbc=True)
    quaternions = rng.normal(size=(12, 4))  # of any norm
    atoms.set_array("c_q", quaternions)
    for k, diameters in enumerate(0.8 + 0.8 * rng.random((3, 12)), start=1):
        atoms.set_array(f"c_diameter[{k}]", diameters)
    return atoms


def turn(atoms: Any, index: int, rotation_vector: Any) -> None:
    quaternion = atoms.arrays["c_q"][index]
    turned = Rotation.from_rotvec(rotation_vector) * Rotation.from_quat(quaternion[[1, 2, 3, 0]])
    atoms.arrays["c_q"][index] = turned.as_quat()[[3, 0, 1, 2]]
