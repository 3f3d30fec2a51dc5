"""The symmetries of the embedding, for every option."""

from collections.abc import Iterator
from typing import Any

import pytest
import torch
from e3nn import o3

from anisoap_e3nn import AniSOAPEmbedding
from anisoap_e3nn.geometry import matrices_to_quaternions, rotation_matrices
from common import Ellipsoids

CUTOFF = 4.0
OPTIONS: dict[str, dict[str, Any]] = {
    "coupled": {},
    "integer": {"max_radial": 2},
    "per_l": {"max_radial": [3, 2, 2, 1, 0]},
    "monomial": {"radial_basis": "monomial", "radial_gaussian_width": None},
    "no_self": {"include_self": False},
    "shifted_cosine": {"cutoff_function": "shifted_cosine"},
    "polynomial": {"cutoff_function": "polynomial"},
    "linear": {"irreps_out": "3x0e+2x1o+1x2e+2x4e"},
    "linear_per_type": {"irreps_out": "1x1o+3x0e", "per_center_type": True},
    "single_l": {"max_angular": 0},
}


@pytest.fixture(autouse=True)
def _double_precision() -> Iterator[None]:
    """e3nn computes its D matrices in the default dtype, whatever the matrix they are asked for."""
    torch.set_default_dtype(torch.float64)
    yield
    torch.set_default_dtype(torch.float32)


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


def transformed(frame: Ellipsoids, R: torch.Tensor) -> Ellipsoids:
    """The frame after x → R x; ellipsoids, being even, cannot tell R from -R."""
    proper = R * torch.linalg.det(R)
    return Ellipsoids(
        positions=frame.positions @ R.T,
        orientations=proper @ rotation_matrices(frame.orientations),
        semiaxes=frame.semiaxes,
        types=frame.types,
        cell=frame.cell @ R.T,
        pbc=frame.pbc,
    )


@pytest.mark.parametrize("improper", [False, True], ids=["rotation", "rotation_inversion"])
def test_rotations_and_inversion(
    backend: str, embedding: AniSOAPEmbedding, ellipsoids: Ellipsoids, improper: bool
) -> None:
    R = o3.rand_matrix() * (-1 if improper else 1)
    D = embedding.irreps_out.D_from_matrix(R)
    x = embed(embedding, ellipsoids)
    assert_same(embed(embedding, transformed(ellipsoids, R)), x @ D.T)


def test_translation(backend: str, embedding: AniSOAPEmbedding, ellipsoids: Ellipsoids) -> None:
    x = embed(embedding, ellipsoids)
    ellipsoids.positions = ellipsoids.positions + torch.tensor([12.3, -4.5, 6.7])
    assert_same(embed(embedding, ellipsoids), x)


def test_permutation(backend: str, embedding: AniSOAPEmbedding, ellipsoids: Ellipsoids) -> None:
    x = embed(embedding, ellipsoids)
    order = torch.randperm(len(x), generator=torch.Generator().manual_seed(3))
    for name in ("positions", "orientations", "semiaxes", "types"):
        setattr(ellipsoids, name, getattr(ellipsoids, name)[order])
    assert_same(embed(embedding, ellipsoids), x[order])


def test_choice_of_periodic_image(
    backend: str, embedding: AniSOAPEmbedding, ellipsoids: Ellipsoids, generator: torch.Generator
) -> None:
    x = embed(embedding, ellipsoids)
    images = torch.randint(-3, 4, (len(x), 3), generator=generator).to(x.dtype)
    images[:, ~ellipsoids.pbc] = 0
    ellipsoids.positions = ellipsoids.positions + images @ ellipsoids.cell
    assert_same(embed(embedding, ellipsoids), x)


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
