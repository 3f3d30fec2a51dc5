"""What Python makes of LAMMPS' memory, and of a LAMMPS without its MPI; LAMMPS itself is not needed."""

import ctypes
import sys

import numpy as np
import pytest
import torch

from anisoap_e3nn.interop.lammps.interface import Step, StepPointers
from anisoap_e3nn.interop.lammps.mpi import load_missing_mpi


def step_of(n: int, n_pairs: int) -> tuple[Step, dict[str, np.ndarray]]:
    """A step on random memory, and that memory."""
    random = np.random.default_rng(n)
    widths = {"positions": 3, "quaternions": 4, "semiaxes": 3, "forces": 3, "torques": 3}
    memory = {name: random.standard_normal((n, width)) for name, width in widths.items()}
    memory |= {"energies": random.standard_normal(n), "types": random.integers(1, 4, n)}
    memory["pair_edges"] = random.integers(0, n, (2, n_pairs))
    memory["pair_vectors"] = random.standard_normal((n_pairs, 3))
    pointers = StepPointers(
        model=0, selection=1, n_local=n, n_all=n, n_pairs=n_pairs, n_neighborhoods=0
    )
    for name, array in memory.items():
        setattr(pointers, name, array.ctypes.data)
    return Step.of(pointers), memory


def test_tensors_are_the_memory_of_lammps() -> None:
    step, memory = step_of(5, 7)
    for name, array in memory.items():
        found = getattr(step, name)
        assert found.dtype == (torch.int64 if array.dtype.kind == "i" else torch.float64)
        np.testing.assert_array_equal(found.numpy(), array)
    step.forces[3, 1] = 42.0
    assert memory["forces"][3, 1] == 42.0
    assert step.neighborhood_edges.shape == (2, 0)
    assert step.neighborhood_edges.dtype == torch.int64


def test_tensors_of_particles_last_until_the_next_selection() -> None:
    first, memory = step_of(5, 7)
    edges = np.array([[1, 2], [0, 4]])
    pointers = StepPointers(model=0, selection=1, n_local=5, n_all=5, n_pairs=2, n_neighborhoods=0)
    pointers.pair_edges, pointers.pair_vectors = (
        edges.ctypes.data,
        memory["pair_vectors"].ctypes.data,
    )
    second = Step.of(pointers, first)
    assert second.forces is first.forces
    assert second.pair_edges.tolist() == edges.tolist()
    assert second.pair_vectors.shape == (2, 3)
    pointers.selection = 2
    pointers.forces = (moved := np.ones((5, 3))).ctypes.data
    assert torch.equal(Step.of(pointers, second).forces, torch.from_numpy(moved))


def test_steps_of_ever_new_sizes_leave_nothing_behind() -> None:
    before = len(ctypes.Array.__subclasses__())
    for n in range(1, 50):
        step_of(n, 2 * n)
    assert len(ctypes.Array.__subclasses__()) == before


@pytest.mark.parametrize(
    ("text", "library"),
    [
        ("libmpi.so.40: cannot open shared object file: No such file or directory", "libmpi.so.40"),
        ("dlopen(lammps/liblammps.dylib, 0x000A): Library not loaded: @rpath/libmpi.12.dylib\n"
         "  Referenced from: <1> lammps/liblammps.0.dylib", "libmpi.12.dylib"),
    ],
)  # fmt: skip
def test_a_missing_mpi_is_named(text: str, library: str) -> None:
    with pytest.raises(ImportError, match=f"LAMMPS found no {library}, .*pip install mpich"):
        load_missing_mpi(OSError(text))


def test_another_missing_library_is_not_taken_for_mpi() -> None:
    with pytest.raises(ImportError, match="LAMMPS cannot be loaded: libpython"):
        load_missing_mpi(OSError("libpython3.11.so.1.0: cannot open shared object file"))


def test_the_environments_mpi_is_loaded(
    monkeypatch: pytest.MonkeyPatch, tmp_path_factory: pytest.TempPathFactory
) -> None:
    folder, loaded = tmp_path_factory.mktemp("environment"), []
    (folder / "lib").mkdir()
    (folder / "lib" / "libmpi.so.12").touch()
    monkeypatch.setattr(sys, "prefix", str(folder))
    monkeypatch.setattr(ctypes, "CDLL", lambda path, mode: loaded.append((path, mode)))
    load_missing_mpi(OSError("libmpi.so.12: cannot open shared object file"))
    assert loaded == [(str(folder / "lib" / "libmpi.so.12"), ctypes.RTLD_GLOBAL)]
