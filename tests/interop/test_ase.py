"""The calculator for ASE: finite differences, spellings of ellipsoids, and frames of every kind."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from anisoap_e3nn import EllipsoidData
from anisoap_e3nn.data import read_ellipsoids
from anisoap_e3nn.potentials import Potential, StackedPotential, mechanics
from ellipsoid_atoms import CUTOFF, gay_berne, turn

ase = pytest.importorskip("ase", reason="ASE is not installed")

from ase.calculators.calculator import PropertyNotImplementedError  # noqa: E402
from ase.calculators.fd import calculate_numerical_forces, calculate_numerical_stress  # noqa: E402

from anisoap_e3nn.interop.ase import AniSOAPCalculator  # noqa: E402

pytestmark = pytest.mark.usefixtures("float64_by_default")


def data_of(atoms: Any) -> EllipsoidData:
    return EllipsoidData(
        torch.tensor(atoms.positions),
        torch.tensor(atoms.arrays["c_q"]),
        torch.tensor(np.stack([atoms.arrays[f"c_diameter[{k}]"] for k in (1, 2, 3)], 1)) / 2,
        torch.tensor(atoms.numbers),
        torch.tensor(atoms.cell.array),
        torch.tensor(atoms.pbc),
    )


def numerical_torques(atoms: Any, eps: float = 1e-5) -> np.ndarray:
    torques = np.zeros((len(atoms), 3))
    for index in range(len(atoms)):
        for axis, rotation_vector in enumerate(eps * np.eye(3)):
            energies = []
            for sign in (1, -1):
                turned = atoms.copy()
                turn(turned, index, sign * rotation_vector)
                turned.calc = atoms.calc
                energies.append(turned.get_potential_energy())
            torques[index, axis] = (energies[1] - energies[0]) / (2 * eps)
    return torques


def test_finite_differences(model: torch.nn.Module, atoms: Any) -> None:
    atoms.calc = AniSOAPCalculator(model, skin=0.3)
    forces, stress = atoms.get_forces(), atoms.get_stress()
    torques = atoms.calc.get_torques(atoms)
    for values in (forces, stress, torques):
        assert np.abs(values).max() > 1e-4  # or there would be nothing to compare
    numerical = calculate_numerical_forces(atoms, eps=1e-5)
    np.testing.assert_allclose(forces, numerical, atol=1e-7 * np.abs(forces).max())
    numerical = calculate_numerical_stress(atoms, eps=1e-5)
    np.testing.assert_allclose(stress, numerical, atol=1e-7 * np.abs(stress).max())
    numerical = numerical_torques(atoms)
    np.testing.assert_allclose(torques, numerical, atol=1e-7 * np.abs(torques).max())


def test_results_are_those_of_the_model(model: torch.nn.Module, atoms: Any) -> None:
    atoms.calc = AniSOAPCalculator(model)
    expected = mechanics(
        StackedPotential([model]) if isinstance(model, Potential) else model,
        data_of(atoms).with_edges(CUTOFF),
    )
    assert atoms.get_potential_energy() == pytest.approx(float(expected.energy), rel=1e-12)
    assert atoms.get_potential_energy(force_consistent=True) == atoms.get_potential_energy()
    for found, tensor in (
        (atoms.get_potential_energies(), expected.energies),
        (atoms.get_forces(), expected.forces),
        (atoms.calc.get_torques(), expected.torques),
        (atoms.get_stress(voigt=False), expected.stress[0]),
    ):
        np.testing.assert_allclose(found, tensor.numpy(), rtol=1e-11, atol=1e-11)
    assert set(atoms.get_properties(["energy", "forces"])) >= {"energy", "forces", "stress"}


def test_small_cells_have_the_energies_of_large_ones(model: torch.nn.Module, atoms: Any) -> None:
    atoms = atoms[:3]
    atoms.set_cell(0.55 * atoms.cell)
    atoms.positions = [[0, 0, 0], [1.1, 1.4, 0.2], [0.2, 0.9, 2.0]]
    large = atoms * (2, 1, 3)
    atoms.calc, large.calc = AniSOAPCalculator(model), AniSOAPCalculator(model)
    assert large.get_potential_energy() == pytest.approx(6 * atoms.get_potential_energy(), 1e-11)
    np.testing.assert_allclose(large.get_stress(), atoms.get_stress(), rtol=1e-9, atol=1e-11)
    torques = np.tile(atoms.calc.get_torques(), (6, 1))
    np.testing.assert_allclose(large.calc.get_torques(), torques, rtol=1e-9, atol=1e-9)


def spelled(atoms: Any, orientation: str, size: str) -> Any:
    other = ase.Atoms(
        numbers=atoms.numbers, positions=atoms.positions, cell=atoms.cell, pbc=atoms.pbc
    )
    w, x, y, z = atoms.arrays["c_q"].T
    diameters = np.stack([atoms.arrays[f"c_diameter[{k}]"] for k in (1, 2, 3)], 1)
    if orientation == "quatw":
        for name, values in zip(("quatw", "quati", "quatj", "quatk"), (w, x, y, z), strict=True):
            other.set_array(name, values)
    else:
        order = (x, y, z, w) if orientation == "orientation" else (w, x, y, z)
        other.set_array(orientation, np.stack(order, 1))
    if size == "shapex":
        for name, values in zip(("shapex", "shapey", "shapez"), diameters.T, strict=True):
            other.set_array(name, values)
    else:
        factor = 1 if size in ("c_diameter", "c_shape") else 0.5
        other.set_array(size, factor * diameters)
    return other


@pytest.mark.parametrize("orientation", ["c_q", "c_quat", "quaternions", "orientation", "quatw"])
@pytest.mark.parametrize("size", ["c_diameter", "semiaxes", "aspherical_shape", "shapex"])
def test_every_spelling_is_understood_and_watched(atoms: Any, orientation: str, size: str) -> None:
    atoms.calc = calculator = AniSOAPCalculator(gay_berne())
    energy = atoms.get_potential_energy()
    other = spelled(atoms, orientation, size)
    other.calc = AniSOAPCalculator(gay_berne())
    assert other.get_potential_energy() == pytest.approx(energy, rel=1e-12)
    for name in (orientation, size):
        before = other.get_potential_energy()
        assert other.calc.check_state(other) == []
        other.arrays[name].flat[:2] += 0.05  # in place
        assert other.calc.check_state(other) == [name]
        assert abs(other.get_potential_energy() - before) > 1e-6
    assert calculator.get_potential_energy(atoms) == energy


def test_sizes_of_types_may_be_given(atoms: Any) -> None:
    for k in (1, 2, 3):
        del atoms.arrays[f"c_diameter[{k}]"]
    sizes = {1: 0.4, 6: [0.5, 0.6, 0.8]}
    atoms.calc = AniSOAPCalculator(gay_berne(), semiaxes=sizes)
    energy = atoms.get_potential_energy()
    atoms.set_array("semiaxes", np.array([np.broadcast_to(sizes[t], 3) for t in atoms.numbers]))
    atoms.calc = AniSOAPCalculator(gay_berne())
    assert atoms.get_potential_energy() == pytest.approx(energy, rel=1e-12)
    turned = AniSOAPCalculator(gay_berne(), space_to_body=True)
    assert abs(turned.get_potential_energy(atoms) - energy) > 1e-4
    atoms.arrays["c_q"] *= [1, -1, -1, -1]
    assert turned.get_potential_energy(atoms) == pytest.approx(energy, rel=1e-12)


def test_open_frames_have_no_stress(model: torch.nn.Module, atoms: Any) -> None:
    cluster = atoms.copy()
    cluster.set_pbc(False)
    cluster.cell[:] = 0
    cluster.calc = AniSOAPCalculator(model)
    forces, torques = cluster.get_forces(), cluster.calc.get_torques()
    np.testing.assert_allclose(forces.sum(0), 0, atol=1e-10)
    balance = np.cross(cluster.positions, forces).sum(0) + torques.sum(0)
    np.testing.assert_allclose(balance, 0, atol=1e-10)
    with pytest.raises(PropertyNotImplementedError, match="stress not present"):
        cluster.get_stress()
    lonely = cluster[:1]
    lonely.calc = AniSOAPCalculator(model)
    np.testing.assert_array_equal(lonely.get_forces(), 0)
    nobody = cluster[:0]
    nobody.calc = AniSOAPCalculator(model)
    assert nobody.get_potential_energy() == 0
    assert nobody.get_forces().shape == nobody.calc.get_torques().shape == (0, 3)


def test_files_hold_everything(atoms: Any, tmp_path: Path) -> None:
    atoms.calc = AniSOAPCalculator(gay_berne())
    atoms.get_stress()
    atoms.set_array("torques", atoms.calc.get_torques())
    atoms.write(tmp_path / "frame.extxyz")
    (data,) = read_ellipsoids(tmp_path / "frame.extxyz")
    found = {name: data[name].numpy() for name in ("energy", "forces", "torques")}
    for name, values in found.items():
        np.testing.assert_allclose(
            values, atoms.calc.results[name] * np.ones_like(values), 1e-5, 1e-6
        )
    np.testing.assert_allclose(data.stress[0], atoms.get_stress(voigt=False), rtol=1e-6)
