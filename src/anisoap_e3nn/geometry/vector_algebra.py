"""Products of 3-vectors and symmetric 3 × 3 matrices of many pairs at once.

Components come first and pairs last, so that every operation runs along pairs.
"""

from collections.abc import Iterable

from torch import Tensor


def components_first(x: Tensor) -> Tensor:
    """From ``(pair, 3)`` or ``(pair, 3, 3)`` to ``(3, pair)`` or ``(3, 3, pair)``, contiguous."""
    return x.movedim(0, -1).contiguous()


def dot(a: Tensor, b: Tensor) -> Tensor:
    """Scalar products of vectors: ``(3, ...)`` to ``(...)``."""
    return (a * b).sum(0)


def cross(a: Tensor, b: Tensor) -> Tensor:
    """Cross products of vectors, or of the columns of matrices ``(3, ...)``."""
    return (a * b.roll(-1, 0) - a.roll(-1, 0) * b).roll(-1, 0)


def apply(matrices: Iterable[Tensor], vectors: Tensor) -> Tensor:
    """Products of symmetric matrices, given by their rows, and vectors ``(3, ...)``."""
    x, y, z = matrices
    return x * vectors[0] + y * vectors[1] + z * vectors[2]  # -> [3, ...]


def square(matrices: Tensor) -> Tensor:
    """Squares of symmetric matrices ``(3, 3, ...)``."""
    x, y, z = matrices
    return x[:, None] * x + y[:, None] * y + z[:, None] * z  # -> [3, 3, ...]


def trace_of_product(a: Tensor, b: Tensor) -> Tensor:
    """Traces of the products of two symmetric matrices: ``(3, 3, ...)`` to ``(...)``."""
    return (a * b).sum((0, 1))


def solve(matrices: Tensor, vectors: Tensor) -> tuple[Tensor, Tensor]:
    r"""Solve :math:`M x = v` for symmetric matrices, by Cramer's rule.

    Parameters
    ----------
    matrices : Tensor ``(3, 3, pair)``
        Not singular.
    vectors : Tensor ``(3, pair)``

    Returns
    -------
    solutions : Tensor ``(3, pair)``
    determinants : Tensor ``(pair,)``
        :math:`\det M`.

    Notes
    -----
    ``torch.linalg.solve`` takes several times as long for many small matrices.
    """
    x, y, z = matrices
    adjugate = cross(y, z), cross(z, x), cross(x, y)
    determinants = dot(x, adjugate[0])  # -> [pair]
    return apply(adjugate, vectors) / determinants, determinants
