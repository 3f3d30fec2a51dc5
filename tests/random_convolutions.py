"""Random convolutions over edges, and their derivatives."""

import numpy as np
import torch
from torch import Tensor

from anisoap_e3nn.ops import ConvolutionPath, ConvolutionPlan, convolution

Inputs = tuple[Tensor, Tensor, Tensor]


def random_plan(rng: np.random.Generator, n_paths: int) -> ConvolutionPlan:
    """Irreps of any size, some shared between paths, with gaps between them; some couplings are diagonal."""
    paths: list[ConvolutionPath] = []
    dims = np.zeros(4, dtype=int)
    for _ in range(n_paths):
        n, d = int(rng.integers(0, 40)), rng.integers(1, 10, 3).tolist()
        is_diagonal, has_output = rng.random() < 0.3, False
        at = [int(at + gap) for at, gap in zip(dims, rng.integers(0, 3, 4), strict=True)]
        if paths and rng.random() < 0.5:  # the same x, or also the same output
            n, d[0], at[0] = paths[-1].channels, paths[-1].dims[0], paths[-1].x
            if has_output := bool(rng.random() < 0.5):
                d[2], at[3] = paths[-1].dims[2], paths[-1].out
        if is_diagonal and not has_output:
            d[2] = d[0]
        k = int(rng.integers(0, 12))
        m = [rng.integers(0, length, k).tolist() for length in d]
        if is_diagonal and d[2] == d[0]:
            m[2] = m[0]
        paths.append(ConvolutionPath(n, tuple(d), *at, *m, rng.normal(size=k).tolist()))
        ends = [at[0] + n * d[0], at[1] + d[1], at[2] + n, at[3] + n * d[2]]
        dims = np.maximum(dims, ends)
    return ConvolutionPlan(tuple(paths), tuple((dims + 1).tolist()))


def random_inputs(
    rng: np.random.Generator,
    plan: ConvolutionPlan,
    n_particles: int,
    n_edges: int,
    dtype: torch.dtype = torch.float64,
) -> tuple[Inputs, Tensor]:
    shapes = [(n_particles, plan.dims[0]), (n_edges, plan.dims[1]), (n_edges, plan.dims[2])]
    x, y, w = (torch.from_numpy(rng.normal(size=shape)).to(dtype) for shape in shapes)
    edge_index = torch.from_numpy(rng.integers(0, max(n_particles, 1), (2, n_edges)))
    return (x, y, w), edge_index


def derivatives(
    inputs: Inputs, edge_index: Tensor, plan: ConvolutionPlan, backend: str, order: int = 2
) -> list[Tensor]:
    """The sums, and derivatives of each order contracted with random tensors, those included."""
    generator = torch.Generator().manual_seed(1)
    leaves = [tensor.detach().clone().requires_grad_() for tensor in inputs]
    values = [convolution(*leaves, edge_index, plan, backend)]
    found = list(values)
    for _ in range(order):
        v = [torch.randn(x.shape, dtype=torch.float64, generator=generator) for x in values]
        v = [each.to(x).requires_grad_() for each, x in zip(v, values, strict=True)]
        scalar = torch.stack([(a * b).sum() for a, b in zip(values, v, strict=True)]).sum()
        leaves = [*v, *leaves]
        values = list(
            torch.autograd.grad(scalar, leaves, create_graph=True, materialize_grads=True)
        )
        found += values
    return [tensor.detach() for tensor in found]
