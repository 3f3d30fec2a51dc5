"""Small networks, fresh and trained, and frames of every kind, in float64."""

import pytest
import torch
from torch_geometric.data import Batch

from anisoap_e3nn import EllipsoidData
from anisoap_e3nn.networks import MessagePassingPotential
from anisoap_e3nn.potentials import mechanics
from model_fixtures import double_precision, frames, model, searches, spaced
from small_networks import FRAMES, labelled, mace, nequip, own

__all__ = ["double_precision", "frames", "model", "searches", "spaced"]


@pytest.fixture(params=["fresh", "trained"])
def stage(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture(params=[nequip, mace, own])
def potential(
    request: pytest.FixtureRequest,
    stage: str,
    frames: dict[str, EllipsoidData],
    generator: torch.Generator,
) -> MessagePassingPotential:
    """Standardised, and maybe after some steps of training on energies, forces and torques."""
    torch.manual_seed(1)
    potential: MessagePassingPotential = request.param()
    some = [labelled(frames[name].clone(), generator) for name in FRAMES]
    potential.standardize(some)
    if stage == "trained":
        optimizer = torch.optim.Adam(potential.parameters(), lr=1e-3)
        batch = Batch.from_data_list(some)
        for _ in range(2):
            result = mechanics(potential, batch, create_graph=True)
            errors = [(getattr(result, k) - batch[k]).square().mean() for k in ("energy", "forces")]
            loss = sum(errors) + (result.torques - batch.torques).square().mean()
            optimizer.zero_grad()
            loss.backward()
            assert all(p.grad.isfinite().all() for p in potential.parameters())
            optimizer.step()
    return potential
