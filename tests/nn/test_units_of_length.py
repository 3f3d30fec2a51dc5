"""Lengths in any unit give the right coefficients, or are refused."""

from typing import Any

import pytest
import torch
from torch import Tensor

from anisoap_e3nn import AniSOAPEmbedding


def inputs(scale: float, generator: torch.Generator) -> list[Tensor]:
    """Positions and semi-axes of the size of `scale`, in float64."""
    n, n_edges = 4, 20
    vectors = torch.randn(n_edges, 3, dtype=torch.float64, generator=generator)
    semiaxes = torch.rand(n, 3, dtype=torch.float64, generator=generator)
    return [
        scale * vectors,
        torch.randint(n, (2, n_edges), generator=generator),
        torch.zeros(n, dtype=torch.int64),
        torch.randn(n, 4, dtype=torch.float64, generator=generator),
        scale * semiaxes,
    ]


def embedding(scale: float, l: int, basis: str, dtype: torch.dtype) -> AniSOAPEmbedding:
    options: dict[str, Any] = {"radial_basis": basis}
    if basis == "gto":
        options["radial_gaussian_width"] = scale
    return AniSOAPEmbedding([0], 4 * scale, l, cutoff_function="polynomial", **options).to(dtype)


@pytest.mark.parametrize("basis", ["gto", "monomial"])
@pytest.mark.parametrize(
    ("scale", "l", "dtype"),
    [
        (1e3, 14, torch.float32),
        (1e6, 8, torch.float32),
        (150.0, 20, torch.float32),
        (1e-6, 8, torch.float32),
        (1e-10, 6, torch.float64),
        (1e10, 6, torch.float64),
    ],
)
def test_coefficients_scale_with_the_unit(
    scale: float, l: int, dtype: torch.dtype, basis: str, generator: torch.Generator
) -> None:
    """Coefficients are a length to the power -3/2."""
    state = generator.get_state()
    expected = embedding(1.0, l, basis, torch.float64)(*inputs(1.0, generator))
    generator.set_state(state)
    given = [x.to(dtype) if x.is_floating_point() else x for x in inputs(scale, generator)]
    for k in (0, 3, 4):
        given[k].requires_grad_()
    found = embedding(scale, l, basis, dtype)(*given)
    tolerance = 1e-3 if dtype == torch.float32 else 1e-9  # of the largest coefficient
    error = found.double() * scale**1.5 - expected
    assert error.abs().max() < tolerance * expected.abs().max()
    for gradient in torch.autograd.grad(found.sum(), [given[k] for k in (0, 3, 4)]):
        assert gradient.isfinite().all()


@pytest.mark.parametrize("scale", [1e-30, 1e-10, 1e10, 1e30])
def test_lengths_that_float32_cannot_hold_are_refused(
    scale: float, generator: torch.Generator
) -> None:
    layer = embedding(scale, 0, "gto", torch.float32)
    given = [x.float() if x.is_floating_point() else x for x in inputs(scale, generator)]
    with pytest.raises(ValueError, match=r"about .*, expected 1e-8 to 1e8 for torch.float32"):
        layer(*given)


@pytest.mark.parametrize(("dtype", "width"), [(torch.float32, 1e-2), (torch.float64, 1e-7)])
def test_widths_far_below_the_cutoff_are_refused(
    dtype: torch.dtype, width: float, generator: torch.Generator
) -> None:
    """Differences of squares of the cutoff in units of the width are then rounding errors."""
    layer = AniSOAPEmbedding([0], 5.0, 2, radial_gaussian_width=width).to(dtype)
    given = [x.to(dtype) if x.is_floating_point() else x for x in inputs(1.0, generator)]
    with pytest.raises(ValueError, match="times the width of the radial functions"):
        layer(*given)
