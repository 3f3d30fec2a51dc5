"""Fixtures that many tests share."""

import os
from collections.abc import Iterator

import pytest
import torch

from anisoap_e3nn.default_dtype import default_dtype
from anisoap_e3nn.ops.backends import native, triton_source
from common import Ellipsoids, needs_native


@pytest.fixture(
    params=["triton"]
    if triton_source.interpreted  # in this process its kernels stand for the native ones
    else ["torch", pytest.param("native", marks=needs_native)]
)
def backend(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> str:
    """Runs the test on each backend."""
    monkeypatch.setenv("ANISOAP_E3NN_BACKEND", request.param)
    return str(request.param)


@pytest.fixture(autouse=True)
def same_settings_afterwards() -> Iterator[None]:
    """Refuses tests that leave another backend to those that follow."""
    before = _settings()
    yield
    assert _settings() == before


def _settings() -> dict[str, str]:
    return {name: value for name, value in os.environ.items() if name.startswith("ANISOAP_E3NN")}


@pytest.fixture
def float64_by_default() -> Iterator[None]:
    """e3nn computes D matrices and rounds its coefficients in the default dtype, whatever it is given."""
    with default_dtype(torch.float64):
        yield


@pytest.fixture
def fresh_compiler() -> Iterator[None]:
    """Forgets what torch.compile has compiled, and how many graphs there were."""
    torch._dynamo.reset()
    torch._dynamo.utils.counters.clear()
    yield
    torch._dynamo.reset()


@pytest.fixture
def generator() -> torch.Generator:
    return torch.Generator().manual_seed(20240725)


@pytest.fixture
def ellipsoids(generator: torch.Generator) -> Ellipsoids:
    """Twenty ellipsoids of types 6 and 1 in a triclinic cell, periodic along two axes."""
    n = 20
    cell = torch.tensor([[5.0, 0.3, 0.0], [-0.7, 5.5, 0.4], [0.2, 1.0, 6.0]], dtype=torch.float64)
    fractional = torch.rand(n, 3, dtype=torch.float64, generator=generator)
    return Ellipsoids(
        positions=fractional @ cell,
        orientations=torch.randn(n, 4, dtype=torch.float64, generator=generator),
        semiaxes=0.3 + torch.rand(n, 3, dtype=torch.float64, generator=generator),
        types=torch.where(torch.rand(n, generator=generator) < 0.5, 6, 1),
        cell=cell,
        pbc=torch.tensor([True, True, False]),
    )


@pytest.fixture(params=native._native.instruction_sets() if not native.unavailable else [])
def instruction_set(request: pytest.FixtureRequest) -> Iterator[str]:
    """Every compiled copy of the kernels that this machine can run, not only the best."""
    native._native.use_instruction_set(request.param)
    yield str(request.param)
    native._native.use_instruction_set(native._native.instruction_sets()[0])
