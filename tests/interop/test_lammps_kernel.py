"""Kernels that ``pair_style anisoap`` calls itself, against the models; LAMMPS is not needed."""

import ctypes
from pathlib import Path
from typing import Any

import pytest
import torch

from anisoap_e3nn import EllipsoidData
from anisoap_e3nn.gay_berne import GayBerne
from anisoap_e3nn.graph import edges_of, one_of_each_pair
from anisoap_e3nn.interop.lammps.kernel import PairKernel
from anisoap_e3nn.ops.backends import native
from anisoap_e3nn.potentials import PairPotential
from common import needs_native

CUTOFF = 3.0
TYPES = [7, 3, 5]

pytestmark = needs_native


class Pairs(ctypes.Structure):
    """``anisoap_pairs`` of ``anisoap_kernels.h``."""

    _fields_ = (
        ("is_double", ctypes.c_int),
        ("threads", ctypes.c_int),
        *((name, ctypes.c_int64) for name in ("n_particles", "n_types", "n_edges")),
        *((name, ctypes.c_void_p) for name in ("types", "known_types", "quaternions", "semiaxes")),
        *((name, ctypes.c_void_p) for name in ("edge_vectors", "positions")),
        *((name, ctypes.c_void_p) for name in ("neighbors", "centers")),
        *((name, ctypes.c_void_p) for name in ("energies", "forces", "torques")),
    )


def fluid(generator: torch.Generator) -> EllipsoidData:
    real = {"dtype": torch.float64, "generator": generator}
    positions = 1.4 * torch.cartesian_prod(*[torch.arange(4.0, dtype=torch.float64)] * 3)
    types = torch.tensor(TYPES)[torch.arange(64) % 3]
    semiaxes = 0.3 + 0.3 * torch.rand(64, 3, **real)
    semiaxes[types == 5] = 0.5
    return EllipsoidData(
        pos=positions + 0.2 * torch.rand(64, 3, **real),
        orientations=torch.randn(64, 4, **real),
        semiaxes=semiaxes,
        types=types,
    )


def potential(name: str, generator: torch.Generator) -> Any:
    if name == "GayBerne":
        return GayBerne(
            TYPES, CUTOFF, epsilon=[1.0, 1.4, 0.8], sigma=0.8,
            well_depths=[[1.5, 0.7, 0.4], [0.6, 0.6, 2.0], [1.0, 1.0, 1.0]],
            gamma=0.9, upsilon=0.7, mu=2.3, smoothing_width=0.3, sphere_types=[5], shift=True,
        ).double()  # fmt: skip
    pair = PairPotential(TYPES, CUTOFF, 7, 3, decay_length=0.8, smallest_gap=0.1).double()
    torch.nn.init.normal_(pair.weights, std=0.1, generator=generator)
    return pair.requires_grad_(False)


def called(kernel: PairKernel, known: torch.Tensor, data: EllipsoidData) -> Any:
    """Results for positions and one edge of each pair, in either direction, or the refusal."""
    edges = edges_of(data, CUTOFF)
    index = edges.edge_index[:, one_of_each_pair(edges.edge_index, edges.edge_vectors)]
    neighbors, centers = index[:, ::2].flip(0), index[:, 1::2]
    neighbors, centers = torch.cat([neighbors, centers], 1).contiguous()
    n = len(data.types)
    results = [torch.empty(shape, dtype=torch.float64) for shape in ((n,), (n, 3), (n, 3))]
    particles = data.types, known, data.orientations, data.semiaxes
    pairs = Pairs(
        1, 1, n, len(known), len(neighbors), *(x.data_ptr() for x in particles), None,
        *(x.data_ptr() for x in (data.pos, neighbors, centers, *results)),
    )  # fmt: skip
    function = ctypes.CFUNCTYPE(ctypes.c_int, *(ctypes.c_void_p,) * 3)(kernel.address)
    message = ctypes.create_string_buffer(512)
    failed = function(ctypes.addressof(pairs), ctypes.addressof(kernel.constants), message)
    return message.value.decode() if failed else results


@pytest.mark.parametrize("name", ["GayBerne", "PairPotential"])
def test_kernels_are_their_models(name: str, generator: torch.Generator) -> None:
    model, data = potential(name, generator), fluid(generator)
    kernel = PairKernel.of(model)
    if kernel is None:
        folder = Path(native._native.__file__).parent
        assert not list(folder.glob("libanisoap_kernels.*"))
        pytest.skip("the library of the kernels was not built")
    expected = model.derivatives(data)
    found = called(kernel, model.type_index.values, data)
    for result, reference in zip(found, expected[5:] + expected[1:3], strict=True):
        assert reference.abs().max() > 1e-3
        scale = float(reference.abs().max())
        torch.testing.assert_close(result, reference, rtol=1e-12, atol=1e-12 * scale)
    moved = data.clone()
    moved.pos[5] = moved.pos[8]  # two of the spheres of GayBerne
    message = called(kernel, model.type_index.values, moved)
    assert "found energies that are not numbers" in message
    data.orientations[3] = 0.0
    assert f"found a particle that {name} refuses" in called(kernel, model.type_index.values, data)


@pytest.mark.parametrize("name", ["GayBerne", "PairPotential"])
def test_models_that_lammps_asks_python_for(
    name: str, generator: torch.Generator, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert PairKernel.of(potential(name, generator).float()) is None
    monkeypatch.setenv("ANISOAP_E3NN_BACKEND", "torch")
    assert PairKernel.of(potential(name, generator)) is None
