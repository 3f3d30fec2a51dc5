import copy
import io
from typing import Any

import pytest
import torch
from e3nn import o3

from anisoap_e3nn import AniSOAPEmbedding
from common import Ellipsoids, needs_compiler, needs_native, needs_traceable_e3nn

HYPERPARAMETERS: dict[str, Any] = {
    "types": [6, 1],
    "cutoff": 4.0,
    "max_angular": 3,
    "radial_gaussian_width": 1.2,
}


@pytest.fixture
def embedding() -> AniSOAPEmbedding:
    return AniSOAPEmbedding(**HYPERPARAMETERS).double()


def test_points_give_the_plain_density_expansion(backend: str, embedding: AniSOAPEmbedding) -> None:
    """With zero semi-axes the density is a sum of points, whose expansion is φ_nl(r) Y_lm(r̂)."""
    r = torch.tensor([[1.0, -0.5, 0.8]], dtype=torch.float64)
    x = embedding(
        edge_vectors=r,
        edge_index=torch.tensor([[1], [0]]),
        types=torch.tensor([1, 6]),
        orientations=torch.eye(3, dtype=torch.float64).expand(2, 3, 3),
        semiaxes=torch.zeros(2, 3, dtype=torch.float64),
    )
    l3 = x[0, embedding.irreps_out.slices()[3]].reshape(2, 7)  # two types, one n
    distance, basis = r.norm(), embedding.basis
    phi = basis.normalization(3) * distance**3 * torch.exp(-basis.exponent * distance**2 / 2)
    Y = o3.spherical_harmonics(3, r, normalize=True, normalization="integral")[0]
    torch.testing.assert_close(l3[0], phi * Y)  # the neighbour is a carbon, type 6
    assert not l3[1].any()


def test_irreps_and_channels(embedding: AniSOAPEmbedding) -> None:
    assert embedding.irreps_out == o3.Irreps("4x0e+4x1o+2x2e+2x3o")
    assert len(embedding.channels) == embedding.irreps_out.num_irreps
    assert embedding.channels[:5] == [
        "l=0 type=6 n=0", "l=0 type=6 n=1", "l=0 type=1 n=0", "l=0 type=1 n=1", "l=1 type=6 n=0",
    ]  # fmt: skip
    assert "types=[6, 1]" in repr(embedding)
    assert "ellipsoids → 4x0e+4x1o+2x2e+2x3o" in repr(embedding)


def test_channels_are_what_they_say(
    backend: str, embedding: AniSOAPEmbedding, ellipsoids: Ellipsoids
) -> None:
    """Without its hydrogens a frame keeps the channels of carbon and loses those of hydrogen."""
    inputs = ellipsoids.inputs(4.0)
    x = embedding(**inputs)
    keep = ellipsoids.types[inputs["edge_index"][0]] == 6
    inputs["edge_vectors"], inputs["edge_index"] = (
        inputs["edge_vectors"][keep],
        inputs["edge_index"][:, keep],
    )
    without = embedding(**inputs)
    carbons = ellipsoids.types == 6
    channel = 0
    for (mul, ir), where in zip(embedding.irreps_out, embedding.irreps_out.slices(), strict=True):
        for k in range(mul):
            columns = slice(where.start + k * ir.dim, where.start + (k + 1) * ir.dim)
            if "type=6" in embedding.channels[channel]:
                torch.testing.assert_close(without[:, columns], x[:, columns])
            else:
                assert not without[carbons, columns].any()
                assert x[:, columns].any()
            channel += 1


def test_neighbors_beyond_the_cutoff_do_not_count(
    backend: str, embedding: AniSOAPEmbedding, ellipsoids: Ellipsoids
) -> None:
    torch.testing.assert_close(
        embedding(**ellipsoids.inputs(7.0)),
        embedding(**ellipsoids.inputs(4.0)),
        rtol=1e-13,
        atol=1e-13,
    )


def test_self_contribution(backend: str, ellipsoids: Ellipsoids) -> None:
    """It is the expansion of the particle's own ellipsoid around its centre."""
    inputs = ellipsoids.inputs(4.0)
    with_self = AniSOAPEmbedding(**HYPERPARAMETERS).double()(**inputs)
    neighbors_only = AniSOAPEmbedding(**HYPERPARAMETERS, include_self=False).double()(**inputs)
    inputs["edge_vectors"], inputs["edge_index"] = (
        torch.zeros(0, 3).double(),
        torch.zeros(2, 0).long(),
    )
    alone = AniSOAPEmbedding(**HYPERPARAMETERS).double()(**inputs)
    assert alone.any()
    torch.testing.assert_close(with_self, neighbors_only + alone)


def test_empty_inputs(backend: str, embedding: AniSOAPEmbedding) -> None:
    for n in (0, 1):
        x = embedding(
            edge_vectors=torch.zeros(0, 3).double(),
            edge_index=torch.zeros(2, 0).long(),
            types=torch.full((n,), 6),
            orientations=torch.ones(n, 4).double(),
            semiaxes=torch.ones(n, 3).double(),
        )
        assert x.shape == (n, embedding.irreps_out.dim)
        assert torch.isfinite(x).all()


def test_linear_map_is_learnable(backend: str, ellipsoids: Ellipsoids) -> None:
    torch.manual_seed(0)
    embedding = AniSOAPEmbedding(
        **HYPERPARAMETERS, irreps_out="2x0e+1x1o", per_center_type=True
    ).double()
    assert embedding.irreps_out == o3.Irreps("2x0e+1x1o")
    assert embedding.linear is not None
    x = embedding(**ellipsoids.inputs(4.0))
    assert x.shape == (20, 5)
    x.square().sum().backward()
    assert all(weight.grad is not None and weight.grad.any() for weight in embedding.parameters())
    # each particle is mixed by the weights of its own type
    coefficients = AniSOAPEmbedding(**HYPERPARAMETERS).double()(**ellipsoids.inputs(4.0))
    for k, type_ in enumerate([6, 1]):
        of_type = ellipsoids.types == type_
        torch.testing.assert_close(x[of_type], embedding.linear.linears[k](coefficients[of_type]))


def test_gradients_reach_positions_and_shapes(backend: str, ellipsoids: Ellipsoids) -> None:
    embedding = AniSOAPEmbedding(**HYPERPARAMETERS).double()
    inputs = ellipsoids.inputs(4.0)
    leaves = [
        inputs[k].clone().requires_grad_() for k in ("edge_vectors", "orientations", "semiaxes")
    ]
    x = embedding(leaves[0], inputs["edge_index"], inputs["types"], *leaves[1:])
    gradients = torch.autograd.grad(x.square().sum(), leaves)
    assert all(torch.isfinite(gradient).all() and gradient.any() for gradient in gradients)


def test_dtype_follows_the_module(ellipsoids: Ellipsoids) -> None:
    inputs = ellipsoids.inputs(4.0)
    single = {k: v.float() if v.is_floating_point() else v for k, v in inputs.items()}
    embedding = AniSOAPEmbedding(**HYPERPARAMETERS)
    x32 = embedding(**single)
    assert x32.dtype == torch.float32
    x64 = embedding.to(torch.float64)(**inputs)
    assert x64.dtype == torch.float64
    assert torch.equal(x64, AniSOAPEmbedding(**HYPERPARAMETERS).double()(**inputs))
    torch.testing.assert_close(x32.double(), x64, rtol=1e-5, atol=1e-5)


def test_state_dict_round_trip(ellipsoids: Ellipsoids) -> None:
    embedding = AniSOAPEmbedding(**HYPERPARAMETERS, irreps_out="8x0e+4x1o").double()
    file = io.BytesIO()
    torch.save(embedding.state_dict(), file)
    file.seek(0)
    again = AniSOAPEmbedding(**embedding.hyperparameters).double()
    again.load_state_dict(torch.load(file, weights_only=True))
    inputs = ellipsoids.inputs(4.0)
    assert torch.equal(again(**inputs), embedding(**inputs))
    assert torch.equal(copy.deepcopy(embedding)(**inputs), embedding(**inputs))


def test_state_of_another_embedding_is_refused() -> None:
    state = AniSOAPEmbedding(**HYPERPARAMETERS).state_dict()
    other = AniSOAPEmbedding(**(HYPERPARAMETERS | {"cutoff": 5.0}))
    with pytest.raises(ValueError, match=r"other hyperparameters: cutoff=4.0 \(here 5.0\)"):
        other.load_state_dict(state)


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        ({"types": []}, "types is .*expected one or more different integers"),
        ({"types": [6, 6]}, "expected one or more different integers"),
        ({"cutoff": 0.0}, "cutoff is 0.0, expected a finite length > 0"),
        ({"cutoff": float("nan")}, "cutoff is nan"),
        ({"max_angular": -1}, "max_angular is -1"),
        ({"max_radial": -2}, "max_radial is -2, expected an integer ≥ 0"),
        ({"radial_basis": "chebyshev"}, "unknown radial_basis 'chebyshev'"),
        ({"radial_gaussian_width": None}, "needs radial_gaussian_width"),
        ({"cutoff_function": "step"}, "unknown cutoff_function 'step'"),
        ({"irreps_out": "2x0e+1x1e"}, "irreps_out has 1e, which no equivariant linear map makes"),
        ({"irreps_out": "1x4e"}, "irreps_out has 4e.*raise max_angular"),
        ({"per_center_type": True}, "per_center_type=True needs irreps_out"),
    ],
)
def test_bad_hyperparameters_are_refused(wrong: dict[str, Any], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        AniSOAPEmbedding(**(HYPERPARAMETERS | wrong))


@pytest.mark.compiler
@needs_compiler
@needs_traceable_e3nn
@needs_native
def test_compilers_can_trace_it_without_a_break(ellipsoids: Ellipsoids) -> None:
    embedding = AniSOAPEmbedding(**HYPERPARAMETERS, irreps_out="2x0e+1x1o").double()
    compiled = torch.compile(embedding, fullgraph=True, backend="aot_eager")
    inputs = ellipsoids.inputs(4.0)
    with torch.no_grad():
        torch.testing.assert_close(compiled(**inputs), embedding(**inputs), rtol=1e-13, atol=1e-14)
