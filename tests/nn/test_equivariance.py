"""The symmetries of the embedding, for every option."""

from typing import Any

import pytest
import torch

from anisoap_e3nn import AniSOAPEmbedding
from anisoap_e3nn.geometry import matrices_to_quaternions, rotation_matrices
from anisoap_e3nn.testing import check_equivariance
from common import Ellipsoids

CUTOFF = 4.0
pytestmark = pytest.mark.usefixtures("float64_by_default")
OPTIONS: dict[str, dict[str, Any]] = {
    "coupled": {},
    "integer": {"max_radial": 2},
    "per_l": {"max_radial": [3, 2, 2, 1, 0]},
    "monomial": {"radial_basis": "monomial", "radial_gaussian_width": None},
    "no_self": {"include_self": False},
    "own_density": {"include_self": "separate", "density_width": 0.4},
    "two_widths": {"radial_gaussian_width": [0.5, 1.4], "include_self": "separate"},
    "shifted_cosine": {"cutoff_function": "shifted_cosine"},
    "polynomial": {"cutoff_function": "polynomial"},
    "linear": {"irreps_out": "3x0e+2x1o+1x2e+2x4e"},
    "linear_per_type": {"irreps_out": "1x1o+3x0e", "per_center_type": True},
    "single_l": {"max_angular": 0},
}


@pytest.fixture(params=OPTIONS, ids=str)
def embedding(request: pytest.FixtureRequest) -> AniSOAPEmbedding:
    torch.manual_seed(1)  # the weights of the linear maps
    common = {"types": [6, 1], "cutoff": CUTOFF, "max_angular": 4, "radial_gaussian_width": 1.2}
    return AniSOAPEmbedding(**(common | OPTIONS[request.param]))


def embed(embedding: AniSOAPEmbedding, frame: Ellipsoids) -> torch.Tensor:
    with torch.no_grad():
        return embedding(**frame.inputs(CUTOFF))


def assert_same(a: torch.Tensor, b: torch.Tensor) -> None:
    assert (a - b).abs().max() <= 1e-12 * b.abs().max()


def test_equivariance(backend: str, embedding: AniSOAPEmbedding, ellipsoids: Ellipsoids) -> None:
    check_equivariance(embedding, ellipsoids.data, irreps_out=embedding.irreps_out, tolerance=1e-12)


def test_orientations_in_either_spelling(
    backend: str, embedding: AniSOAPEmbedding, ellipsoids: Ellipsoids
) -> None:
    x = embed(embedding, ellipsoids)
    R = rotation_matrices(ellipsoids.orientations)
    ellipsoids.orientations = R
    assert_same(embed(embedding, ellipsoids), x)
    ellipsoids.orientations = -7 * matrices_to_quaternions(R)
    assert_same(embed(embedding, ellipsoids), x)


def test_relabelled_axes_of_an_ellipsoid(
    backend: str, embedding: AniSOAPEmbedding, ellipsoids: Ellipsoids
) -> None:
    """(x, y, z) → (y, z, x) of the body frame, semi-axes along with it, is the same ellipsoid."""
    x = embed(embedding, ellipsoids)
    ellipsoids.orientations = rotation_matrices(ellipsoids.orientations)[..., [1, 2, 0]]
    ellipsoids.semiaxes = ellipsoids.semiaxes[:, [1, 2, 0]]
    assert_same(embed(embedding, ellipsoids), x)


def test_a_flipped_sign_of_the_edges_shows(ellipsoids: Ellipsoids) -> None:
    """Some packages point their edge vectors the other way: that turns the sign of odd l."""
    embedding = AniSOAPEmbedding([6, 1], CUTOFF, 3, radial_gaussian_width=1.2)
    inputs = ellipsoids.inputs(CUTOFF)
    x = embedding(**inputs)
    flipped = embedding(**(inputs | {"edge_vectors": -inputs["edge_vectors"]}))
    parity = torch.cat(
        [torch.full((mul * ir.dim,), float(ir.p)) for mul, ir in embedding.irreps_out]
    )
    assert_same(flipped, x * parity)
    assert (flipped - x).abs().max() > 0.1 * x.abs().max()
