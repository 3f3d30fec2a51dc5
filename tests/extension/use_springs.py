"""What somebody does with a package of their own: fit, train, save, load, run in ASE, check.

Run by test_extension.py with `springs` installed; its argument is the folder for the model.
"""

import sys
from pathlib import Path

import numpy as np
import springs
import torch
from ase import Atoms
from torch_geometric.data import Batch

from anisoap_e3nn import EllipsoidData
from anisoap_e3nn.fitting import MechanicsLoss, fit_linear
from anisoap_e3nn.interop.ase import AniSOAPCalculator
from anisoap_e3nn.potentials import (
    OneBodyPotential,
    PairPotential,
    StackedPotential,
    load_model,
    mechanics,
    save_model,
)
from anisoap_e3nn.testing import (
    check_batches,
    check_checkpoint,
    check_derivatives,
    check_equivariance,
    check_gradients,
    check_precision,
    check_smoothness,
)

CUTOFF = 3.0
random = torch.Generator().manual_seed(1)


def cluster(n: int) -> EllipsoidData:
    """Ellipsoids of types 1 and 6 near the corners of a cube."""
    corners = 1.6 * torch.cartesian_prod(*[torch.arange(2.0)] * 3)[:n]
    return EllipsoidData(
        corners + 0.2 * torch.randn(n, 3, generator=random),
        torch.randn(n, 4, generator=random),
        0.3 + 0.4 * torch.rand(n, 3, generator=random),
        [1, 6] * (n // 2) + [1] * (n % 2),
    )


def linear_stack() -> StackedPotential:
    pair = PairPotential([1, 6], CUTOFF, n_radial=3, max_degree=2)
    return StackedPotential([OneBodyPotential([1, 6]), pair, springs.HarmonicBonds(2.5)])


def labelled_frames() -> list[EllipsoidData]:
    """Clusters with the energies, forces and torques of a stack with known weights."""
    truth = linear_stack()
    for weights in truth.parameters():
        torch.nn.init.normal_(weights, generator=random)
    frames = [cluster(3 + i % 5) for i in range(40)]
    for frame in frames:
        result = mechanics(truth, frame)
        frame.energy, frame.forces, frame.torques = result[:3]
    return frames


def trained(frames: list[EllipsoidData]) -> springs.NeighborNetwork:
    network = springs.NeighborNetwork([1, 6], CUTOFF, max_angular=2, n_radial=4)
    network.standardize(frames)
    loss, batch = MechanicsLoss(frames), Batch.from_data_list(frames).with_edges(CUTOFF)
    optimizer = torch.optim.Adam(network.parameters(), lr=1e-2)
    losses = []
    for _ in range(15):
        optimizer.zero_grad()
        value = loss(mechanics(network, batch, create_graph=True), batch)
        value.backward()
        optimizer.step()
        losses.append(float(value.detach()))
    assert losses[-1] < 0.7 * losses[0], losses
    return network


def main(path: Path) -> None:
    torch.manual_seed(2)
    torch.set_default_dtype(torch.float64)
    frames = labelled_frames()

    stack = linear_stack()
    fitted = fit_linear(stack, frames)
    assert min(fitted) > 0.999999, fitted
    model = StackedPotential([stack, trained(frames)])

    save_model(model, path)
    loaded = load_model(path)  # without allow
    assert type(loaded.components[1]) is springs.NeighborNetwork
    frame = cluster(6)
    result = mechanics(loaded, frame)
    for found, expected in zip(result, mechanics(model, frame), strict=True):
        assert torch.equal(found, expected)

    atoms = Atoms(frame.types.numpy(), frame.pos.numpy())
    for name in ("orientations", "semiaxes"):
        atoms.set_array({"orientations": "quaternions"}.get(name, name), frame[name].numpy())
    atoms.calc = AniSOAPCalculator(path)
    np.testing.assert_allclose(atoms.get_potential_energy(), float(result.energy), rtol=1e-12)
    np.testing.assert_allclose(atoms.get_forces(), result.forces, rtol=1e-10, atol=1e-10)

    network = loaded.components[1]
    check_equivariance(loaded, frame)
    check_derivatives(loaded, frame, directions=3)
    check_smoothness(loaded, frame)
    check_batches(loaded, frames[:3])
    check_precision(loaded, frame)
    check_gradients(network, frame)
    check_checkpoint(loaded, frame)
    print("all is well")


if __name__ == "__main__":
    main(Path(sys.argv[1]))
