"""There and back with nothing lost, whatever the TensorMap."""

from typing import Any

import numpy as np
import pytest
import torch
from e3nn.o3 import Irrep, Irreps
from hypothesis import given, settings
from hypothesis import strategies as st

from anisoap_e3nn.conventions import wiki_to_e3nn
from anisoap_e3nn.interop.metatensor import e3nn_labels, e3nn_to_metatensor, metatensor_to_e3nn
from tensor_maps import KINDS, Kind, array, blocks, entries, spherical, tensor_maps, turn

# the same examples each time, and no limit to the time of one, which other work may slow down
repeatable = settings(derandomize=True, deadline=None)
layouts = st.sampled_from(["mul_ir", "ir_mul"])


def gradients_of(tensor_map: Any) -> list[str]:
    return sorted({name for block in blocks(tensor_map) for name in block.gradients_list()})


def assert_same_block(ours: Any, theirs: Any, exact: bool) -> None:
    assert type(ours.values) is type(theirs.values)
    assert ours.values.dtype == theirs.values.dtype
    assert ours.samples == theirs.samples
    assert ours.components == theirs.components
    assert ours.properties == theirs.properties
    tolerance = {"rtol": 0, "atol": 0 if exact else 40 * np.finfo(array(theirs.values).dtype).eps}
    np.testing.assert_allclose(array(ours.values), array(theirs.values), **tolerance)


def assert_same(ours: Any, theirs: Any) -> None:
    assert ours.keys == theirs.keys
    assert type(ours) is type(theirs)
    for mine, block in zip(blocks(ours), blocks(theirs), strict=True):
        exact = block.values.shape[1] <= 3
        assert_same_block(mine, block, exact)
        assert sorted(mine.gradients_list()) == sorted(block.gradients_list())
        for parameter in block.gradients_list():
            assert_same_block(mine.gradient(parameter), block.gradient(parameter), exact)


def rearranged(irreps: Irreps, draw: Any) -> Irreps:
    """The same channels in other pieces and another order."""
    pieces = []
    for mul, ir in irreps:
        first = draw(st.integers(0, mul))
        pieces += [(first, ir), (mul - first, ir)]
    return Irreps(draw(st.permutations(pieces)))


@repeatable
@given(tensor_map=tensor_maps(), layout=layouts, data=st.data())
def test_round_trip(tensor_map: Any, layout: Any, data: Any) -> None:
    irreps = rearranged(metatensor_to_e3nn(tensor_map)[0], data.draw)
    options: dict[str, Any] = {"irreps": irreps, "layout": layout}
    got, x = metatensor_to_e3nn(tensor_map, **options)
    assert got == irreps
    gradients = {
        parameter: metatensor_to_e3nn(tensor_map, gradient=parameter, **options)[1]
        for parameter in gradients_of(tensor_map)
    }
    back = e3nn_to_metatensor(irreps, x, like=tensor_map, layout=layout, gradients=gradients)
    assert_same(back, tensor_map)


@repeatable
@given(tensor_map=tensor_maps())
def test_every_entry_is_where_its_labels_say(tensor_map: Any) -> None:
    """Entry by entry, in Python's own dictionaries."""
    irreps, x = metatensor_to_e3nn(tensor_map)
    samples, properties = e3nn_labels(tensor_map)
    rows = {entry: i for i, entry in enumerate(entries(samples))}
    assert len(rows) == len(x)
    assert [len(properties[ir]) for _, ir in irreps] == [mul for mul, _ in irreps]
    expected = torch.zeros_like(x)
    names = tensor_map.keys.names
    moved = [name for name in names if name in samples.names]
    for key, block in zip(entries(tensor_map.keys), blocks(tensor_map), strict=True):
        of_key = dict(zip(names, key, strict=True))
        l, sigma = key[0], key[1] if "sigma" in "".join(names[1:2]) else 1
        (ir,) = (ir for ir in properties if (ir.l, ir.p) == (l, sigma * (-1) ** l))
        columns = {entry: i for i, entry in enumerate(entries(properties[ir]))}
        span = dict(zip((ir for _, ir in irreps), irreps.slices(), strict=True))[ir]
        values = torch.from_numpy(array(block.values).copy())
        for i, sample in enumerate(entries(block.samples)):
            row = rows[(*sample, *(of_key[name] for name in moved))]
            for j, (n,) in enumerate(entries(block.properties)):
                others = [of_key[name] for name in properties[ir].names if name != "n"]
                start = span.start + columns[(*others, n)] * ir.dim
                turned = wiki_to_e3nn(l, values.dtype) @ values[i, :, j]
                expected[row, start : start + ir.dim] = turned
    torch.testing.assert_close(x, expected)


@repeatable
@given(tensor_map=tensor_maps(), layout=layouts)
def test_labels_alone_bring_everything_back(tensor_map: Any, layout: Any) -> None:
    irreps, x = metatensor_to_e3nn(tensor_map, layout=layout)
    samples, properties = e3nn_labels(tensor_map)
    dense = e3nn_to_metatensor(irreps, x, samples=samples, properties=properties, layout=layout)
    assert type(dense) is type(tensor_map)
    assert dense.keys.names == ["o3_lambda", "o3_sigma"]
    assert len(dense.keys) == len(irreps)
    for block in blocks(dense):
        assert block.samples == samples
    again, y = metatensor_to_e3nn(dense, layout=layout)
    assert again == irreps
    torch.testing.assert_close(y, x, rtol=0, atol=40 * torch.finfo(x.dtype).eps)


@repeatable
@given(tensor_map=tensor_maps())
def test_layouts_hold_the_same(tensor_map: Any) -> None:
    irreps, x = metatensor_to_e3nn(tensor_map)
    _, y = metatensor_to_e3nn(tensor_map, layout="ir_mul")
    for (mul, ir), span in zip(irreps, irreps.slices(), strict=True):
        transposed = y[:, span].unflatten(1, (ir.dim, mul)).transpose(1, 2).flatten(1)
        assert torch.equal(x[:, span], transposed)


@pytest.mark.parametrize("kind", KINDS)
def test_default_labels(kind: Kind, generator: torch.Generator) -> None:
    x = torch.randn(3, 11, generator=generator)
    tensor_map = e3nn_to_metatensor("1x0e+2x1o+1x1o+1x0o", x)
    found = [
        (entries(tensor_map.keys)[i], b.values.shape) for i, b in enumerate(blocks(tensor_map))
    ]
    assert found == [((0, 1), (3, 1, 1)), ((1, 1), (3, 3, 3)), ((0, -1), (3, 1, 1))]
    assert tensor_map.block(1).samples == KINDS[0].labels(["sample"], range(3))
    assert tensor_map.block(1).properties == KINDS[0].labels(["channel"], range(3))
    samples = kind.labels(["atom"], [4, 2, 0])
    labelled = e3nn_to_metatensor("1x0e+2x1o+1x1o+1x0o", x, samples=samples)
    assert blocks(labelled)[2].samples == samples
    _, y = metatensor_to_e3nn(labelled, irreps="1x0e+2x1o+1x1o+1x0o")
    assert torch.equal(x, y)


def test_one_labels_for_all_irreps() -> None:
    properties = KINDS[0].labels(["n"], [5, 3])
    tensor_map = e3nn_to_metatensor("2x0e+2x1o", torch.ones(4, 8), properties=properties)
    assert all(block.properties == properties for block in blocks(tensor_map))
    assert e3nn_labels(tensor_map)[1] == dict.fromkeys(map(Irrep, ("0e", "1o")), properties)


def test_signs_of_zero_and_infinities_come_back() -> None:
    values = np.array([-0.0, np.inf, np.nan]).reshape(1, 3, 1)
    tensor_map = spherical({(1, 1): values})
    irreps, x = metatensor_to_e3nn(tensor_map)
    back = e3nn_to_metatensor(irreps, x, like=tensor_map)
    assert back.block(0).values.tobytes() == values.tobytes()


def test_pseudotensors_turn_as_their_parity_says(
    generator: torch.Generator, float64_by_default: None
) -> None:
    x = np.random.default_rng(0).normal(size=(4, 1, 2))
    y = np.random.default_rng(1).normal(size=(4, 3, 2))
    tensor_map = spherical({(0, -1): x, (1, -1): y, (0, 1): x, (1, 1): y})
    irreps, data = metatensor_to_e3nn(tensor_map)
    assert irreps == Irreps("2x0o+2x0e+2x1o+2x1e").sort().irreps
    mirrored = turn(irreps, data, -torch.eye(3))
    sign = {1: 1, -1: -1}
    for (_, ir), span in zip(irreps, irreps.slices(), strict=True):
        assert torch.equal(mirrored[:, span], sign[ir.p] * data[:, span])


def test_info_comes_back() -> None:
    tensor_map = spherical({(0, 1): np.ones((2, 1, 1))})
    tensor_map.set_info("unit", "eV")
    irreps, x = metatensor_to_e3nn(tensor_map)
    assert e3nn_to_metatensor(irreps, x, like=tensor_map).get_info("unit") == "eV"


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16])
def test_half_precision_turns_in_float32(dtype: torch.dtype, generator: torch.Generator) -> None:
    x = torch.randn(50, 9 * 4, generator=generator).to(dtype)
    tensor_map = e3nn_to_metatensor("4x4e", x)
    assert blocks(tensor_map)[0].values.dtype == dtype
    exact = e3nn_to_metatensor("4x4e", x.double())
    _, back = metatensor_to_e3nn(exact)
    torch.testing.assert_close(back, x.double(), rtol=0, atol=1e-14)
    worst = (blocks(tensor_map)[0].values.double() - blocks(exact)[0].values).abs().max()
    assert worst <= 4 * torch.finfo(dtype).eps


def test_views_of_other_arrays_convert() -> None:
    values = np.arange(24.0).reshape(2, 3, 4)
    expected = metatensor_to_e3nn(spherical({(1, 1): values}))[1]
    frozen = values.copy()
    frozen.setflags(write=False)
    for other in (values[:, :, ::-1].copy()[:, :, ::-1], np.asfortranarray(values), frozen):
        assert torch.equal(metatensor_to_e3nn(spherical({(1, 1): other}))[1], expected)


def test_values_are_copied() -> None:
    values = np.ones((2, 1, 1))
    _, x = metatensor_to_e3nn(spherical({(0, 1): values}))
    x += 1
    assert (values == 1).all()


@pytest.mark.parametrize("numbers", [1, 7, 40])
@pytest.mark.parametrize("layout", ["mul_ir", "ir_mul"])
def test_a_few_rows_at_a_time(numbers: int, layout: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """Rows in runs and one by one, columns that are a view and columns that are not."""
    rng = np.random.default_rng(0)
    shuffled = rng.permutation(11)
    names = ["o3_lambda", "o3_sigma", "center_type"]
    keys = [(l, 1, c) for l in range(4) for c in (1, 6)]
    kind = KINDS[1]
    all_blocks = [
        kind.block(
            rng.normal(size=(6 - c % 2, 2 * l + 1, 3)),
            kind.labels(["atom"], shuffled[c % 2 :: 2] if l else np.arange(6 - c % 2)),
            kind.labels(["o3_mu"], np.arange(-l, l + 1)),
            kind.labels(["n"], [0, 2, 1] if c == 1 else [1, 2, 3]),
        )
        for l, _, c in keys
    ]
    tensor_map = kind.tensor_map(kind.labels(names, keys), all_blocks)
    for order in (None, "2x1o+1x3o+4x0e+4x2e+2x1o+3x3o"):
        options: dict[str, Any] = {"irreps": order, "layout": layout}
        irreps, whole = metatensor_to_e3nn(tensor_map, **options)
        with monkeypatch.context() as patch:
            patch.setattr("anisoap_e3nn.interop.metatensor.rearrangement._CACHED", numbers)
            _, x = metatensor_to_e3nn(tensor_map, **options)
            back = e3nn_to_metatensor(irreps, x, like=tensor_map, layout=layout)
        torch.testing.assert_close(x, whole, rtol=0, atol=1e-14)
        assert_same(back, tensor_map)
