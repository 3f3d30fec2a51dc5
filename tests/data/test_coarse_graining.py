from pathlib import Path

import ase
import ase.build
import ase.io
import numpy as np
import pytest
import torch
from ase.calculators.singlepoint import SinglePointCalculator
from scipy.spatial.transform import Rotation

from anisoap_e3nn.data import coarse_grain, find_molecules, iterate_coarse_grained, read_ellipsoids
from anisoap_e3nn.geometry import covariances, rotation_matrices

SHARED = Path(__file__).parents[3] / "shared" / "data"
needs_shared = pytest.mark.skipif(not SHARED.is_dir(), reason="the folder shared/data is absent")


@pytest.fixture
def rng():
    return np.random.default_rng(12)


def grained(atoms, groups=None, **options):
    return coarse_grain(atoms, groups, dtype=torch.float64, **options)


def sigma(data):
    return covariances(data.orientations, data.semiaxes).numpy()


def modulo_cell(difference, cell):
    scaled = np.linalg.solve(cell.T, np.asarray(difference).T).T
    return (scaled - scaled.round()) @ cell


@pytest.fixture
def crystal(rng):
    """Twelve water, methanol and benzene molecules in a triclinic cell, well apart."""
    cell = np.array([[16.0, 0, 0], [3.0, 15.0, 0], [-4.0, 2.0, 16.0]])
    names = ["H2O", "CH3OH", "C6H6"] * 4
    sites = np.stack(np.meshgrid([0, 1], [0, 1], [0, 1, 2], indexing="ij"), -1).reshape(-1, 3)
    atoms = ase.Atoms(cell=cell, pbc=True)
    for name, site in zip(names, (sites + 0.3) / [2, 2, 3], strict=True):
        molecule = ase.build.molecule(name)
        turned = Rotation.random(random_state=rng.integers(99)).apply(molecule.positions)
        molecule.positions = turned - turned.mean(0) + site @ cell
        atoms += molecule
    return atoms


TYPES = {"H2O": 4, "CH4O": 0, "C6H6": 2}


def test_semiaxes_are_those_of_a_solid_ellipsoid(rng):
    # random points inside an ellipsoid, equal masses: its own semi-axes come back
    points = rng.normal(size=(200_000, 3))
    points *= (rng.random((len(points), 1)) ** (1 / 3)) / np.linalg.norm(points, axis=1)[:, None]
    turn = Rotation.random(random_state=4)
    atoms = ase.Atoms("C" * len(points), turn.apply(points * [3.0, 2.0, 0.5]) + np.array([1, 2, 3]))
    data = grained(atoms, [range(len(points))])
    np.testing.assert_allclose(data.semiaxes[0], [3, 2, 0.5], rtol=0.01)
    np.testing.assert_allclose(data.pos[0], [1, 2, 3], atol=0.02)
    expected = turn.as_matrix() * [9, 4, 0.25] @ turn.as_matrix().T
    np.testing.assert_allclose(sigma(data)[0], expected, atol=0.1)


def test_axes_are_those_of_the_moments_of_inertia():
    # the moments of inertia of ASE: I_k = M (λ_i + λ_j)
    for name in ("H2O", "CH3OH", "C6H6", "CH3CH2OH"):
        molecule = ase.build.molecule(name)
        data = grained(molecule)
        np.testing.assert_allclose(data.pos[0], molecule.get_center_of_mass(), atol=1e-12)
        eigenvalues = data.semiaxes[0].numpy() ** 2 / 5
        inertia = molecule.get_masses().sum() * (eigenvalues.sum() - eigenvalues)
        moments, axes = molecule.get_moments_of_inertia(vectors=True)
        np.testing.assert_allclose(inertia, moments, atol=1e-10)
        if np.diff(moments).min() > 0.1:
            overlap = np.abs(axes @ rotation_matrices(data.orientations)[0].numpy())
            np.testing.assert_allclose(overlap, np.eye(3), atol=1e-6)
        assert data.types.tolist() == [0]


def test_ellipsoids_follow_rotations_and_translations(crystal):
    before = grained(crystal, types=TYPES)
    turn, shift = Rotation.random(random_state=2), np.array([0.3, -2.0, 5.0])
    crystal.set_cell(turn.apply(crystal.cell.array))
    crystal.positions = turn.apply(crystal.positions) + shift
    after = grained(crystal, types=TYPES)
    matrix = turn.as_matrix()
    np.testing.assert_allclose(after.pos, turn.apply(before.pos) + shift, atol=1e-10)
    np.testing.assert_allclose(sigma(after), matrix @ sigma(before) @ matrix.T, atol=1e-10)


@pytest.mark.parametrize("given", [False, True])
def test_molecules_across_the_boundary_are_made_whole(crystal, rng, given):
    groups = find_molecules(crystal) if given else None
    before = grained(crystal, groups, types=TYPES)
    crystal.positions += rng.normal(size=3) * 10
    crystal.wrap()
    crystal.positions += rng.integers(-2, 3, (len(crystal), 3)) @ crystal.cell.array
    after = grained(crystal, groups, types=TYPES)
    np.testing.assert_allclose(sigma(after), sigma(before), atol=1e-9)
    steps = modulo_cell((after.pos - before.pos).numpy(), crystal.cell.array)
    np.testing.assert_allclose(
        modulo_cell(steps - steps[0], crystal.cell.array), 0, atol=1e-9
    )  # all by the same vector
    assert after.types.tolist() == before.types.tolist() == [4, 0, 2] * 4


@pytest.mark.parametrize("given", [False, True])
def test_a_molecule_longer_than_half_the_cell(given):
    # an all-trans chain of carbon, 16 Å long, in a cell of 19 Å: only its bonds tell its shape
    chain = ase.Atoms("C14", [[1.25 * k, 0.4 * (-1) ** k, 0] for k in range(14)])
    free = grained(chain, [range(14)])
    chain.set_cell([19.0, 12.0, 12.0])
    chain.pbc = True
    chain.positions += [11.0, -0.1, 11.9]
    chain.wrap()
    groups = [np.random.default_rng(1).permutation(14)] if given else None
    boxed = grained(chain, groups)
    np.testing.assert_allclose(boxed.semiaxes, free.semiaxes, atol=1e-6)
    np.testing.assert_allclose(sigma(boxed), sigma(free), atol=1e-9)


@pytest.mark.parametrize("periodic", [True, [True, False, False]])
def test_chains_and_networks_without_end_are_refused(periodic):
    chain = ase.Atoms("C10", [[1.3 * k, 0, 0] for k in range(10)], cell=[13, 9, 9], pbc=periodic)
    with pytest.raises(ValueError, match=r"bonded to its own periodic image.*give groups"):
        coarse_grain(chain)
    with pytest.raises(ValueError, match="bonded to its own periodic image"):
        find_molecules(ase.build.bulk("Cu"))
    chain.pbc = False
    assert len(find_molecules(chain)) == 1


def test_a_molecule_in_a_cell_of_its_own_size_touches_images_without_bonds():
    # acetylene in cells whose images come closer than the molecule is long
    atoms = ase.build.molecule("C2H2")
    atoms.set_cell([4.0, 4.0, 5.4])
    atoms.pbc = True
    assert [group.tolist() for group in find_molecules(atoms)] == [[0, 1, 2, 3]]
    np.testing.assert_allclose(
        grained(atoms).semiaxes, grained(ase.build.molecule("C2H2")).semiaxes, atol=1e-7
    )


def test_flat_linear_and_single_atoms():
    disk = grained(ase.build.molecule("C6H6")).semiaxes[0]
    assert disk[2] < 1e-6
    assert abs(disk[0] - disk[1]) < 1e-3
    needle = grained(ase.build.molecule("C2H2")).semiaxes[0]
    assert needle[0] > 1
    assert needle[1:].abs().max() < 1e-6
    point = grained(ase.Atoms("Ar", [[1, 2, 3]]))
    assert point.semiaxes.tolist() == [[0, 0, 0]]
    assert point.pos.tolist() == [[1, 2, 3]]
    assert grained(ase.Atoms()).num_nodes == 0


def test_orientations_are_proper_rotations(crystal):
    rotations = rotation_matrices(grained(crystal, types=TYPES).orientations)
    torch.testing.assert_close(
        torch.linalg.det(rotations), torch.ones(len(rotations), dtype=torch.float64)
    )


def test_several_kinds_need_types(crystal):
    with pytest.raises(
        ValueError,
        match=r"H2O \(4\), CH4O \(4\), C6H6 \(4\), atom 9 in the rarest.*types=\{'C6H6': 0, 'CH4O': 1",
    ):
        coarse_grain(crystal)
    with pytest.raises(ValueError, match=r"H2O \(4\), CH4O \(4\), .*of types, \['C6H6'\]"):
        coarse_grain(crystal, types={"C6H6": 0})


@pytest.mark.parametrize(
    ("groups", "message"),
    [
        ([[0, 1], []], "one or more indices"),
        ([[0, 1], [3]], r"index 3, expected 0\.\.2"),
        ([[0, -1]], r"index -1, expected 0\.\.2"),
        ([[0, 1], [1, 2]], "atom 1 2 times, expected at most once"),
    ],
)
def test_faulty_groups(groups, message):
    with pytest.raises(ValueError, match=message):
        coarse_grain(ase.build.molecule("H2O"), groups)


def test_files_are_coarse_grained_frame_by_frame(tmp_path, crystal):
    water = crystal[find_molecules(crystal)[0]]
    path = tmp_path / "frames.xyz"
    ase.io.write(path, [water, water, crystal], format="extxyz")
    frames = list(iterate_coarse_grained(path, types=TYPES, dtype=torch.float64))
    assert [data.num_nodes for data in frames] == [1, 1, 12]
    np.testing.assert_allclose(sigma(frames[2]), sigma(grained(crystal, types=TYPES)), atol=1e-6)
    # without types the kind of the first frame has to be that of all of them
    frames = iterate_coarse_grained(path)
    assert [next(frames).types.tolist() for _ in range(2)] == [[0], [0]]
    with pytest.raises(
        ValueError, match=r"frame 2: .*C6H6 \(4\).* of types, \['H2O'\].*H2O=0 C6H6=1"
    ):
        next(frames)


def test_ellipsoids_are_not_taken_for_atoms():
    with pytest.raises(ValueError, match=r"no element \(X\).* if they are ellipsoids already"):
        coarse_grain(ase.Atoms("X2", [[0, 0, 0], [1, 0, 0]]))


def test_groups_without_mass():
    ghosts = ase.Atoms("X2", [[0, 0, 0], [1, 0, 0]], masses=[0, 0])
    with pytest.raises(ValueError, match=r"group 0, .* has mass 0"):
        coarse_grain(ghosts, [[0, 1]])


def test_forces_and_torques_do_the_same_virtual_work(crystal, rng):
    forces = rng.normal(size=(len(crystal), 3))
    crystal.calc = SinglePointCalculator(crystal, energy=-3.5, forces=forces, stress=np.ones(6))
    data = grained(crystal, types=TYPES)
    assert data.energy.tolist() == [-3.5]
    assert "stress" not in data
    # rigid motions: each molecule moves by t and turns by θ about its centre
    moves, turns = rng.normal(size=(2, data.num_nodes, 3))
    work = 0.0
    for k, group in enumerate(find_molecules(crystal)):
        arms = crystal.positions[group] - data.pos[k].numpy()
        work += ((moves[k] + np.cross(turns[k], arms)) * forces[group]).sum()
    rigid = (data.forces.numpy() * moves).sum() + (data.torques.numpy() * turns).sum()
    assert abs(rigid - work) < 1e-9


def test_torques_of_molecules_across_the_boundary(crystal, rng):
    forces = rng.normal(size=(len(crystal), 3))
    groups = find_molecules(crystal)
    crystal.calc = SinglePointCalculator(crystal, forces=forces)
    expected = grained(crystal, groups, types=TYPES)
    wrapped = crystal.copy()
    wrapped.positions += 0.5 * wrapped.cell.array.sum(0)
    wrapped.wrap()
    assert any(np.ptp(wrapped.positions[group], axis=0).max() > 8 for group in groups)
    wrapped.calc = SinglePointCalculator(wrapped, forces=forces)
    data = grained(wrapped, groups, types=TYPES)
    np.testing.assert_allclose(data.forces, expected.forces, atol=1e-12)
    np.testing.assert_allclose(data.torques, expected.torques, atol=1e-9)


@needs_shared
def test_files_of_anisoap_come_out_of_their_atoms():
    """The same crystals are there as atoms and as ellipsoids, three for each benzene."""
    crystals = ase.io.read(SHARED / "benzene_crystals.xyz", ":")
    frames = read_ellipsoids(SHARED / "benzene_ellipsoids.xyz", dtype=torch.float64)
    raw = ase.io.read(SHARED / "benzene_ellipsoids.xyz", ":")
    compared = 0
    for data, stored in zip(frames, raw, strict=True):
        groups = stored.arrays["atom_indices"]
        for atoms in crystals:
            if len(atoms) != groups.size or not np.allclose(atoms.cell, stored.cell, atol=1e-9):
                continue
            found = grained(atoms, groups)
            away = modulo_cell((found.pos - data.pos).numpy(), atoms.cell.array)
            if np.abs(away).max() > 1e-6:
                continue  # another crystal with the same cell
            # AniSOAP, which inverts Σ, put 0.1 Å² for the few squares that vanished
            solid = (data.semiaxes[:, 2] ** 2 - 0.1).abs() > 1e-6
            assert (found.semiaxes[~solid, 2] < 1e-3).all()
            np.testing.assert_allclose(found.semiaxes[solid], data.semiaxes[solid], atol=1e-7)
            np.testing.assert_allclose(found.semiaxes[:, :2], data.semiaxes[:, :2], atol=1e-7)
            np.testing.assert_allclose(sigma(found)[solid], sigma(data)[solid], atol=1e-6)
            compared += int(solid.sum())
    assert compared >= 400


@needs_shared
def test_benzene_crystals_as_one_disk_per_molecule():
    for atoms in ase.io.read(SHARED / "benzene_crystals.xyz", ":"):
        data = grained(atoms)
        assert data.num_nodes == len(atoms) // 12
        assert (data.semiaxes[:, :2] > 2).all()
        assert (data.semiaxes[:, 2] < 0.5).all()
        np.testing.assert_allclose(data.forces.sum(0), atoms.get_forces().sum(0), atol=1e-6)


def test_atoms_that_are_no_elements_are_refused():
    atoms = ase.build.molecule("H2O")
    atoms.numbers[1] = 513
    with pytest.raises(ValueError, match=r"found the atomic number 513, expected 1 to"):
        coarse_grain(atoms)
