"""The weights of a tensor product's paths, and the channels that they act on."""

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
    """Sums over the channels of one entry of a tensor, with the weights of one path."""

    mode: str
    first_weight: int
    weight_shape: tuple[int, ...]
    source: Entry
    target: Entry

    def __call__(self, x: Tensor, weight: Tensor) -> Tensor:
        """From x and the weights of all paths, with batch or without: ``(batch, channel, component)``."""
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
        """The same for "uuu" and "uvu", as products of x with weights ``(batch, weight)``."""
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
    """What the weights make of an input before the product.

    Parameters
    ----------
    sums : sequence of WeightedSum
        With targets that follow each other.
    dim_in, weight_numel : int
    shared : bool
        Whether the weights have no batch.
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
        """From ``(batch, dim_in)`` to ``(batch, dim_out)``."""
        if self.product is not None:
            return self.product(weight, x)
        return torch.cat([each(x, weight).flatten(1) for each in self.sums], dim=1)


class PairWeights(torch.nn.Module):
    """What the weights make of pairs of channels after the product.

    Parameters
    ----------
    sums : sequence of WeightedSum
        From pairs, which follow each other, to entries of the output.
    out : sequence of Entry
        All of the output.
    """

    def __init__(self, sums: Sequence[WeightedSum], out: Sequence[Entry]) -> None:
        super().__init__()
        self.sums, self.out = sums, out
        self.dim_in = sums[-1].source.end if sums else 0

    def forward(self, pairs: Tensor, weight: Tensor) -> Tensor:
        """From ``(batch, dim_in)`` to the whole output."""
        parts = {entry: pairs.new_zeros(len(pairs), entry.mul, entry.dim) for entry in self.out}
        for each in self.sums:
            parts[each.target] = parts[each.target] + each(pairs, weight)
        return torch.cat([entry.flatten(part) for entry, part in parts.items()], dim=1)
