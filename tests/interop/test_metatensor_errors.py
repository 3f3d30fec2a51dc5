"""What cannot be converted is refused, with what was found and what is understood."""

from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest
import torch

from anisoap_e3nn.interop.metatensor import (
    e3nn_labels,
    e3nn_to_metatensor,
    metatensor_to_e3nn,
    rotate,
)
from anisoap_e3nn.interop.metatensor.rearrangement import Place, Rearrangement
from tensor_maps import KINDS, Kind

pytestmark = pytest.mark.parametrize("kind", KINDS, ids=str)
SPHERICAL = ("o3_lambda", "o3_sigma")


def one_block(
    kind: Kind,
    key: Sequence[int] = (1, 1),
    names: Sequence[str] = SPHERICAL,
    component: str = "o3_mu",
    m: Sequence[int] = (-1, 0, 1),
    dtype: npt.DTypeLike = np.float64,
) -> Any:
    block = kind.block(
        np.ones((2, len(m), 1), dtype=dtype),
        kind.labels(["atom"], [0, 1]),
        kind.labels([component], m),
        kind.labels(["n"], [0]),
    )
    return kind.tensor_map(kind.labels(list(names), [key]), [block])


@pytest.mark.parametrize(
    ("changed", "words"),
    [
        (
            {"names": ("o3_lambda", "color")},
            [r"\['color'\]", "keys_to_samples or keys_to_properties", "o3_lambda",
             "spherical_harmonics_l", "angular_channel", "o3_sigma", "inversion_sigma",
             "center_type", "neighbor_type"],
        ),
        (
            {"names": ("level", "color")},
            [r"\['level', 'color'\]", "o3_lambda", "spherical_harmonics_l", "angular_channel"],
        ),
        (
            {"names": ("center_type", "o3_sigma")},
            [r"\['center_type', 'o3_sigma'\] hold no l", "o3_lambda", r"components \['o3_mu'\]"],
        ),
        (
            {"component": "mu"},
            [r"components are \['mu'\]", "o3_mu", "spherical_harmonics_m", "spherical_component_m"],
        ),
        ({"key": (2, 1)}, [r"o3_mu has 3 components, expected 2l\+1 = 5 for 2e"]),
        ({"key": (0, 1)}, [r"o3_mu has 3 components, expected 2l\+1 = 1 for 0e"]),
        ({"m": (1, 0, -1)}, [r"o3_mu is \[1, 0, -1\], expected -1 to 1 in ascending order"]),
        ({"m": (0, 1, 2)}, [r"o3_mu is \[0, 1, 2\], expected -1 to 1"]),
        ({"key": (1, 2)}, ["'o3_sigma': 2", "neither 1 nor -1"]),
        ({"key": (1, 0)}, ["'o3_sigma': 0", "neither 1 nor -1"]),
        ({"key": (-1, 1)}, ["'o3_lambda': -1", "l < 0"]),
        ({"names": ("o3_lambda", "angular_channel")}, ["l twice"]),
        ({"names": ("o3_sigma", "inversion_sigma")}, ["parity twice"]),
    ],
)  # fmt: skip
def test_labels_that_are_not_understood(
    kind: Kind, changed: dict[str, Any], words: list[str]
) -> None:
    tensor_map = one_block(kind, **changed)
    for convert in (metatensor_to_e3nn, e3nn_labels):
        with pytest.raises(ValueError, match=words[0]) as caught:
            convert(tensor_map)
        for word in words[1:]:
            caught.match(word)


@pytest.mark.parametrize("dtype", [np.complex128, np.complex64, np.int64, np.bool_])
def test_values_that_do_not_rotate(kind: Kind, dtype: npt.DTypeLike) -> None:
    tensor_map = one_block(kind, dtype=dtype)
    for convert in (metatensor_to_e3nn, lambda t: rotate(t, np.eye(3))):
        with pytest.raises(TypeError, match=r"blocks hold .*, expected real floating-point values"):
            convert(tensor_map)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"keys_to_samples": "color"}, r"names 'color', expected .* \['o3_lambda', 'o3_sigma'\]"),
        ({"keys_to_properties": ["color"]}, "keys_to_properties names 'color'"),
        ({"keys_to_samples": "o3_sigma"}, "which determines the irrep of a block"),
        ({"keys_to_properties": ("o3_lambda",)}, "which determines the irrep of a block"),
        ({"irreps": "1x1e"}, "irreps are 1x1e, expected those of the TensorMap, 1x1o"),
        ({"irreps": "2x1o"}, "irreps are 2x1o, expected those of the TensorMap, 1x1o"),
        ({"irreps": "1x1o+1x0e"}, "expected those of the TensorMap, 1x1o"),
        ({"layout": "irmul"}, "layout is 'irmul', expected 'mul_ir' or 'ir_mul'"),
        ({"gradient": "cell"}, r"no gradients with respect to 'cell', found \[\]"),
    ],
)
def test_arguments_that_do_not_fit_the_map(
    kind: Kind, arguments: dict[str, Any], message: str
) -> None:
    with pytest.raises(ValueError, match=message):
        metatensor_to_e3nn(one_block(kind), **arguments)


def test_keys_that_would_stand_twice(kind: Kind) -> None:
    block = kind.block(
        np.ones((1, 1, 1)),
        kind.labels(["center_type"], [1]),
        kind.labels(["o3_mu"], [0]),
        kind.labels(["n"], [0]),
    )
    keys = kind.labels(["o3_lambda", "center_type"], [(0, 1)])
    tensor_map = kind.tensor_map(keys, [block])
    with pytest.raises(ValueError, match=r"\['center_type'\] are .* keys and of the samples"):
        metatensor_to_e3nn(tensor_map)
    with pytest.raises(ValueError, match="are in keys_to_samples and in keys_to_properties"):
        metatensor_to_e3nn(
            tensor_map, keys_to_samples="center_type", keys_to_properties="center_type"
        )
    with pytest.raises(TypeError, match="expected the name of a dimension of the keys"):
        metatensor_to_e3nn(tensor_map, keys_to_samples=1)  # type: ignore[arg-type]


def test_what_is_no_tensor_map(kind: Kind) -> None:
    tensor_map = one_block(kind)
    for wrong in (tensor_map.block(0), tensor_map.keys, {}, torch.ones(2), None):
        with pytest.raises(
            TypeError, match=r"expected a metatensor\.TensorMap or metatensor\.torch"
        ):
            metatensor_to_e3nn(wrong)
        with pytest.raises(
            TypeError, match=r"expected a metatensor\.TensorMap or metatensor\.torch"
        ):
            rotate(wrong, np.eye(3))


@pytest.mark.parametrize(
    ("irreps", "shape", "message"),
    [
        ("1x1o", (3, 3), "data has 3 rows, expected the 2 of like"),
        ("1x1o", (2, 4), r"data has shape \(2, 4\), expected \(samples, 3\) for 1x1o"),
        ("1x1o", (3,), r"data has shape \(3,\)"),
        ("1x1e", (2, 3), "irreps are 1x1e, expected those of the TensorMap, 1x1o"),
        ("3x0e", (2, 3), "irreps are 3x0e, expected those of the TensorMap, 1x1o"),
    ],
)
def test_tensors_that_do_not_fit_like(
    kind: Kind, irreps: str, shape: tuple[int, ...], message: str
) -> None:
    with pytest.raises(ValueError, match=message):
        e3nn_to_metatensor(irreps, torch.ones(shape), like=one_block(kind))


@pytest.mark.parametrize(
    ("data", "found"),
    [
        (torch.ones(2, 3, dtype=torch.complex64), "complex64"),
        (torch.ones(2, 3).long(), "int64"),
        (np.ones((2, 3)), "ndarray"),
    ],
    ids=["complex", "integer", "array"],
)
def test_data_that_are_no_real_tensor(kind: Kind, data: Any, found: str) -> None:
    for arguments in ({"like": one_block(kind)}, {}):
        with pytest.raises(TypeError, match=found):
            e3nn_to_metatensor("1x1o", data, **arguments)


def test_labels_that_do_not_fit_the_tensor(kind: Kind) -> None:
    x, three, one = torch.ones(2, 3), kind.labels(["a"], [0, 1, 2]), kind.labels(["a"], [0])
    with pytest.raises(ValueError, match="3 labels for the 2 rows"):
        e3nn_to_metatensor("1x1o", x, samples=three)
    with pytest.raises(ValueError, match="3 labels for the 1 channels of 1o"):
        e3nn_to_metatensor("1x1o", x, properties=three)
    with pytest.raises(ValueError, match=r"properties have irreps \[1e\], expected \[1o\]"):
        e3nn_to_metatensor("1x1o", x, properties={"1e": one})
    with pytest.raises(TypeError, match=r"found list, expected a metatensor\.Labels"):
        e3nn_to_metatensor("1x1o", x, samples=[0, 1])
    with pytest.raises(ValueError, match="leave out samples and properties"):
        e3nn_to_metatensor("1x1o", x, like=one_block(kind), properties=one)
    for needs_like in (
        {"gradients": {"positions": x}},
        {"keys_to_samples": "center_type"},
        {"keys_to_properties": one},
    ):
        with pytest.raises(ValueError, match="need like"):
            e3nn_to_metatensor("1x1o", x, **needs_like)
    other = KINDS[2 - KINDS.index(kind)] if kind != KINDS[1] else KINDS[2]
    with pytest.raises(TypeError, match=r"labels come from \['metatensor', 'metatensor.torch'\]"):
        e3nn_to_metatensor("1x1o", x, samples=other.labels(["a"], [0, 1]), properties=one)


def test_gradients_that_do_not_fit(kind: Kind) -> None:
    block = one_block(kind).block(0).copy()
    block.add_gradient("positions", kind.block(
        np.ones((2, 3, 3, 1)),
        kind.labels(["sample", "atom"], [(0, 0), (1, 0)]),
        kind.labels(["xyz"], [0, 1, 2]),
        kind.labels(["o3_mu"], [-1, 0, 1]),
        kind.labels(["n"], [0]),
    ))  # fmt: skip
    tensor_map = kind.tensor_map(kind.labels(list(SPHERICAL), [(1, 1)]), [block])
    x, gradient = torch.ones(2, 3), torch.ones(2, 3, 3)
    for name, values, message in (
        ("strain", gradient, r"no gradients with respect to 'strain', found \['positions'\]"),
        ("positions", gradient[:1], r"have shape \(1, 3, 3\), expected \(2, 3, 3\)"),
        (
            "positions",
            gradient.double(),
            r"are torch.float64 on cpu, expected torch.float32 on cpu",
        ),
    ):
        with pytest.raises(ValueError, match=message):
            e3nn_to_metatensor("1x1o", x, like=tensor_map, gradients={name: values})
    done = e3nn_to_metatensor("1x1o", x, like=tensor_map, gradients={"positions": gradient})
    assert done.block(0).gradients_list() == ["positions"]
    assert e3nn_to_metatensor("1x1o", x, like=tensor_map).block(0).gradients_list() == []


def test_mixed_dtypes_and_devices(kind: Kind) -> None:
    """metatensor itself refuses to put such blocks together; if some version does not, we do."""
    single = one_block(kind, dtype=np.float32).block(0)
    blocks = [one_block(kind).block(0).copy(), single.copy()]
    with pytest.raises(Exception, match="different dtypes"):
        kind.tensor_map(kind.labels(list(SPHERICAL), [(1, 1), (1, -1)]), blocks)
    places = [Place(slice(0, 2), np.arange(3)[None] + 3 * k, 1) for k in range(2)]
    both = Rearrangement((2, 6), places)
    x = torch.ones(2, 3, 1)
    for other in (x.double(), torch.ones(2, 3, 1, device="meta")):
        with pytest.raises(ValueError, match="expected one dtype on one device"):
            both.to_e3nn([x, other])
    assert both.to_e3nn([x, x]).shape == (2, 6)
