"""The calculator for ASE in runs: what it keeps and notices, optimizers, checkpoints, bad input."""

import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from anisoap_e3nn.potentials import save_model
from anisoap_e3nn.simulation import ForceField
from ellipsoid_atoms import MODELS, gay_berne, stack, turn

pytest.importorskip("ase", reason="ASE is not installed")

from ase.filters import StrainFilter
from ase.md.verlet import VelocityVerlet
from ase.optimize import BFGS, FIRE

from anisoap_e3nn.interop.ase import AniSOAPCalculator

pytestmark = pytest.mark.usefixtures("float64_by_default")


def test_nothing_is_computed_twice(atoms: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    calls = []
    evaluate = ForceField.__call__
    monkeypatch.setattr(ForceField, "__call__", lambda *a: calls.append(1) or evaluate(*a))
    atoms.calc = AniSOAPCalculator(gay_berne())
    forces = atoms.get_forces()
    atoms.get_stress(), atoms.calc.get_torques(atoms), atoms.get_potential_energies()
    atoms.set_velocities(np.ones((12, 3)))
    atoms.set_tags(range(12))
    atoms.get_potential_energy()
    assert len(calls) == 1
    forces[:] = 0  # the caller's own copy
    assert np.abs(atoms.get_forces()).max() > 0
    turn(atoms, 3, [0, 0, 1e-9])
    atoms.get_forces()
    assert len(calls) == 2


def test_the_skin_changes_nothing(model: torch.nn.Module, atoms: Any, rng: Any) -> None:
    with_skin, without = AniSOAPCalculator(model, skin=0.8), AniSOAPCalculator(model, skin=0.0)
    for step in range(12):
        atoms.positions += 0.04 * rng.normal(size=(12, 3))
        if step == 6:
            atoms.set_cell(1.01 * atoms.cell, scale_atoms=True)
        for index in range(12):
            turn(atoms, index, 0.1 * rng.normal(size=3))
        for name in with_skin.implemented_properties:
            ours, expected = with_skin.get_property(name, atoms), without.get_property(name, atoms)
            np.testing.assert_allclose(ours, expected, rtol=1e-11, atol=1e-11)
    assert with_skin.force_field.n_searches < 6 < without.force_field.n_searches == 12


@pytest.mark.parametrize(
    ("optimizer", "steps"), [(BFGS, {}), (FIRE, {"dt": 0.02, "dtmax": 0.1, "maxstep": 0.1})]
)
def test_atoms_are_relaxed(optimizer: Any, steps: dict[str, float], atoms: Any) -> None:
    atoms.calc = AniSOAPCalculator(gay_berne())
    before = atoms.get_potential_energy()
    assert optimizer(atoms, logfile=None, **steps).run(fmax=0.1, steps=500)
    assert np.linalg.norm(atoms.get_forces(), axis=1).max() < 0.1
    assert atoms.get_potential_energy() < before - 0.1


def test_cells_are_relaxed(atoms: Any) -> None:
    atoms.calc = AniSOAPCalculator(gay_berne())
    volume = atoms.get_volume()
    assert BFGS(StrainFilter(atoms), logfile=None).run(fmax=0.1, steps=300)
    assert np.abs(atoms.get_stress()).max() < 0.05
    assert atoms.get_volume() < 0.95 * volume


def test_molecular_dynamics_conserve_energy(atoms: Any) -> None:
    atoms.calc = AniSOAPCalculator(gay_berne())
    BFGS(atoms, logfile=None).run(fmax=0.1)
    atoms.set_momenta(0.1 * atoms.get_masses()[:, None] * np.sin(np.arange(36.0)).reshape(12, 3))
    total = atoms.get_total_energy()
    kinetic = atoms.get_kinetic_energy()
    VelocityVerlet(atoms, timestep=0.01, logfile=None).run(100)
    assert abs(atoms.get_kinetic_energy() - kinetic) > 1e-3
    assert atoms.get_total_energy() == pytest.approx(total, abs=2e-4)


def test_checkpoints_are_loaded_by_path(atoms: Any, tmp_path: Path) -> None:
    model = stack()
    save_model(model, tmp_path / "stack.pt")
    calculators = [
        AniSOAPCalculator(x) for x in (model, tmp_path / "stack.pt", str(tmp_path / "stack.pt"))
    ]
    energies = [calculator.get_potential_energy(atoms) for calculator in calculators]
    assert energies[0] == energies[1] == energies[2]
    with torch.no_grad():
        model.components[1].weights *= 2  # training goes on
    calculators[0].reset()
    assert calculators[0].get_potential_energy(atoms) == energies[0]
    assert all(parameter.requires_grad for parameter in model.parameters())
    single = AniSOAPCalculator(tmp_path / "stack.pt", dtype=torch.float32, device="cpu")
    assert single.get_potential_energy(atoms) == pytest.approx(energies[0], rel=1e-4)
    assert single.get_potential_energy(atoms) != energies[0]


def remove(*names: str) -> Any:
    def change(atoms: Any) -> None:
        for name in names:
            del atoms.arrays[name]

    return change


def set_cell(*heights: float) -> Any:
    return lambda atoms: atoms.set_cell(heights)


@pytest.mark.parametrize(
    ("spoil", "message"),
    [
        (lambda atoms: atoms.numbers.__setitem__(4, 79), r"unknown particle types \[79\]"),
        (remove("c_q"), "found no orientations"),
        (remove(*(f"c_diameter[{k}]" for k in (1, 2, 3))), "found no sizes.*as semiaxes"),
        (remove("c_diameter[2]"), "expected all of c_diameter1"),
        (lambda atoms: atoms.arrays["c_q"].__setitem__(2, 0), "quaternions that are not zero"),
        (lambda atoms: atoms.positions.__setitem__(1, np.nan), r"pos\[1\] is .*finite"),
        (set_cell(5.0, 5.0, 0.0), "expected independent vectors"),
        (
            set_cell(5.0, 5.0, 1e-3),
            "along axis 2 is 0.001, expected at least a fiftieth of the cutoff",
        ),
    ],
)
@pytest.mark.parametrize("model_name", ["exact", "stack"])
def test_bad_atoms_are_refused(model_name: str, atoms: Any, spoil: Any, message: str) -> None:
    calculator = AniSOAPCalculator(MODELS[model_name]())
    atoms.calc = calculator
    energy = atoms.get_potential_energy()
    bad = atoms.copy()
    bad.calc = calculator
    spoil(bad)
    for _ in range(2):  # also when asked again
        with pytest.raises(ValueError, match=message):
            bad.get_potential_energy()
        assert calculator.results == {}
    assert atoms.get_potential_energy() == energy


def test_bad_arguments_are_refused(tmp_path: Path) -> None:
    (tmp_path / "notes.pt").write_text("not a checkpoint")
    with pytest.raises(ValueError, match=r"notes\.pt is not a checkpoint"):
        AniSOAPCalculator(tmp_path / "notes.pt")
    with pytest.raises(FileNotFoundError, match=r"absent\.pt"):
        AniSOAPCalculator(tmp_path / "absent.pt")
    with pytest.raises(TypeError, match="expected a Module or the path of a checkpoint"):
        AniSOAPCalculator(lambda data: data.pos.sum(1))  # type: ignore[arg-type]
    with pytest.raises(ValueError, match="skin is -1"):
        AniSOAPCalculator(gay_berne(), skin=-1)
    with pytest.raises(ValueError, match="stored_sizes is 'radii'"):
        AniSOAPCalculator(gay_berne(), stored_sizes="radii")  # type: ignore[arg-type]


def test_nothing_else_needs_ase() -> None:
    script = """
import sys
sys.modules["ase"] = None  # as if it were not installed
import anisoap_e3nn, anisoap_e3nn.data, anisoap_e3nn.interop, anisoap_e3nn.networks
from anisoap_e3nn.data import read_ellipsoids
try:
    import anisoap_e3nn.interop.ase
except ImportError as error:
    print(error)
"""
    run = subprocess.run([sys.executable, "-c", script], check=True, capture_output=True, text=True)
    assert 'pip install "anisoap-e3nn[ase]"' in run.stdout
