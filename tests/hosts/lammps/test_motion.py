"""Motion at constant energy: the same on 1, 2 and 4 ranks, and as conservative as our own dynamics."""

import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from launch import run_ranks
from motion import LONG_STEPS, MODELS, STEPS, TIME_STEP, moving_bodies

from anisoap_e3nn.simulation import NVE, ForceField


def motion(folder: Path, name: str) -> dict[str, Any]:
    return dict(np.load(folder / f"{name}_motion.npz"))


def assert_same_motion(found: dict[str, Any], expected: dict[str, Any], n_ranks: int) -> None:
    """Same energies after every step and same particles at the end, though they changed ranks."""
    scale = np.abs(expected["f"]).max()
    assert np.abs(found["total"] - expected["total"]).max() < 1e-9 * np.ptp(expected["energies"])
    assert np.abs(found["f"] - expected["f"]).max() < 1e-9 * scale
    assert np.abs(found["torque"] - expected["torque"]).max() < 1e-9 * scale
    assert np.abs(found["x"] - expected["x"]).max() < 1e-9
    # particles change ranks where LAMMPS rebuilds its lists, and only there
    assert (found["n_migrated"] > 5) == (n_ranks > 1)


@pytest.mark.parametrize("name", STEPS)
def test_motion_does_not_depend_on_the_number_of_ranks(
    folders: dict[int, Path], n_ranks: int, name: str
) -> None:
    assert_same_motion(motion(folders[n_ranks], name), motion(folders[1], name), n_ranks)


@pytest.mark.parametrize("name", STEPS)
def test_energy_is_conserved_as_by_our_own_dynamics(folders: dict[int, Path], name: str) -> None:
    dynamics = NVE(ForceField(MODELS[name], skin=0.4), moving_bodies(), TIME_STEP)
    own = [dynamics.total_energy.item()]
    dynamics.run(STEPS[name], lambda each: own.append(each.total_energy.item()))
    found = motion(folders[1], name)["total"]
    assert abs(found[0] - own[0]) < 1e-11 * abs(own[0])
    # a wrong force or torque would change the energy by about the work that it does, thousands of times more
    assert np.std(found) < 1.5 * np.std(own)


@pytest.mark.slow
@pytest.mark.parametrize("name", LONG_STEPS)
def test_long_motion_does_not_depend_on_the_number_of_ranks(
    files: Path, tmp_path: Path, name: str
) -> None:
    case, found = f"{name}_long", {}
    for n_ranks in (1, 2, 4):
        folder = tmp_path / str(n_ranks)
        shutil.copytree(files, folder)
        run_ranks(n_ranks, folder, f"{case}_motion")
        found[n_ranks] = motion(folder, case)
        assert_same_motion(found[n_ranks], found[1], n_ranks)
