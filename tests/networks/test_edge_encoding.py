"""Which ellipsoid of an edge is the centre, and which the neighbour."""

import torch
from torch import Tensor

from anisoap_e3nn.networks import EdgeEncoding


def test_invariants_tell_the_centre_from_the_neighbour() -> None:
    """A sphere and a rod across the line between them: n Q n is 0 for the sphere, < 0 for the rod."""
    encoding = EdgeEncoding(4.0, max_angular=1, n_radial=2, orientations=True)
    vectors = torch.tensor([[2.0, 0.0, 0.0], [-2.0, 0.0, 0.0]])
    edge_index = torch.tensor([[1, 0], [0, 1]])  # neighbours, centres
    orientations = torch.tensor([[1.0, 0.0, 0.0, 0.0]] * 2)
    semiaxes = torch.tensor([[1.0, 1.0, 1.0], [0.5, 0.5, 2.0]])
    invariants: Tensor = encoding.invariants(vectors, edge_index, orientations, semiaxes)[:, 4:]
    of_centers, of_neighbors = invariants[:, 0], invariants[:, 1]
    torch.testing.assert_close(of_centers[0], torch.tensor(0.0), atol=1e-6, rtol=0)
    torch.testing.assert_close(of_neighbors[1], torch.tensor(0.0), atol=1e-6, rtol=0)
    assert of_centers[1] < -0.5
    assert of_neighbors[0] < -0.5
