"""Errors of a model by target, type and nearest contact."""

import numpy as np
import pytest
import torch

from anisoap_e3nn import EllipsoidData
from anisoap_e3nn.fitting import evaluate, r_squared
from anisoap_e3nn.gay_berne import gay_berne_pairs, label_frames, triaxial_gay_berne
from anisoap_e3nn.potentials import PairPotential, SurfaceRepulsion


@pytest.fixture
def pairs() -> list[EllipsoidData]:
    return gay_berne_pairs(sizes=(60, 0, 0)).train


def test_scores_are_those_of_r_squared(pairs: list[EllipsoidData]) -> None:
    """On triaxial bodies, whose torques all are visible."""
    model = triaxial_gay_berne(cutoff=3.0)
    found, expected = evaluate(model, pairs), r_squared(model, pairs)
    assert [each.r_squared for each in found.errors] == pytest.approx(list(expected), rel=1e-9)
    for each in found.errors:
        errors = (found.predicted[each.target] - found.true[each.target]).numpy()
        assert each.rmse == pytest.approx(np.sqrt((errors**2).mean()))
        assert each.mae == pytest.approx(np.abs(errors).mean())
        assert each.largest == pytest.approx(np.abs(errors).max())


def test_where_the_largest_error_is_and_of_which_type(pairs: list[EllipsoidData]) -> None:
    for pair in pairs:
        pair.types[1] = 1
        del pair.energy
    model = SurfaceRepulsion([0, 1], 4.0, strength=1.0, decay_length=0.3).double()
    frames = label_frames(model, pairs)
    for frame in frames:
        del frame.energy
    frames[7].forces[1, 2] += 5.0
    found = evaluate(model, frames)
    assert [(each.target, each.type) for each in found.errors[:3]] == [
        ("forces", None),
        ("forces", 0),
        ("forces", 1),
    ]
    whole, first, second = found.errors[:3]
    assert (whole.frame, whole.particle, whole.largest) == (7, 1, pytest.approx(5.0))
    assert first.largest == pytest.approx(0.0, abs=1e-12)
    assert (second.frame, second.particle, second.n) == (7, 1, 60)
    near = [each for each in found.contacts if each.rmse > 1e-9]
    assert len(near) == 1
    assert sum(each.n for each in found.contacts) == 2 * sum(
        float(frame.pos[1].norm()) < 4.0 for frame in frames
    )


def test_torques_about_axes_of_symmetry_do_not_count(pairs: list[EllipsoidData]) -> None:
    model = PairPotential([0], 4.0, n_radial=3, max_degree=2).double()
    torch.nn.init.normal_(model.weights, generator=torch.Generator().manual_seed(2))
    for pair in pairs:
        pair.semiaxes[:] = torch.tensor([1.0, 1.0, 0.5])
        pair.orientations[:] = torch.tensor([1.0, 0, 0, 0])
    frames = label_frames(model, pairs)
    for frame in frames:
        frame.torques[:, 2] += 10.0
    assert evaluate(model, frames).errors[-1].r_squared == pytest.approx(1.0)
    assert r_squared(model, frames).torques < 0.9


def test_no_frames() -> None:
    with pytest.raises(ValueError, match="found no frames"):
        evaluate(triaxial_gay_berne(cutoff=3.0), [])
