"""Fits and losses without energies, with weights of frames, and beside fixed components."""

from math import isnan

import pytest
import torch
from torch_geometric.data import Batch

from anisoap_e3nn import EllipsoidData
from anisoap_e3nn.fitting import MechanicsLoss, fit_linear, predict, r_squared
from anisoap_e3nn.gay_berne import gay_berne_pairs, label_frames, triaxial_gay_berne
from anisoap_e3nn.networks import NequIPStylePotential
from anisoap_e3nn.potentials import PairPotential, StackedPotential, SurfaceRepulsion


@pytest.fixture
def pairs() -> list[EllipsoidData]:
    found = gay_berne_pairs(sizes=(120, 0, 0)).train
    for pair in found:
        del pair.energy
    return found


def stack(*others: torch.nn.Module) -> StackedPotential:
    pair = PairPotential([0], 4.0, n_radial=5, max_degree=2, decay_length=1.0)
    return StackedPotential([pair, *others])


@pytest.mark.parametrize("removed", [[], ["torques"], ["forces"]], ids=str)
def test_targets_without_energies(pairs: list[EllipsoidData], removed: list[str]) -> None:
    for pair in pairs:
        for name in removed:
            del pair[name]
    potential = stack()
    fitted = fit_linear(potential, pairs)
    found = r_squared(potential, pairs)
    assert isnan(found.energy)
    for name in ("forces", "torques"):
        assert isnan(getattr(found, name)) == (name in removed)
        if name not in removed:
            assert getattr(found, name) == pytest.approx(getattr(fitted, name), rel=1e-9)
            assert getattr(found, name) > 0.9
    loss = MechanicsLoss(pairs)(predict(potential, pairs), Batch.from_data_list(pairs))
    assert float(loss) == pytest.approx(sum(1 - x for x in found if not isnan(x)), rel=1e-6)
    network = NequIPStylePotential([0], 4.0, "2x0e + 1x1o", n_layers=1)
    network.standardize(pairs[:5])
    name = "torques" if "forces" in removed else "forces"
    expected = torch.cat([pair[name] for pair in pairs[:5]]).square().mean().sqrt()
    torch.testing.assert_close(network.energy_scales, expected[None])
    assert not network.energy_shifts.any()


def test_a_weight_counts_as_copies(pairs: list[EllipsoidData]) -> None:
    """A frame of weight 3 is that frame three times, and one of weight 0 is none."""
    weighted, copied = [], []
    for number, pair in enumerate(pairs):
        weighted.append(pair.clone())
        weighted[-1].frame_weight = torch.tensor([float(number % 4)], dtype=pair.pos.dtype)
        copied += [pair] * (number % 4)
    one, other = stack(), stack()
    fits = fit_linear(one, weighted, ridge=1e-8), fit_linear(other, copied, ridge=1e-8)
    assert fits[0][1:] == pytest.approx(fits[1][1:], rel=1e-9)
    for a, b in zip(one.parameters(), other.parameters(), strict=True):
        torch.testing.assert_close(a, b, rtol=1e-5, atol=1e-6 * float(b.detach().abs().max()))
    result, repeated = predict(one, weighted), predict(one, copied)
    loss = MechanicsLoss(weighted)(result, Batch.from_data_list(weighted))
    expected = MechanicsLoss(copied)(repeated, Batch.from_data_list(copied))
    torch.testing.assert_close(loss, expected)


def test_faulty_weights_are_refused(pairs: list[EllipsoidData]) -> None:
    pairs[0].frame_weight = torch.ones(1, dtype=torch.float64)
    with pytest.raises(ValueError, match="frame_weight in the first frame only"):
        fit_linear(stack(), pairs)
    for pair in pairs:
        pair.frame_weight = torch.tensor([-1.0], dtype=torch.float64)
    with pytest.raises(ValueError, match=r"frame_weight of frame 0 is \[-1.0\], expected ≥ 0"):
        MechanicsLoss(pairs)


def test_fixed_components_are_taken_off_the_data(pairs: list[EllipsoidData]) -> None:
    """A pair potential and a repulsion make the data; the repulsion is known, and the rest is found again."""
    repulsion = SurfaceRepulsion([0], 4.0, strength=5.0, decay_length=0.3)
    truth = stack(repulsion)
    torch.nn.init.normal_(truth.components[0].weights, generator=torch.Generator().manual_seed(1))
    labelled = label_frames(truth, pairs)
    for frame in labelled:
        del frame.energy
    found = stack(repulsion)
    assert min(fit_linear(found, labelled)[1:]) > 1 - 1e-9
    assert min(r_squared(found, labelled)[1:]) > 1 - 1e-9
    assert r_squared(stack(*found.components[:1]), labelled).forces < 1 - 1e-4
    found.components[0].requires_grad_(False)
    with pytest.raises(ValueError, match="only fixed components"):
        fit_linear(found, labelled)


def test_the_exact_potential_explains_forces_without_energies(pairs: list[EllipsoidData]) -> None:
    found = r_squared(triaxial_gay_berne(cutoff=4.0), pairs)
    assert min(found[1:]) > 1 - 1e-9
