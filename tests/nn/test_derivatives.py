"""Derivatives of the embedding for every shape a particle can have, and for any finite input."""

from typing import Any

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch.autograd import gradcheck, gradgradcheck

from anisoap_e3nn import AniSOAPEmbedding
from anisoap_e3nn.ops.backends import native

CUTOFF = 3.0
BASES: dict[str, dict[str, Any]] = {
    "gto": {"radial_basis": "gto", "radial_gaussian_width": 1.2},
    "monomial": {"radial_basis": "monomial"},
}
SHAPES = {
    "ellipsoid": [0.4, 0.7, 1.1],
    "spheroid": [0.9, 0.9, 0.5],
    "sphere": [0.8, 0.8, 0.8],
    "disk": [0.9, 0.8, 0.0],
    "needle": [1.1, 0.0, 0.0],
    "point": [0.0, 0.0, 0.0],
}


def make_embedding(basis: str, **others: Any) -> AniSOAPEmbedding:
    arguments = {
        "types": [0, 1],
        "cutoff": CUTOFF,
        "max_angular": 2,
        "cutoff_function": "polynomial",
    }
    return AniSOAPEmbedding(**(arguments | BASES[basis] | others)).double()


@pytest.fixture
def _any_semiaxes(monkeypatch: pytest.MonkeyPatch) -> None:
    """Finite differences about 0 step to negative semi-axes, which only the check of inputs refuses."""
    monkeypatch.setattr("anisoap_e3nn.nn.embedding.check_inputs", lambda *_: None)


def check(embedding: AniSOAPEmbedding, shape: list[float], length: float) -> None:
    """A particle with two neighbours, one of them at that length, one with one, and one with none."""
    r = torch.tensor([[1.0, -0.4, 0.6], [-0.2, 1.1, 0.5], [0.3, 0.4, -0.9]], dtype=torch.float64)
    r[0] *= length / r[0].norm()
    edge_index, types = torch.tensor([[1, 2, 0], [0, 0, 1]]), torch.tensor([0, 1, 1])
    orientations = torch.tensor(
        [[0.3, -1.2, 0.5, 0.9], [1.0, 0.0, 0.0, 0.0], [-0.4, 0.1, 2.0, 0.3]], dtype=torch.float64
    )
    semiaxes = torch.tensor([[0.5, 0.6, 0.8], shape, shape], dtype=torch.float64)

    def embed(r: torch.Tensor, orientations: torch.Tensor, semiaxes: torch.Tensor) -> torch.Tensor:
        return embedding(r, edge_index, types, orientations, semiaxes)

    leaves = [tensor.requires_grad_() for tensor in (r, orientations, semiaxes)]
    assert gradcheck(embed, leaves)
    assert gradgradcheck(embed, leaves)


@pytest.mark.usefixtures("_any_semiaxes")
@pytest.mark.parametrize("basis", BASES)
@pytest.mark.parametrize("shape", SHAPES)
def test_shapes(backend: str, basis: str, shape: str) -> None:
    check(make_embedding(basis), SHAPES[shape], 1.7)


@pytest.mark.parametrize("basis", BASES)
@pytest.mark.parametrize("length", [0.0, CUTOFF, 3.7], ids=["coincident", "at_cutoff", "beyond"])
def test_distances(backend: str, basis: str, length: float) -> None:
    check(make_embedding(basis), SHAPES["ellipsoid"], length)


@pytest.mark.parametrize("basis", BASES)
def test_without_cutoff_function_or_self(backend: str, basis: str) -> None:
    check(make_embedding(basis, cutoff_function=None), SHAPES["spheroid"], 0.0)
    check(make_embedding(basis, include_self=False, max_radial=0), SHAPES["spheroid"], 1.1)


def numbers(largest: float) -> st.SearchStrategy[float]:
    """Of any magnitude up to `largest`, and 0, and the smallest there are."""
    return st.one_of(
        st.sampled_from([0.0, 5e-324, 1e-160, largest, -largest]),
        st.floats(-largest, largest),
        st.floats(-10.0, 10.0),
    )


def tensors(rows: int, columns: int, entries: st.SearchStrategy[float]) -> st.SearchStrategy[Any]:
    return st.lists(
        st.lists(entries, min_size=columns, max_size=columns), min_size=rows, max_size=rows
    ).map(lambda values: torch.tensor(values, dtype=torch.float64))


@settings(max_examples=300, deadline=None, derandomize=True)
@given(
    r=tensors(4, 3, numbers(1e300)),
    quaternions=tensors(3, 4, numbers(1e100)).filter(
        lambda q: bool((q.norm(dim=1) > 1e-100).all())
    ),
    semiaxes=tensors(3, 3, numbers(1e300)),
    name=st.sampled_from(["torch", "native"] if not native.unavailable else ["torch"]),
    smooth=st.booleans(),
)
def test_any_finite_input_has_finite_derivatives(
    r: torch.Tensor, quaternions: torch.Tensor, semiaxes: torch.Tensor, name: str, smooth: bool
) -> None:
    """(By the second derivative with respect to a quaternion, which falls as 1/|q|², it must be a number.)"""
    cutoff_function = "polynomial" if smooth else None
    embedding = make_embedding("gto", cutoff_function=cutoff_function, max_angular=4)
    assert_finite(embedding, r, quaternions, semiaxes.abs(), name)


@settings(max_examples=150, deadline=None, derandomize=True)
@given(
    r=tensors(4, 3, numbers(1e300)),
    quaternions=tensors(3, 4, numbers(1e100)).filter(
        lambda q: bool((q.norm(dim=1) > 1e-100).all())
    ),
    semiaxes=tensors(3, 3, numbers(1e40)),
    name=st.sampled_from(["torch", "native"] if not native.unavailable else ["torch"]),
)
def test_monomials_have_finite_derivatives_too(
    r: torch.Tensor, quaternions: torch.Tensor, semiaxes: torch.Tensor, name: str
) -> None:
    """Their coefficients grow as the fourth power of the semi-axes here, which must itself be a number."""
    embedding = make_embedding("monomial", max_angular=4)
    assert_finite(embedding, r, quaternions, semiaxes.abs(), name)


def assert_finite(
    embedding: AniSOAPEmbedding,
    r: torch.Tensor,
    quaternions: torch.Tensor,
    semiaxes: torch.Tensor,
    backend: str,
) -> None:
    edge_index, types = torch.tensor([[1, 2, 0, 0], [0, 0, 1, 2]]), torch.tensor([0, 1, 1])
    leaves = [tensor.clone().requires_grad_() for tensor in (r, quaternions, semiaxes)]
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("ANISOAP_E3NN_BACKEND", backend)
        x = embedding(leaves[0], edge_index, types, *leaves[1:])
        assert torch.isfinite(x).all()
        first = torch.autograd.grad(x.sum(), leaves, create_graph=True)
        assert all(torch.isfinite(gradient).all() for gradient in first)
        second = torch.autograd.grad(sum(gradient.sum() for gradient in first), leaves)
        assert all(torch.isfinite(gradient).all() for gradient in second)
