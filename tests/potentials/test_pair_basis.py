"""The basis of pair energies: products of invariants, their number and their exchange."""

import pytest
import torch

from anisoap_e3nn.geometry.pair_coordinates import DEGREES, pair_coordinates, shape_matrices
from anisoap_e3nn.potentials import PairPotential
from anisoap_e3nn.potentials.pair.basis import InvariantPolynomials


def test_products_of_exchanged_particles(generator: torch.Generator) -> None:
    vectors = torch.randn(3, 20, generator=generator)
    shapes = shape_matrices(
        torch.randn(40, 4, generator=generator), torch.rand(40, 3, generator=generator), 0.1
    )
    products = InvariantPolynomials(5)
    one, other = (
        products(pair_coordinates(sign * vectors, first, second).invariants)
        for sign, first, second in (
            (1, shapes[..., :20], shapes[..., 20:]),
            (-1, shapes[..., 20:], shapes[..., :20]),
        )
    )
    torch.testing.assert_close(other, one[products.exchanged])
    assert len(products) == len(one)


@pytest.mark.parametrize("max_degree", [0, 1, 4, 6])
def test_number_of_products(max_degree: int) -> None:
    """Coefficients of the generating function: the product of 1 / (1 - x^d) over the invariants."""
    counts = [1] + [0] * max_degree
    for degree in DEGREES:
        for total in range(degree, max_degree + 1):
            counts[total] += counts[total - degree]
    assert len(InvariantPolynomials(max_degree)) == sum(counts)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"types": [1, 1]}, "different integers"),
        ({"cutoff": -1.0}, "cutoff is -1.0"),
        ({"decay_length": 0.0}, "decay_length is 0.0"),
        ({"switch_width": 5.0}, "switch_width is 5.0"),
        ({"n_radial": 0}, "n_radial is 0"),
        ({"max_degree": -1}, "max_degree is -1"),
    ],
)
def test_hyperparameters_that_make_no_sense(arguments: dict[str, object], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        PairPotential(**({"types": [1], "cutoff": 4.0} | arguments))
