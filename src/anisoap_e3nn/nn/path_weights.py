"""Weights of a tensor product's paths, as weighted sums over channels."""

from collections.abc import Sequence
from math import prod
from typing import NamedTuple

import torch
from torch import Tensor

from ..ops import Path, SparseProduct
from .layout import Entry

# Sums over channels of an input, or over the pairs of channels that a product makes: z is the batch, which
# the weights have too if they are not shared, i the component.
_SUMS_OVER_INPUT = {"uuu": "u,zui->zui", "uvu": "uv,zvi->zui"}
_SUMS_OVER_PAIRS = {
    "uvw": "uvw,zuvi->zwi",
    "uvv": "uv,zuvi->zvi",
    "uuw": "uw,zui->zwi",
    "uvuv": "uv,zuvi->zuvi",
    "uvu<v": "p,zpi->zpi",
    "u<vw": "pw,zpi->zwi",
}


class WeightedSum(NamedTuple):
    """Weighted sums over the channels of one entry, with the weights of one path."""

    mode: str
    first_weight: int
    weight_shape: tuple[int, ...]
    source: Entry
    target: Entry

    def __call__(self, x: Tensor, weight: Tensor) -> Tensor:
        """Sum channels of x ``(batch, ...)`` to ``(batch, channel, component)``.

        `weight` holds the weights of all paths, ``(weight,)`` or ``(batch, weight)``.
        """
        channels = self.source.channels(x)  # -> [batch, channel, component]
        weight = weight.narrow(-1, self.first_weight, prod(self.weight_shape))
        if self.source.mul == 1:  # nothing to sum
            return weight[..., None] * channels
        formula = _SUMS_OVER_INPUT.get(self.mode)
        if formula is None:
            formula = _SUMS_OVER_PAIRS[self.mode]
            n_summed = len(self.weight_shape) - self.mode.endswith("w")
            channels = channels.unflatten(1, self.weight_shape[:n_summed])
        weight = weight.unflatten(-1, self.weight_shape)
        batch = "" if weight.ndim == len(self.weight_shape) else "z"
        sums = torch.einsum(batch + formula, weight, channels)
        return sums.flatten(1, -2)

    def paths(self) -> list[Path]:
        """Paths of a product of weights ``(batch, weight)`` with x that makes the same sums.

        Only for the modes "uuu" and "uvu".
        """
        x, y = self.source, self.target
        weights = Entry.at(self.first_weight, prod(self.weight_shape), 1)
        m = range(x.dim)
        table = [0] * x.dim, m, m, [1.0] * x.dim
        if self.mode == "uuu":
            return [Path(weights.block(v=1), x.block(v=1), y.block(v=1), 1, x.mul, *table)]
        return [
            Path(weights.block(first=v, v=x.mul), x.block(first=v), y.block(v=1), 1, y.mul, *table)
            for v in range(x.mul)
        ]


class InputWeights(torch.nn.Module):
    """Apply the weights to an input, before the product.

    Parameters
    ----------
    sums : sequence of WeightedSum
        Their targets are contiguous.
    dim_in, weight_numel : int
        Dimension of the input, and number of all weights.
    shared : bool
        Whether the whole batch has the same weights.
    """

    def __init__(
        self, sums: Sequence[WeightedSum], dim_in: int, weight_numel: int, shared: bool
    ) -> None:
        super().__init__()
        self.sums = sums
        self.dim_out = sums[-1].target.end if sums else 0
        self.product: SparseProduct | None = None
        if not shared:
            paths = [path for each in sums for path in each.paths()]
            self.product = SparseProduct(paths, weight_numel, dim_in, self.dim_out)

    def forward(self, x: Tensor, weight: Tensor) -> Tensor:
        """Map ``(batch, dim_in)`` to ``(batch, dim_out)``."""
        if self.product is not None:
            return self.product(weight, x)
        return torch.cat([each(x, weight).flatten(1) for each in self.sums], dim=1)


class PairWeights(torch.nn.Module):
    """Apply the weights to pairs of channels, after the product.

    Parameters
    ----------
    sums : sequence of WeightedSum
        Their sources, the pairs, are contiguous; their targets are entries of the output.
    out : sequence of Entry
        All entries of the output.
    """

    def __init__(self, sums: Sequence[WeightedSum], out: Sequence[Entry]) -> None:
        super().__init__()
        self.sums, self.out = sums, out
        self.dim_in = sums[-1].source.end if sums else 0

    def forward(self, pairs: Tensor, weight: Tensor) -> Tensor:
        """Map ``(batch, dim_in)`` to the whole output ``(batch, ...)``."""
        parts = {entry: pairs.new_zeros(len(pairs), entry.mul, entry.dim) for entry in self.out}
        for each in self.sums:
            parts[each.target] = parts[each.target] + each(pairs, weight)
        return torch.cat([entry.flatten(part) for entry, part in parts.items()], dim=1)
