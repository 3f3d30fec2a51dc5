"""The unit of length in which moments are computed."""

from math import log2


def unit_of_moments(exponent: float, cutoff: float) -> float:
    r"""A power of two near the range of the damped densities; 1 for the usual lengths.

    Moments of degree D grow like lengths to the power D. In lengths of this unit they are near 1, so that
    float32 holds them. Dividing by a power of two does not round.

    Parameters
    ----------
    exponent : float
        :math:`\beta`.
    cutoff : float
        A length.

    Examples
    --------
    >>> unit_of_moments(exponent=1.5**-2, cutoff=5.0), unit_of_moments(exponent=0.0, cutoff=1000.0)
    (1.0, 1024.0)
    """
    length = min(cutoff, exponent**-0.5) if exponent > 0 else cutoff
    return 1.0 if 1 / 32 <= length <= 32 else 2.0 ** round(log2(length))
