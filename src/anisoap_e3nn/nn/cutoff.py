"""Cutoff functions: weights of neighbours that fall to zero at the cutoff."""

import math

import torch
from torch import Tensor

from ..arguments import integer, positive
from ..tracing import is_mapping, is_readable, is_recording


class _CutoffFunction(torch.nn.Module):
    """Base class of functions of x = r / r_cut, constant beyond x = 1."""

    def __init__(self, cutoff: float) -> None:
        super().__init__()
        self.cutoff = positive("cutoff", cutoff, "length")
        self.hyperparameters: dict[str, float] = {"cutoff": self.cutoff}

    def _fractions(self, distances: Tensor) -> Tensor:
        return (distances / self.cutoff).clamp(max=1.0)

    def extra_repr(self) -> str:
        return f"cutoff={self.cutoff}"


class ShiftedCosine(_CutoffFunction):
    r"""Cosine cutoff :math:`f(r) = \tfrac12 \left[ 1 + \cos(\pi r / r_{cut}) \right]`, 0 beyond the cutoff.

    See Behler and Parrinello, Phys. Rev. Lett. 98, 146401 (2007). At the cutoff f and its first derivative
    are continuous. The second derivative jumps from :math:`\pi^2 / 2 r_{cut}^2` to 0, and so do second
    derivatives of energies. :class:`PolynomialCutoff` has no such jump.

    Parameters
    ----------
    cutoff : float
        :math:`r_{cut}`, in the unit of the positions.

    Raises
    ------
    ValueError
        If the cutoff is not positive.

    Examples
    --------
    >>> ShiftedCosine(4.0)(torch.tensor([0.0, 2.0, 4.0, 5.0]))
    tensor([1.0000, 0.5000, 0.0000, 0.0000])
    """

    def forward(self, distances: Tensor) -> Tensor:
        """Compute the weights ``(...)`` of `distances` ``(...)``."""
        return 0.5 + 0.5 * torch.cos(math.pi * self._fractions(distances))


class PolynomialCutoff(_CutoffFunction):
    r"""Polynomial envelope of DimeNet, NequIP and MACE, continuous with two derivatives.

    .. math::
        f(r) = 1 - \frac{(p+1)(p+2)}{2} x^p + p(p+2) x^{p+1} - \frac{p(p+1)}{2} x^{p+2}, \qquad
        x = r / r_{cut} \le 1

    and 0 beyond (Gasteiger, Groß and Günnemann, ICLR 2020, arXiv:2003.03123). At r = 0 the first p - 1
    derivatives are 0.

    Parameters
    ----------
    cutoff : float
        :math:`r_{cut}`, in the unit of the positions.
    p : int
        Exponent, at least 2. The larger it is, the later the weights fall.

    Raises
    ------
    ValueError
        If the cutoff is not positive, or p < 2, since f would then have a cusp at r = 0.

    Examples
    --------
    >>> PolynomialCutoff(4.0)(torch.tensor([0.0, 2.0, 4.0, 5.0]))
    tensor([1.0000, 0.8555, 0.0000, 0.0000])
    """

    def __init__(self, cutoff: float, p: int = 6) -> None:
        super().__init__(cutoff)
        self.p = integer("p", p, at_least=2)
        self.hyperparameters["p"] = self.p

    def forward(self, distances: Tensor) -> Tensor:
        """Compute the weights ``(...)`` of `distances` ``(...)``."""
        x = self._fractions(distances)
        p, u = self.p, 1 - x
        # The same polynomial without its cancellations: the bracket is the series of x⁻ᵖ about x = 1.
        return 1 - x**p * (1 + p * u * (1 + 0.5 * (p + 1) * u))

    def extra_repr(self) -> str:
        return f"{super().extra_repr()}, p={self.p}"


_NAMED = {"shifted_cosine": ShiftedCosine, "polynomial": PolynomialCutoff}


def build_cutoff_function(
    function: str | torch.nn.Module | None, cutoff: float
) -> torch.nn.Module | None:
    """Build the cutoff function of a name; return modules and None as they are.

    Raises
    ------
    ValueError
        If the name is unknown, or a module reaches farther than `cutoff`.
    """
    if isinstance(function, str) and function in _NAMED:
        return _NAMED[function](cutoff)
    if isinstance(function, _CutoffFunction) and function.cutoff > cutoff:
        raise ValueError(
            f"cutoff_function ends at {function.cutoff} instead of the cutoff {cutoff}, where neighbours "
            f"would still have weight; build it with cutoff={cutoff}"
        )
    if function is None or isinstance(function, torch.nn.Module):
        return function
    names = ", ".join(map(repr, _NAMED))
    raise ValueError(f"unknown cutoff_function {function!r}, expected None, {names} or a module")


def within_cutoff(
    edge_vectors: Tensor, cutoff: float, cutoff_function: torch.nn.Module | None
) -> tuple[Tensor, Tensor | None]:
    """Compute the weights of edges, and set edges beyond the cutoff to zero.

    Parameters
    ----------
    edge_vectors : Tensor ``(edge, 3)``
    cutoff : float
    cutoff_function : Module or None
        Function from distances ``(edge,)`` to weights ``(edge,)``; None stands for 1 up to the cutoff.

    Returns
    -------
    edge_vectors : Tensor ``(edge, 3)``
        Zero beyond the cutoff.
    weights : Tensor ``(edge,)`` or None
        Zero beyond the cutoff; None if all are 1.
    """
    # in place, and by components, since fresh memory costs more than the arithmetic
    x, y, z = edge_vectors.detach().unbind(1)
    # vmap has no such operations in place, and graphs that make_fx recorded forget that x is detached
    if not torch.compiler.is_compiling() and (is_mapping() or is_recording()):
        inside = ((x * x + y * y + z * z).sqrt() <= cutoff).to(edge_vectors)
    else:
        inside = (x * x).addcmul_(y, y).addcmul_(z, z).sqrt_().le_(cutoff)  # 1 or 0 -> [edge]
    all_inside = is_readable(inside) and bool(inside.all())
    if not all_inside:
        edge_vectors = edge_vectors * inside[:, None]  # or 0 · ∞ could enter from far away
    if cutoff_function is None:
        return edge_vectors, None if all_inside else inside
    x, y, z = edge_vectors.unbind(1)
    # The second derivative of |r| is infinite at r = 0, although that of f(|r|) is not. The length that mends
    # this changes f by about as much as rounding does.
    shortest = cutoff**2 * torch.finfo(edge_vectors.dtype).eps
    distances = (x * x + y * y + z * z).add_(shortest).sqrt()
    return edge_vectors, inside * cutoff_function(distances)
