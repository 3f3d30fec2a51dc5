"""Sizes whose numbers float64 cannot represent are refused at once."""

import time
from typing import Any

import pytest

from anisoap_e3nn import AniSOAPEmbedding


@pytest.mark.parametrize(
    "arguments",
    [
        {"max_angular": 2, "max_radial": 100, "radial_gaussian_width": 1.0},
        {"max_angular": 2, "max_radial": 1000, "radial_gaussian_width": 1.0},
        {"max_angular": 400, "radial_gaussian_width": 1.0},
        {"max_angular": 60, "radial_gaussian_width": 1.0},
        {"max_angular": 10**30, "radial_gaussian_width": 1.0},
        {"max_angular": 2, "max_radial": 10**12, "radial_gaussian_width": 1.0},
        {"max_angular": 4, "max_radial": 1000, "radial_basis": "monomial"},
        {"max_angular": 40, "max_radial": 0, "radial_gaussian_width": 1e10},
        {"max_angular": 40, "max_radial": 0, "radial_basis": "monomial", "cutoff": 1e10},
    ],
    ids=str,
)
def test_numbers_that_overflow(arguments: dict[str, Any]) -> None:
    start = time.perf_counter()
    with pytest.raises(ValueError, match=r"max_radial|max_angular|not finite"):
        AniSOAPEmbedding(**({"types": [0], "cutoff": 4.0} | arguments))
    assert time.perf_counter() - start < 3


def test_many_functions_are_built_in_seconds() -> None:
    start = time.perf_counter()
    embedding = AniSOAPEmbedding([0], 4.0, 28, radial_gaussian_width=1.0)
    assert time.perf_counter() - start < 20  # the dictionaries of before took as long at l = 20
    assert embedding.irreps_out.lmax == 28
