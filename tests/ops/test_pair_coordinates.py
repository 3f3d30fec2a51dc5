"""Coordinates of pairs and their derivatives, on all backends."""

from collections.abc import Sequence
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor
from torch.autograd import forward_ad, gradcheck, gradgradcheck
from torch.fx.experimental.proxy_tensor import make_fx

from anisoap_e3nn.ops import pair_coordinates
from anisoap_e3nn.ops.backends import native, pair_coordinates_native
from common import by_number_of_threads, needs_native

ENTRIES = [0, 1, 2, 4, 5, 8]


def random_pairs(
    seed: int, n: int, dtype: torch.dtype = torch.float64, thinnest: float = 0.3
) -> list[Tensor]:
    """Vectors and shapes of pairs, whose semi-axes are between `thinnest` and 1."""
    rng = np.random.default_rng(seed)
    directions = rng.normal(size=(n, 3))
    directions /= np.linalg.norm(directions, axis=1, keepdims=True)
    rows = [directions * rng.uniform(0.7, 3, size=(n, 1))]
    for _ in range(2):
        frames = np.linalg.qr(rng.normal(size=(n, 3, 3)))[0]
        axes = np.exp(rng.uniform(np.log(thinnest), 0, size=(n, 1, 3)))
        rows.append((frames * axes**2 @ frames.transpose(0, 2, 1)).reshape(n, 9)[:, ENTRIES])
    return [torch.from_numpy(array).to(dtype).contiguous().requires_grad_() for array in rows]


def derivatives(point: Sequence[Tensor], backend: str, order: int) -> list[Tensor]:
    """Coordinates, and derivatives of sums of those before with respect to vectors and shapes."""
    leaves = [tensor.detach().requires_grad_() for tensor in point]
    outputs = [pair_coordinates(*leaves, backend)]
    found = list(outputs)
    for n in range(order):
        total = sum((y * torch.arange(y.numel()).cos().view_as(y)).sum() for y in outputs)
        outputs = list(torch.autograd.grad(total, leaves, create_graph=n + 1 < order))
        found += outputs
    return [y.detach() for y in found]


def test_definition_is_the_formula(backend: str) -> None:
    vectors, *shapes = (x.detach().numpy() for x in random_pairs(0, 6))
    found = pair_coordinates(*random_pairs(0, 6)).detach().numpy()
    for r, first, second, row in zip(vectors, *shapes, found, strict=True):
        G = np.zeros((2, 3, 3))
        for k, entries in enumerate((first, second)):
            G[k][np.triu_indices(3)] = entries
            G[k] += np.triu(G[k], 1).T
        n = r / np.linalg.norm(r)
        A, B = (3 * g / np.trace(g) - np.eye(3) for g in G)
        contact = (n @ np.linalg.inv(G.sum(0)) @ n / 2) ** -0.5
        forms = A, B, A @ A, B @ B, A @ B, A @ A @ B, A @ B @ B, A @ B @ A, B @ A @ B, A @ A @ B @ B
        a, b, aa, bb, ab, aab, abb, aba, bab, aabb = (n @ form @ n for form in forms)
        traces = [np.trace(form) for form in (A @ B, A @ A @ B, A @ B @ B, A @ A @ B @ B)]
        pairs = [a, b, aa, bb, ab, traces[0], aab, abb, aba, bab, *traces[1:3], aabb, traces[3]]
        expected = [np.linalg.norm(r), contact, *pairs]
        np.testing.assert_allclose(row, expected, rtol=1e-12, atol=1e-13)


@needs_native
@pytest.mark.parametrize(
    ("dtype", "tolerance"), [(torch.float64, 1e-12), (torch.float32, 3e-5)], ids=["f64", "f32"]
)
def test_native_is_the_definition(
    instruction_set: str, dtype: torch.dtype, tolerance: float
) -> None:
    """For any number of pairs, to the second derivatives."""

    @given(st.integers(0, 2**32), st.integers(0, 40))
    @settings(max_examples=40, deadline=None)
    def check(seed: int, n: int) -> None:
        point = random_pairs(seed, n, dtype)
        ours = derivatives(point, "native", 2)
        theirs = derivatives([x.double() for x in point], "torch", 2)
        for a, b in zip(ours, theirs, strict=True):
            assert a.dtype == dtype
            scale = float(b.abs().max()) if b.numel() else 0.0
            torch.testing.assert_close(a.double(), b, rtol=0, atol=tolerance * (1 + scale))

    check()


@needs_native
def test_flat_and_equal_particles() -> None:
    """Disks a thousandth as thick as wide, and spheres, whose invariants are zero."""
    disks = random_pairs(1, 20, thinnest=1e-3)
    for a, b in zip(*(derivatives(disks, each, 1) for each in ("native", "torch")), strict=True):
        torch.testing.assert_close(a, b, rtol=1e-9, atol=1e-9 * float(b.abs().max()))
    sphere = torch.tensor([[0.49, 0, 0, 0.49, 0, 0.49]], dtype=torch.float64)
    vector = torch.tensor([[0.0, 0.6, 0.8]], dtype=torch.float64)
    found = pair_coordinates(vector, sphere, sphere, "native")
    torch.testing.assert_close(found[0, :2].tolist(), [1.0, 1.4])
    assert found[0, 2:].abs().max() < 1e-15


@needs_native
def test_third_derivatives() -> None:
    """They are computed by the definition. Cotangents depend on the coordinates here."""
    results = []
    for backend in ("native", "torch"):
        point = random_pairs(2, 7)
        outputs: Any = [pair_coordinates(*point, backend)]
        for n in range(3):
            total = sum(y.square().sum() for y in outputs)
            outputs = torch.autograd.grad(total, point, create_graph=n < 2)
            results.append([x / x.abs().max() for x in outputs])
    for ours, theirs in zip(results[:3], results[3:], strict=True):
        torch.testing.assert_close(ours, theirs, rtol=1e-10, atol=1e-12)


@needs_native
def test_second_derivatives_with_respect_to_cotangents() -> None:
    """Also those in another layout than rows."""
    results = []
    for backend in ("native", "torch"):
        point = random_pairs(3, 9)
        g = torch.sin(torch.arange(16 * 9, dtype=torch.float64)).view(16, 9).requires_grad_()
        forces = torch.autograd.grad(
            pair_coordinates(*point, backend), point, g.T, create_graph=True
        )
        results.append(torch.autograd.grad(forces[0].sin().sum(), [g, *point]))
    torch.testing.assert_close(*results, rtol=1e-12, atol=1e-12)


def test_derivatives_by_finite_differences(backend: str) -> None:
    point = random_pairs(4, 3)
    assert gradcheck(pair_coordinates, point, check_forward_ad=True)
    assert gradgradcheck(pair_coordinates, point, check_fwd_over_rev=True)


@needs_native
def test_number_of_threads_does_not_matter() -> None:
    point = random_pairs(5, 3000)
    results = by_number_of_threads(lambda: derivatives(point, "native", 2))
    for other in results[1:]:
        assert all(torch.equal(a, b) for a, b in zip(results[0], other, strict=True))


@needs_native
def test_operations_are_registered_well() -> None:
    point = random_pairs(6, 5)
    g = torch.randn(5, 16, dtype=torch.float64, requires_grad=True)
    torch.library.opcheck(pair_coordinates_native.values, point)
    torch.library.opcheck(pair_coordinates_native.backward, (g, *point))
    values = [x.detach() for x in (*point, g, *point)]
    torch.library.opcheck(pair_coordinates_native.double_backward, values)


@needs_native
def test_batches_of_cotangents_and_functional_transforms() -> None:
    point = random_pairs(7, 4)
    cotangents = torch.randn(3, 4, 16, dtype=torch.float64)
    batched = torch.autograd.grad(
        pair_coordinates(*point), point, cotangents, is_grads_batched=True
    )
    for k, cotangent in enumerate(cotangents):
        one = torch.autograd.grad(pair_coordinates(*point), point, cotangent)
        for a, b in zip(batched, one, strict=True):
            torch.testing.assert_close(a[k], b)
    values = [x.detach() for x in point]
    jacobians = (
        kind(pair_coordinates, (0, 1, 2))(*values)
        for kind in (torch.func.jacrev, torch.func.jacfwd)
    )
    torch.testing.assert_close(*jacobians)
    many = torch.func.vmap(pair_coordinates)(*(torch.stack([x, 2 * x]) for x in values))
    torch.testing.assert_close(many[0], pair_coordinates(*values))


@needs_native
def test_forward_mode_through_results_from_outside_of_it() -> None:
    """It would lose the tangents, so it is refused."""
    point = random_pairs(8, 2)
    g = torch.randn(2, 16, dtype=torch.float64, requires_grad=True)
    with forward_ad.dual_level():
        dual = forward_ad.make_dual(g, torch.ones_like(g))
        with pytest.raises(NotImplementedError, match="backend='torch'"):
            pair_coordinates_native.backward(dual, *point)


def test_tracers_get_the_definition() -> None:
    """Compilers fuse it, and programs without Python know it."""
    point = [x.detach() for x in random_pairs(9, 4)]
    traced = make_fx(lambda *x: pair_coordinates(*x), tracing_mode="symbolic")(*point)
    assert "anisoap_e3nn" not in traced.code
    others = [x.detach() for x in random_pairs(10, 6)]
    torch.testing.assert_close(traced(*others), pair_coordinates(*others))


@needs_native
def test_kernels_check_their_arrays() -> None:
    """They never read or write beyond them."""
    point = [x.detach().numpy() for x in random_pairs(11, 5)]
    out, run = np.zeros((5, 16)), native._native.pair_coordinates_f64
    tangents, none = (None,) * 3, (None,) * 3
    run(*point, *tangents, None, out, *none, 1)
    with pytest.raises(ValueError, match="two shapes for each pair"):
        run(point[0], point[1][1:], point[2], *tangents, None, out, *none, 1)
    with pytest.raises(ValueError, match="one row of the right length for each pair"):
        run(*point, *tangents, None, out[1:], *none, 1)
    with pytest.raises(ValueError, match="one row of the right length for each pair"):
        run(*point, *tangents, None, out[:, 1:].copy(), *none, 1)
    with pytest.raises(ValueError, match="threads is too small"):
        run(*point, *tangents, None, out, *none, 0)
    for others in [
        (*tangents, out, out, *none),
        (*tangents, out, None, *none),
        (*tangents, None, None, *none),
        (*point, None, out, *none),
        (point[0], None, None, out, out, *point),
        (*point, out, None, *point),
    ]:
        with pytest.raises(ValueError, match="results are those of the arguments"):
            run(*point, *others, 1)


def test_inputs_that_do_not_fit(backend: str) -> None:
    vectors, first, second = random_pairs(12, 5)
    with pytest.raises(ValueError, match=r"vectors has shape \(5, 2\), expected \(5, 3\)"):
        pair_coordinates(vectors[:, 1:], first, second)
    with pytest.raises(ValueError, match=r"second has shape \(4, 6\), expected \(5, 6\)"):
        pair_coordinates(vectors, first, second[1:])
    with pytest.raises(TypeError, match=r"first is torch.float32, expected torch.float64"):
        pair_coordinates(vectors, first.float(), second)
    with pytest.raises(ValueError, match="second is on meta, vectors on cpu"):
        pair_coordinates(vectors, first, second.to("meta"))


def test_no_pairs(backend: str) -> None:
    point = random_pairs(13, 0)
    found: Any = pair_coordinates(*point)
    assert found.shape == (0, 16)
    assert [x.shape for x in torch.autograd.grad(found.sum(), point)] == [x.shape for x in point]
