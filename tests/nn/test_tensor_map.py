"""The labels that the embedding puts on its features."""

from typing import Any

import pytest
import torch
from torch import Tensor
from torch_geometric.data import Batch

from anisoap_e3nn import AniSOAPEmbedding, EllipsoidData
from anisoap_e3nn.conventions import wiki_to_e3nn
from common import REFERENCE_FILES, Ellipsoids, Reference

pytest.importorskip("metatensor", reason="metatensor is not installed")

CUTOFF = 4.0
pytestmark = pytest.mark.usefixtures("float64_by_default")


@pytest.fixture
def embedding() -> AniSOAPEmbedding:
    return AniSOAPEmbedding([6, 8, 1], CUTOFF, 4, radial_gaussian_width=1.2)  # 8 does not occur


@pytest.fixture
def batch(ellipsoids: Ellipsoids) -> Batch:
    """Frames of 7, 0 and 13 particles."""
    e = ellipsoids
    rows = [slice(0, 7), slice(0, 0), slice(7, 20)]
    return Batch.from_data_list(
        [EllipsoidData(e.positions[r], e.orientations[r], e.semiaxes[r], e.types[r]) for r in rows]
    )


def rows_of(labels: Any) -> list[tuple[int, ...]]:
    return [tuple(row) for row in labels.values.tolist()]


def block_of(tensor_map: Any, l: int, center_type: int) -> Any:
    return tensor_map.block({"o3_lambda": l, "center_type": center_type})


def test_names_and_order_are_those_of_featomic(embedding: AniSOAPEmbedding, batch: Batch) -> None:
    tensor_map = embedding.to_metatensor(embedding(batch), batch)
    assert tensor_map.keys.names == ["o3_lambda", "o3_sigma", "center_type"]
    assert rows_of(tensor_map.keys) == [(l, 1, t) for l in range(5) for t in (6, 8, 1)]
    assert tensor_map.sample_names == ["system", "atom"]
    assert tensor_map.component_names == ["o3_mu"]
    assert tensor_map.property_names == ["neighbor_type", "n"]
    featomic = pytest.importorskip("featomic", reason="featomic is not installed")
    ase_build = pytest.importorskip("ase.build", reason="ASE is not installed")
    theirs = featomic.SphericalExpansion(
        cutoff={"radius": 3.0, "smoothing": {"type": "Step"}},
        density={"type": "Gaussian", "width": 0.3},
        basis={
            "type": "TensorProduct",
            "max_angular": 4,
            "radial": {"type": "Gto", "max_radial": 1},
        },
    ).compute([ase_build.molecule("CH3OH")])
    theirs = theirs.keys_to_properties("neighbor_type")
    assert theirs.keys.names == tensor_map.keys.names
    assert theirs.sample_names == tensor_map.sample_names
    assert theirs.component_names == tensor_map.component_names
    assert theirs.property_names == tensor_map.property_names
    assert theirs.block(o3_lambda=4, center_type=1).components[0].values.tolist() == [
        [m] for m in range(-4, 5)
    ]


def test_every_number_stands_at_its_labels(embedding: AniSOAPEmbedding, batch: Batch) -> None:
    x = embedding(batch)
    tensor_map = embedding.to_metatensor(x, batch)
    particle = {(0, k): k for k in range(7)} | {(2, k): 7 + k for k in range(13)}
    channel_of = {name: k for k, name in enumerate(embedding.channels)}
    first = 0
    seen = 0
    for l, (mul, ir) in enumerate(embedding.irreps_out):
        for center_type in (6, 8, 1):
            block = block_of(tensor_map, l, center_type)
            assert rows_of(block.components[0]) == [(m,) for m in range(-l, l + 1)]
            for i, sample in enumerate(rows_of(block.samples)):
                assert batch.types[particle[sample]] == center_type
                for k, (neighbor_type, n) in enumerate(rows_of(block.properties)):
                    channel = channel_of[f"l={l} type={neighbor_type} n={n}"] - first
                    entry = embedding.irreps_out.slices()[l].start + channel * ir.dim
                    expected = wiki_to_e3nn(l).T @ x[particle[sample], entry : entry + ir.dim]
                    torch.testing.assert_close(
                        block.values[i, :, k], expected, rtol=0, atol=1e-14 * float(x.abs().max())
                    )
                    seen += ir.dim
        first += mul
    assert seen == x.numel()


@pytest.mark.parametrize(
    "path", [p for p in REFERENCE_FILES if not p.stem.startswith("power")], ids=lambda p: p.stem
)
def test_figures_of_anisoap_by_their_labels(path: Any) -> None:
    reference = Reference.load(path)
    embedding = AniSOAPEmbedding(**reference.embedding_arguments)
    arrays = reference.arrays
    frames = torch.arange(len(arrays["n_particles"])).repeat_interleave(arrays["n_particles"])
    x = embedding(**reference.inputs(torch.float64))
    tensor_map = embedding.to_metatensor(x, arrays["numbers"], frames)
    starts = arrays["n_particles"].cumsum(0) - arrays["n_particles"]
    tolerance = 1e-10 if path.stem == "gto_high_degree" else 1e-12
    particles = 0
    for key, block in tensor_map.items():
        systems, atoms = block.samples.values.long().T
        rows = starts[systems] + atoms
        assert (arrays["numbers"][rows] == key["center_type"]).all()
        neighbor_types, n = block.properties.values.long().T.contiguous()
        t = torch.searchsorted(arrays["types"], neighbor_types)
        theirs = arrays[f"coefficients_l{key['o3_lambda']}"]  # -> [particle, type, n, m]
        error = (block.values.transpose(1, 2) - theirs[rows][:, t, n]).abs().max()
        assert error <= tolerance * theirs.abs().max()
        particles += len(rows)
    assert particles == len(x) * (embedding.irreps_out.lmax + 1)


def test_a_learned_map_has_numbered_channels(batch: Batch) -> None:
    irreps = "2x0e+3x1o+1x0e+1x2e"
    embedding = AniSOAPEmbedding([1, 6], CUTOFF, 2, radial_gaussian_width=1.2, irreps_out=irreps)
    x = embedding(batch)
    tensor_map = embedding.to_metatensor(x, batch)
    assert tensor_map.property_names == ["channel"]
    scalars = block_of(tensor_map, 0, 6)
    assert rows_of(scalars.properties) == [(0,), (1,), (2,)]
    columns = [0, 1, 2 + 9]
    assert torch.equal(scalars.values[:, 0], x[batch.types == 6][:, columns])
    vectors = block_of(tensor_map, 1, 6)
    yzx = x[batch.types == 6][:, 2:11].reshape(-1, 3, 3)[:, :, [1, 2, 0]].transpose(1, 2)
    assert torch.equal(vectors.values, yzx)
    assert set(tensor_map.keys.column("o3_sigma").tolist()) == {1}


def test_keys_do_not_depend_on_the_data(embedding: AniSOAPEmbedding, batch: Batch) -> None:
    x = embedding(batch)
    some = embedding.to_metatensor(x[:1], batch.types[:1])
    none = embedding.to_metatensor(x[:0], batch.types[:0])
    assert some.keys == none.keys == embedding.to_metatensor(x, batch).keys
    assert all(len(block.samples) == 0 for block in none.blocks())


def test_frames_need_not_be_sorted(embedding: AniSOAPEmbedding, batch: Batch) -> None:
    x, n = embedding(batch), batch.num_nodes
    frames = torch.tensor([1, 0] * (n // 2))
    tensor_map = embedding.to_metatensor(x, torch.full((n,), 6), frames)
    block = block_of(tensor_map, 0, 6)
    assert rows_of(block.samples) == [(1 - k % 2, k // 2) for k in range(n)]
    block = block_of(embedding.to_metatensor(x, torch.full((n,), 6)), 0, 6)
    assert rows_of(block.samples) == [(0, k) for k in range(n)]


def test_the_converter_gives_it_back(embedding: AniSOAPEmbedding, batch: Batch) -> None:
    from anisoap_e3nn.interop.metatensor import metatensor_to_e3nn  # imports metatensor at once

    x = embedding(batch)
    tensor_map = embedding.to_metatensor(x, batch)
    irreps, back = metatensor_to_e3nn(tensor_map)
    assert irreps == embedding.irreps_out
    torch.testing.assert_close(back, x, rtol=0, atol=1e-14 * float(x.abs().max()))


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64], ids=["f32", "f64"])
def test_dtype_and_autograd_go_through(
    embedding: AniSOAPEmbedding, batch: Batch, dtype: torch.dtype, generator: torch.Generator
) -> None:
    x = torch.randn(20, embedding.irreps_out.dim, generator=generator).to(dtype).requires_grad_()
    tensor_map = embedding.to_metatensor(x, batch)
    assert isinstance(tensor_map, torch.ScriptObject)
    assert tensor_map._type().name() == "TensorMap"
    norm: Tensor = sum(block.values.square().sum() for block in tensor_map.blocks())  # type: ignore[assignment]
    assert norm.dtype == dtype
    (gradient,) = torch.autograd.grad(norm, x)
    torch.testing.assert_close(gradient, 2 * x)  # the map is orthogonal


def test_what_does_not_fit_is_refused(embedding: AniSOAPEmbedding, batch: Batch) -> None:
    x = embedding(batch)
    with pytest.raises(ValueError, match=r"x has shape \(19, 105\), expected \(20, 105\)"):
        embedding.to_metatensor(x[:-1], batch)
    with pytest.raises(ValueError, match=r"unknown particle types \[7\]"):
        embedding.to_metatensor(x, torch.full((20,), 7))
    too_large = AniSOAPEmbedding([2**40], CUTOFF, 0, radial_gaussian_width=1.2)
    with pytest.raises(RuntimeError, match="overflow"):
        too_large.to_metatensor(torch.zeros(1, 1), torch.tensor([2**40]))
