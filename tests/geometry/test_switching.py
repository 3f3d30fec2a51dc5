"""The switching and bounding polynomials: their ends, and their derivatives against autograd."""

import torch

from anisoap_e3nn.geometry.switching import (
    floored,
    floored_derivative,
    smooth_switch,
    smooth_switch_derivative,
)


def test_it_falls_from_one_to_zero() -> None:
    distances = torch.linspace(2.0, 3.2, 1201, dtype=torch.float64)
    values = smooth_switch(distances, 3.0, 0.4)
    assert bool((values[distances < 2.6] == 1).all())
    assert not values[distances >= 3.0].any()
    assert bool((values.diff() < 1e-14).all())


def test_three_derivatives_vanish_at_its_ends() -> None:
    ends = torch.tensor([2.6 + 1e-7, 3.0 - 1e-7], dtype=torch.float64, requires_grad=True)
    derivatives = smooth_switch(ends, 3.0, 0.4)
    for order in range(1, 4):  # the third is about 800 in between
        (derivatives,) = torch.autograd.grad(derivatives.sum(), ends, create_graph=True)
        assert float(derivatives.detach().abs().max()) < 1e-2, order


def test_its_derivative_is_that_of_autograd() -> None:
    distances = torch.linspace(2.0, 3.2, 97, dtype=torch.float64, requires_grad=True)
    (expected,) = torch.autograd.grad(smooth_switch(distances, 3.0, 0.4).sum(), distances)
    found = smooth_switch_derivative(distances.detach(), 3.0, 0.4)
    torch.testing.assert_close(found, expected, rtol=1e-12, atol=1e-10)
    assert float(found.min()) < -1


def test_gaps_are_bounded_from_below() -> None:
    """Unchanged above the floor, never falling, and constant from a width below the floor on."""
    gaps = torch.linspace(-2.0, 1.0, 3001, dtype=torch.float64)
    found = floored(gaps, -0.3, 0.4)
    assert torch.equal(found[gaps > -0.3], gaps[gaps > -0.3])
    assert bool((found.diff() > -1e-14).all())
    torch.testing.assert_close(found[gaps < -0.7], torch.full_like(found[gaps < -0.7], -0.5))


def test_derivative_of_bounded_gaps_is_that_of_autograd() -> None:
    """At the floor too, where the smallest gap of the data lies."""
    gaps = torch.cat([torch.linspace(-1.0, 0.5, 97), torch.tensor([-0.25])]).double()
    gaps.requires_grad_()
    (expected,) = torch.autograd.grad(floored(gaps, -0.25, 0.4).sum(), gaps)
    found = floored_derivative(gaps.detach(), -0.25, 0.4)
    torch.testing.assert_close(found, expected, rtol=1e-12, atol=1e-12)
    assert float(found[-1]) == 1
