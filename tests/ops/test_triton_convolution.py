"""Convolutions on the triton backend, run by Triton's interpreter and compared with the torch backend."""

import numpy as np
import pytest
import torch

from anisoap_e3nn.ops import ConvolutionPath, ConvolutionPlan
from anisoap_e3nn.ops.backends import convolution_text, triton_source
from random_convolutions import derivatives, random_inputs, random_plan

interpreted = pytest.mark.skipif(
    not triton_source.interpreted, reason="TRITON_INTERPRET is not 1, or triton is not installed"
)


@interpreted
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
        ours = derivatives(inputs, edge_index, plan, "triton")
        doubles = tuple(tensor.double() for tensor in inputs)
        theirs = derivatives(doubles, edge_index, plan, "torch")  # type: ignore[arg-type]
        for a, b in zip(ours, theirs, strict=True):
            assert a.dtype == dtype
            scale = float(b.abs().max()) if b.numel() else 0.0
            torch.testing.assert_close(a.double(), b, rtol=0, atol=tolerance * (1e-3 + scale))


@interpreted
@pytest.mark.parametrize(("n_particles", "n_edges"), [(0, 0), (3, 0)])
def test_no_edges(n_particles: int, n_edges: int) -> None:
    rng = np.random.default_rng(1)
    plan = random_plan(rng, 2)
    inputs, edge_index = random_inputs(rng, plan, n_particles, n_edges)
    for a in derivatives(inputs, edge_index, plan, "triton"):
        assert not a.any()


@interpreted
def test_irreps_that_overlap_share_their_sums() -> None:
    table = [[0, 2, 1], [1, 0, 0], [2, 0, 2], [0.5, -1.0, 2.0]]
    path = ConvolutionPath(2, (3, 2, 3), 0, 0, 0, 0, *table)
    other = path._replace(channels=3, x=1, out=2, weights=2)
    plan = ConvolutionPlan((path, other), (10, 2, 5, 11))
    inputs, edge_index = random_inputs(np.random.default_rng(2), plan, 3, 5)
    for a, b in zip(
        derivatives(inputs, edge_index, plan, "triton"),
        derivatives(inputs, edge_index, plan, "torch"),
        strict=True,
    ):
        torch.testing.assert_close(a, b, rtol=1e-12, atol=1e-12)
