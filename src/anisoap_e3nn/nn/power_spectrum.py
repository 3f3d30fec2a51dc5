"""Clebsch-Gordan products of features: the SOAP power spectrum, λ-SOAP and higher body orders."""

from collections.abc import Iterable, Iterator, Sequence
from typing import Any

import torch
from e3nn import o3
from torch import Tensor

from ..arguments import flag, integer
from ..clebsch_gordan import real_clebsch_gordan
from ..hyperparameters import HyperparameterModule
from ..irreps_arguments import to_irrep_list, to_irreps
from ..ops import Path, SparseProduct
from ..tensor_arguments import check_numbers, given
from .channel_products import by_entry, channel_products, numbered
from .chunks import in_chunks
from .layout import Entry, entries, paths_between
from .linear import equivariant_linear


class PowerSpectrum(HyperparameterModule):
    r"""Clebsch-Gordan products of features: SOAP's power spectrum for L = 0, λ-SOAP for L > 0.

    .. math::
        p^{LM}_{l_1 u,\, l_2 v} = \sum_{m_1 m_2} C^{LM}_{l_1 m_1,\, l_2 m_2} \, x_{l_1 u m_1} \, y_{l_2 v m_2}

    with real Clebsch-Gordan coefficients in e3nn's convention, an orthogonal matrix for each (l1, l2). So
    :math:`p^{00} = \sum_m x_m y_m / \sqrt{2l + 1}`. For an embedding's features this is AniSOAP's power
    spectrum up to the sign :math:`(-1)^l`. Parities multiply. Products of a product with a third feature have
    body order ν = 3, products of two products ν = 4.

    Parameters
    ----------
    irreps_in : Irreps or str
        Irreps of x. Adjacent entries of one irrep are merged.
    irreps_in2 : Irreps or str, optional
        Irreps of y; by default y = x.
    filter_ir_out : iterable of Irrep or str, optional
        Irreps of the products, ``["0e"]`` for SOAP; by default all.
    l_max : int, optional
        The largest L of the products; by default there is no limit.
    channels : {"outer", "elementwise"}
        "outer" multiplies every channel u with every channel v. "elementwise" multiplies channels u = v only,
        and needs the same number of channels of every irrep.
    symmetric : bool
        Whether redundant products are left out if y = x: products of two entries in the other order,
        products of one entry with v < u, and for odd L those with v = u, which are 0.
    weights : tuple, optional
        ``(before, after)``: learnable linear maps, each of which may be None. `before` maps each input to
        that many channels of every irrep (an integer) or to those irreps. `after` maps the products to
        those irreps.

    Attributes
    ----------
    irreps_out : Irreps
        Irreps of the output, sorted unless `after` is given.
    irreps_products : Irreps
        Irreps of the products, before `after`. Products of one irrep are sorted by entry of x, entry of y, u
        and v.

    Raises
    ------
    ValueError
        If no product has an irrep of `filter_ir_out`, numbers of channels do not fit, or `channels` is
        unknown.

    Examples
    --------
    >>> soap = PowerSpectrum("2x0e + 1x1o", filter_ir_out=["0e"])
    >>> soap
    PowerSpectrum(2x0e+1x1o -> 4x0e | 4 products | 0 weights)
    >>> soap.channels
    ['0e: 0e[0] × 0e[0]', '0e: 0e[0] × 0e[1]', '0e: 0e[1] × 0e[1]', '0e: 1o[0] × 1o[0]']
    >>> soap(torch.tensor([2.0, 3.0, 0.0, 0.0, 1.0]))
    tensor([4.0000, 6.0000, 9.0000, 0.5774])
    """

    def __init__(
        self,
        irreps_in: o3.Irreps | str,
        irreps_in2: o3.Irreps | str | None = None,
        filter_ir_out: Iterable[o3.Irrep | str] | None = None,
        l_max: int | None = None,
        channels: str = "outer",
        symmetric: bool = True,
        weights: tuple[o3.Irreps | str | int | None, o3.Irreps | str | None] | None = None,
    ) -> None:
        super().__init__()
        self.irreps_in = to_irreps("irreps_in", irreps_in).simplify()
        self.irreps_in2 = (
            None if irreps_in2 is None else to_irreps("irreps_in2", irreps_in2).simplify()
        )
        wanted = None if filter_ir_out is None else to_irrep_list("filter_ir_out", filter_ir_out)
        l_max = None if l_max is None else integer("l_max", l_max, at_least=0)
        symmetric = flag("symmetric", symmetric)
        before, after = _maps(weights)
        self.hyperparameters = {
            "irreps_in": str(self.irreps_in),
            "irreps_in2": None if self.irreps_in2 is None else str(self.irreps_in2),
            "filter_ir_out": None if wanted is None else [str(ir) for ir in wanted],
            "l_max": l_max,
            "channels": channels,
            "symmetric": symmetric,
            "weights": weights
            and [each if isinstance(each, int | None) else str(each) for each in (before, after)],
        }

        self._mixed1, self.mixing1 = _mixed(self.irreps_in, before)
        self._mixed2, self.mixing2 = self._mixed1, None
        if self.irreps_in2 is not None:
            self._mixed2, self.mixing2 = _mixed(self.irreps_in2, before)
        other = None if self.irreps_in2 is None else self._mixed2
        if wanted == []:
            raise ValueError("filter_ir_out is empty, expected one or more irreps")
        self._products = channel_products(self._mixed1, other, channels, symmetric, l_max, wanted)
        out = o3.Irreps([(each.mul, each.ir) for each in self._products])
        self._plan(entries(out))
        self.irreps_products = out.simplify()
        self.irreps_out = self.irreps_products if after is None else to_irreps("weights[1]", after)
        self.linear = None
        if after is not None:
            self.linear = equivariant_linear(self.irreps_products, self.irreps_out)
        # as integers, since torch.compile cannot look at irreps
        self._dims_in = [self.irreps_in.dim]
        if self.irreps_in2 is not None:
            self._dims_in.append(self.irreps_in2.dim)
        self._dim_out = self.irreps_out.dim
        self._n_chunks = -(-self.irreps_products.dim // (sum(self._dims_in) + self._dim_out))

    def _plan(self, out: Sequence[Entry]) -> None:
        """Split the products: scalars of all pairs of channels are matrix products, the rest is sparse."""
        in1, in2 = entries(self._mixed1), entries(self._mixed2)
        self._matrices = [
            (in1[each.i_1], in2[each.i_2], each.channels == "uvu<=v")
            for each in self._products
            if each.ir.l == 0 and each.channels != "uuu"
        ]
        n_scalars = len(self._matrices)  # which come first
        first = out[n_scalars - 1].end if n_scalars > 0 else 0
        paths: list[Path] = []
        for each, target in zip(self._products[n_scalars:], out[n_scalars:], strict=True):
            x, y = in1[each.i_1], in2[each.i_2]
            table = real_clebsch_gordan(x.dim // 2, y.dim // 2, each.ir.l)
            target = target._replace(offset=target.offset - first)
            paths += paths_between(x, y, target, each.channels, table)
        dims = self._mixed1.dim, self._mixed2.dim, out[-1].end - first
        self.product = SparseProduct(paths, *dims)

    @property
    def channels(self) -> list[str]:
        """Names of the channels of `irreps_products`: their irrep and their two factors."""
        return self.describe(numbered(self._mixed1), numbered(self._mixed2))

    def describe(
        self, channels: Sequence[str], channels2: Sequence[str] | None = None
    ) -> list[str]:
        """Name the channels of `irreps_products` by given names of their factors.

        Parameters
        ----------
        channels, channels2 : sequence of str
            Names of the channels of x and y after `before`, for example ``embedding.channels``.

        Returns
        -------
        list of str

        Raises
        ------
        ValueError
            If the number of names is not that of the channels.
        """
        channels2 = channels if channels2 is None else channels2
        names1, names2 = by_entry(self._mixed1, channels), by_entry(self._mixed2, channels2)
        return [
            f"{each.ir}: {names1[each.i_1][u]} × {names2[each.i_2][v]}"
            for each in self._products
            for u, v in each.pairs(len(names2[each.i_2]))
        ]

    def forward(self, x: Tensor, y: Tensor | None = None) -> Tensor:
        """Multiply the features of each member of a batch.

        Parameters
        ----------
        x : Tensor ``(..., irreps_in.dim)``
        y : Tensor ``(..., irreps_in2.dim)``
            Needed if, and only if, `irreps_in2` was given.

        Returns
        -------
        Tensor ``(..., irreps_out.dim)``
            The products, after the map `after` if there is one.

        Raises
        ------
        ValueError
            If a shape does not fit.
        TypeError
            If y is missing, or not expected.
        """
        check_numbers(x=x, **given(y=y))
        inputs = [x] if y is None else [x, y]
        if len(inputs) != len(self._dims_in):
            raise TypeError(f"found {len(inputs)} inputs, expected {len(self._dims_in)}")
        for tensor, dim in zip(inputs, self._dims_in, strict=True):
            if tensor.shape != (*x.shape[:-1], dim):
                raise ValueError(
                    f"found shape {tuple(tensor.shape)}, expected {(*x.shape[:-1], dim)} for {self}"
                )
        flat = [tensor.reshape(-1, tensor.shape[-1]) for tensor in inputs]
        out = in_chunks(self._spectrum, self._n_chunks, flat)  # -> [batch, irreps_out.dim]
        return out.view(*x.shape[:-1], self._dim_out)

    def _spectrum(self, x: Tensor, y: Tensor | None = None) -> Tensor:
        if self.mixing1 is not None:
            x = self.mixing1(x)
        if self.mixing2 is not None:
            y = self.mixing2(y)
        y = x if y is None else y
        parts = [*self._scalars(x, y)]
        if self.product.plan.paths:
            parts.append(self.product(x, y))
        products = torch.cat(parts, dim=1) if len(parts) > 1 else parts[0]
        return products if self.linear is None else self.linear(products)

    def _scalars(self, x: Tensor, y: Tensor) -> Iterator[Tensor]:
        for entry1, entry2, triangle in self._matrices:
            # half the factor on each side, which copies what the matrix product could not read fast
            a = entry1.channels(x) * entry1.dim**-0.25  # -> [batch, u, m]
            b = a if triangle else entry2.channels(y) * entry2.dim**-0.25  # -> [batch, v, m]
            matrix = (a @ b.mT).flatten(1)
            if triangle:
                u, v = torch.triu_indices(entry1.mul, entry1.mul, device=x.device)
                matrix = matrix.index_select(1, u * entry1.mul + v)  # -> [batch, u ≤ v]
            yield matrix

    def __repr__(self) -> str:
        inputs = f"{self.irreps_in}" + (
            f" x {self.irreps_in2}" if self.irreps_in2 is not None else ""
        )
        n_weights = sum(weight.numel() for weight in self.parameters())
        return (
            f"PowerSpectrum({inputs} -> {self.irreps_out} | {self.irreps_products.num_irreps} products | "
            f"{n_weights} weights)"
        )


def _maps(weights: Any) -> tuple[o3.Irreps | int | None, Any]:
    """The argument `weights`, its first part as irreps, or as a number of channels."""
    if weights is None:
        return None, None
    if not isinstance(weights, list | tuple) or len(weights) != 2:
        raise TypeError(f"weights is {weights!r:.100}, expected a tuple (before, after)")
    before, after = weights
    if isinstance(before, str | list | tuple):
        return to_irreps("weights[0]", before).simplify(), after
    return None if before is None else integer("weights[0]", before, at_least=1), after


def _mixed(irreps: o3.Irreps, before: o3.Irreps | int | None) -> tuple[o3.Irreps, o3.Linear | None]:
    """Irreps after the map `before`, and the map if there is one."""
    if before is None:
        return irreps, None
    if isinstance(before, int):
        before = o3.Irreps([(before, ir) for ir in dict.fromkeys(ir for _, ir in irreps)])
    return before, equivariant_linear(irreps, before)
