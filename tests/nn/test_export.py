"""The layer as a program of its own, for systems of any size."""

from typing import Any

import pytest
import torch
from torch import Tensor
from torch.export import Dim, export

from anisoap_e3nn import AniSOAPEmbedding
from common import needs_compiler, needs_traceable_e3nn


def random_inputs(n: int, n_edges: int, generator: torch.Generator) -> tuple[Tensor, ...]:
    def randn(*shape: int) -> Tensor:
        return torch.randn(shape, generator=generator, dtype=torch.float64)

    edge_index = torch.randint(n, (2, n_edges), generator=generator)
    types = torch.tensor([1, 6])[torch.randint(2, (n,), generator=generator)]
    return 3 * randn(n_edges, 3), edge_index, types, randn(n, 4), randn(n, 3).abs()


@pytest.mark.compiler
@needs_traceable_e3nn
@pytest.mark.parametrize(
    "options",
    [
        {},
        {"cutoff_function": "polynomial"},
        pytest.param({"irreps_out": "4x0e+2x1o"}, marks=needs_compiler),
    ],
)
@pytest.mark.usefixtures("backend")
def test_export_without_dynamo_keeps_sizes_open(
    options: dict[str, Any], generator: torch.Generator
) -> None:
    embedding = AniSOAPEmbedding([1, 6], 5.0, 3, radial_gaussian_width=1.5, **options).double()
    particles, edges = {0: Dim("particles", min=2)}, Dim("edges", min=2)
    program = export(
        embedding,
        random_inputs(5, 12, generator),
        dynamic_shapes=({0: edges}, {1: edges}, particles, particles, particles),
        strict=False,
    )
    exported = program.module()
    for n, n_edges in ((5, 12), (9, 40), (2, 3)):
        inputs = random_inputs(n, n_edges, generator)
        torch.testing.assert_close(exported(*inputs), embedding(*inputs))
