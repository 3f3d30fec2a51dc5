"""The functions of the package sparse_accumulation, called as they are there."""

from collections.abc import Callable
from typing import Any

import pytest
import torch
from e3nn import o3
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor
from torch.autograd import gradcheck, gradgradcheck

from anisoap_e3nn.ops import accumulate, accumulate_active_dim_first, accumulate_active_dim_middle

VARIANTS: dict[str, tuple[Callable[..., Tensor], int]] = {
    "last": (accumulate, -1),
    "middle": (accumulate_active_dim_middle, -2),
    "first": (accumulate_active_dim_first, 0),
}
variants = pytest.mark.parametrize("variant", VARIANTS)


def by_loop(x1: Tensor, x2: Tensor, terms: dict[str, Any]) -> Tensor:
    """With the active dimension last."""
    out = torch.zeros(*x1.shape[:-1], terms["output_size"], dtype=x1.dtype)
    indices = (terms[name].tolist() for name in ("idx_output", "idx_1", "idx_2"))
    for mu, m1, m2, c in zip(*indices, terms["multipliers"], strict=True):
        out[..., mu] += c * x1[..., m1] * x2[..., m2]
    return out


def make_terms(generator: torch.Generator, n: int = 20) -> dict[str, Any]:
    return {
        "idx_output": torch.randint(4, (n,), generator=generator),
        "output_size": 4,
        "idx_1": torch.randint(3, (n,), generator=generator),
        "idx_2": torch.randint(5, (n,), generator=generator),
        "multipliers": torch.randn(n, dtype=torch.float64, generator=generator),
    }


@variants
@given(shape=st.lists(st.integers(0, 6), max_size=3), seed=st.integers(0, 1000))
@settings(max_examples=30, deadline=None)
def test_any_leading_shape(variant: str, shape: list[int], seed: int) -> None:
    generator = torch.Generator().manual_seed(seed)
    run, active = VARIANTS[variant]
    shape = [*shape, 2] if variant == "middle" else shape
    terms = make_terms(generator, n=seed % 30)
    x1, x2 = (torch.randn(*shape, d, dtype=torch.float64, generator=generator) for d in (3, 5))
    for backend in ("torch", "native"):
        with pytest.MonkeyPatch.context() as patch:
            patch.setenv("ANISOAP_E3NN_BACKEND", backend)
            ours = run(x1.movedim(-1, active), x2.movedim(-1, active), **terms)
        torch.testing.assert_close(
            ours.movedim(active, -1), by_loop(x1, x2, terms), rtol=1e-12, atol=1e-12
        )


@variants
def test_all_derivatives(variant: str, backend: str, generator: torch.Generator) -> None:
    run, active = VARIANTS[variant]
    terms = make_terms(generator, n=7)
    C = terms.pop("multipliers").requires_grad_()
    x1, x2 = (
        torch.randn(2, 2, d, dtype=torch.float64, generator=generator)
        .movedim(-1, active)
        .requires_grad_()
        for d in (3, 5)
    )

    def call(x1: Tensor, x2: Tensor, C: Tensor) -> Tensor:
        return run(x1, x2, **terms, multipliers=C)

    assert gradcheck(call, (x1, x2, C))
    assert gradgradcheck(call, (x1, x2, C))


@variants
def test_couples_harmonics(variant: str, backend: str, generator: torch.Generator) -> None:
    """With e3nn's 3j symbols, two vectors make the harmonic of a third: what turns them turns it."""
    run, active = VARIANTS[variant]
    dense = o3.wigner_3j(2, 3, 3, dtype=torch.float64)
    idx_1, idx_2, idx_output = torch.nonzero(dense.abs() > 1e-12).t()
    terms = (idx_output, 7, idx_1, idx_2, dense[idx_1, idx_2, idx_output])
    x1, x2 = (torch.randn(30, 5, d, dtype=torch.float64, generator=generator) for d in (5, 7))
    ours = run(x1.movedim(-1, active), x2.movedim(-1, active), *terms).movedim(active, -1)
    theirs = torch.einsum("nci,ncj,ijk->nck", x1, x2, dense)
    torch.testing.assert_close(ours, theirs, rtol=1e-12, atol=1e-13)


def test_indices_of_any_integer_type(backend: str, generator: torch.Generator) -> None:
    terms = make_terms(generator)
    x1, x2 = (torch.randn(4, d, dtype=torch.float64, generator=generator) for d in (3, 5))
    expected = accumulate(x1, x2, **terms)
    short = terms | {name: terms[name].int() for name in ("idx_output", "idx_1", "idx_2")}
    assert torch.equal(accumulate(x1, x2, **short), expected)


def test_terms_may_change_between_calls(backend: str, generator: torch.Generator) -> None:
    """Plans are kept by the values of the indices: the same tensors with other values make another."""
    terms = make_terms(generator)
    x1, x2 = (torch.randn(4, d, dtype=torch.float64, generator=generator) for d in (3, 5))
    accumulate(x1, x2, **terms)
    terms["idx_1"].copy_(terms["idx_1"].flip(0))
    torch.testing.assert_close(accumulate(x1, x2, **terms), by_loop(x1, x2, terms))


@pytest.mark.parametrize(
    ("change", "error", "message"),
    [
        ({"idx_1": torch.tensor([3])}, ValueError, "idx_1 goes from 3 to 3, expected 0 to 2"),
        ({"idx_2": torch.tensor([-1])}, ValueError, "idx_2 goes from -1 to -1, expected 0 to 4"),
        ({"output_size": 1}, ValueError, "idx_output goes from 2 to 2, expected 0 to 0"),
        (
            {"idx_1": torch.tensor([0, 1])},
            ValueError,
            r"idx_1 has shape \(2,\), multipliers \(1,\)",
        ),
        ({"idx_1": torch.tensor([0.0])}, TypeError, "idx_1 is torch.float32, expected integers"),
        ({"multipliers": torch.tensor([1])}, TypeError, "multipliers is torch.int64, expected"),
        ({"X2": torch.ones(3, 5)}, ValueError, r"X1 has shape \(2, 3\) and X2 \(3, 5\)"),
        ({"X2": torch.ones(2, 5).double()}, TypeError, "X2 is torch.float64"),
        ({"X2": torch.ones(2, 5, device="meta")}, ValueError, "X2 is on meta and X1 on cpu"),
    ],
)
def test_bad_input(change: dict[str, Any], error: type[Exception], message: str) -> None:
    arguments = {
        "X1": torch.ones(2, 3),
        "X2": torch.ones(2, 5),
        "idx_output": torch.tensor([2]),
        "output_size": 4,
        "idx_1": torch.tensor([0]),
        "idx_2": torch.tensor([1]),
        "multipliers": torch.tensor([1.0]),
    }
    with pytest.raises(error, match=message):
        accumulate(**(arguments | change))


def test_middle_needs_channels() -> None:
    one = torch.zeros(1, dtype=torch.int64)
    with pytest.raises(ValueError, match="X1 and X2 have 1 and 1 dimensions"):
        accumulate_active_dim_middle(torch.ones(3), torch.ones(3), one, 1, one, one, torch.ones(1))
