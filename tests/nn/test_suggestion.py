"""Hyperparameters from the sizes and distances of particles."""

import pytest
import torch
from torch_geometric.data import Batch

from anisoap_e3nn import AniSOAPEmbedding, EllipsoidData
from anisoap_e3nn.gay_berne import gay_berne_fluids
from anisoap_e3nn.nn import kept_density, suggest_hyperparameters
from anisoap_e3nn.potentials import ManyBodyPotential


def test_a_fluid() -> None:
    """What the scans of the fluid found best, in any unit of length, from frames or batches."""
    frames = gay_berne_fluids(2, n_particles=64, n_sweeps=1)
    suggestion = suggest_hyperparameters(iter(frames), 3.0)
    found = suggestion.hyperparameters
    assert 0.25 <= found["density_width"] <= 0.38
    assert 0.25 <= found["radial_gaussian_width"] <= 0.34
    assert (found["max_angular"], found["max_radial"]) == (8, 4)
    assert suggest_hyperparameters([Batch.from_data_list(frames)], 3.0) == suggestion
    for data in frames:
        data.pos, data.semiaxes, data.cell = 10 * data.pos, 10 * data.semiaxes, 10 * data.cell
    scaled = suggest_hyperparameters(frames, 30.0).hyperparameters
    assert scaled["density_width"] == found["density_width"]
    assert scaled["radial_gaussian_width"] == pytest.approx(10 * found["radial_gaussian_width"])
    embedding = AniSOAPEmbedding([0], 30.0, **scaled)
    old = AniSOAPEmbedding([0], 30.0, 8, 4, radial_gaussian_width=7.5, density_width=0.1)
    assert kept_density(embedding, frames[0]).mean() > 2 * kept_density(old, frames[0]).mean()


def test_models_take_them() -> None:
    pair = EllipsoidData([[0.0, 0, 0], [0, 0, 2]], [[1.0, 0, 0, 0]] * 2, [[1.0, 1, 0]] * 2, [0, 0])
    suggestion = suggest_hyperparameters([pair], 4.0)  # disks measure their mean semi-axis
    assert suggestion.hyperparameters["density_width"] == pytest.approx(0.2 * 2 / (2 / 3))
    potential = ManyBodyPotential([0], 4.0, **suggestion.hyperparameters)
    assert potential.hyperparameters["radial_gaussian_width"] == 0.5
    assert "come as close as 2" in suggestion.reason


def test_what_says_nothing_is_refused() -> None:
    pair = EllipsoidData([[0.0, 0, 0], [0, 0, 2]], [[1.0, 0, 0, 0]] * 2, [[1.0, 1, 1]] * 2, [0, 0])
    with pytest.raises(ValueError, match="no two particles are closer than the cutoff 1"):
        suggest_hyperparameters([pair], 1.0)
    pair.semiaxes = torch.zeros(2, 3)
    with pytest.raises(ValueError, match="all semi-axes are zero"):
        suggest_hyperparameters([pair], 4.0)
    with pytest.raises(ValueError, match="found none"):
        suggest_hyperparameters([], 4.0)
