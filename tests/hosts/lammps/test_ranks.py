"""Models in LAMMPS against its own pair style and our own periodic frames, on 1, 2 and 4 ranks."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from lammps_cases import MODELS, REFUSALS, USES, frames

from anisoap_e3nn.potentials import mechanics

DOUBLE = ["gay_berne", "stack", "nequip", "one_density", "mace"]
SLABS = ["gay_berne", "stack", "nequip"]


def largest_error(found: Any, expected: Any) -> float:
    """Largest difference, relative to the largest expected value."""
    found, expected = np.asarray(found), np.asarray(expected)
    return float(np.abs(found - expected).max() / np.abs(expected).max())


def assert_same(found: Any, expected: Any, tolerance: float = 1e-12) -> None:
    for name in ("energy", "energies", "f", "torque", "pressure"):
        assert largest_error(found[name], expected[name]) < tolerance, name


def own(model: torch.nn.Module, file: str) -> dict[str, Any]:
    """Energy, forces, torques and pressure of a periodic frame by ourselves."""
    data = frames()[file]
    result = mechanics(model, data)
    virial = result.virial[0]
    # LAMMPS' xy is Σ x f_y alone; half the torque that turns the particles is what it lacks to symmetry
    x, y, z = 0.5 * result.torques.sum(0)
    upper = torch.stack([virial[0, 1] - z, virial[0, 2] + y, virial[1, 2] - x])
    volume = torch.linalg.det(data.cell[0])
    return {
        "energy": result.energy[0],
        "energies": result.energies,
        "f": result.forces,
        "torque": result.torques,
        "pressure": torch.cat([virial.diagonal(), upper]) / volume,
    }


@pytest.mark.parametrize("file", ["", "_slab"])
def test_gay_berne_is_that_of_lammps(results: Any, file: str) -> None:
    assert_same(results(f"gay_berne{file}"), results(f"lammps{file}"))


@pytest.mark.parametrize("name", DOUBLE)
def test_models_are_those_of_a_periodic_frame(results: Any, name: str) -> None:
    assert_same(results(name), own(MODELS[name], "fluid"))


@pytest.mark.parametrize("name", SLABS)
def test_a_rank_without_particles(results: Any, name: str) -> None:
    assert_same(results(f"{name}_slab"), own(MODELS[name], "slab"))


def test_models_of_single_precision(results: Any) -> None:
    expected = own(MODELS["single"].double(), "fluid")
    MODELS["single"].float()
    assert_same(results("single"), expected, 1e-4)


def test_a_short_ghost_cutoff_is_lengthened(results: Any) -> None:
    assert_same(results("short_ghosts"), own(MODELS["nequip"], "fluid"))


def test_energies_of_metal_in_a_script_of_real(results: Any) -> None:
    found, expected = results("converted"), own(MODELS["gay_berne"], "fluid")
    for name in ("energy", "energies", "f", "torque"):
        assert largest_error(found[name], 23.060547830619 * np.asarray(expected[name])) < 1e-11


def test_trajectory_does_not_depend_on_the_number_of_ranks(
    folders: dict[int, Path], n_ranks: int
) -> None:
    expected, found = (dict(np.load(folders[n] / "trajectory.npz")) for n in (1, n_ranks))
    assert_same(found, expected, 1e-9)
    assert np.abs(found["x"] - expected["x"]).max() < 1e-9


def test_trajectory_is_that_of_lammps(folders: dict[int, Path]) -> None:
    names = ("trajectory", "lammps_trajectory")
    found, expected = (dict(np.load(folders[1] / f"{name}.npz")) for name in names)
    assert_same(found, expected, 1e-9)
    assert np.abs(found["x"] - expected["x"]).max() < 1e-9


@pytest.mark.parametrize("n_ranks", [1, 2])
@pytest.mark.parametrize("name", [*USES])
def test_uses_of_lammps(results: Any, name: str) -> None:
    found, expected = results(name), results(f"lammps_{name}")
    assert_same(found, expected, 1e-10)
    assert np.abs(found["x"] - expected["x"]).max() < 1e-10


def test_plain_atoms_beside_ellipsoids(results: Any) -> None:
    found = results("mixture")
    assert found["x"].shape == (145, 3)
    assert_same(found, results("lammps_mixture"), 1e-10)


def test_shapes_are_those_of_the_moment(results: Any) -> None:
    found = results("reshaped")
    assert_same(found, results("reshaped_anew"))
    assert largest_error(found["f"], results("not_reshaped")["f"]) > 0.1


@pytest.mark.parametrize("name", ["stack", "gay_berne"])
def test_types_are_those_of_the_moment(results: Any, name: str) -> None:
    found = results(f"{name}_retyped")
    assert_same(found, results(f"{name}_retyped_anew"))
    assert largest_error(found["f"], results(f"{name}_not_retyped")["f"]) > 0.1


@pytest.mark.parametrize(
    ("name", "before"), [("stack", "gay_berne"), ("gay_berne", "nequip"), ("nequip", "gay_berne")]
)
def test_a_second_model_is_as_if_alone(results: Any, name: str, before: str) -> None:
    assert_same(results(f"{name}_after_{before}"), own(MODELS[name], "fluid"))


MESSAGES = {
    "no_file": "no such file: nothing.pt",
    "unknown_type": "found type '8' in pair_coeff for atom type 3, expected NULL or one of the types of "
    "gay_berne, [3, 5, 7]",
    "too_few_types": "expected * * MODEL and for each of the 3 atom types",
    "units": "found units metal in the script, expected those of the model, {'energy': 'cal'}",
    "newton": "found newton off, expected newton on",
    "no_shape": "atom 5 has no shape, expected an ellipsoid",
    "fewer_particles": "found particles that have come or gone since LAMMPS made its list",
    "other_list": "found `run ... pre no` after pair_coeff, expected a run with a setup",
    "overlap_gay_berne": "(atoms 5 and 9 are in the same place)",
    "overlap_stack": "(atoms 5 and 9 are in the same place)",
    "one_rank_alone": "expected three equal ones, since its type is one of sphere_types",
}


@pytest.mark.parametrize("name", REFUSALS)
def test_all_ranks_refuse_at_once(folders: dict[int, Path], n_ranks: int, name: str) -> None:
    files = sorted(folders[n_ranks].glob(f"{name}.*.txt"))
    assert len(files) == n_ranks
    for file in files:
        assert MESSAGES[name] in file.read_text()
