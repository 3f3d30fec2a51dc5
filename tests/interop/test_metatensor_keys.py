"""Where the dimensions of the keys go, what the irreps may be, and in which layout."""

from typing import Any

import ase.build
import numpy as np
import pytest
import torch
from e3nn.o3 import Irrep, Irreps

from anisoap_e3nn.interop.metatensor import e3nn_labels, e3nn_to_metatensor, metatensor_to_e3nn
from tensor_maps import (
    COMPONENTS,
    KEY_NAMES,
    KINDS,
    Kind,
    array,
    blocks,
    entries,
    spherical,
)

metatensor = pytest.importorskip("metatensor", reason="metatensor is not installed")
every_kind = pytest.mark.parametrize("kind", KINDS, ids=str)


def with_keys(
    kind: Kind, names: list[str], keys: list[tuple[int, ...]], n_properties: int = 1
) -> Any:
    """Vectors of two atoms; the numbers tell the key's place, the atom, m and the property."""
    all_blocks = [
        kind.block(
            1000.0 * k + np.arange(100.0, 301, 100)[:, None, None][:2]
            + 10 * np.arange(3.0)[:, None] + np.arange(n_properties),
            kind.labels(["atom"], [3, 5]),
            kind.labels(["o3_mu"], [-1, 0, 1]),
            kind.labels(["n"], range(n_properties)),
        )
        for k in range(len(keys))
    ]  # fmt: skip
    return kind.tensor_map(kind.labels(names, keys), all_blocks)


@every_kind
@pytest.mark.parametrize("component", COMPONENTS)
@pytest.mark.parametrize(("angular", "inversion"), KEY_NAMES)
def test_names_in_use(kind: Kind, angular: str, inversion: str | None, component: str) -> None:
    sigmas = (1, -1) if inversion else (1,)
    keys = [(l, s)[: 2 if inversion else 1] for l in range(3) for s in sigmas]
    all_blocks = [
        kind.block(
            np.full((1, 2 * l + 1, 1), 1.0),
            kind.labels(["atom"], [0]),
            kind.labels([component], np.arange(-l, l + 1)),
            kind.labels(["n"], [0]),
        )
        for l, *_ in keys
    ]
    names = [name for name in (angular, inversion) if name]
    irreps, x = metatensor_to_e3nn(kind.tensor_map(kind.labels(names, keys), all_blocks))
    both, proper = "0o+0e+1o+1e+2o+2e", "0e+1o+2e"
    assert irreps == Irreps(both if inversion else proper)
    assert x.shape == (1, irreps.dim)


@every_kind
def test_keys_move_to_samples_and_properties(kind: Kind) -> None:
    names = ["o3_lambda", "o3_sigma", "center_type", "neighbor_type"]
    keys = [(1, 1, 6, 8), (1, 1, 8, 6), (1, 1, 6, 6)]
    tensor_map = with_keys(kind, names, keys, 2)
    irreps, x = metatensor_to_e3nn(tensor_map)
    samples, properties = e3nn_labels(tensor_map)
    assert irreps == Irreps("4x1o")
    assert samples == kind.labels(["atom", "center_type"], [(3, 6), (3, 8), (5, 6), (5, 8)])
    assert properties == {
        Irrep("1o"): kind.labels(["neighbor_type", "n"], [(6, 0), (6, 1), (8, 0), (8, 1)])
    }
    second = x[2].view(4, 3)  # of atom 5 as a carbon
    assert second[:, 1].tolist() == [2200, 2201, 200, 201]  # y is m = -1
    assert second[2].tolist() == [220, 200, 210]  # x is m = 1, y is -1, z is 0
    assert x[1].view(4, 3)[2:].abs().max() == 0  # an oxygen with oxygens is nowhere
    back = e3nn_to_metatensor(irreps, x + 0, like=tensor_map)
    for mine, block in zip(blocks(back), blocks(tensor_map), strict=True):
        assert np.array_equal(array(mine.values), array(block.values))


@every_kind
def test_keys_move_where_the_caller_says(kind: Kind) -> None:
    names = ["o3_lambda", "center_type", "color"]
    keys = [(1, 6, 0), (1, 6, 1), (1, 8, 1)]
    tensor_map = with_keys(kind, names, keys)
    irreps, x = metatensor_to_e3nn(tensor_map, keys_to_properties="color")
    assert (str(irreps), len(x)) == ("2x1o", 4)
    options: dict[str, Any] = {"keys_to_samples": ["color"], "keys_to_properties": ["center_type"]}
    irreps, x = metatensor_to_e3nn(tensor_map, **options)
    samples, properties = e3nn_labels(tensor_map, **options)
    assert samples == kind.labels(["atom", "color"], [(3, 0), (3, 1), (5, 0), (5, 1)])
    assert properties[Irrep("1o")] == kind.labels(["center_type", "n"], [(6, 0), (8, 0)])
    assert x[:, [1, 4]].tolist() == [[100, 0], [1100, 2100], [200, 0], [1200, 2200]]
    back = e3nn_to_metatensor(irreps, x, like=tensor_map, **options)
    for mine, block in zip(blocks(back), blocks(tensor_map), strict=True):
        assert np.array_equal(array(mine.values), array(block.values))


@every_kind
def test_types_that_a_frame_does_not_have_get_their_channels(kind: Kind) -> None:
    names = ["o3_lambda", "o3_sigma", "neighbor_type"]
    tensor_map = with_keys(kind, names, [(1, 1, 8), (1, -1, 1)])
    options = {"keys_to_properties": kind.labels(["neighbor_type"], [1, 6, 8])}
    irreps, x = metatensor_to_e3nn(tensor_map, **options)
    assert irreps == Irreps("3x1o+3x1e")
    assert (x[0].view(6, 3).abs().sum(1) > 0).tolist() == [False, False, True, True, False, False]
    _, properties = e3nn_labels(tensor_map, **options)
    expected = kind.labels(["neighbor_type", "n"], [(1, 0), (6, 0), (8, 0)])
    assert properties == {Irrep("1o"): expected, Irrep("1e"): expected}
    back = e3nn_to_metatensor(irreps, x, like=tensor_map, **options)
    assert back.keys == tensor_map.keys
    for mine, block in zip(blocks(back), blocks(tensor_map), strict=True):
        assert np.array_equal(array(mine.values), array(block.values))
    short = kind.labels(["neighbor_type"], [1, 6])
    with pytest.raises(
        ValueError, match=r"keys hold \[\[8\]\], expected only values in keys_to_properties"
    ):
        metatensor_to_e3nn(tensor_map, keys_to_properties=short)


def test_moves_are_those_of_metatensor() -> None:
    """What metatensor moves itself, first, comes out the same."""
    featomic = pytest.importorskip("featomic", reason="featomic is not installed")
    pytest.importorskip("metatensor.operations", reason="metatensor-operations is not installed")
    frames = [ase.build.molecule(name) for name in ("CH3OH", "H2O")]
    expansion = featomic.SphericalExpansion(
        cutoff={"radius": 2.0, "smoothing": {"type": "Step"}},
        density={"type": "Gaussian", "width": 0.4},
        basis={
            "type": "TensorProduct",
            "max_angular": 3,
            "radial": {"type": "Gto", "max_radial": 2},
        },
    ).compute(frames, gradients=["positions"])
    dense = expansion.keys_to_samples("center_type").keys_to_properties("neighbor_type")
    dense = metatensor.sort(dense, axes=["samples", "properties"])
    (irreps, x), (others, y) = metatensor_to_e3nn(expansion), metatensor_to_e3nn(dense)
    assert irreps == others == Irreps("9x0e+9x1o+9x2e+9x3o")
    samples, properties = e3nn_labels(expansion)
    assert samples == dense.block(0).samples
    assert properties == dict.fromkeys((ir for _, ir in irreps), dense.block(0).properties)
    assert len(x) == 9
    assert torch.equal(x[:, : 9 * 4], y[:, : 9 * 4])  # l = 0 and 1 only move
    torch.testing.assert_close(x, y, rtol=0, atol=1e-14)
    back = e3nn_to_metatensor(irreps, x, samples=samples, properties=properties)
    assert entries(back.keys) == entries(dense.keys)
    for mine, block in zip(blocks(back), blocks(dense), strict=True):
        assert (mine.samples, mine.components) == (block.samples, block.components)
        assert mine.properties == block.properties
        np.testing.assert_allclose(array(mine.values), block.values, rtol=0, atol=1e-14)
    # moving all atoms moves nothing: the rows of the gradients are those of their centres
    (rows, _), (_, dx) = (
        e3nn_labels(expansion, gradient="positions"),
        metatensor_to_e3nn(expansion, gradient="positions"),
    )
    assert rows.names == ["sample", "system", "atom"]
    assert (array(rows["system"]) == array(samples["system"])[array(rows["sample"])]).all()
    center = torch.tensor(array(rows["sample"])).long()
    total = torch.zeros(len(x), 3, irreps.dim, dtype=x.dtype).index_add(0, center, dx)
    assert dx.abs().max() > 0.1
    assert total.abs().max() < 1e-12


@every_kind
def test_any_order_of_irreps(kind: Kind) -> None:
    values = {
        (0, 1): np.arange(2.0).reshape(1, 1, 2),
        (1, 1): np.arange(10.0, 16).reshape(1, 3, 2),
    }
    tensor_map = spherical(values, kind)
    natural = metatensor_to_e3nn(tensor_map)
    assert str(natural[0]) == "2x0e+2x1o"
    assert natural[1].tolist() == [[0, 1, 14, 10, 12, 15, 11, 13]]
    irreps, x = metatensor_to_e3nn(tensor_map, irreps="1x0e+1x1o+1x0e+1x1o")
    assert str(irreps) == "1x0e+1x1o+1x0e+1x1o"
    assert x.tolist() == [[0, 14, 10, 12, 1, 15, 11, 13]]
    _, y = metatensor_to_e3nn(tensor_map, irreps=Irreps("2x1o+2x0e"), layout="ir_mul")
    assert y.tolist() == [[14, 15, 10, 11, 12, 13, 0, 1]]
    for order, data, layout in ((irreps, x, "mul_ir"), ("2x1o+2x0e", y, "ir_mul")):
        back = e3nn_to_metatensor(order, data, like=tensor_map, layout=layout)
        for block, expected in zip(blocks(back), values.values(), strict=True):
            assert np.array_equal(array(block.values), expected)


def test_layouts_are_those_of_cuequivariance() -> None:
    cue = pytest.importorskip("cuequivariance", reason="cuequivariance is not installed")
    cuet = pytest.importorskip("cuequivariance_torch")
    rng = np.random.default_rng(0)
    tensor_map = spherical({(l, 1): rng.normal(size=(5, 2 * l + 1, 4)) for l in range(3)})
    irreps, x = metatensor_to_e3nn(tensor_map)
    transpose = cuet.TransposeIrrepsLayout(
        cue.Irreps("O3", str(irreps)), source=cue.mul_ir, target=cue.ir_mul, use_fallback=True
    )
    assert torch.equal(metatensor_to_e3nn(tensor_map, layout="ir_mul")[1], transpose(x))
    assert not torch.equal(x, transpose(x))


@every_kind
def test_targets_of_metatrain(kind: Kind) -> None:
    """An energy without components, and forces with Cartesian ones, under the key "_"."""
    rng = np.random.default_rng(1)
    rows, one = kind.labels(["system", "atom"], [(0, 0), (0, 1)]), kind.labels(["energy"], [0])
    single = kind.labels(["_"], [0])
    energies, forces = rng.normal(size=(2, 1)), rng.normal(size=(2, 3, 1))
    xyz = kind.labels(["xyz"], range(3))
    energy = kind.tensor_map(single, [kind.block(energies, rows, one)])
    force = kind.tensor_map(single, [kind.block(forces, rows, xyz, one)])
    for tensor_map, expected, irreps in (
        (energy, energies, "1x0e"),
        (force, forces.squeeze(-1), "1x1o"),  # x, y, z as e3nn has them
    ):
        found, x = metatensor_to_e3nn(tensor_map)
        assert str(found) == irreps
        assert np.array_equal(x.numpy(), expected)
        (back,) = blocks(e3nn_to_metatensor(found, x, like=tensor_map))
        assert np.array_equal(array(back.values), array(tensor_map.block(0).values))
        assert back.components == tensor_map.block(0).components
    assert entries(e3nn_labels(force)[0]) == [(0, 0), (0, 1)]
