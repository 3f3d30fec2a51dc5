"""The native backend uses as many threads as torch has."""

from typing import Any

import pytest
import torch

from anisoap_e3nn.nn import TensorSquare
from anisoap_e3nn.ops import gaussian_moments
from anisoap_e3nn.ops.backends import native
from common import by_number_of_threads, make_case, needs_native


class Recorder:
    """The compiled extension; keeps the last argument of each call, the number of threads."""

    def __init__(self, extension: Any) -> None:
        self.extension, self.threads = extension, list[int]()

    def __getattr__(self, name: str) -> Any:
        function = getattr(self.extension, name)

        def recorded(*arguments: Any) -> Any:
            self.threads.append(arguments[-1])
            return function(*arguments)

        return recorded


@needs_native
@pytest.mark.parametrize("operation", ["moments", "products"])
def test_threads_are_those_of_torch(
    operation: str, generator: torch.Generator, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ANISOAP_E3NN_BACKEND", "native")
    recorder = Recorder(native._native)
    monkeypatch.setattr(native, "_native", recorder)
    if operation == "moments":
        case = make_case(generator, torch.float64, n_edges=50)

        def value_and_gradients() -> None:
            inputs = case | {"edge_vectors": case["edge_vectors"].clone().requires_grad_()}
            gaussian_moments(**inputs, degree=2).sum().backward()
    else:
        product, x = TensorSquare("4x0e + 4x1o"), torch.randn(3, 16, requires_grad=True)

        def value_and_gradients() -> None:
            product(x).sum().backward()

    by_number_of_threads(value_and_gradients)
    assert sorted(set(recorder.threads)) == [1, 2, 4]
    assert recorder.threads.count(1) == recorder.threads.count(4) >= 2
