"""Layers and models compute in the dtype of their inputs inside ``torch.autocast``."""

from typing import Any

import pytest
import torch

from anisoap_e3nn import PowerSpectrum
from anisoap_e3nn.potentials import mechanics
from models_of_each_kind import MODELS, frame, with_weights


@pytest.mark.parametrize("dtype", [torch.bfloat16, torch.float16])
@pytest.mark.parametrize("name", MODELS)
def test_values_do_not_change(name: str, dtype: torch.dtype) -> None:
    model, data = with_weights(name), frame()
    expected = model(data)
    with torch.autocast("cpu", dtype=dtype):
        found = model(data)
    torch.testing.assert_close(found, expected, rtol=0, atol=0)


@pytest.mark.parametrize("name", [name for name in MODELS if "embedding" not in name])
def test_mechanics_do_not_change(name: str) -> None:
    model, data = with_weights(name), frame()
    expected = mechanics(model, data, body_frame=True)
    with torch.autocast("cpu", dtype=torch.bfloat16):
        found = mechanics(model, data, body_frame=True)
    for ours, right in zip(found, expected, strict=True):
        torch.testing.assert_close(ours, right, rtol=0, atol=0)


def test_a_model_of_somebody_else_is_evaluated_in_its_dtype() -> None:
    def springs(data: Any) -> torch.Tensor:
        return (data.pos @ data.pos.T).square().sum(1)

    expected = mechanics(springs, frame())
    with torch.autocast("cpu", dtype=torch.bfloat16):
        found = mechanics(springs, frame())
    torch.testing.assert_close(found.forces, expected.forces, rtol=0, atol=0)


def test_products_with_maps_do_not_change() -> None:
    torch.manual_seed(0)
    spectrum = PowerSpectrum("4x0e+2x1o", weights=(3, "5x0e"))
    x = torch.randn(6, 10)
    expected = spectrum(x)
    with torch.autocast("cpu", dtype=torch.bfloat16):
        torch.testing.assert_close(spectrum(x), expected, rtol=0, atol=0)


def test_autocast_is_on_again_afterwards() -> None:
    model = with_weights("pair")
    with torch.autocast("cpu", dtype=torch.bfloat16):
        mechanics(model, frame())
        assert (torch.ones(2, 2) @ torch.ones(2, 2)).dtype == torch.bfloat16
