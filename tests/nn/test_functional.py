"""Layers inside torch.func and in forward mode."""

from collections.abc import Callable

import pytest
import torch
from torch import Tensor

from anisoap_e3nn import AniSOAPEmbedding, PowerSpectrum
from anisoap_e3nn.geometry import quaternions_to_matrices
from anisoap_e3nn.graph import edge_vectors, neighbor_list
from anisoap_e3nn.nn import FullTensorProduct, TensorProduct
from common import Ellipsoids
from transforms import TRANSFORMS, assert_as_autograd

pytestmark = [
    pytest.mark.parametrize("name", TRANSFORMS),
    pytest.mark.filterwarnings("ignore:There is a performance drop:UserWarning"),  # in torch.vmap
]
EMBEDDING = AniSOAPEmbedding(
    [6, 1], 4.0, 2, radial_gaussian_width=1.3, cutoff_function="polynomial", irreps_out="1x0e+1x1o"
).double()


@pytest.fixture
def features(ellipsoids: Ellipsoids) -> Callable[[Tensor, Tensor, Tensor], Tensor]:
    """The embedding of three particles with periodic edges, as a function of what moves."""
    cell, pbc, types = ellipsoids.cell, ellipsoids.pbc, ellipsoids.types[:3]
    edge_index, shifts = neighbor_list(ellipsoids.positions[:3], 4.0, cell=cell, pbc=pbc)
    assert shifts.any()

    def features(positions: Tensor, orientations: Tensor, semiaxes: Tensor) -> Tensor:
        r = edge_vectors(positions, edge_index, shifts, cell)
        return EMBEDDING(r, edge_index, types, orientations, semiaxes)

    return features


def test_embedding(
    name: str,
    features: Callable[[Tensor, Tensor, Tensor], Tensor],
    ellipsoids: Ellipsoids,
    backend: str,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    pos, q, axes = (
        x[:3] for x in (ellipsoids.positions, ellipsoids.orientations, ellipsoids.semiaxes)
    )
    R = quaternions_to_matrices(q)
    assert_as_autograd(name, features, (pos, q, axes), backend, monkeypatch)
    assert_as_autograd(name, lambda pos: features(pos, q, axes), (pos,), backend, monkeypatch)
    assert_as_autograd(name, lambda q: features(pos, q, axes), (q,), backend, monkeypatch)
    assert_as_autograd(name, lambda R: features(pos, R, axes), (R,), backend, monkeypatch)
    assert_as_autograd(name, lambda axes: features(pos, q, axes), (axes,), backend, monkeypatch)


def test_power_spectrum(
    name: str, backend: str, generator: torch.Generator, monkeypatch: pytest.MonkeyPatch
) -> None:
    x = torch.randn(2, 8, dtype=torch.float64, generator=generator)
    for options in ({}, {"filter_ir_out": ["0e", "1o"]}, {"channels": "elementwise"}):
        spectrum = PowerSpectrum("2x0e+2x1o", **options)
        assert_as_autograd(name, spectrum, (x,), backend, monkeypatch)


def test_tensor_products(
    name: str, backend: str, generator: torch.Generator, monkeypatch: pytest.MonkeyPatch
) -> None:
    x = torch.randn(2, 5, dtype=torch.float64, generator=generator)
    y = torch.randn(2, 4, dtype=torch.float64, generator=generator)
    paths = [(0, 0, 0, "uvw", True), (1, 1, 0, "uvw", True), (1, 0, 1, "uvu", True)]
    product = TensorProduct("2x0e+1x1o", "1x0e+1x1o", "3x0e+1x1o", paths).double()
    weights = torch.randn(product.weight_numel, dtype=torch.float64, generator=generator)
    assert_as_autograd(name, product, (x, y), backend, monkeypatch)
    assert_as_autograd(name, lambda w: product(x, y, w), (weights,), backend, monkeypatch)
    full = FullTensorProduct("2x0e+1x1o", "1x0e+1x1o").double()
    assert_as_autograd(name, full, (x, y), backend, monkeypatch)
