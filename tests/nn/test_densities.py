"""Densities around a particle: its own apart, narrower ones, and radial functions of several widths."""

import io
from typing import Any

import pytest
import torch
from torch import Tensor
from torch.autograd import gradcheck, gradgradcheck

from anisoap_e3nn import AniSOAPEmbedding
from anisoap_e3nn.geometry import rotation_matrices
from common import Ellipsoids

CUTOFF = 4.0
pytestmark = pytest.mark.usefixtures("float64_by_default")


def make_embedding(**others: Any) -> AniSOAPEmbedding:
    arguments = {"max_angular": 4, "radial_gaussian_width": 1.2, "cutoff_function": "polynomial"}
    return AniSOAPEmbedding([6, 1], CUTOFF, **(arguments | others))


def channels(embedding: AniSOAPEmbedding, x: Tensor) -> dict[str, Tensor]:
    """Coefficients ``(N, 2l + 1)`` by the name of their channel."""
    entries = zip(embedding.irreps_out, embedding.irreps_out.slices(), strict=True)
    split = [c for (mul, ir), where in entries for c in x[:, where].split(ir.dim, dim=1)]
    return dict(zip(embedding.channels, split, strict=True))


def test_channels_are_split_by_density(ellipsoids: Ellipsoids) -> None:
    """Columns of the own density and of the others, in the order of their names."""
    embedding = make_embedding(include_self="separate")
    of = embedding.density_channels
    x = embedding(**ellipsoids.inputs(CUTOFF))
    named = channels(embedding, x)
    own, neighbors = of.split(x)
    for part, irreps, is_own in (
        (own, of.irreps_own, True),
        (neighbors, of.irreps_neighbors, False),
    ):
        expected = [c for name, c in named.items() if ("own" in name) == is_own]
        assert part.shape[1] == irreps.dim
        assert torch.equal(part, torch.cat(expected, dim=1))


def alone(inputs: dict[str, Tensor]) -> dict[str, Tensor]:
    none = {"edge_vectors": torch.zeros(0, 3), "edge_index": torch.zeros(2, 0, dtype=torch.int64)}
    return inputs | none


@pytest.mark.parametrize("widths", [1.2, [0.6, 1.5]], ids=["one_width", "two_widths"])
def test_the_own_density_apart(backend: str, ellipsoids: Ellipsoids, widths: Any) -> None:
    """Neighbours' channels are those without it, and its own are those of a particle without neighbours."""
    inputs = ellipsoids.inputs(CUTOFF)
    apart = make_embedding(include_self="separate", radial_gaussian_width=widths)
    found = channels(apart, apart(**inputs))
    without = make_embedding(include_self=False, radial_gaussian_width=widths)
    neighbors = channels(without, without(**inputs))
    both = make_embedding(radial_gaussian_width=widths)
    own = channels(both, both(**alone(inputs)))
    added = channels(both, both(**inputs))
    for name, x in neighbors.items():
        torch.testing.assert_close(found[name], x, rtol=1e-14, atol=1e-14)
        l, type_, n = name.split()
        of_type = (ellipsoids.types == int(type_[5:]))[:, None]
        if int(l[2:]) % 2 == 0:
            its_own = found[f"{l} own {n}"]
            assert its_own.abs().max() > 1e-4
            torch.testing.assert_close(its_own[of_type[:, 0]], own[name][of_type[:, 0]])
            torch.testing.assert_close(added[name], x + of_type * its_own, rtol=1e-13, atol=1e-13)
        else:
            assert f"{l} own {n}" not in found
            assert not own[name].any()


def test_irreps_and_names() -> None:
    embedding = make_embedding(include_self="separate", max_radial=0)
    assert str(embedding.irreps_out) == "3x0e+2x1o+3x2e+2x3o+3x4e"
    assert embedding.channels[:5] == [
        "l=0 type=6 n=0", "l=0 type=1 n=0", "l=0 own n=0", "l=1 type=6 n=0", "l=1 type=1 n=0",
    ]  # fmt: skip
    assert "include_self='separate'" in repr(embedding)
    several = make_embedding(max_radial=1, radial_gaussian_width=[0.5, 1.0, 2.0])
    assert several.irreps_out.count("1o") == 2 * 3 * 2


def test_the_own_density_turns_with_the_particle_alone(
    backend: str, ellipsoids: Ellipsoids
) -> None:
    inputs = ellipsoids.inputs(CUTOFF)
    embedding = make_embedding(include_self="separate")
    before = channels(embedding, embedding(**inputs))
    turned = inputs["orientations"].clone()
    turned[0] = torch.tensor([0.3, -0.9, 0.1, 0.6])
    after = channels(embedding, embedding(**(inputs | {"orientations": turned})))
    for name, x in before.items():
        changed = (after[name] - x).abs().amax(1) > 1e-12
        if "own" in name:
            assert not changed[1:].any()
            assert changed[0] == ("l=0" not in name)
        else:
            assert not changed[0]


@pytest.mark.parametrize("options", [{}, {"radial_gaussian_width": [0.7, 1.3]}], ids=["one", "two"])
def test_derivatives(backend: str, options: dict[str, Any]) -> None:
    embedding = make_embedding(include_self="separate", max_angular=2, density_width=0.7, **options)
    r = torch.tensor([[1.0, -0.4, 0.6], [-1.0, 0.4, -0.6], [-0.2, 1.1, 0.5]])
    edge_index, types = torch.tensor([[1, 0, 2], [0, 1, 0]]), torch.tensor([6, 1, 1])
    orientations, semiaxes = torch.randn(3, 4), 0.3 + torch.rand(3, 3)
    leaves = [x.requires_grad_() for x in (r, orientations, semiaxes)]

    def embed(r: Tensor, orientations: Tensor, semiaxes: Tensor) -> Tensor:
        return embedding(r, edge_index, types, orientations, semiaxes)

    assert gradcheck(embed, leaves)
    assert gradgradcheck(embed, leaves)


def test_narrower_densities_are_those_of_smaller_particles(
    backend: str, ellipsoids: Ellipsoids
) -> None:
    inputs = ellipsoids.inputs(CUTOFF)
    narrow = make_embedding(density_width=0.3)(**inputs)
    smaller = make_embedding()(**(inputs | {"semiaxes": 0.3 * inputs["semiaxes"]}))
    assert torch.equal(narrow, smaller)
    assert (narrow - make_embedding()(**inputs)).abs().max() > 0.1 * narrow.abs().max()


def test_several_widths_span_the_spaces_of_each(backend: str, ellipsoids: Ellipsoids) -> None:
    """The functions of one width are combinations of those of several: so are their coefficients."""
    inputs = ellipsoids.inputs(CUTOFF)
    several = make_embedding(radial_gaussian_width=[0.7, 1.3], max_radial=1, rcond=1e-14)
    x = several(**inputs)
    for width in (0.7, 1.3):
        one = make_embedding(radial_gaussian_width=width, max_radial=1)
        y = one(**inputs)
        for l, (a, b) in enumerate(
            zip(several.irreps_out.slices(), one.irreps_out.slices(), strict=True)
        ):
            X = x[:, a].reshape(-1, 4, 2 * l + 1).transpose(1, 2).flatten(0, 1)  # -> [sample, n]
            Y = y[:, b].reshape(-1, 2, 2 * l + 1).transpose(1, 2).flatten(0, 1)
            weights = torch.linalg.lstsq(X, Y).solution  # orthonormal rows: ⟨φ_n, φ'_n'⟩
            torch.testing.assert_close(X @ weights, Y, rtol=1e-8, atol=1e-9)
            torch.testing.assert_close(weights.T @ weights, torch.eye(2), rtol=1e-6, atol=1e-6)


def test_lengths_of_any_unit(backend: str, ellipsoids: Ellipsoids) -> None:
    """Coefficients are of the size of lengths to the power -3/2, for each width's unit of moments."""
    inputs = ellipsoids.inputs(CUTOFF)
    expected = make_embedding(include_self="separate", radial_gaussian_width=[0.6, 1.5])(**inputs)
    for scale in (1e-4, 2e3):
        embedding = AniSOAPEmbedding(
            [6, 1],
            CUTOFF * scale,
            4,
            radial_gaussian_width=[0.6 * scale, 1.5 * scale],
            cutoff_function="polynomial",
            include_self="separate",
        )
        scaled = {name: scale * inputs[name] for name in ("edge_vectors", "semiaxes")}
        x = embedding(**(inputs | scaled)) * scale**1.5
        torch.testing.assert_close(x, expected, rtol=1e-9, atol=1e-9)


def test_labels_of_metatensor(ellipsoids: Ellipsoids) -> None:
    pytest.importorskip("metatensor", reason="metatensor is not installed")
    embedding = make_embedding(include_self="separate")
    x = embedding(ellipsoids.data)
    tensor_map = embedding.to_metatensor(x, ellipsoids.data)
    for l, densities in ((0, [6, 1, -1]), (1, [6, 1]), (2, [6, 1, -1])):
        block = tensor_map.block({"o3_lambda": l, "center_type": 6})
        count = (4 - l) // 2 + 1
        expected = [[density, n] for density in densities for n in range(count)]
        assert block.properties.values.tolist() == expected
    block = tensor_map.block({"o3_lambda": 0, "center_type": 6})
    own = channels(embedding, x)["l=0 own n=1"][ellipsoids.types == 6]
    torch.testing.assert_close(block.values[:, :, 7], own)


def test_checkpoints(ellipsoids: Ellipsoids) -> None:
    embedding = make_embedding(
        include_self="separate", radial_gaussian_width=(0.7, 1.3), irreps_out="2x0e+2x2e"
    )
    file = io.BytesIO()
    torch.save(embedding.state_dict(), file)
    file.seek(0)
    again = AniSOAPEmbedding(**embedding.hyperparameters)
    again.load_state_dict(torch.load(file, weights_only=True))
    assert torch.equal(again(ellipsoids.data), embedding(ellipsoids.data))
    for others in ({"density_width": 0.5}, {"radial_gaussian_width": [0.7, 1.4]}):
        other = AniSOAPEmbedding(**(embedding.hyperparameters | others))
        with pytest.raises(ValueError, match=next(iter(others))):
            other.load_state_dict(embedding.state_dict())


def test_wrong_arguments_are_refused() -> None:
    with pytest.raises(TypeError, match="include_self is 'apart', expected True, False or 'separa"):
        make_embedding(include_self="apart")
    with pytest.raises(ValueError, match="density_width is 0, expected"):
        make_embedding(density_width=0)
    for widths in ([], [1.0, 1.0]):
        with pytest.raises(ValueError, match="expected one or more lengths, all different"):
            make_embedding(radial_gaussian_width=widths)
    with pytest.raises(ValueError, match=r"radial_gaussian_width\[1\] is -1"):
        make_embedding(radial_gaussian_width=[1.0, -1])
    with pytest.raises(ValueError, match="expected others than -1"):
        AniSOAPEmbedding([-1, 2], 4.0, 2, radial_gaussian_width=1.0, include_self="separate")


def test_rotation_matrices_may_be_given(ellipsoids: Ellipsoids) -> None:
    embedding = make_embedding(include_self="separate", density_width=0.5)
    inputs = ellipsoids.inputs(CUTOFF)
    matrices = inputs | {"orientations": rotation_matrices(inputs["orientations"])}
    torch.testing.assert_close(embedding(**matrices), embedding(**inputs))
