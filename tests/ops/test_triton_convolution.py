"""Convolutions on the triton backend, compared with the torch backend.

They run on the GPU, or, with TRITON_INTERPRET=1, in Triton's interpreter on the CPU.
"""

import numpy as np
import pytest
import torch
from torch import Tensor

from anisoap_e3nn.ops import ConvolutionPath, ConvolutionPlan
from anisoap_e3nn.ops.backends import convolution_text, triton_source
from random_convolutions import Inputs, derivatives, random_inputs, random_plan

DEVICE = "cpu" if triton_source.interpreted else "cuda"
pytestmark = pytest.mark.skipif(
    not triton_source.interpreted
    and (bool(triton_source.unavailable) or not torch.cuda.is_available()),
    reason="there is no GPU and TRITON_INTERPRET is not 1, or triton is not installed",
)


def found(inputs: Inputs, edge_index: Tensor, plan: ConvolutionPlan) -> list[Tensor]:
    """Sums and derivatives of the triton backend, on the CPU."""
    x, y, w = (tensor.to(DEVICE) for tensor in inputs)
    return [each.cpu() for each in derivatives((x, y, w), edge_index.to(DEVICE), plan, "triton")]


@pytest.mark.parametrize(
    ("dtype", "tolerance"), [(torch.float64, 1e-12), (torch.float32, 3e-5)], ids=["f64", "f32"]
)
@pytest.mark.parametrize("limit", [6, 40])
def test_triton_is_the_definition(
    limit: int, dtype: torch.dtype, tolerance: float, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Any irreps, and any edges, in any order, to the second derivatives; in several kernels, and in one."""
    monkeypatch.setattr(convolution_text, "_ACCUMULATORS", limit)
    for seed in range(3):
        rng = np.random.default_rng()
        plan = random_plan(rng, seed)
        inputs, edge_index = random_inputs(rng, plan, 3, 5, dtype)
        ours = found(inputs, edge_index, plan)
        doubles = tuple(tensor.double() for tensor in inputs)
        theirs = derivatives(doubles, edge_index, plan, "torch")  # type: ignore[arg-type]
        for a, b in zip(ours, theirs, strict=True):
            assert a.dtype == dtype
            scale = float(b.abs().max()) if b.numel() else 0.0
            torch.testing.assert_close(a.double(), b, rtol=0, atol=tolerance * (1e-3 + scale))


@pytest.mark.parametrize(("n_particles", "n_edges"), [(0, 0), (3, 0)])
def test_no_edges(n_particles: int, n_edges: int) -> None:
    rng = np.random.default_rng(1)
    plan = random_plan(rng, 2)
    inputs, edge_index = random_inputs(rng, plan, n_particles, n_edges)
    for a in found(inputs, edge_index, plan):
        assert not a.any()


def test_irreps_that_overlap_share_their_sums() -> None:
    table = [[0, 2, 1], [1, 0, 0], [2, 0, 2], [0.5, -1.0, 2.0]]
    path = ConvolutionPath(2, (3, 2, 3), 0, 0, 0, 0, *table)
    other = path._replace(channels=3, x=1, out=2, weights=2)
    plan = ConvolutionPlan((path, other), (10, 2, 5, 11))
    inputs, edge_index = random_inputs(np.random.default_rng(2), plan, 3, 5)
    for a, b in zip(
        found(inputs, edge_index, plan),
        derivatives(inputs, edge_index, plan, "torch"),
        strict=True,
    ):
        torch.testing.assert_close(a, b, rtol=1e-12, atol=1e-12)
