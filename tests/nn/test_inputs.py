"""What the embedding refuses, read as a user would read it."""

from types import SimpleNamespace
from typing import Any

import pytest
import torch

from anisoap_e3nn import AniSOAPEmbedding, EllipsoidData
from common import Ellipsoids


@pytest.fixture
def embedding() -> AniSOAPEmbedding:
    return AniSOAPEmbedding([6, 1], 4.0, 2, radial_gaussian_width=1.2).double()


def with_entry(tensor: torch.Tensor, index: Any, value: float) -> torch.Tensor:
    tensor = tensor.clone()
    tensor[index] = value
    return tensor


@pytest.mark.parametrize(
    ("name", "change", "message"),
    [
        ("types", lambda t: with_entry(t, 3, 8), r"unknown particle types \[8\].*types=\[6, 1\]"),
        (
            "edge_index",
            lambda t: with_entry(t, (0, 5), 20),
            "edge_index names particles 0 to 20.*20 parti",
        ),
        ("edge_index", lambda t: with_entry(t, (1, 5), -1), "edge_index names particles -1 to 19"),
        (
            "edge_vectors",
            lambda t: with_entry(t, (7, 1), torch.nan),
            r"edge_vectors\[7\].*expected finite.*came from",
        ),
        (
            "edge_vectors",
            lambda t: with_entry(t, (7, 1), torch.inf),
            r"edge_vectors\[7\].*expected finite",
        ),
        (
            "orientations",
            lambda t: with_entry(t, (2, 0), torch.nan),
            r"orientations\[2\].*expected finite",
        ),
        (
            "orientations",
            lambda t: with_entry(t, 2, 0.0),
            r"orientations\[2\] is the zero quaternion",
        ),
        ("semiaxes", lambda t: with_entry(t, (4, 2), -0.1), r"semiaxes\[4\].*expected lengths ≥ 0"),
        ("semiaxes", lambda t: with_entry(t, (4, 2), torch.nan), r"semiaxes\[4\].*expected finite"),
        ("semiaxes", lambda t: t[:-1], r"semiaxes has shape \(19, 3\), expected \(20, 3\)"),
        (
            "orientations",
            lambda t: t[:, :3],
            r"orientations.*\(20, 3\), expected \(20, 4\) or \(20, 3, 3\)",
        ),
        ("edge_index", lambda t: t.T, r"edge_index has shape .* expected \(2, "),
        ("edge_vectors", lambda t: t[:-2], "edge_index has shape"),
    ],
)
def test_wrong_values_and_shapes(
    embedding: AniSOAPEmbedding, ellipsoids: Ellipsoids, name: str, change: Any, message: str
) -> None:
    inputs = ellipsoids.inputs(4.0)
    inputs[name] = change(inputs[name])
    with pytest.raises(ValueError, match=message):
        embedding(**inputs)


@pytest.mark.parametrize(
    ("name", "change", "message"),
    [
        (
            "edge_vectors",
            lambda t: t.float(),
            r"edge_vectors is torch.float32 .* embedding.to\(torch.float32\)",
        ),
        (
            "semiaxes",
            lambda t: t.float(),
            "semiaxes is torch.float32 but the embedding is torch.float64",
        ),
        ("types", lambda t: t.int(), r"types is torch.int32, expected torch.int64; use .long\(\)"),
        ("edge_index", lambda t: t.double(), "edge_index is torch.float64, expected torch.int64"),
    ],
)
def test_wrong_dtypes(
    embedding: AniSOAPEmbedding, ellipsoids: Ellipsoids, name: str, change: Any, message: str
) -> None:
    inputs = ellipsoids.inputs(4.0)
    inputs[name] = change(inputs[name])
    with pytest.raises(TypeError, match=message):
        embedding(**inputs)


def test_missing_arguments(embedding: AniSOAPEmbedding, ellipsoids: Ellipsoids) -> None:
    inputs = ellipsoids.inputs(4.0)
    del inputs["semiaxes"]
    with pytest.raises(
        TypeError, match="takes one EllipsoidData, or edge_vectors, edge_index, types"
    ):
        embedding(**inputs)


def test_sums_that_overflow_are_no_infinity(
    embedding: AniSOAPEmbedding, ellipsoids: Ellipsoids
) -> None:
    """Values of which each is finite are accepted, however large."""
    inputs = ellipsoids.inputs(4.0)
    inputs["edge_vectors"][0:2] = 1e308
    assert torch.isfinite(inputs["edge_vectors"]).all()
    embedding(**inputs)


def test_graph_of_too_small_a_cutoff(embedding: AniSOAPEmbedding, ellipsoids: Ellipsoids) -> None:
    inputs = ellipsoids.inputs(3.0)
    data = SimpleNamespace(
        pos=ellipsoids.positions, edge_shifts=None, cell=None, edge_cutoff=3.0, **inputs
    )
    with pytest.raises(
        ValueError, match=r"searched up to 3.0.*up to 4.0; use data.with_edges\(4.0\)"
    ):
        embedding(data)


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16])
@pytest.mark.parametrize("irreps_out", [None, "2x0e"])
def test_reduced_precisions_are_refused_by_name(dtype: torch.dtype, irreps_out: str | None) -> None:
    embedding = AniSOAPEmbedding([0], 4.0, 2, radial_gaussian_width=1.0, irreps_out=irreps_out).to(
        dtype
    )
    fields = (torch.rand(3, 3), torch.randn(3, 4), torch.rand(3, 3))
    data = EllipsoidData(*(x.to(dtype) for x in fields), types=[0] * 3)
    message = f"embedding is {dtype}, expected torch.float32 or torch.float64"
    with pytest.raises(TypeError, match=message):
        embedding(data)
    with pytest.raises(TypeError, match=message):
        embedding(EllipsoidData(*fields, types=[0] * 3))


@pytest.mark.parametrize(
    ("scale", "semiaxes", "dtype", "max_angular", "basis"),
    [
        (1.0, 1e12, torch.float32, 4, "monomial"),
        (1e3, 1e12, torch.float32, 6, "monomial"),
        (1.0, 1e160, torch.float64, 4, "monomial"),
    ],
)
def test_overflow_is_not_silent(
    scale: float, semiaxes: float, dtype: torch.dtype, max_angular: int, basis: str
) -> None:
    width = scale if basis == "gto" else None
    embedding = AniSOAPEmbedding(
        [0], 4 * scale, max_angular, radial_basis=basis, radial_gaussian_width=width
    ).to(dtype)
    pos = scale * torch.tensor([[0, 0, 0], [1.0, 0.5, 0.2]], dtype=dtype)
    orientations = torch.tensor([[1.0, 0, 0, 0], [1, 1, 0, 0]], dtype=dtype)
    data = EllipsoidData(pos, orientations, torch.full((2, 3), semiaxes, dtype=dtype), [0, 0])
    with pytest.raises(ValueError, match=r"NaN or infinite in .* another unit of length"):
        embedding(data)
