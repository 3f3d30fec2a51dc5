"""The power spectrum against AniSOAP's and e3nn, its symmetries and its derivatives."""

from pathlib import Path
from typing import Any

import pytest
import torch
from e3nn import o3
from torch import Tensor

from anisoap_e3nn import AniSOAPEmbedding, PowerSpectrum
from anisoap_e3nn.clebsch_gordan import real_clebsch_gordan
from common import (
    REFERENCE_FILES,
    Reference,
    needs_compiler,
    needs_native,
    needs_order_of_e3nn,
    needs_traceable_e3nn,
)

SPECTRUM_FILES = [path for path in REFERENCE_FILES if path.stem.startswith("power_spectrum")]
IRREPS = o3.Irreps("3x0e + 2x1o + 3x2e + 1x1e")
OPTIONS: dict[str, dict[str, Any]] = {
    "square": {},
    "redundant": {"symmetric": False},
    "two_sets": {"irreps_in2": "2x0e + 1x1o + 1x3o"},
    "scalars": {"filter_ir_out": ["0e", "0o"]},
    "filtered": {"filter_ir_out": ["0e", "1e", "2o"]},
    "no_scalars": {"filter_ir_out": ["1o", "2e"]},
    "l_max": {"l_max": 1},
    "mixed_before": {"weights": (4, None)},
    "mixed_to_irreps": {"weights": ("2x0e + 3x1o", None), "irreps_in2": "2x0e + 1x1o"},
    "mixed_after": {"weights": (None, "3x0e + 2x1e"), "l_max": 2},
    "elementwise": {"channels": "elementwise", "weights": (4, "5x0e + 2x1o")},
    "elementwise_two_sets": {
        "channels": "elementwise", "weights": (3, None), "irreps_in2": "2x0e + 1x1o", "l_max": 2
    },
}  # fmt: skip


@pytest.fixture(autouse=True)
def _seeded(float64_by_default: None) -> None:
    torch.manual_seed(5)


@pytest.fixture(params=OPTIONS, ids=str)
def spectrum(request: pytest.FixtureRequest) -> PowerSpectrum:
    return PowerSpectrum(IRREPS, **OPTIONS[request.param])


def random_inputs(spectrum: PowerSpectrum, *leading: int) -> list[Tensor]:
    all_irreps = [irreps for irreps in (spectrum.irreps_in, spectrum.irreps_in2) if irreps]
    return [irreps.randn(*leading, -1) for irreps in all_irreps]


def assert_same(a: Tensor, b: Tensor, tolerance: float = 1e-12) -> None:
    assert a.shape == b.shape
    assert (a - b).abs().max() <= tolerance * b.abs().max().clamp(min=1)


@pytest.mark.parametrize("path", SPECTRUM_FILES, ids=lambda path: path.stem)
def test_anisoap(backend: str, path: Path) -> None:
    """AniSOAP has all pairs (type, n), (type, n) and, in its own convention, the sign (-1)^l."""
    reference = Reference.load(path)
    embedding = AniSOAPEmbedding(**reference.embedding_arguments)
    soap = PowerSpectrum(embedding.irreps_out, filter_ir_out=["0e"])
    every = PowerSpectrum(embedding.irreps_out, filter_ir_out=["0e"], symmetric=False)
    x = embedding(**reference.inputs(torch.float64))
    ours, ours_with_redundant = soap(x), every(x)
    start, start_redundant = 0, 0
    for l, (mul, _) in enumerate(embedding.irreps_out):
        theirs = (-1) ** l * reference.arrays[f"power_spectrum_l{l}"].reshape(-1, mul, mul)
        u, v = torch.triu_indices(mul, mul)
        pairs = ours[:, start : start + len(u)]
        assert (pairs - theirs[:, u, v]).abs().max() <= 1e-12 * theirs.abs().max()
        pairs = ours_with_redundant[:, start_redundant : start_redundant + mul**2]
        assert (pairs - theirs.flatten(1)).abs().max() <= 1e-12 * theirs.abs().max()
        start, start_redundant = start + len(u), start_redundant + mul**2
    assert (start, start_redundant) == (ours.shape[1], ours_with_redundant.shape[1])


def test_couplings_give_the_sign_of_anisoap() -> None:
    for l in range(6):
        sign = real_clebsch_gordan(l, l, 0, "wiki").coefficients.sign()
        assert (sign == (-1) ** l).all()


@needs_order_of_e3nn
def test_all_products_of_two_sets_are_those_of_e3nn(backend: str) -> None:
    irreps2 = o3.Irreps("2x0e + 1x1o + 1x3o")
    spectrum = PowerSpectrum(IRREPS, irreps2)
    theirs = o3.FullTensorProduct(IRREPS, irreps2)
    assert spectrum.irreps_out == theirs.irreps_out.simplify()
    x, y = IRREPS.randn(5, -1), irreps2.randn(5, -1)
    # the same factor √(2L + 1) turns e3nn's 3j symbols into both
    assert_same(spectrum(x, y), theirs(x, y))


@needs_order_of_e3nn
def test_all_products_of_one_set_are_some_of_e3nn(backend: str) -> None:
    x = IRREPS.randn(4, -1)
    every, square = PowerSpectrum(IRREPS, symmetric=False), PowerSpectrum(IRREPS)
    theirs = o3.FullTensorProduct(IRREPS, IRREPS)
    assert_same(every(x), theirs(x, x))
    by_name = dict(zip(every.channels, by_channel(every(x), every), strict=True))
    for name, values in zip(square.channels, by_channel(square(x), square), strict=True):
        assert_same(values, by_name.pop(name))
    # whatever else there is follows from what was kept
    kept = dict(zip(square.channels, by_channel(square(x), square), strict=True))
    for name, values in by_name.items():
        ir, _, pair = name.partition(": ")
        first, second = pair.split(" × ")
        swapped = kept.get(f"{ir}: {second} × {first}", torch.zeros(()))
        assert min((values - swapped).abs().max(), (values + swapped).abs().max()) < 1e-12


def by_channel(x: Tensor, spectrum: PowerSpectrum) -> list[Tensor]:
    return [
        channel
        for (mul, ir), where in zip(
            spectrum.irreps_products, spectrum.irreps_products.slices(), strict=True
        )
        for channel in x[:, where].unflatten(1, (mul, ir.dim)).unbind(1)
    ]


@pytest.mark.parametrize("improper", [False, True], ids=["rotation", "rotation_inversion"])
def test_equivariance(backend: str, spectrum: PowerSpectrum, improper: bool) -> None:
    R = o3.rand_matrix() * (-1 if improper else 1)
    inputs = random_inputs(spectrum, 4)
    all_irreps = (spectrum.irreps_in, spectrum.irreps_in2)
    turned = [x @ irreps.D_from_matrix(R).T for x, irreps in zip(inputs, all_irreps, strict=False)]
    out = spectrum(*inputs)
    assert out.shape == (4, spectrum.irreps_out.dim)
    assert out.abs().max() > 0.1
    assert_same(spectrum(*turned), out @ spectrum.irreps_out.D_from_matrix(R).T)


def test_higher_body_orders(backend: str) -> None:
    """ν = 3 with a pseudoscalar, which tells a particle's surroundings from their mirror image."""
    embedding = o3.Irreps("2x0e + 2x1o + 2x2e + 2x3o")
    two = PowerSpectrum(embedding, l_max=3)
    three = PowerSpectrum(two.irreps_out, embedding, filter_ir_out=["0e", "0o"])
    four = PowerSpectrum(two.irreps_out, filter_ir_out=["0e"])
    x, R = embedding.randn(3, -1), o3.rand_matrix()
    for matrix in (R, -R):
        turned = x @ embedding.D_from_matrix(matrix).T
        pseudo_and_true = torch.tensor(
            [float(ir.p) for mul, ir in three.irreps_out for _ in range(mul)]
        )
        sign = pseudo_and_true if matrix.det() < 0 else torch.ones(())
        assert_same(three(two(turned), turned), sign * three(two(x), x))
        assert_same(four(two(turned)), four(two(x)))
    assert three(two(x), x)[:, : three.irreps_out.count("0o")].abs().max() > 0.1


def test_triple_product(backend: str) -> None:
    """The pseudoscalar of three vectors is their determinant."""
    two = PowerSpectrum("3x1o", filter_ir_out=["1e"])
    three = PowerSpectrum(two.irreps_out, "3x1o", filter_ir_out=["0o"])
    assert two.channels == ["1e: 1o[0] × 1o[1]", "1e: 1o[0] × 1o[2]", "1e: 1o[1] × 1o[2]"]
    vectors = torch.randn(4, 3, 3)
    found = three(two(vectors.flatten(1)), vectors.flatten(1))[:, 2]  # (0 ∧ 1) · 2
    assert_same(found.abs(), vectors.det().abs() / 6**0.5)


@needs_traceable_e3nn
@pytest.mark.parametrize("options", ["square", "two_sets", "mixed_after", "elementwise"])
def test_derivatives(backend: str, options: str) -> None:
    spectrum = PowerSpectrum("2x0e + 2x1o", **(OPTIONS[options] | {"l_max": 1}))
    inputs = [x.requires_grad_() for x in random_inputs(spectrum, 1)]
    assert torch.autograd.gradcheck(spectrum, inputs)
    assert torch.autograd.gradgradcheck(spectrum, inputs)


def test_single_precision(backend: str, spectrum: PowerSpectrum) -> None:
    inputs = random_inputs(spectrum, 10)
    expected = spectrum(*inputs)
    out = spectrum.float()(*(x.float() for x in inputs))
    assert out.dtype == torch.float32
    assert_same(out.double(), expected, 1e-5)


@pytest.mark.parametrize("leading", [(), (0,), (2, 0), (2, 3)], ids=str)
def test_leading_dimensions(
    backend: str, spectrum: PowerSpectrum, leading: tuple[int, ...]
) -> None:
    inputs = random_inputs(spectrum, *leading)
    out = spectrum(*inputs)
    assert out.shape == (*leading, spectrum.irreps_out.dim)
    flat = spectrum(*(x.reshape(-1, x.shape[-1]) for x in inputs))
    torch.testing.assert_close(out.flatten(), flat.flatten())


@pytest.mark.compiler
@needs_compiler
@needs_traceable_e3nn
@needs_native
def test_compiled() -> None:
    """Without a break in the graph, derivatives included."""
    spectrum = PowerSpectrum(IRREPS, **OPTIONS["mixed_after"])
    compiled = torch.compile(spectrum, fullgraph=True, backend="aot_eager")
    inputs = [x.requires_grad_() for x in random_inputs(spectrum, 5)]
    assert_same(compiled(*inputs), spectrum(*inputs))
    slopes = torch.autograd.grad(compiled(*inputs).square().sum(), inputs)
    for slope, expected in zip(
        slopes, torch.autograd.grad(spectrum(*inputs).square().sum(), inputs), strict=True
    ):
        assert_same(slope, expected)


def test_every_channel_has_a_name(spectrum: PowerSpectrum) -> None:
    names = spectrum.channels
    assert len(names) == spectrum.irreps_products.num_irreps
    irreps = [str(ir) for mul, ir in spectrum.irreps_products for _ in range(mul)]
    assert [name.partition(":")[0] for name in names] == irreps


def test_names_of_an_embedding() -> None:
    embedding = AniSOAPEmbedding([1, 6], 5.0, 1, radial_gaussian_width=1.0)
    names = PowerSpectrum(embedding.irreps_out, l_max=0).describe(embedding.channels)
    assert names[1] == "0e: l=0 type=1 n=0 × l=0 type=6 n=0"
    assert names[-1] == "0e: l=1 type=6 n=0 × l=1 type=6 n=0"
    with pytest.raises(ValueError, match="1 names for the 6 channels"):
        PowerSpectrum(IRREPS[:2] + o3.Irreps("1x2e")).describe(["a"])


def test_made_again_from_its_hyperparameters(spectrum: PowerSpectrum) -> None:
    again = PowerSpectrum(**spectrum.hyperparameters)
    again.load_state_dict(spectrum.state_dict())
    inputs = random_inputs(spectrum, 3)
    assert torch.equal(again(*inputs), spectrum(*inputs))
    other = PowerSpectrum(**(spectrum.hyperparameters | {"l_max": 9}))
    with pytest.raises(ValueError, match="l_max"):
        other.load_state_dict(spectrum.state_dict())


def test_repr() -> None:
    spectrum = PowerSpectrum("2x0e + 2x1o", "1x1o", l_max=1, weights=(None, "4x0e"))
    assert repr(spectrum) == "PowerSpectrum(2x0e+2x1o x 1x1o -> 4x0e | 6 products | 8 weights)"


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (
            {"filter_ir_out": ["0e", "3e"], "l_max": 2},
            "has 3e; with these options the products have 0o, 0e",
        ),
        ({"filter_ir_out": ["7o"]}, "has 7o"),
        ({"channels": "all"}, "channels is 'all'"),
        ({"channels": "elementwise"}, r"but there are \[1, 2, 3\]"),
        ({"l_max": -1}, "l_max is -1"),
        ({"weights": (None, "2x7e")}, "irreps_out has 7e"),
        ({"weights": ("2x4e", None)}, "irreps_out has 4e"),
    ],
)
def test_options_that_make_no_sense(options: dict[str, Any], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        PowerSpectrum(IRREPS, **options)


def test_inputs_that_do_not_fit(backend: str) -> None:
    one, two = PowerSpectrum("2x1o"), PowerSpectrum("2x1o", "1x1o")
    x, y = torch.randn(4, 6), torch.randn(4, 3)
    with pytest.raises(
        ValueError, match=r"found shape \(4, 5\), expected \(4, 6\) for PowerSpectrum"
    ):
        one(x[:, 1:])
    with pytest.raises(ValueError, match=r"found shape \(3, 3\), expected \(4, 3\)"):
        two(x, y[1:])
    with pytest.raises(TypeError, match="found 2 inputs, expected 1"):
        one(x, y)
    with pytest.raises(TypeError, match="found 1 inputs, expected 2"):
        two(x)
