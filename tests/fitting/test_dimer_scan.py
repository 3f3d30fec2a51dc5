"""The scan that looks for wells where there were no data."""

import warnings

import pytest
import torch
from torch import Tensor

from anisoap_e3nn import EllipsoidData
from anisoap_e3nn.fitting import fit_linear, scan_dimers
from anisoap_e3nn.gay_berne import label_frames
from anisoap_e3nn.potentials import (
    OneBodyPotential,
    PairPotential,
    StackedPotential,
    SurfaceRepulsion,
    smallest_gap,
)


def morse() -> PairPotential:
    """Energy y² − 2y of y = exp(−gap / 0.5), one unit deep in contact, as Chebyshev polynomials."""
    potential = PairPotential([0], 4.0, n_radial=3, max_degree=0, decay_length=0.5).double()
    with torch.no_grad():
        potential.weights.copy_(torch.tensor([-5 / 8, -1 / 2, 1 / 8]))
    return potential


@pytest.fixture
def pairs(generator: torch.Generator) -> list[EllipsoidData]:
    """Spheres of radius 0.5, hardly overlapping."""

    def pair(distance: Tensor) -> EllipsoidData:
        pos = torch.zeros(2, 3).index_put((torch.tensor(1), torch.tensor(2)), distance)
        return EllipsoidData(
            pos, torch.randn(2, 4, generator=generator), torch.full((2, 3), 0.5), [0, 0]
        )

    return label_frames(morse(), [pair(x) for x in torch.linspace(0.95, 3.5, 60)])


@pytest.mark.parametrize("sign", [1.0, -1.0])
def test_a_hole_behind_the_contact_is_found_and_mended(
    pairs: list[EllipsoidData], sign: float
) -> None:
    """Polynomials of noisy data turn either way at overlap: one sign makes a hole, both are mended."""
    options = {"n_radial": 8, "max_degree": 0, "decay_length": 0.5}
    for number, frame in enumerate(pairs):
        frame.energy += sign * 0.02 * (-1) ** number
    bare = StackedPotential([PairPotential([0], 4.0, **options)]).double()
    bounded = PairPotential([0], 4.0, **options, smallest_gap=smallest_gap(pairs, 4.0))
    prior = SurfaceRepulsion.of_frames(pairs, 4.0)
    mended = StackedPotential([bounded, prior]).double()
    fit_linear(bare, pairs, target_weights={"forces": 0.0})
    fit_linear(mended, pairs, target_weights={"forces": 0.0})
    with torch.no_grad():
        bare.components[0].weights[-1] -= 1e-4  # T_7 is 10^7 where two spheres overlap
    with pytest.warns(UserWarning, match="fall into this hole"):
        before = scan_dimers(bare, pairs)
    assert before.has_holes
    assert before.deepest < -10
    assert before.distance < 0.95
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        after = scan_dimers(mended, pairs)
    assert -1.5 < after.deepest < -0.7


def test_the_depth_of_a_known_well(pairs: list[EllipsoidData]) -> None:
    """Whatever the energies of particles far apart."""
    shift = OneBodyPotential([0])
    torch.nn.init.constant_(shift.weights, 7.0)
    scan = scan_dimers(StackedPotential([morse(), shift]), pairs, n_distances=200)
    assert scan.deepest == pytest.approx(-1.0, abs=0.01)
    assert scan.deepest_in_data == pytest.approx(-1.0, abs=0.01)
    assert scan.distance == pytest.approx(1.0, abs=0.05)
    assert not scan.has_holes


def test_what_cannot_be_scanned(pairs: list[EllipsoidData]) -> None:
    with pytest.raises(ValueError, match="without a cutoff"):
        scan_dimers(OneBodyPotential([0]), pairs)
    pairs[-1].pos[1, 2] = 5.0
    with pytest.raises(ValueError, match="no two particles closer"):
        scan_dimers(morse(), pairs[-1:])
