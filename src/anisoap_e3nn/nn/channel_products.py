"""Products of channels that make up a power spectrum."""

from collections import Counter
from collections.abc import Iterator, Sequence
from itertools import accumulate
from math import comb
from typing import NamedTuple

from e3nn import o3

from ..arguments import one_of


class ChannelProducts(NamedTuple):
    """Products of the channels of two entries, coupled to one irrep."""

    i_1: int
    i_2: int
    ir: o3.Irrep
    channels: str  # which pairs of channels, as in paths_between
    mul: int  # number of products

    def pairs(self, mul_2: int) -> Iterator[tuple[int, int]]:
        """Channels u and v of each product; `mul_2` is the number of channels v."""
        if self.channels == "uuu":
            return ((u, u) for u in range(mul_2))
        n_u = self.mul // mul_2 if self.channels == "uvuv" else mul_2
        first = {"uvuv": lambda u: 0, "uvu<=v": lambda u: u, "uvu<v": lambda u: u + 1}[
            self.channels
        ]
        return ((u, v) for u in range(n_u) for v in range(first(u), mul_2))


def channel_products(
    irreps1: o3.Irreps,
    irreps2: o3.Irreps | None,
    channels: str,
    symmetric: bool,
    l_max: int | None,
    wanted: Sequence[o3.Irrep] | None,
) -> list[ChannelProducts]:
    """List the products of two sets of irreps; arguments as for :class:`~anisoap_e3nn.PowerSpectrum`.

    With `irreps2` None they are those of `irreps1` with itself.

    Returns
    -------
    list of ChannelProducts
        Sorted by irrep, then by the entries of `irreps1`, then by those of `irreps2`.

    Raises
    ------
    ValueError
        If `channels` is unknown, `l_max` is negative, no product has an irrep that is wanted, or
        multiplicities differ with elementwise products.
    """
    one_of("channels", channels, ("outer", "elementwise"))
    if l_max is not None and l_max < 0:
        raise ValueError(f"l_max is {l_max}, expected an integer ≥ 0")
    square = irreps2 is None and symmetric
    irreps2 = irreps1 if irreps2 is None else irreps2
    muls = sorted({mul for mul, _ in irreps1 + irreps2})
    if channels == "elementwise" and len(muls) > 1:
        raise ValueError(
            f'channels="elementwise" needs as many channels of every irrep, but there are {muls}; '
            'weights=(n, None) mixes them to n each, channels="outer" multiplies all with all'
        )

    products = []
    for i_1, (mul_1, ir_1) in enumerate(irreps1):
        for i_2, (mul_2, ir_2) in enumerate(irreps2):
            for ir in ir_1 * ir_2:
                same = square and i_1 == i_2
                if channels == "elementwise":
                    pairs, mul = "uuu", 0 if same and ir.l % 2 == 1 else mul_1
                elif not same:
                    pairs, mul = "uvuv", mul_1 * mul_2
                elif ir.l % 2 == 0:
                    pairs, mul = "uvu<=v", comb(mul_1 + 1, 2)
                else:  # changes its sign with u ↔ v
                    pairs, mul = "uvu<v", comb(mul_1, 2)
                redundant = square and i_2 < i_1
                if mul > 0 and not redundant and (l_max is None or ir.l <= l_max):
                    products.append(ChannelProducts(i_1, i_2, ir, pairs, mul))

    made = {product.ir for product in products}
    missing = [] if wanted is None else sorted(set(wanted) - made)
    if missing or not made:
        raise ValueError(
            f"no product of {irreps1} and {irreps2} has {', '.join(map(str, missing)) or 'any irrep'}; "
            f"with these options the products have {', '.join(map(str, sorted(made))) or 'none'}"
        )
    products = [product for product in products if wanted is None or product.ir in wanted]
    return sorted(products, key=lambda product: product.ir)


def numbered(irreps: o3.Irreps) -> list[str]:
    """Name channels by irrep and number: 0e[0], 0e[1], 1o[0] and so on."""
    numbers: Counter[o3.Irrep] = Counter()
    names = []
    for mul, ir in irreps:
        names += [f"{ir}[{numbers[ir] + k}]" for k in range(mul)]
        numbers[ir] += mul
    return names


def by_entry(irreps: o3.Irreps, names: Sequence[str]) -> list[Sequence[str]]:
    """Split the names of all channels into one sequence for each entry.

    Raises
    ------
    ValueError
        If the number of names is not that of the channels.
    """
    if len(names) != irreps.num_irreps:
        raise ValueError(f"{len(names)} names for the {irreps.num_irreps} channels of {irreps}")
    starts = accumulate((mul for mul, _ in irreps), initial=0)
    return [names[start : start + mul] for start, (mul, _) in zip(starts, irreps, strict=False)]
