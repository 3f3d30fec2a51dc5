"""The embedding with a radial basis of one's own."""

import io
from itertools import product

import numpy as np
import pytest
import torch
from e3nn import o3

from anisoap_e3nn import AniSOAPEmbedding
from anisoap_e3nn.geometry import covariances
from common import Ellipsoids
from oscillator_basis import OscillatorBasis

BASIS = OscillatorBasis(1.3)


def make_embedding(**others: object) -> AniSOAPEmbedding:
    arguments = {"cutoff": 4.0, "max_angular": 3, "max_radial": 2, "radial_basis": BASIS}
    return AniSOAPEmbedding([6, 1], **(arguments | others)).double()  # type: ignore[arg-type]


def test_coefficients_are_the_integrals(backend: str, generator: torch.Generator) -> None:
    """Gauss-Hermite quadrature of φ_nl(|x|) Y_lm(x̂) over the density of one ellipsoid."""
    r = torch.tensor([[0.7, -0.4, 1.2]], dtype=torch.float64)
    q = torch.randn(2, 4, dtype=torch.float64, generator=generator)
    semiaxes = torch.tensor([[1.0, 1.0, 1.0], [0.3, 0.6, 0.8]], dtype=torch.float64)
    embedding = make_embedding(include_self=False)
    x = embedding(r, torch.tensor([[1], [0]]), torch.tensor([1, 6]), q, semiaxes)[0]

    nodes, node_weights = np.polynomial.hermite_e.hermegauss(40)
    standard = torch.tensor(list(product(nodes, repeat=3)))
    volume = torch.tensor(list(product(node_weights, repeat=3))).prod(-1) / (2 * np.pi) ** 1.5
    points = r + standard @ torch.linalg.cholesky(covariances(q, semiaxes)[1]).T
    for l, columns in enumerate(embedding.irreps_out.slices()):
        ours = x[columns].view(2, 3, 2 * l + 1)[0]  # of carbon -> [n, m]
        Y = o3.spherical_harmonics(l, points, normalize=True, normalization="integral")
        distances = points.norm(dim=1).numpy()
        phi = torch.tensor(np.stack([BASIS.values(n, l, distances) for n in range(3)]))
        expected = torch.einsum("np,pm,p->nm", phi, Y, volume)
        torch.testing.assert_close(ours, expected, rtol=1e-9, atol=1e-11)


def test_the_same_space_as_orbitals(backend: str, ellipsoids: Ellipsoids) -> None:
    """Both bases are orthonormal in one space of functions: their coefficients have the same lengths."""
    inputs = ellipsoids.inputs(4.0)
    orbitals = make_embedding(radial_basis="gto", radial_gaussian_width=1.3, rcond=1e-14)
    ours, theirs = make_embedding()(**inputs), orbitals(**inputs)
    for l, columns in enumerate(orbitals.irreps_out.slices()):
        a, b = (x[:, columns].view(-1, 2, 3, 2 * l + 1).square().sum(2) for x in (ours, theirs))
        torch.testing.assert_close(a, b, rtol=1e-9, atol=1e-11)


def test_state_dict_round_trip(ellipsoids: Ellipsoids) -> None:
    embedding = make_embedding(irreps_out="4x0e+2x1o")
    assert "radial_basis=OscillatorBasis(width=1.3)" in repr(embedding)
    file = io.BytesIO()
    torch.save(embedding.state_dict(), file)
    file.seek(0)
    again = AniSOAPEmbedding(**embedding.hyperparameters).double()
    again.load_state_dict(torch.load(file, weights_only=True))
    inputs = ellipsoids.inputs(4.0)
    assert torch.equal(again(**inputs), embedding(**inputs))
    other = make_embedding(irreps_out="4x0e+2x1o", radial_basis=OscillatorBasis(1.4))
    with pytest.raises(ValueError, match=r"radial_basis=.*OscillatorBasis\(width=1.3\)"):
        other.load_state_dict(embedding.state_dict())


def test_other_arguments_are_refused() -> None:
    with pytest.raises(ValueError, match="takes no radial_gaussian_width"):
        make_embedding(radial_gaussian_width=1.0)
    with pytest.raises(
        TypeError, match="radial_basis is 2, expected 'gto', 'monomial' or an object"
    ):
        make_embedding(radial_basis=2)
