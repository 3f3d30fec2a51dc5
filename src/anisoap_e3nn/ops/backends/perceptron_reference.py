"""Backend ``torch``: the definition of perceptrons, on any device and with derivatives of any order.

The second derivatives are here as formulas too, of operations that torch differentiates in any mode.
"""

from collections.abc import Sequence
from itertools import pairwise

import torch
from torch import Tensor

Widths = Sequence[int]


def perceptron(x: Tensor, weights: Tensor, widths: Widths) -> Tensor:
    """See :func:`anisoap_e3nn.ops.perceptron`; weights are those of all layers in one row."""
    first, *others = matrices(weights, widths)
    x = x @ first  # -> [row, width]
    for W in others:
        x = torch.nn.functional.silu(x) @ W  # -> [row, width]
    return x


def matrices(weights: Tensor, widths: Widths) -> list[Tensor]:
    """The weights of each layer, ``(n_in, n_out)``."""
    shapes = list(pairwise(widths))
    rows = weights.split([n_in * n_out for n_in, n_out in shapes])
    return [row.view(shape) for row, shape in zip(rows, shapes, strict=True)]


def second_derivatives(
    t: Tensor, t_weights: Tensor, g: Tensor, x: Tensor, weights: Tensor, widths: Widths
) -> tuple[Tensor, Tensor, Tensor]:
    r"""Derivatives of :math:`\langle g, \dot z \rangle` with respect to g, x and the weights.

    :math:`\dot z` is the derivative of the outputs along t and `t_weights`, tangents of x and the weights. It
    is itself the derivative with respect to g.
    """
    layers = list(zip(matrices(weights, widths), matrices(t_weights, widths), strict=True))
    inputs, slopes = (
        [(x, t)],
        [],
    )  # of each layer and tangents; first and second derivatives of silu
    for W, W_tangent in layers:
        a, a_tangent = inputs[-1]
        z, z_tangent = a @ W, a_tangent @ W + a @ W_tangent  # -> [row, width]
        sigma = z.sigmoid()
        slope = sigma * (1 + z * (1 - sigma))
        bend = sigma * (1 - sigma) * (2 + z * (1 - 2 * sigma))
        inputs.append((z * sigma, slope * z_tangent))
        slopes.append((slope, bend * z_tangent))
    # from the output on: d_z_tangent and d_z are derivatives with respect to z_tangent and z
    d_z_tangent, d_z = g, torch.zeros_like(g)
    d_weights: list[Tensor] = []
    for k, (W, W_tangent) in reversed(list(enumerate(layers))):
        a, a_tangent = inputs[k]
        d_weights.insert(0, (a_tangent.mT @ d_z_tangent + a.mT @ d_z).flatten())
        d_a_tangent = d_z_tangent @ W.mT  # -> [row, width]
        d_a = d_z @ W.mT + d_z_tangent @ W_tangent.mT
        if k > 0:
            slope, bend = slopes[k - 1]
            d_z_tangent, d_z = d_a_tangent * slope, d_a * slope + d_a_tangent * bend
    return z_tangent, d_a, torch.cat(d_weights)
