import math
from typing import Any

import pytest
import torch
from scipy.interpolate import BPoly
from torch import Tensor

from anisoap_e3nn import AniSOAPEmbedding
from anisoap_e3nn.nn import PolynomialCutoff, ShiftedCosine
from anisoap_e3nn.nn.cutoff import build_cutoff_function, within_cutoff
from common import Ellipsoids

CUTOFF = 4.0
HYPERPARAMETERS: dict[str, Any] = {
    "types": [6, 1],
    "cutoff": CUTOFF,
    "max_angular": 2,
    "radial_gaussian_width": 1.2,
}
DTYPES = pytest.mark.parametrize("dtype", [torch.float32, torch.float64], ids=str)


def embedding_with(cutoff_function: str | torch.nn.Module | None, **more: Any) -> AniSOAPEmbedding:
    return AniSOAPEmbedding(**HYPERPARAMETERS, **more, cutoff_function=cutoff_function).double()


def embed_two(embedding: AniSOAPEmbedding, edge_vectors: Tensor) -> Tensor:
    """Two ellipsoids of different types; all edges lead from the second to the first."""
    dtype = edge_vectors.dtype
    return embedding(
        edge_vectors=edge_vectors,
        edge_index=torch.tensor([[1], [0]]).expand(2, len(edge_vectors)),
        types=torch.tensor([6, 1]),
        orientations=torch.tensor([[1.0, 0.2, -0.3, 0.5], [0.3, 1.0, 0.7, 0.1]], dtype=dtype),
        semiaxes=torch.tensor([[0.5, 0.8, 1.2], [1.1, 0.4, 0.7]], dtype=dtype),
    )


@DTYPES
def test_shifted_cosine_values(dtype: torch.dtype) -> None:
    r = torch.tensor([0.0, 1.0, 2.0, 3.0, 4.0], dtype=dtype)
    expected = torch.tensor([0.5 * (1 + math.cos(math.pi * k / 3)) for k in range(4)] + [0.0])
    error = (ShiftedCosine(3.0)(r) - expected).abs().max()
    assert error <= 2 * torch.finfo(dtype).eps


@DTYPES
@pytest.mark.parametrize("p", [2, 3, 6, 9])
def test_polynomial_values(p: int, dtype: torch.dtype) -> None:
    """The polynomial as DimeNet writes it, in integers wherever floats are too coarse."""
    n = torch.arange(9)  # x = n / 8
    a, b, c = (p + 1) * (p + 2) // 2, p * (p + 2), p * (p + 1) // 2
    expected = 1 - (a * n**p * 64 - b * n ** (p + 1) * 8 + c * n ** (p + 2)).double() / 8 ** (p + 2)
    f = PolynomialCutoff(CUTOFF, p)(torch.cat([n, torch.tensor([9, 100])]).to(dtype) * CUTOFF / 8)
    assert f.dtype == dtype
    assert (f[:9].double() - expected).abs().max() <= 4 * torch.finfo(dtype).eps
    assert not f[8:].any()  # at the cutoff and beyond


@pytest.mark.parametrize("p", [2, 6])
def test_polynomial_is_the_hermite_interpolation(p: int) -> None:
    """Flat to order p - 1 at the centre and to order 2 at the cutoff, there is only one."""
    hermite = BPoly.from_derivatives([0, CUTOFF], [[1.0] + [0.0] * (p - 1), [0.0] * 3])
    r = torch.linspace(0, CUTOFF, 50, dtype=torch.float64)
    torch.testing.assert_close(
        PolynomialCutoff(CUTOFF, p)(r), torch.from_numpy(hermite(r.numpy())), rtol=0, atol=1e-14
    )


@pytest.mark.parametrize("name", ["shifted_cosine", "polynomial"])
def test_energy_while_a_neighbor_crosses_the_cutoff(backend: str, name: str) -> None:
    """Energy and force vanish without a jump; the curvature too, but for that of the cosine."""
    embedding = embedding_with(name)
    n = embedding.irreps_out.dim
    G = torch.randn(2, n, dtype=torch.float64, generator=torch.Generator().manual_seed(1))
    direction = torch.tensor([2.0, -1.0, 2.0], dtype=torch.float64) / 3

    def energy(r: Tensor) -> Tensor:
        x = embed_two(embedding, (r * direction)[None])
        return (G * x).sum() + x.square().sum()

    def derivatives(r: float) -> list[float]:
        distance = torch.tensor(r, dtype=torch.float64, requires_grad=True)
        E = energy(distance)
        first = torch.autograd.grad(E, distance, create_graph=True)[0]
        second = torch.autograd.grad(first, distance)[0]
        return [E.item() - without, first.item(), second.item()]

    without = energy(torch.tensor(2 * CUTOFF, dtype=torch.float64)).item()
    typical = [abs(d) for d in derivatives(0.8 * CUTOFF)]
    assert min(typical) > 1e-3
    step = 1e-6
    inside, outside = derivatives(CUTOFF - step), derivatives(CUTOFF + step)
    assert outside == [0, 0, 0]
    jumps = [abs(d) / t for d, t in zip(inside, typical, strict=True)]
    assert jumps[0] < 1e-11
    assert jumps[1] < 1e-6
    assert jumps[2] < 1e-5 if name == "polynomial" else jumps[2] > 1e-2
    assert all(math.isfinite(d) for d in derivatives(CUTOFF))


@pytest.mark.parametrize("name", ["shifted_cosine", "polynomial"])
def test_derivatives_of_coincident_and_other_pairs(backend: str, name: str) -> None:
    """To second order, also at r = 0 and beyond the cutoff."""
    embedding = embedding_with(name, include_self=False)
    edge_vectors = torch.tensor(
        [[0.0, 0.0, 0.0], [1.0, -0.5, 2.0], [0.0, 0.0, 1e-3], [0.0, 5.0, 0.0]],
        dtype=torch.float64,
        requires_grad=True,
    )
    if name == "polynomial":  # where the cosine has no second derivative
        at_cutoff = torch.tensor([[0.0, CUTOFF, 0.0]], dtype=torch.float64)
        edge_vectors = torch.cat([edge_vectors.detach(), at_cutoff]).requires_grad_()

    def coefficients(r: Tensor) -> Tensor:
        return embed_two(embedding, r)[0]

    torch.autograd.gradcheck(coefficients, edge_vectors)
    torch.autograd.gradgradcheck(coefficients, edge_vectors)


@DTYPES
@pytest.mark.parametrize("name", ["shifted_cosine", "polynomial"])
def test_hessian_of_coincident_particles(name: str, dtype: torch.dtype) -> None:
    r"""At r = 0 that of the cosine is :math:`-\pi^2 / 2 r_{cut}^2`, in every direction."""
    function = build_cutoff_function(name, CUTOFF)

    def weights(r: torch.Tensor) -> torch.Tensor:
        return within_cutoff(r, CUTOFF, function)[1]

    gradients, hessians = torch.func.jacrev(weights), torch.func.jacrev(torch.func.jacrev(weights))
    at_origin = torch.zeros(1, 3, dtype=dtype)
    f, gradient, hessian = (each(at_origin) for each in (weights, gradients, hessians))
    curvature = -0.5 * (math.pi / CUTOFF) ** 2 if name == "shifted_cosine" else 0.0
    torch.testing.assert_close(f, torch.ones_like(f))
    assert not gradient.any()
    torch.testing.assert_close(hessian.view(3, 3), curvature * torch.eye(3, dtype=dtype))


def test_single_precision(ellipsoids: Ellipsoids) -> None:
    inputs = ellipsoids.inputs(CUTOFF)
    single = {k: v.float() if v.is_floating_point() else v for k, v in inputs.items()}
    x64 = embedding_with("polynomial")(**inputs)
    x32 = embedding_with("polynomial").float()(**single)
    torch.testing.assert_close(x32.double(), x64, rtol=1e-5, atol=1e-5)


@pytest.mark.parametrize(
    ("name", "module"),
    [("shifted_cosine", ShiftedCosine(CUTOFF)), ("polynomial", PolynomialCutoff(CUTOFF))],
)
def test_names_of_modules(
    backend: str, name: str, module: torch.nn.Module, ellipsoids: Ellipsoids
) -> None:
    inputs = ellipsoids.inputs(CUTOFF)
    assert torch.equal(embedding_with(name)(**inputs), embedding_with(module)(**inputs))


def test_module_of_ones_own(backend: str, ellipsoids: Ellipsoids) -> None:
    """It weighs each neighbour, and is asked only about those within the cutoff."""

    class HalfInside(torch.nn.Module):
        def forward(self, distances: Tensor) -> Tensor:
            return torch.full_like(distances, 0.5).where(distances < CUTOFF + 1e-9, torch.nan)

    inputs = ellipsoids.inputs(1.5 * CUTOFF)
    full = embedding_with(None, include_self=False)(**inputs)
    half = embedding_with(HalfInside(), include_self=False)(**inputs)
    torch.testing.assert_close(half, full / 2)


def test_unfit_cutoff_functions_are_refused() -> None:
    for module in (ShiftedCosine, PolynomialCutoff):
        with pytest.raises(ValueError, match=r"cutoff is -1\.0, expected a finite length > 0"):
            module(-1.0)
    with pytest.raises(ValueError, match="p is 1, expected an integer ≥ 2"):
        PolynomialCutoff(CUTOFF, p=1)
    with pytest.raises(
        ValueError, match=r"cutoff_function ends at 5.0 .* build it with cutoff=4.0"
    ):
        embedding_with(PolynomialCutoff(5.0))
