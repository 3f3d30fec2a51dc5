"""The switching polynomial: its ends, and its derivative against autograd."""

import torch

from anisoap_e3nn.geometry.switching import smooth_switch, smooth_switch_derivative


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
