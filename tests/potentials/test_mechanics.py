"""Forces, torques and stress against finite differences and ASE, batches, and training on them."""

from typing import Any

import numpy as np
import pytest
import torch
from ase import Atoms
from ase.calculators.lj import LennardJones
from ase.stress import voigt_6_to_full_3x3_stress
from scipy.spatial.transform import Rotation
from torch import Tensor
from torch_geometric.data import Batch

from anisoap_e3nn import AniSOAPEmbedding, EllipsoidData
from anisoap_e3nn.geometry import matrices_to_quaternions, rotation_matrices
from anisoap_e3nn.graph import edge_vectors
from anisoap_e3nn.potentials import Mechanics, mechanics
from anisoap_e3nn.testing import check_batches, check_derivatives, check_precision
from anisoap_e3nn.testing.moves import replaced

STEP = 1e-4
SPELLINGS = ["quaternions", "matrices"]
Model = torch.nn.Module


def respelled(data: EllipsoidData, spelling: str) -> EllipsoidData:
    data = data.clone()
    if spelling == "matrices":
        data.orientations = rotation_matrices(data.orientations)
    return data


def energy(model: Model, data: EllipsoidData) -> float:
    with torch.no_grad():
        return float(model(data).sum())


def rotation(axis: int, angle: float) -> Tensor:
    """exp([θ]×), by SciPy."""
    return torch.from_numpy(Rotation.from_rotvec(angle * np.eye(3)[axis]).as_matrix())


def turned(data: EllipsoidData, particle: int, axis: int, angle: float, body: bool) -> Tensor:
    """The orientations after one particle turned about an axis of space or of its own body."""
    R = rotation_matrices(data.orientations).clone()
    turn = rotation(axis, angle)
    R[particle] = R[particle] @ turn if body else turn @ R[particle]
    if data.orientations.dim() == 3:
        return R
    return matrices_to_quaternions(R) * data.orientations.norm(dim=1, keepdim=True)


@pytest.mark.parametrize("spelling", SPELLINGS)
@pytest.mark.parametrize("name", ["periodic", "open", "slab", "one_periodic"])
def test_derivatives_are_finite_differences(
    backend: str, model: Model, frames: dict[str, EllipsoidData], name: str, spelling: str
) -> None:
    check_derivatives(model, respelled(frames[name], spelling))


@pytest.mark.parametrize("body_frame", [False, True], ids=["space", "body"])
@pytest.mark.parametrize("spelling", SPELLINGS)
def test_torques_by_rotations_of_scipy(
    model: Model, frames: dict[str, EllipsoidData], spelling: str, body_frame: bool
) -> None:
    """About the axes of space, or about those of the particles."""
    data = respelled(frames["slab"], spelling)
    torques = mechanics(model, data, body_frame=body_frame).torques
    for i, k in np.ndindex(2, 3):
        up, down = (
            energy(model, replaced(data, orientations=turned(data, i, k, s * STEP, body_frame)))
            for s in (1, -1)
        )
        assert torques[i, k] == pytest.approx(-(up - down) / (2 * STEP), rel=1e-6, abs=1e-7)
    assert torques.abs().max() > 1e-3


@pytest.mark.parametrize("name", ["periodic", "open", "slab"])
def test_stress_is_virial_by_volume(
    model: Model, frames: dict[str, EllipsoidData], name: str
) -> None:
    data = frames[name]
    result = mechanics(model, data)
    if name == "open":
        assert not result.stress.any()
    else:
        volume = abs(np.linalg.det(data.cell[0].numpy()))
        torch.testing.assert_close(result.stress, -result.virial / volume, rtol=1e-13, atol=0)


def test_stress_does_not_depend_on_the_handedness_of_the_cell(
    model: Model, frames: dict[str, EllipsoidData]
) -> None:
    """Two cell vectors exchanged: the same crystal."""
    data = frames["periodic"]
    exchanged = replaced(data, cell=data.cell[:, [1, 0, 2]].clone())
    assert torch.linalg.det(data.cell[0]) * torch.linalg.det(exchanged.cell[0]) < 0
    stress = mechanics(model, data).stress
    assert stress.abs().max() > 1e-3
    torch.testing.assert_close(mechanics(model, exchanged).stress, stress, rtol=1e-10, atol=1e-13)


def lennard_jones(data: EllipsoidData) -> Tensor:
    r = edge_vectors(data.pos, data.edge_index, data.edge_shifts, data.cell).norm(dim=1)
    energies = 4 * (r**-12 - r**-6) - 4 * (3.0**-12 - 3.0**-6)  # -> [edge]
    return torch.zeros_like(data.pos[:, 0]).index_add(0, data.edge_index[1], energies / 2)


def test_spheres_as_in_ase(generator: torch.Generator) -> None:
    """Signs and units of energy, forces and stress."""
    cell = 1.6 * torch.tensor([[2.0, 0.0, 0.0], [0.3, 2.0, 0.0], [0.0, -0.2, 1.0]])
    pos = torch.tensor([[i, j, 0.0] for i in (0, 0.5) for j in (0, 0.5)]) @ cell
    pos = pos + 0.1 * torch.randn(4, 3, generator=generator)
    atoms = Atoms("Ar4", positions=pos.numpy(), cell=cell.numpy(), pbc=True)
    atoms.calc = LennardJones(rc=3.0)
    turns = torch.randn(4, 4, generator=generator)
    data = EllipsoidData(pos, turns, torch.ones(4, 3), [0] * 4, cell, True).with_edges(3.0)
    result = mechanics(lennard_jones, data)
    assert float(result.energy) == pytest.approx(atoms.get_potential_energy(), rel=1e-12)
    np.testing.assert_allclose(result.forces, atoms.get_forces(), rtol=1e-11, atol=1e-11)
    stress = voigt_6_to_full_3x3_stress(atoms.get_stress())
    np.testing.assert_allclose(result.stress[0], stress, rtol=1e-11, atol=1e-11)
    assert not result.torques.any()


@pytest.mark.parametrize("edges", [False, True], ids=["searched", "given"])
def test_batches(backend: str, model: Model, frames: dict[str, EllipsoidData], edges: bool) -> None:
    check_batches(model, [x.with_edges(4.0) if edges else x for x in frames.values()])
    batch = mechanics(model, Batch.from_data_list(list(frames.values())))
    assert batch.energy[-1] == 0  # no particles
    assert not batch.forces[-2:].any()  # one particle each
    assert not batch.torques[-1].any()


def test_single_precision(model: Model, frames: dict[str, EllipsoidData]) -> None:
    check_precision(model, frames["periodic"])


def test_the_data_stay_as_they_are(model: Model, frames: dict[str, EllipsoidData]) -> None:
    data = frames["slab"]
    before = {name: value.clone() for name, value in data.to_dict().items()}
    with torch.no_grad():  # as in evaluation
        result = mechanics(model, data)
    assert not any(x.requires_grad for x in result)
    assert data.to_dict().keys() == before.keys()
    assert all(torch.equal(data[name], before[name]) for name in before)
    assert not any(data[name].requires_grad for name in before)


def test_edges_reach_as_far_as_the_longest_cutoff(frames: dict[str, EllipsoidData]) -> None:
    class Two(torch.nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.near, self.far = (
                AniSOAPEmbedding([6, 1], cutoff, 1, radial_gaussian_width=1.0)
                for cutoff in (2.0, 4.5)
            )

        def forward(self, data: EllipsoidData) -> Tensor:
            assert data.edge_cutoff == 4.5
            return self.near(data).square().sum(1) * self.far(data).square().sum(1)

    data = frames["periodic"]
    found, given = mechanics(Two(), data), mechanics(Two(), data.with_edges(4.5))
    assert all(torch.equal(a, b) for a, b in zip(found, given, strict=True))


@pytest.mark.parametrize("shape", [(), (1,), (6, 1)])
def test_other_energies_are_refused(
    frames: dict[str, EllipsoidData], shape: tuple[int, ...]
) -> None:
    with pytest.raises(ValueError, match=r"one for each particle, \(6,\)"):
        mechanics(lambda data: data.pos.sum().expand(shape), frames["periodic"])


def loss(result: Mechanics) -> Tensor:
    return sum(
        (weight * x).square().sum() + x.sum()
        for weight, x in zip((1.0, 3.0, 5.0, 0.5, 20.0, 2.0), result, strict=True)
    )


@pytest.mark.parametrize("spelling", SPELLINGS)
def test_gradients_of_a_loss_on_everything(
    backend: str, model: Model, frames: dict[str, EllipsoidData], spelling: str
) -> None:
    """With respect to inputs and parameters, in a batch that is periodic and open."""
    members = [respelled(frames[name], spelling) for name in ("slab", "open", "one_periodic")]
    batch = Batch.from_data_list(members).with_edges(4.0)
    names, parameters = zip(*model.named_parameters(), strict=True)

    def of_inputs(pos: Tensor, rotvec: Tensor, strain: Tensor) -> Tensor:
        # rotations about the given ones, since matrices that are none have no torque
        zeros = torch.zeros_like(rotvec[:, 0])
        x, y, z = rotvec.unbind(1)
        generators = torch.stack([zeros, -z, y, z, zeros, -x, -y, x, zeros], 1).view(-1, 3, 3)
        turns = torch.linalg.matrix_exp(generators)
        if spelling == "matrices":
            orientations = turns @ batch.orientations
        else:
            orientations = 3 * matrices_to_quaternions(
                turns @ rotation_matrices(batch.orientations)
            )
        cell = batch.cell @ (torch.eye(3) + strain)  # where there is none, none arises
        data = replaced(batch, pos=pos, orientations=orientations, cell=cell)
        return loss(mechanics(model, data, create_graph=True))

    def of_parameters(*values: Tensor) -> Tensor:
        def functional(data: Any) -> Tensor:
            return torch.func.functional_call(model, dict(zip(names, values, strict=True)), (data,))

        return loss(mechanics(functional, batch, create_graph=True))

    inputs = [batch.pos, torch.zeros(len(batch.pos), 3), torch.zeros(3, 3, 3)]
    for function, at in ((of_inputs, inputs), (of_parameters, parameters)):
        at = [x.detach().clone().requires_grad_() for x in at]
        assert torch.autograd.gradcheck(function, at, fast_mode=True, atol=1e-6, rtol=1e-6)


def test_training_without_volume_or_neighbors(
    model: Model, frames: dict[str, EllipsoidData]
) -> None:
    """Nothing becomes NaN where a frame has no cell, no neighbours or no particles."""
    batch = Batch.from_data_list([frames["one_open"], frames["empty"]])
    loss(mechanics(model, batch, create_graph=True)).backward()
    assert all(p.grad is not None and p.grad.isfinite().all() for p in model.parameters())
