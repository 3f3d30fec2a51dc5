"""Deviations of results from expected ones."""

from dataclasses import dataclass

import torch
from torch import Tensor

from .results import Results

_SMALLEST_SHARE = 1e-3


@dataclass
class Comparison:
    r"""Compare results with expected ones, and keep the largest deviation.

    The deviation of a quantity x is relative to its scale:

    .. math:: \max |x - x_{expected}| / s, \qquad s = \max(\max |x|, 10^{-3} \max_y \max |y|)

    The second term, over all quantities y, keeps rounding errors of quantities that are zero by symmetry
    small. Equal infinities do not deviate, NaN always does.

    Attributes
    ----------
    tolerance : float
        Largest deviation that passes.
    largest : float
        Largest deviation so far.
    """

    tolerance: float
    largest: float = 0.0

    def results(
        self,
        found: Results,
        expected: Results,
        occasion: str,
        *,
        hint: str = "",
        scales: dict[str, float] | None = None,
    ) -> None:
        """Compare each expected quantity; arguments as for :meth:`tensors`."""
        scales = scales_of(expected) if scales is None else scales
        for name, values in expected.items():
            self.tensors(name, found[name], values, scales[name], occasion, hint=hint)

    def tensors(
        self,
        name: str,
        found: Tensor,
        expected: Tensor,
        scale: float,
        occasion: str,
        *,
        hint: str = "",
    ) -> None:
        """Compare two tensors.

        Parameters
        ----------
        name : str
            Name of the quantity.
        found, expected : Tensor
            Of the same shape.
        scale : float
            Of the quantity; see :func:`scales_of`.
        occasion : str
            Start of the message, such as "after a translation".
        hint : str
            End of the message.

        Raises
        ------
        AssertionError
            For other shapes, or a deviation above the tolerance.
        """
        if found.shape != expected.shape:
            raise AssertionError(
                f"{occasion}, the shape of {name} is {tuple(found.shape)}, expected "
                f"{tuple(expected.shape)}"
            )
        if expected.numel() == 0:
            return
        found, expected = found.detach().double(), expected.detach().double()
        difference = torch.where(found == expected, 0, (found - expected).abs())
        deviations = difference / max(scale, torch.finfo(torch.float64).tiny)
        largest = float(deviations.max())  # NaN if there is one
        if not largest <= self.tolerance:
            where = int(deviations.nan_to_num(torch.inf).argmax())
            index = ", ".join(
                str(int(i)) for i in torch.unravel_index(torch.tensor(where), found.shape)
            )
            raise AssertionError(
                f"{occasion}, {name}[{index}] is {float(found.flatten()[where])!r}, expected "
                f"{float(expected.flatten()[where])!r}: a deviation of {largest:.2g} relative to "
                f"{scale:.2g}, tolerance {self.tolerance:.2g}{hint and '; ' + hint}"
            )
        self.largest = max(self.largest, largest)


def scales_of(*results: Results) -> dict[str, float]:
    """Scale of each quantity: its largest finite value, at least a thousandth of the largest of all."""
    largest: dict[str, float] = {}
    for each in results:
        for name, values in each.items():
            finite = values.detach()[values.isfinite()].abs()
            size = float(finite.max()) if finite.numel() else 0.0
            largest[name] = max(largest.get(name, 0.0), size)
    least = _SMALLEST_SHARE * max(largest.values(), default=0.0)
    return {name: max(size, least) for name, size in largest.items()}
