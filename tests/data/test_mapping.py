"""Mapping of trajectories: shapes, axes that follow the atoms, inertia, targets, beads and files."""

from pathlib import Path

import ase
import ase.build
import ase.io
import numpy as np
import pytest
import torch
from ase.calculators.singlepoint import SinglePointCalculator
from scipy.spatial.transform import Rotation

from anisoap_e3nn import cli
from anisoap_e3nn.data import (
    EllipsoidMapping,
    coarse_grain,
    iterate_mapped,
    read_ellipsoids,
    visible_torques,
    with_visible_torques,
)
from anisoap_e3nn.geometry import rotation_matrices
from anisoap_e3nn.simulation import RigidBodies

F64 = {"dtype": torch.float64}


@pytest.fixture
def rng() -> np.random.Generator:
    return np.random.default_rng(5)


def liquid(rng: np.random.Generator, name: str = "C6H6", n: int = 4) -> ase.Atoms:
    """Turned molecules in a periodic cell, wrapped, with forces."""
    atoms = ase.Atoms(cell=[9.0, 9.0, 9.0 * n], pbc=True)
    for k in range(n):
        molecule = ase.build.molecule(name)
        turned = Rotation.random(random_state=rng.integers(999)).apply(molecule.positions)
        molecule.positions = turned - turned.mean(0) + [8.0, 0.5, 9.0 * k]
        atoms += molecule
    atoms.wrap()
    atoms.calc = SinglePointCalculator(atoms, energy=0.0, forces=rng.normal(size=(len(atoms), 3)))
    return atoms


def test_shape_with_the_spheres_of_the_atoms(rng: np.random.Generator) -> None:
    """The second moments of random points in the spheres, each sphere for itself."""
    from ase.data import vdw_radii

    water = ase.build.molecule("H2O")
    points = rng.normal(size=(100_000, 3))
    points *= rng.random((len(points), 1)) ** (1 / 3) / np.linalg.norm(points, axis=1)[:, None]
    mapping = EllipsoidMapping(**F64)
    data = mapping(water)
    body = rotation_matrices(data.orientations)[0].numpy()
    total, volume = np.zeros(3), 0.0
    for number, position in zip(water.numbers, water.positions - data.pos[0].numpy(), strict=True):
        radius = vdw_radii[number]
        total += radius**3 * ((position + radius * points) @ body).__pow__(2).mean(0)
        volume += radius**3
    np.testing.assert_allclose(data.semiaxes[0], np.sqrt(5 * total / volume), rtol=5e-3)


def test_shape_of_the_masses_and_inertia_are_those_of_one_frame(rng: np.random.Generator) -> None:
    """As coarse_grain has them, and as ASE has the moments of inertia."""
    atoms = liquid(rng, "CH3OH", 1)
    mapping = EllipsoidMapping("mass", **F64)
    found, expected = mapping(atoms), coarse_grain(atoms, **F64)
    torch.testing.assert_close(found.semiaxes, expected.semiaxes, rtol=2e-2, atol=1e-9)
    for name in ("pos", "forces", "torques"):
        torch.testing.assert_close(found[name], expected[name])
    moments = ase.build.molecule("CH3OH").get_moments_of_inertia()
    np.testing.assert_allclose(np.sort(found.moments[0]), np.sort(moments), rtol=1e-9)
    assert found.masses[0] == pytest.approx(ase.build.molecule("CH3OH").get_masses().sum())
    bodies = RigidBodies(found)
    assert torch.equal(bodies.masses, found.masses)
    assert torch.equal(bodies.moments, found.moments)
    assert float(RigidBodies(found, 2.0).masses) == 2.0


@pytest.mark.parametrize("name", ["C6H6", "CH4", "CH3OH", "H2O"])
def test_axes_turn_with_the_atoms(rng: np.random.Generator, name: str) -> None:
    """By exactly the rotation of the molecule, though two or three moments of inertia may be equal."""
    mapping = EllipsoidMapping(**F64)
    before = liquid(rng, name, 1)
    data = mapping(before)
    turn = Rotation.random(random_state=1)
    after = before.copy()
    after.set_cell([30.0] * 3)
    before_whole = before.positions + 9.0 * np.round((data.pos[0].numpy() - before.positions) / 9.0)
    after.positions = turn.apply(before_whole - data.pos[0].numpy()) + 15.0
    turned = mapping(after)
    R = rotation_matrices(turned.orientations) @ rotation_matrices(data.orientations).mT
    np.testing.assert_allclose(R[0], turn.as_matrix(), atol=1e-9)
    assert torch.equal(turned.semiaxes, data.semiaxes)
    torch.testing.assert_close(
        torch.linalg.det(rotation_matrices(data.orientations)).sum(), torch.ones((), **F64)
    )


def test_flexible_molecules_keep_one_shape(rng: np.random.Generator) -> None:
    mapping, atoms = EllipsoidMapping(**F64), liquid(rng)
    shapes = []
    still = atoms.positions.copy()
    for _ in range(3):
        atoms.positions = still + 0.03 * rng.normal(size=still.shape)
        shapes.append(mapping(atoms).semiaxes)
    assert torch.equal(shapes[0], shapes[1])
    assert torch.equal(shapes[0], shapes[2])
    assert (shapes[0] == shapes[0][0]).all()
    assert shapes[0][0, 0] == shapes[0][0, 1]  # a symmetric top still


def rotors(rng: np.random.Generator, n: int) -> ase.Atoms:
    """Methanol in open space, with its methyl groups turned about the bond by random angles."""
    atoms = ase.Atoms()
    for k in range(n):
        molecule = ase.build.molecule("CH3OH")
        carbon, oxygen = molecule.positions[:2]
        hydrogens = np.flatnonzero(
            np.linalg.norm(molecule.positions - carbon, axis=1).round(1) == 1.1
        )
        assert len(hydrogens) == 3
        axis = (oxygen - carbon) / np.linalg.norm(oxygen - carbon)
        inner = Rotation.from_rotvec(2 * np.pi * rng.random() * axis)
        molecule.positions[hydrogens] = carbon + inner.apply(molecule.positions[hydrogens] - carbon)
        turned = Rotation.random(random_state=rng.integers(999)).apply(molecule.positions)
        molecule.positions = turned - turned.mean(0) + [4.0, 4.0, 9.0 * k + 4.0]
        atoms += molecule
    return atoms


def test_inner_rotation_leaves_the_inertia_of_the_atoms(rng: np.random.Generator) -> None:
    """The mean of the molecules' own moments, though mean positions of turning atoms are on the axis."""
    n = 40
    atoms = rotors(rng, n)
    tensors = [atoms[6 * k : 6 * k + 6].get_moments_of_inertia() for k in range(n)]
    mapped = EllipsoidMapping("mass", **F64)(atoms)
    moments = mapped.moments[0].numpy()
    assert moments.sum() == pytest.approx(np.mean(tensors, 0).sum(), rel=1e-9)
    assert moments.min() == pytest.approx(np.min(tensors, 1).mean(), rel=0.02)
    squares = mapped.semiaxes[0].numpy() ** 2 / 5 * float(mapped.masses[0])
    np.testing.assert_allclose(squares.sum() - squares, moments, rtol=0.02)


def test_given_shapes_and_energies_of_zero(rng: np.random.Generator) -> None:
    atoms = liquid(rng)
    mapped = EllipsoidMapping({0: [3.0, 3.0, 1.7]}, **F64)(atoms)
    assert mapped.semiaxes.tolist() == [[3.0, 3.0, 1.7]] * 4
    assert "energy" not in mapped
    assert "energy" not in coarse_grain(atoms)
    atoms.calc.results["energy"] = -2.0
    assert float(EllipsoidMapping(**F64)(atoms).energy) == -2.0
    with pytest.raises(ValueError, match="found type 0, expected one of shape"):
        EllipsoidMapping({1: [1.0, 1, 1]})(atoms)
    with pytest.raises(ValueError, match="shape is 'sphere'"):
        EllipsoidMapping("sphere")  # type: ignore[arg-type]


def test_beads_share_the_forces_of_their_molecule(rng: np.random.Generator) -> None:
    atoms = liquid(rng)
    beads = [[0, 1, 6, 7], [2, 3, 8, 9], [4, 5, 10, 11]]
    mapped, whole = EllipsoidMapping(beads=beads, **F64)(atoms), EllipsoidMapping(**F64)(atoms)
    assert len(mapped.pos) == 12
    torch.testing.assert_close(mapped.forces.view(4, 3, 3).sum(1), whole.forces)
    arms = (mapped.pos.view(4, 3, 3) - whole.pos[:, None]).flatten(0, 1)
    torques = (mapped.torques + torch.linalg.cross(arms, mapped.forces)).view(4, 3, 3).sum(1)
    torch.testing.assert_close(torques, whole.torques)
    torch.testing.assert_close(mapped.masses.view(4, 3).sum(1), whole.masses)
    with pytest.raises(ValueError, match="beads contain position 12"):
        EllipsoidMapping(beads=[[0, 12]])(atoms)
    with pytest.raises(ValueError, match="beads contain position -1, expected positions from 0"):
        EllipsoidMapping(beads=[[0, -1]])(atoms)
    mapping = EllipsoidMapping(beads=beads[:2])
    with pytest.warns(
        UserWarning, match="16 of 48 atoms are in no bead.* masses and forces are lost"
    ):
        mapping(atoms)
    mapping(atoms)  # says so once


def test_other_orders_and_other_molecules(rng: np.random.Generator) -> None:
    atoms = liquid(rng)
    order = np.r_[0:36, 36 + np.arange(12)[::-1]]
    with pytest.raises(ValueError, match="in this order"):
        EllipsoidMapping()(atoms[order])
    exchanged = ase.build.molecule("C6H6")
    exchanged.positions[[0, 1]] = exchanged.positions[[1, 0]]
    mapping = EllipsoidMapping()
    mapping(ase.build.molecule("C6H6"))
    with pytest.warns(UserWarning, match="isomers and mirror images"):
        mapping(exchanged)


def test_torques_about_axes_of_symmetry(rng: np.random.Generator) -> None:
    """Those of disks have none along the axis, those of spheres none at all, those of others all."""
    data = EllipsoidMapping({0: [3.0, 3.0, 1.7]}, **F64)(liquid(rng))
    data.semiaxes[1] = torch.tensor([2.0, 2, 2])
    data.semiaxes[2] = torch.tensor([3.0, 2, 1])
    data.semiaxes[3] = torch.tensor([3.0, 1, 1])
    seen, R = visible_torques(data.torques, data), rotation_matrices(data.orientations)
    disk, needle = R[0, :, 2], R[3, :, 0]
    torch.testing.assert_close(seen[0], data.torques[0] - disk * (disk @ data.torques[0]))
    torch.testing.assert_close(seen[3], data.torques[3] - needle * (needle @ data.torques[3]))
    assert seen[1].abs().max() < 1e-14
    torch.testing.assert_close(seen[2], data.torques[2])
    assert torch.equal(with_visible_torques(data).torques, seen)


def test_the_command(
    tmp_path: Path, rng: np.random.Generator, capsys: pytest.CaptureFixture[str]
) -> None:
    frames = [liquid(rng) for _ in range(3)]
    ase.io.write(tmp_path / "atoms.xyz", frames, format="extxyz")
    words = [str(tmp_path / "atoms.xyz"), "-o", str(tmp_path / "mapped.xyz")]
    assert cli.main(["coarse-grain", *words]) == 0
    printed = capsys.readouterr().out
    assert "3 frames" in printed
    assert "semi-axes 3.18" in printed
    assert "about axes of symmetry" in printed
    mapped = read_ellipsoids(tmp_path / "mapped.xyz", **F64)
    mapping = EllipsoidMapping(**F64)
    for found, atoms in zip(mapped, frames, strict=True):
        expected = mapping(atoms)
        assert "energy" not in found
        for name in ("pos", "forces", "torques", "semiaxes", "masses", "moments", "types", "cell"):
            torch.testing.assert_close(found[name], expected[name], rtol=1e-6, atol=1e-6)
    assert len(list(iterate_mapped(tmp_path / "atoms.xyz", mapping, pbc=True))) == 3
    for wrong, message in (
        (["--shape", "0:1,2"], "expected van-der-waals, mass, or TYPE:A,B,C"),
        (["--beads", "a,b"], "expected positions of atoms"),
        ([], "exists already"),
    ):
        extra = ["--overwrite"] if wrong else []
        assert cli.main(["coarse-grain", *words, *extra, *wrong]) == 2
        assert message in capsys.readouterr().err
