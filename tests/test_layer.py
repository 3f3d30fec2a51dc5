"""Layers on the meta device, and in dtypes that they refuse."""

import copy

import pytest
import torch

from anisoap_e3nn import PowerSpectrum
from anisoap_e3nn.nn import TensorProduct
from anisoap_e3nn.potentials import ParticleShapes
from models_of_each_kind import MODELS, frame, with_weights


@pytest.mark.parametrize("name", MODELS)
def test_parameters_wait_on_the_meta_device_for_a_checkpoint(name: str) -> None:
    model = with_weights(name)
    with torch.device("meta"):
        empty = MODELS[name]()
    assert all(x.is_meta for x in empty.parameters())
    empty = empty.to_empty(device="cpu")
    empty.load_state_dict(model.state_dict())
    torch.testing.assert_close(empty(frame()), model(frame()), rtol=0, atol=0)


@pytest.mark.parametrize("name", MODELS)
def test_tensors_of_a_checkpoint_can_be_assigned(name: str) -> None:
    model = with_weights(name)
    with torch.device("meta"):
        empty = MODELS[name]()
    empty.load_state_dict(model.state_dict(), assign=True)
    torch.testing.assert_close(empty(frame()), model(frame()), rtol=0, atol=0)


@pytest.mark.parametrize("name", MODELS)
def test_constants_come_back_from_the_meta_device(name: str) -> None:
    model = with_weights(name)
    moved = copy.deepcopy(model).to("meta").to_empty(device="cpu")
    moved.load_state_dict(model.state_dict())
    torch.testing.assert_close(moved(frame()), model(frame()), rtol=0, atol=0)


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16])
@pytest.mark.parametrize("name", MODELS)
def test_reduced_precision_is_refused_by_name(name: str, dtype: torch.dtype) -> None:
    model = with_weights(name).to(dtype)
    with pytest.raises(TypeError, match=r"is torch\.b?float16, expected torch\.float32"):
        model(frame(dtype))


def test_layers_without_data_refuse_reduced_precision_too() -> None:
    x = torch.randn(5, 4)
    spectrum, product = PowerSpectrum("1x0e+1x1o"), TensorProduct("1x1o", "1x1o", "1x0e", [])
    for call in (
        lambda: spectrum.half()(x.half()),
        lambda: product.half()(x[:, 1:].half(), x[:, 1:].half()),
        lambda: PowerSpectrum("1x0e+1x1o", weights=(2, None)).half()(x.half()),
        lambda: ParticleShapes([6, 1], [1.0, 1.0, 0.5]).half()(frame()),
    ):
        with pytest.raises(TypeError, match=r"torch\.float16, expected torch\.float32"):
            call()
