"""What tensor products refuse: instructions, options and inputs."""

from typing import Any

import pytest

from anisoap_e3nn.nn import FullTensorProduct, TensorProduct, TensorSquare


def connected_product(**options: Any) -> TensorProduct:
    irreps, instructions = "2x0e + 1o", [(0, 0, 0, "uvw", True), (1, 1, 0, "uvw", True)]
    return TensorProduct(irreps, irreps, "2x0e", instructions, **options)


@pytest.mark.parametrize(
    ("instruction", "message"),
    [
        ((0, 0, 3, "uvw", True), "1o has 2 entries, but no entry 3"),
        ((-1, 0, 0, "uvw", True), "but no entry -1"),
        ((0, 0, 0, "vuw", True), "unknown mode 'vuw'"),
        ((0, 0, 1, "uvw", True), "0e ⊗ 0e is 0e, not 1o"),
        ((1, 1, 1, "uvw", True), "1o ⊗ 1o is 0e, 1e, 2e, not 1o"),
        ((0, 0, 0, "uuu", False), "needs 3, 3, 3"),
        ((0, 0, 0, "uvuv", False), "needs 3, 2, 6"),
        ((0, 0, 0, "uvw", False), "needs weights"),
    ],
)
def test_instructions_that_make_no_sense(instruction: tuple[Any, ...], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        TensorProduct("3x0e + 1o", "2x0e + 1o", "4x0e + 1o", [instruction])


def test_options_that_make_no_sense() -> None:
    for options, message in (
        ({"layout": "ir"}, "layout is 'ir'"),
        ({"irrep_normalization": "all"}, "irrep_normalization is 'all'"),
        ({"path_normalization": "all"}, "path_normalization is 'all'"),
        ({"in1_var": [1.0]}, "in1_var has 1 numbers, expected 2"),
        ({"internal_weights": True, "shared_weights": False}, "needs shared weights"),
    ):
        with pytest.raises(ValueError, match=message):
            connected_product(**options)
    with pytest.raises(ValueError, match=r"\[2e\], expected some of 0o, 1o, 2o"):
        FullTensorProduct("1o", "1e", ["2e"])
    with pytest.raises(ValueError, match=r"\[1e\], expected some of 0e, 2e"):
        TensorSquare("1o", ["1e"])
    with pytest.raises(ValueError, match="irrep_normalization is 'all'"):
        TensorSquare("1o", irrep_normalization="all")


def test_inputs_that_do_not_fit(backend: str) -> None:
    product = connected_product()
    x = product.irreps_in1.randn(4, -1)
    with pytest.raises(ValueError, match=r"x2 has shape .4, 4., expected the last dimension 5"):
        product(x, x[:, 1:])
    with pytest.raises(ValueError, match="weight has shape"):
        product(x, x, product.weight[1:])
    own = connected_product(shared_weights=False)
    with pytest.raises(ValueError, match="no internal weights, expected 10"):
        own(x, x)
    with pytest.raises(ValueError, match="weight has shape"):
        own(x, x, product.weight)
    with pytest.raises(TypeError, match="float"):
        product(x, x.double())
