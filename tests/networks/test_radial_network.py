"""The radial network against e3nn's."""

import torch
from e3nn.nn import FullyConnectedNet

from anisoap_e3nn.networks.radial_network import RadialNetwork


def test_the_network_of_e3nn() -> None:
    """Also the same weights from the same seed, and checkpoints that fit."""
    torch.manual_seed(1)
    theirs = FullyConnectedNet([5, 7, 3, 4], torch.nn.functional.silu).double()
    torch.manual_seed(1)
    ours = RadialNetwork([5, 7, 3, 4]).double()
    x = torch.randn(6, 5, dtype=torch.float64)
    torch.testing.assert_close(ours(x), theirs(x), rtol=1e-12, atol=1e-13)
    ours.load_state_dict(theirs.state_dict())
    torch.testing.assert_close(ours(x), theirs(x), rtol=1e-12, atol=1e-13)
